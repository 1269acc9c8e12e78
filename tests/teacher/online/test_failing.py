"""Requests that fail: what a fault among good replies costs, what it is called, and when a session is given up."""

import json
import re
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from tests.teacher.online.sessions import PROBLEMS, boxes, failures, lost, requests, spent, teach
from tests.work import given_time
from tutelage.errors import TeacherError
from tutelage.records import Usage
from tutelage.teacher.online import retry
from tutelage.testing import Fault, TeacherEndpoint, answer_key_endpoint

PLENTY_LEFT = {"x-ratelimit-reset-requests": "23h59m", "x-ratelimit-remaining-requests": "900"}
FAULTS = {
    "429": (Fault.rate_limited(), "rate limit"),
    "429-ms": (Fault.rate_limited(0.05, "ms"), "rate limit"),
    "429-reset": (Fault.rate_limited(0.05, "reset"), "rate limit"),
    "429-seconds": (Fault.rate_limited(1), "rate limit"),
    "429-date": (Fault.rate_limited(1, "date"), "rate limit"),
    "429-plenty-left": (Fault(429, PLENTY_LEFT, Fault.http(429, "too many at once").body), "rate limit"),
    "429-half-body": (replace(Fault.http(429, "too many at once"), cut=True), "rate limit"),
    "200-no-upstream": (Fault(body=b'{"error": "Load balancer: no healthy upstream"}'), "server error"),
    "200-capacity": (Fault(body=b'{"message": "Insufficient capacity, please try later"}'), "server error"),
    "200-canceled": (Fault(body=b'{"error": {"message": "context canceled"}}'), "server error"),
    "400-deadline": (Fault.http(400, "context deadline exceeded"), "server error"),
    "408": (Fault.http(408), "server error"),
    "500": (Fault.http(500, "boom"), "server error"),
    "502-html": (Fault.html(502), "server error"),
    "503": (Fault.http(503, retry_after="0"), "server error"),
    "reset": (Fault.reset(), "broken reply"),
    "half-body": (Fault.half_body(), "broken reply"),
    "html": (Fault.html(), "broken reply"),
    "empty": (Fault.empty(), "broken reply"),
    "garbage": (Fault.garbage(), "broken reply"),
    "wrong-json": (Fault.wrong_json(), "broken reply"),
    "empty-choices": (Fault.empty_choices(), "broken reply"),
    "missing-choices": (Fault.missing_choices(), "broken reply"),
    "repeat": (Fault.repeat(), "broken reply"),
}
LATE = {"slow": Fault.slow, "slow-body": Fault.slow_body}  # in drops, so that no single pause is too long
CHARGED = {"broken reply", "time-out"}
GATEWAY = {"408", "502-html"}
"""Here the work may have been done and charged by the time that somebody on the way gave up."""
each_fault = pytest.mark.parametrize("name", [*FAULTS, *LATE])


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(retry, "_BACK_OFF", (0.01, 0.05))


def faulty(name, passes):
    """Hand `passes` a fault, the reason it goes by, and how long a reply is waited for: long, where none is late."""
    if name in FAULTS:
        passes(*FAULTS[name], 60.0)
    else:
        given_time(lambda seconds: passes(LATE[name](8 * seconds), "time-out", seconds), 0.5)


@each_fault
def test_a_fault_that_passes_costs_a_try_and_nothing_else(tmp_path_factory, name):
    def passes(fault, reason, patience):
        folder = tmp_path_factory.mktemp("session")
        with answer_key_endpoint(PROBLEMS, faults=[None, None, fault]) as endpoint:
            delivered, error = teach(folder, endpoint, requests(6), retries=2, concurrency=1, timeout=patience)
            assert (error, len(endpoint.requests)) == (None, 7)
        assert [feedback.verdict.correct for feedback in delivered] == [True] * 6
        assert all(feedback.usage.requests == 1 for feedback in delivered)
        assert lost(folder).requests == (reason in CHARGED or name in GATEWAY)
        assert spent(folder) == sum((feedback.usage for feedback in delivered), lost(folder))
        assert failures(folder) == {}

    faulty(name, passes)


@each_fault
def test_without_tries_it_is_one_feedback_with_the_reason(tmp_path_factory, name):
    def passes(fault, reason, patience):
        folder = tmp_path_factory.mktemp("session")
        with answer_key_endpoint(PROBLEMS, faults=[None, None, fault]) as endpoint:
            delivered, error = teach(folder, endpoint, requests(5), concurrency=1, timeout=patience)
            assert (error, len(endpoint.requests)) == (None, 5)
        failed = delivered[2]
        assert [feedback.failure for feedback in delivered] == [None, None, reason, None, None]
        assert (failed.usage, failed.keys, failed.verdict.correct) == (Usage(), (), False)
        assert failed.verdict.reason.startswith("no reply: ")
        assert failures(folder) == {reason: 1}

    faulty(name, passes)


