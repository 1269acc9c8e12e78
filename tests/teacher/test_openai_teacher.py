import asyncio
import json
import re
import threading
import time
from collections import Counter

import pytest

from tests.teacher.grading import grade
from tutelage.config import BudgetConfig, PriceConfig, TeacherConfig
from tutelage.errors import BudgetSpent, ConfigError, RunError, TeacherError
from tutelage.records import FeedbackRequest, Problem, Usage, state_answer
from tutelage.teacher.budget import most_for
from tutelage.teacher.openai_teacher import OpenAITeacher
from tutelage.teacher.ledger import Ledger
from tutelage.testing import Fault, TeacherEndpoint, answer_key_endpoint

KEY = "sk-test-0123456789"
PROBLEMS = [
    Problem.of(f"Tom has {n} boxes of 4 pens. How many pens?", str(4 * n), equation=f"{n} * 4") for n in range(2, 42)
]


def requests(count=40):
    return [FeedbackRequest(problem) for problem in PROBLEMS[:count]]


@pytest.fixture
def lesson(tmp_path):
    """Hold one lesson; returns what was delivered and the exception that ended it, if one did."""

    def hold(endpoint, asked, *, run_id="run-a", environ=None, **settings):
        url = endpoint if isinstance(endpoint, str) else endpoint.base_url
        config = TeacherConfig(kind="openai", base_url=url, model="m", **{"retries": 0, **settings})
        ledger = tmp_path / "ledger.sqlite"
        environ = environ if environ is not None else {"OPENAI_API_KEY": KEY}
        delivered = []

        def deliver(feedback):
            with Ledger(ledger) as written:  # on disk before it is used
                assert all(written.find(key, run_id) for key in feedback.keys)
            delivered.append(feedback)

        teacher = OpenAITeacher(config, kind="number", grade=grade, ledger=ledger, run_id=run_id, environ=environ)
        try:
            teacher.teach(asked, deliver)
        except TeacherError as error:
            return delivered, error
        return delivered, None

    return hold


def test_teaches(lesson):
    with answer_key_endpoint(PROBLEMS, faults=lambda *_: Fault.slow(0.01)) as endpoint:
        delivered, error = lesson(endpoint, iter(requests()), concurrency=4)
    assert error is None
    assert {feedback.problem_id for feedback in delivered} == {problem.id for problem in PROBLEMS}
    assert all(feedback.verdict.correct for feedback in delivered)
    assert delivered[0].usage.prompt_tokens > 50
    assert len(endpoint.requests) == len(PROBLEMS)
    assert 1 < endpoint.most_at_once <= 4


def test_sends_what_was_configured(lesson):
    with answer_key_endpoint(PROBLEMS, key=KEY) as endpoint:
        lesson(endpoint, requests(1), temperature=0.25, max_tokens=77)
    [body] = endpoint.requests
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("m", 0.25, 77)


def test_the_mistake_is_in_view(lesson):
    with answer_key_endpoint(PROBLEMS) as endpoint:
        [feedback], _ = lesson(endpoint, [FeedbackRequest(PROBLEMS[0], "2 + 4 = 6. The answer is 6.", 3)])
    assert (feedback.mistake, feedback.sample) == ("2 + 4 = 6. The answer is 6.", 3)
    assert "2 + 4 = 6" in endpoint.requests[0]["messages"][1]["content"]


def test_reads_the_iterable_as_needed(lesson):
    taken = []

    def endless():
        for number, problem in enumerate(PROBLEMS):
            taken.append(number)
            yield FeedbackRequest(problem)

    with answer_key_endpoint(PROBLEMS) as endpoint:
        _, error = lesson(endpoint, endless(), concurrency=2, budget=BudgetConfig(requests=3))
        assert isinstance(error, BudgetSpent)
        assert len(endpoint.requests) == 3
    taken.clear()
    with TeacherEndpoint(lambda _: "", faults=lambda *_: Fault.http(401)) as endpoint:
        lesson(endpoint, endless(), run_id="new", concurrency=2, temperature=0.1)
        assert len(taken) <= 4


