"""What a status and an endpoint's words mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.config import TeacherConfig
from tutelage.teacher.online.failures import Refused, RequestFailed
from tutelage.teacher.online.status import LONGEST_WAIT, explain_status

CONFIG = TeacherConfig(kind="openai", model="m")


def explain(status, code="", text="said", wait=None):
    return explain_status(status, code, text, wait, "http://e/v1", CONFIG)


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (401, "", "authentication"),
        (403, "", "authentication"),
        (402, "", "quota"),
        (429, "insufficient_quota", "quota"),
        (400, "", "rejected request"),
        (404, "model_not_found", "rejected request"),
        (405, "", "rejected request"),
        (422, "", "rejected request"),
        (304, "", "rejected request"),
    ],
)
def test_what_is_refused_for_good(status, code, reason):
    refusal = explain(status, code)
    assert isinstance(refusal, Refused)
    assert refusal.reason == reason
    assert f"({status})" in str(refusal)
    assert "; " in str(refusal)


@pytest.mark.parametrize(
    ("status", "reason"),
    [(429, "rate limit"), *((status, "server error") for status in (408, 409, 425, 500, 503, 529))],
)
def test_what_may_pass(status, reason):
    failure = explain(status, wait=3.0)
    assert isinstance(failure, RequestFailed)
    assert (failure.reason, failure.wait, failure.charged) == (reason, 3.0, status == 408)
    assert str(failure) == f"the endpoint failed ({status}): said"


@pytest.mark.parametrize("status", [400, 403, 429, 500])
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("content_filter", "refused by policy"),
        ("content_policy_violation", "refused by policy"),
        ("context_length_exceeded", "rejected request"),
    ],
)
def test_what_concerns_one_request_only(status, code, reason):
    failure = explain(status, code)
    assert isinstance(failure, RequestFailed)
    assert failure.reason == reason


@pytest.mark.parametrize("status", [429, 503])
def test_who_wants_to_be_left_alone_for_too_long(status):
    assert isinstance(explain(status, wait=LONGEST_WAIT), RequestFailed)
    refusal = explain(status, wait=LONGEST_WAIT + 1)
    assert isinstance(refusal, Refused)
    assert "http://e/v1 wants to be left alone for 15 min" in str(refusal)


@given(st.integers(300, 599), st.text(), st.text(), st.none() | st.floats(0))
def test_whatever_the_status_it_is_explained(status, code, text, wait):
    assert str(status) in str(explain(status, code, text, wait))