def test_a_response_sent_twice_answers_no_other_question(tmp_path):
    """The surplus one is read as the answer to the next request, whose own would then be taken for that to a third."""
    with answer_key_endpoint(PROBLEMS, faults=[None, Fault.twice()], latency=0.1) as endpoint:
        delivered, error = teach(tmp_path, endpoint, requests(6), retries=2, concurrency=1)
        assert (error, len(endpoint.requests)) == (None, 7)
    assert [feedback.problem_id for feedback in delivered] == [problem.id for problem in PROBLEMS[:6]]
    assert all(feedback.verdict.correct and feedback.usage.requests == 1 for feedback in delivered)
    assert (spent(tmp_path).requests, lost(tmp_path).requests) == (7, 1)


@pytest.mark.parametrize(
    ("fault", "reply", "failure", "reason"),
    [
        (Fault.length(), "2 × 4 = 8.\nThe answer is 8.", "cut at the length limit", "cut at the limit of 512 tokens"),
        (Fault.content_filter(), "x", "refused by policy", "refused by the endpoint's content policy"),
        (None, "I cannot help.", "refused by policy", "the teacher declined: 'I cannot help.'"),
        (None, "", "empty", "the reply is empty"),
        (None, "Pens are blue.", "unparsable", "the reply cannot be parsed: no answer is stated"),
        (None, "2 + 4 = 6.\nThe answer is 6.", "wrong answer", "wrong answer: 6 is not 8"),
        (None, "The answer is 8.", "answer leaked without reasoning", "states the answer without a step"),
        (None, "There are 2 × 4 = 9 pens.\nThe answer is 8.", "false calculation", "'?2 × 4 = 9'? is false"),
    ],
)
def test_what_stays_unusable_is_rejected_with_the_reason(tmp_path, fault, reply, failure, reason):
    with TeacherEndpoint(lambda _: reply, faults=lambda *_: fault) as endpoint:
        [feedback], error = teach(tmp_path, endpoint, requests(1), retries=2)
        assert (error, len(endpoint.requests)) == (None, 2)  # the second time with the reason and the hint
    assert (feedback.verdict.correct, feedback.failure) == (False, failure)
    assert re.search(reason, feedback.verdict.reason)
    assert feedback.usage == spent(tmp_path)
    assert failures(tmp_path) == {failure: 1}


@pytest.mark.parametrize("fault", [Fault.length(), Fault.content_filter()], ids=["length", "content_filter"])
def test_what_is_unusable_once_costs_one_request_more(tmp_path, fault):
    with answer_key_endpoint(PROBLEMS, faults=[None, fault]) as endpoint:
        delivered, error = teach(tmp_path, endpoint, requests(4), concurrency=1)
    assert error is None
    assert [(feedback.verdict.correct, feedback.usage.requests) for feedback in delivered] == [
        (True, 1),
        (True, 2),
        (True, 1),
        (True, 1),
    ]
    assert spent(tmp_path).requests == 5


@pytest.mark.parametrize("code", ["content_filter", "context_length_exceeded"])
def test_a_refusal_that_concerns_one_request_only_does_not_end_the_session(tmp_path, code):
    with answer_key_endpoint(PROBLEMS, faults=[None, Fault.http(400, "no", code=code)]) as endpoint:
        delivered, error = teach(tmp_path, endpoint, requests(4), concurrency=1, retries=3)
        assert (error, len(endpoint.requests)) == (None, 4)
    reason = "refused by policy" if code == "content_filter" else "rejected request"
    assert [feedback.failure for feedback in delivered] == [None, reason, None, None]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault.http(500, "boom"), r"3 server error \(the last: the endpoint failed \(500\): boom\); check that it is"),
        (Fault.html(502), r"3 server error \(the last: the endpoint failed \(502\): Welcome It works"),
        (Fault.rate_limited(), r"3 rate limit \(the last: .*; set teacher.requests_per_minute"),
        (Fault.html(), r"3 broken reply \(the last: the reply is HTML"),
        (Fault.empty(), r"3 broken reply \(the last: the reply has an empty body"),
        (Fault.garbage(), r"3 broken reply \(the last: the reply is no chat completion"),
        (Fault.empty_choices(), r"3 broken reply \(the last: the reply is no chat completion: choices is wrong"),
        (Fault.reset(), r"3 broken reply \(the last: the connection to http://127"),
    ],
)
def test_an_endpoint_that_has_never_answered_is_given_up_after_three(tmp_path, fault, message):
    with answer_key_endpoint(PROBLEMS, faults=lambda *_: fault) as endpoint:
        delivered, error = teach(tmp_path, endpoint, requests(), concurrency=1, retries=1)
        assert len(endpoint.requests) == 6
    assert (len(delivered), error.exit_code) == (3, 3)
    assert re.search(f"keeps failing: 3 of the last 3 requests failed: {message}", str(error)), error