def test_a_reply_is_never_paid_for_twice(lesson):
    with answer_key_endpoint(PROBLEMS) as endpoint:
        first, _ = lesson(endpoint, requests(10))
        again, _ = lesson(endpoint, requests(10))
        other, _ = lesson(endpoint, requests(10), run_id="run-b")
        assert len(endpoint.requests) == 10
    by_id = {feedback.problem_id: feedback for feedback in first}
    assert all(by_id[feedback.problem_id] == feedback for feedback in again)  # its own, bought before: it still counts
    assert all(feedback.text == by_id[feedback.problem_id].text for feedback in other)
    assert {feedback.usage for feedback in other} == {Usage()}


@pytest.mark.parametrize("change", [{"temperature": 0.1}, {"max_tokens": 99}, {"model": "n"}])
def test_what_shapes_the_reply_is_part_of_the_key(lesson, change, tmp_path):
    with answer_key_endpoint(PROBLEMS) as endpoint:
        lesson(endpoint, requests(1))
        config = TeacherConfig(**({"kind": "openai", "base_url": endpoint.base_url, "model": "m"} | change))
        teacher = OpenAITeacher(config, kind="number", grade=grade, ledger=tmp_path / "ledger.sqlite", run_id="run-a")
        teacher.teach(requests(1), lambda _: None)
        teacher.teach([FeedbackRequest(PROBLEMS[0], None, 1)], lambda _: None)
        assert len(endpoint.requests) == 3


def test_a_rejected_reply_is_asked_for_once_more_with_the_hint(lesson):
    def reply(body):
        prompt = body["messages"][1]["content"]
        return (
            state_answer("2 × 4 = 8 pens.", "8")
            if "The correct answer is 8." in prompt
            else "2 + 4 = 6. The answer is 6."
        )

    with TeacherEndpoint(reply) as endpoint:
        [feedback], _ = lesson(endpoint, requests(1))
    assert feedback.verdict.correct
    assert (feedback.usage.requests, len(feedback.keys)) == (2, 2)
    assert "6 is not 8" in endpoint.requests[1]["messages"][1]["content"]


@pytest.mark.parametrize(
    ("fault", "reply", "reason"),
    [
        (Fault.length(), "2 × 4 = 8.\nThe answer is 8.", "cut at the limit of 512 tokens"),
        (Fault.content_filter(), "x", "refused by the endpoint's content policy"),
        (None, "", "the reply is empty"),
        (None, "I cannot say.", "the teacher declined: no answer is stated"),
        (None, "2 + 4 = 6.\nThe answer is 6.", "wrong answer: 6 is not 8"),
        (None, "The answer is 8.", "the reply states the answer without a step of reasoning"),
    ],
)
def test_what_stays_unusable_is_rejected_with_the_reason(lesson, fault, reply, reason):
    with TeacherEndpoint(lambda _: reply, faults=lambda *_: fault) as endpoint:
        [feedback], error = lesson(endpoint, requests(1))
        assert len(endpoint.requests) == 2
    assert (error, feedback.verdict.correct, feedback.verdict.reason) == (None, False, reason)
    assert feedback.usage.requests == 2


@pytest.mark.parametrize("cap", [0, 1, 7, 39])
def test_a_cap_on_requests_is_used_up_and_never_passed(lesson, cap):
    with answer_key_endpoint(PROBLEMS, faults=lambda number, _: Fault.slow(0.002 * (number % 3))) as endpoint:
        delivered, error = lesson(endpoint, requests(), budget=BudgetConfig(requests=cap))
        assert isinstance(error, BudgetSpent)
        assert f"{cap} of {cap} requests" in str(error)
        assert len(endpoint.requests) == len(delivered) == cap
        again, error = lesson(endpoint, requests(), budget=BudgetConfig(requests=cap))
        assert isinstance(error, BudgetSpent)
        assert len(endpoint.requests) == len(again) == cap
        more, error = lesson(endpoint, requests(), budget=BudgetConfig(requests=len(PROBLEMS)))
        assert (error, len(more), len(endpoint.requests)) == (None, len(PROBLEMS), len(PROBLEMS))


