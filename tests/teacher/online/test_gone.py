"""A model that is unknown for once, or for one prompt, ends nothing; one that is gone ends the session."""

import pytest

from tests.teacher.online.sessions import PROBLEMS, boxes, failures, lost, requests, spent, teach
from tutelage.config import BudgetConfig
from tutelage.errors import TeacherError
from tutelage.records import Usage
from tutelage.teacher.online import retry
from tutelage.testing import Fault, answer_key_endpoint

each = pytest.mark.parametrize(
    "fault",
    [
        Fault.http(404, "No endpoints found matching your data policy"),
        Fault.http(405, "no such method"),
        Fault.http(410, "gone"),
        Fault(302, {"location": "/login"}, b"moved"),
    ],
    ids=["404", "405", "410", "302"],
)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(retry, "_BACK_OFF", (0.01, 0.02))


@each
@pytest.mark.parametrize("concurrency", [1, 4])
def test_for_once_it_passes(tmp_path, fault, concurrency):
    with answer_key_endpoint(PROBLEMS, faults=lambda n, _: fault if n == 8 else None) as endpoint:
        delivered, error = teach(tmp_path, endpoint, requests(20), concurrency=concurrency, retries=2)
        assert len(endpoint.log) == 21
    assert error is None
    assert all(feedback.verdict.correct for feedback in delivered)


@each
@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("retries", [0, 2])
def test_of_one_prompt_it_is_that_one_s_failure_at_every_start(tmp_path, fault, concurrency, retries):
    with answer_key_endpoint(PROBLEMS, faults=lambda _, body: fault if boxes(body) == 9 else None) as endpoint:
        for _ in range(3):
            delivered, error = teach(tmp_path, endpoint, requests(12), concurrency=concurrency, retries=retries)
            assert error is None
            assert sorted(str(feedback.failure) for feedback in delivered) == ["None"] * 11 + ["server error"]
    assert lost(tmp_path) == Usage()


@each
@pytest.mark.parametrize("concurrency", [1, 4])
def test_where_it_is_gone_the_session_ends_and_nothing_is_given_up(tmp_path, fault, concurrency):
    with answer_key_endpoint(PROBLEMS, faults=lambda n, _: fault if 5 <= n < stands else None) as endpoint:
        stands = 10**6
        for _ in range(2):
            delivered, error = teach(tmp_path, endpoint, requests(20), concurrency=concurrency, retries=2)
            assert isinstance(error, TeacherError)
            assert "answers others" not in str(error)
            assert len(delivered) == 5
            assert all(feedback.verdict.correct for feedback in delivered)
        assert set(failures(tmp_path)) == {"rejected request"}
        stands = 0
        delivered, error = teach(tmp_path, endpoint, requests(20), concurrency=concurrency, retries=2)
    assert error is None
    assert len(delivered) == 20


@each
def test_before_any_answer_it_is_said_at_once(tmp_path, fault):
    with answer_key_endpoint(PROBLEMS, faults=lambda *_: fault) as endpoint:
        delivered, error = teach(tmp_path, endpoint, requests(20), concurrency=1, retries=5)
        assert len(endpoint.log) == 1
    assert delivered == []
    assert isinstance(error, TeacherError)
    assert failures(tmp_path) == {"rejected request": 1}


def test_asking_whether_others_are_answered_passes_no_cap(tmp_path):
    fault = Fault.http(404, "no")
    with answer_key_endpoint(PROBLEMS, faults=lambda _, body: fault if boxes(body) > 4 else None) as endpoint:
        teach(tmp_path, endpoint, requests(40), concurrency=2, budget=BudgetConfig(requests=8))
        charged = [seen for seen in endpoint.log if seen.prompt_tokens]
    assert len(charged) == spent(tmp_path).requests <= 8