@pytest.mark.parametrize("concurrency", [1, 4])
def test_three_that_always_fail_end_no_session_where_earlier_ones_were_answered(tmp_path, concurrency):
    """A later round, or the next start, may begin with those: an earlier question is asked once more to tell."""
    bad = {boxes({"messages": [{}, {"content": problem.text}]}) for problem in PROBLEMS[:4]}
    with answer_key_endpoint(
        PROBLEMS, faults=lambda _, body: Fault.http(500) if boxes(body) in bad else None
    ) as endpoint:
        first, error = teach(tmp_path, endpoint, requests()[4:10], concurrency=concurrency)
        assert (len(first), error) == (6, None)
        again, error = teach(tmp_path, endpoint, requests()[:10], concurrency=concurrency)
        assert error is None
        assert sum(feedback.failure is None for feedback in again) == 6
        assert spent(tmp_path).requests <= 6 + 1


def test_an_endpoint_that_answers_no_more_is_given_up_after_three_all_the_same(tmp_path):
    with answer_key_endpoint(PROBLEMS) as endpoint:
        teach(tmp_path, endpoint, requests(2))
        port = urlsplit(endpoint.base_url).port
    with answer_key_endpoint(PROBLEMS, faults=lambda *_: Fault.http(500), port=port) as gone:
        delivered, error = teach(tmp_path, gone, requests()[2:], concurrency=1)
        assert len(gone.requests) == 3 + 1
    assert len(delivered) == 3
    assert "keeps failing: 3 of the last 3 requests failed" in str(error)


def test_a_single_request_that_fails_ends_nothing(tmp_path):
    with answer_key_endpoint(PROBLEMS, faults=[Fault.http(500, "boom")]) as endpoint:
        [feedback], error = teach(tmp_path, endpoint, requests(1))
    assert feedback.failure == "server error"
    assert error is None  # it may be the last that a run owes, and the run goes on without it


def test_an_endpoint_that_is_not_there(tmp_path):
    with answer_key_endpoint(PROBLEMS) as endpoint:
        gone = endpoint.base_url
    delivered, error = teach(tmp_path, gone, requests(), concurrency=2)
    assert {feedback.failure for feedback in delivered} == {"unreachable"}
    assert f"{gone} keeps failing: " in str(error)
    assert f"cannot reach {gone}" in str(error)
    assert "check that it is up and teacher.base_url is right" in str(error)
    assert spent(tmp_path) == Usage()


def test_more_than_half_of_the_last_fifty_failed(tmp_path):
    def fault(number, _):
        return None if number < 40 else Fault.http(500, "down") if number % 2 else Fault.empty()

    with answer_key_endpoint(PROBLEMS, faults=fault) as endpoint:
        delivered, error = teach(tmp_path, endpoint, requests(80), concurrency=1)
    assert isinstance(error, TeacherError)
    assert [feedback.failure for feedback in delivered[:40]] == [None] * 40
    assert len(delivered) == 40 + 26
    assert "26 of the last 50 requests failed: 13 broken reply, 13 server error (the last: " in str(error)
    assert failures(tmp_path) == {"broken reply": 13, "server error": 13}


def test_half_of_them_is_not_too_many(tmp_path):
    with answer_key_endpoint(PROBLEMS, faults=lambda number, _: Fault.http(500) if number % 2 else None) as endpoint:
        delivered, error = teach(tmp_path, endpoint, requests(80), concurrency=1)
    assert error is None
    assert sum(feedback.failure == "server error" for feedback in delivered) == 40


def test_a_weak_teacher_goes_on(tmp_path):
    with TeacherEndpoint(lambda _: "3 + 4 = 7 pens.\nThe answer is 7.") as endpoint:
        delivered, error = teach(tmp_path, endpoint, requests(60), concurrency=8)
    assert (error, len(delivered)) == (None, 60)
    assert failures(tmp_path) == {"wrong answer": 60}


def test_what_failed_is_owed_again(tmp_path):
    down = [None] * 5 + [Fault.http(503, "down")] * 26
    with answer_key_endpoint(PROBLEMS, faults=down) as endpoint:
        delivered, error = teach(tmp_path, endpoint, requests(), concurrency=1)
        assert (len(delivered), len(endpoint.requests)) == (31, 31)
        assert "26 of the last 31 requests failed: 26 server error" in str(error)
        delivered, error = teach(tmp_path, endpoint, requests(), concurrency=1)
        assert (error, len(delivered), len(endpoint.requests)) == (None, 40, 31 + 35)
    assert all(feedback.verdict.correct for feedback in delivered)


@pytest.mark.parametrize("events", [True, False], ids=["events", "JSON"])
def test_a_whole_reply_is_read_though_the_connection_breaks_after_it(tmp_path, events):
    text = "2 boxes of 4 pens hold 2 * 4 = 8 pens.\nThe answer is 8."
    said = {"choices": [{"delta" if events else "message": {"content": text}, "finish_reason": "stop"}]}
    body = b"data: " + json.dumps(said).encode() + b"\n\n" if events else json.dumps(said).encode()
    broken_off = Fault(body=body + b" " * len(body), cut=True)
    with answer_key_endpoint(PROBLEMS, faults=[broken_off]) as endpoint:
        [feedback], error = teach(tmp_path, endpoint, requests(1))
        assert len(endpoint.log) == 1
    assert error is None
    assert feedback.verdict.correct
    assert lost(tmp_path).requests == 0