@pytest.mark.parametrize("usage", [True, False])
@pytest.mark.parametrize("caps", [{"tokens": 6_000}, {"usd": 0.009}], ids=["tokens", "usd"])
def test_caps_on_tokens_and_dollars_are_never_passed(lesson, tmp_path, caps, usage):
    price = PriceConfig(prompt=1.0, completion=4.0)
    fault = None if usage else Fault.missing_usage()
    with answer_key_endpoint(PROBLEMS, faults=lambda *_: fault) as endpoint:
        delivered, error = lesson(endpoint, requests(), budget=BudgetConfig(**caps), price=price)
        assert isinstance(error, BudgetSpent)
        with Ledger(tmp_path / "ledger.sqlite") as ledger:
            spent = ledger.spent("run-a")
        assert spent == sum((feedback.usage for feedback in delivered), Usage())
        assert spent.requests == len(endpoint.requests) >= 2
        assert spent.prompt_tokens + spent.completion_tokens <= caps.get("tokens", 10**9)
        assert spent.cost_usd <= caps.get("usd", 1.0)


def test_the_estimate_bounds_what_was_charged(lesson):
    config = TeacherConfig(kind="openai", model="m", max_tokens=512)
    with TeacherEndpoint(lambda _: "2 + 4 = 6. The answer is 6.") as endpoint:
        delivered, _ = lesson(endpoint, requests(5))
    for feedback, request in zip(sorted(delivered, key=str), sorted(requests(5), key=str), strict=True):
        most = most_for(request, config, "number")
        assert 0 < feedback.usage.prompt_tokens <= most.prompt_tokens
        assert 0 < feedback.usage.completion_tokens <= most.completion_tokens


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault.http(401, f"Incorrect API key provided: {KEY}"), r"refused the key \(401\); check \$OPENAI_API_KEY"),
        (Fault.http(403), r"refused the key \(403\); check \$OPENAI_API_KEY"),
        (
            Fault.http(404, "no model m"),
            r"does not know the model 'm' or the address \(404\): no model m; check teacher.model",
        ),
        (Fault.http(400, f"bad {KEY} temperature"), r"rejected the request \(400\): bad \[key\] temperature; check"),
        (
            Fault.http(429, "You exceeded", code="insufficient_quota"),
            r"no quota left \(429\): You exceeded; add credit",
        ),
        (
            Fault.http(500, "boom"),
            r"keeps failing: 3 of the last 3 requests failed: .*the last: the endpoint failed \(500\): boom\); check that it is up",
        ),
        (
            Fault.html(502),
            r"keeps failing: 3 of the last 3 requests failed: .*the last: the endpoint failed \(502\): Welcome It works",
        ),
        (
            Fault.http(429, "slow down"),
            r"keeps failing: 3 of the last 3 requests failed: .*the last: the endpoint failed \(429\): slow down",
        ),
        (Fault.html(), r"keeps failing: 3 of the last 3 requests failed: .*the last: the reply is HTML"),
        (Fault.empty(), r"keeps failing: 3 of the last 3 requests failed: .*the last: the reply has an empty body"),
        (
            Fault.garbage(),
            r"keeps failing: 3 of the last 3 requests failed: .*the last: the reply is no chat completion",
        ),
        (
            Fault.missing_choices(),
            r"keeps failing: 3 of the last 3 requests failed: .*the last: the reply is no chat completion: choices is wrong or missing",
        ),
        (
            Fault.reset(),
            r"keeps failing: 3 of the last 3 requests failed: 3 broken reply .the last: the connection to http",
        ),
    ],
)
def test_an_endpoint_that_only_fails_ends_the_lesson(lesson, fault, message):
    with answer_key_endpoint(PROBLEMS, faults=lambda *_: fault) as endpoint:
        delivered, error = lesson(endpoint, requests(12), concurrency=2)
        assert len(endpoint.requests) <= 5
    assert delivered == []
    assert isinstance(error, TeacherError)
    assert error.exit_code == 3
    assert re.search(message, str(error)), error
    assert KEY not in str(error)


