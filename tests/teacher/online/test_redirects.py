"""Prompts, the key and money go where `base_url` says and nowhere else: a redirect is refused, and says what to set."""

import pytest

from tests.teacher.batch.sessions import Sessions
from tests.teacher.batch.sessions import requests as lines
from tests.teacher.online.sessions import KEY, PROBLEMS, failures, requests, spent, teach
from tutelage.errors import TeacherError
from tutelage.testing import Fault, TeacherEndpoint, answer_key_endpoint


def redirect(status, location):
    return Fault(status, {"location": location} if location else {}, b"moved")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("place", ["another", "the same"])
def test_it_is_not_followed(tmp_path, status, place):
    with answer_key_endpoint(PROBLEMS) as other:
        target = other.base_url + "/chat/completions" if place == "another" else "/v2/chat/completions"
        with TeacherEndpoint({}, faults=lambda *_: redirect(status, target)) as endpoint:
            delivered, error = teach(tmp_path, endpoint, requests(3), concurrency=1, retries=5)
            base = other.base_url if place == "another" else endpoint.base_url.replace("/v1", "/v2")
        assert (other.log, len(endpoint.log), delivered) == ([], 1, [])
    assert isinstance(error, TeacherError)
    assert str(error) == (
        f"the endpoint {endpoint.base_url} redirects ({status}) to {base}/chat/completions; redirects are not "
        f"followed: if you trust that place, set teacher.base_url to {base}"
    )
    assert failures(tmp_path) == {"rejected request": 1}
    assert spent(tmp_path).requests == 0


@pytest.mark.parametrize(
    "location",
    [
        None,
        "http://[::1",
        f"http://h/{KEY}",
        "http://user:pass-word@h/v1",
        "javascript:alert(1)",
        "x" * 5000,
        "//h:abc/",
        "?q",
    ],
)
def test_wherever_it_points_it_is_one_line(tmp_path, location):
    with TeacherEndpoint({}, faults=lambda *_: redirect(307, location)) as endpoint:
        _, error = teach(tmp_path, endpoint, requests(1))
    assert "redirects are not followed" in str(error)
    assert KEY not in str(error)
    assert "pass-word" not in str(error)
    assert len(str(error)) < 1000


@pytest.mark.parametrize("call", ["POST /v1/files", "POST /v1/batches", "GET /v1/batches/*", "GET /v1/files/*/content"])
def test_nor_by_the_batch_api(tmp_path, call):
    with answer_key_endpoint(PROBLEMS) as other:
        fault = redirect(307, other.base_url + "/elsewhere")
        with TeacherEndpoint(other.reply, batch_faults={call: [fault]}) as endpoint:
            delivered, error = Sessions(tmp_path).hold(endpoint, lines(2), retries=2)
        assert list(other.batch_calls) == []
    assert delivered == []
    assert f"to {other.base_url}/elsewhere; redirects are not followed" in str(error)