def test_a_single_request_that_fails_is_owed_too(lesson):
    with answer_key_endpoint(PROBLEMS, faults=[Fault.http(500)]) as endpoint:
        delivered, error = lesson(endpoint, requests(1))
    assert delivered == []
    assert "keeps failing: the endpoint failed (500)" in str(error)


@pytest.mark.parametrize(
    "fault",
    [
        Fault.http(500),
        Fault.http(429),
        Fault.html(),
        Fault.empty(),
        Fault.garbage(),
        Fault.missing_choices(),
        Fault.reset(),
    ],
)
def test_a_passing_fault_costs_one_feedback_only(lesson, fault):
    with answer_key_endpoint(PROBLEMS, faults=[None, fault, fault]) as endpoint:
        delivered, error = lesson(endpoint, requests(8), concurrency=1)
    assert error is None
    assert [feedback.verdict.correct for feedback in delivered].count(False) == 2
    assert len(delivered) == 8
    assert {feedback.usage for feedback in delivered if not feedback.verdict.correct} == {Usage()}
    assert all(
        feedback.verdict.reason.startswith("no reply: ") for feedback in delivered if not feedback.verdict.correct
    )


def test_what_failed_when_the_lesson_ended_is_owed_again(lesson):
    down = [None] * 5 + [Fault.http(503, "down")] * 10
    with answer_key_endpoint(PROBLEMS, faults=down) as endpoint:
        delivered, error = lesson(endpoint, requests(), concurrency=1)
        assert len(delivered) == 5
        assert "keeps failing: the endpoint failed (503): down" in str(error)
        delivered, error = lesson(endpoint, requests(), concurrency=1)
        assert (error, len(delivered)) == (None, len(PROBLEMS))
        assert all(feedback.verdict.correct for feedback in delivered)


def test_the_client_library_retries(lesson):
    with answer_key_endpoint(PROBLEMS, faults=[Fault.http(429, retry_after="0.01"), Fault.http(500)]) as endpoint:
        [feedback], error = lesson(endpoint, requests(1), retries=2)
        assert len(endpoint.requests) == 3
    assert error is None
    assert feedback.usage.requests == 1


def test_a_late_reply_is_a_failure(lesson):
    with answer_key_endpoint(PROBLEMS, faults=[None, Fault.slow(2.0)]) as endpoint:
        delivered, error = lesson(endpoint, requests(3), timeout=0.3, concurrency=1)
    assert error is None
    assert [feedback.verdict.reason for feedback in delivered][1] == "no reply: no reply within 0.3 s (teacher.timeout)"


def test_an_endpoint_that_is_not_there(lesson):
    with answer_key_endpoint(PROBLEMS) as endpoint:
        gone = endpoint.base_url
    delivered, error = lesson(gone, requests(), concurrency=2)
    assert delivered == []
    assert f"{gone} keeps failing: cannot reach {gone}" in str(error)
    assert "check that it is up and teacher.base_url is right" in str(error)


def test_replies_in_flight_are_kept_when_the_lesson_must_end(lesson):
    faults = [None, Fault.slow(0.3), Fault.http(401)]
    with answer_key_endpoint(PROBLEMS, faults=faults) as endpoint:
        delivered, error = lesson(endpoint, requests(), concurrency=3)
    assert isinstance(error, TeacherError)
    assert len(delivered) >= 2


def test_a_policy_refusal_by_status_is_of_one_request(lesson):
    refusal = Fault.http(400, "filtered", code="content_filter")
    with answer_key_endpoint(PROBLEMS, faults=[None, refusal]) as endpoint:
        delivered, error = lesson(endpoint, requests(4), concurrency=1)
    assert error is None
    assert len(delivered) == 4


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, "the environment variable OPENAI_API_KEY is not set; put the endpoint's key into it"),
        ({"OPENAI_API_KEY": "  "}, "the environment variable OPENAI_API_KEY is not set"),
        ({"OPENAI_API_KEY": "sk-é"}, "holds characters that no key has"),
    ],
)
def test_a_key_is_needed_beyond_loopback(lesson, environ, message):
    with pytest.raises(TeacherError, match=message):
        lesson("https://api.example.com/v1", requests(1), environ=environ)


def test_on_loopback_no_key_is_needed(lesson):
    with answer_key_endpoint(PROBLEMS) as endpoint:
        delivered, error = lesson(endpoint, requests(1), environ={})
    assert (error, len(delivered)) == (None, 1)


def test_the_key_is_sent_and_kept_nowhere(lesson, tmp_path):
    with answer_key_endpoint(PROBLEMS, key=KEY) as endpoint:
        delivered, error = lesson(endpoint, requests(3), environ={"MY_KEY": KEY}, key_env="MY_KEY")
        assert (error, len(delivered)) == (None, 3)
        _, error = lesson(endpoint, requests(5), environ={"MY_KEY": "wrong"}, key_env="MY_KEY")
        assert "check $MY_KEY" in str(error)
    for path in tmp_path.iterdir():
        assert KEY.encode() not in path.read_bytes()


def test_credentials_in_the_url_stay_out_of_the_ledger(tmp_path):
    config = TeacherConfig(
        kind="openai", base_url="http://user:secret@localhost:1/v1?token=secret", model="m", retries=0
    )
    teacher = OpenAITeacher(config, kind="number", grade=grade, ledger=tmp_path / "l", run_id="r", environ={})
    with pytest.raises(TeacherError) as error:
        teacher.teach(requests(1), lambda _: None)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": None}, "teacher.model is not set"),
        ({"base_url": "localhost:8000"}, "write a URL such as http://localhost:8000/v1"),
        ({"budget": BudgetConfig(usd=1.0)}, "teacher.price is not set"),
    ],
)
def test_a_contradictory_configuration_is_refused_at_once(tmp_path, settings, message):
    config = TeacherConfig(**({"kind": "openai", "base_url": "http://localhost:1/v1", "model": "m"} | settings))
    with pytest.raises(ConfigError, match=message):
        OpenAITeacher(config, kind="number", grade=grade, ledger=tmp_path / "l", run_id="r", environ={})


def test_a_broken_ledger_is_refused_at_once(tmp_path):
    (tmp_path / "l").write_text("not a ledger" * 100)
    config = TeacherConfig(kind="openai", base_url="http://localhost:1/v1", model="m")
    with pytest.raises(RunError, match="is broken or no SQLite file"):
        OpenAITeacher(config, kind="number", grade=grade, ledger=tmp_path / "l", run_id="r", environ={})


def test_what_deliver_raises_comes_through(tmp_path):
    config = TeacherConfig(kind="openai", model="m")

    def deliver(_):
        raise RunError("the disk is full")

    with answer_key_endpoint(PROBLEMS) as endpoint:
        config = TeacherConfig(kind="openai", model="m", base_url=endpoint.base_url)
        teacher = OpenAITeacher(config, kind="number", grade=grade, ledger=tmp_path / "l", run_id="r", environ={})
        with pytest.raises(RunError, match="the disk is full"):
            teacher.teach(requests(), deliver)


def test_works_where_a_loop_is_running_as_in_a_notebook(lesson):
    async def cell(endpoint):
        return lesson(endpoint, requests(3))

    with answer_key_endpoint(PROBLEMS) as endpoint:
        delivered, error = asyncio.run(cell(endpoint))
    assert (error, len(delivered)) == (None, 3)


def test_strange_text_is_stored(lesson):
    with TeacherEndpoint(lambda _: "2 × 4 = 8\x00 é 𝄞.\nThe answer is 8.") as endpoint:
        [feedback], _ = lesson(endpoint, requests(1))
    assert feedback.text == "2 × 4 = 8 é 𝄞.\nThe answer is 8."


def test_concurrency_speeds_it_up(lesson):
    with answer_key_endpoint(PROBLEMS, faults=lambda *_: Fault.slow(0.05)) as endpoint:
        start = time.perf_counter()
        lesson(endpoint, requests(32), concurrency=16)
        assert time.perf_counter() - start < 32 * 0.05
        assert Counter(json.dumps(body) for body in endpoint.requests).most_common(1)[0][1] == 1
    assert threading.active_count() < 50
