"""What the online teacher does when all goes well, and what it refuses before anything is asked."""

import asyncio
import re
import signal
import subprocess
import sys
import threading

import pytest

from tests.teacher.online.sessions import PROBLEMS, boxes, failures, lost, make_teacher, requests, seen_by, spent, teach
from tests.work import given_time
from tutelage.config import BudgetConfig
from tutelage.errors import ConfigError, RunError, TeacherError
from tutelage.records import FeedbackRequest, Usage, state_answer
from tutelage.teacher.online import limits
from tutelage.testing import TeacherEndpoint, answer_key_endpoint, answer_key_reply


def test_teaches(tmp_path):
    with answer_key_endpoint(PROBLEMS, latency=0.02) as endpoint:
        delivered, error = teach(tmp_path, endpoint, iter(requests()), concurrency=4)
    assert error is None
    assert {feedback.problem_id for feedback in delivered} == {problem.id for problem in PROBLEMS[:40]}
    assert all(feedback.verdict.correct and feedback.failure is None for feedback in delivered)
    assert sum((feedback.usage for feedback in delivered), Usage()) == seen_by(endpoint) == spent(tmp_path)
    assert len(endpoint.requests) == 40
    assert 1 < endpoint.most_at_once <= 4


def test_httpx_is_whole_before_a_tracker_can_begin_to_load_it(tmp_path):
    """The openai library looks into `sys.modules["httpx"]`, where a tracker's thread puts it half loaded."""
    (tmp_path / "httpx.py").write_text("class URL: ...")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import tutelage.teacher.online.client; sys.exit('httpx' not in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_sends_what_was_configured(tmp_path):
    with answer_key_endpoint(PROBLEMS) as endpoint:
        teach(tmp_path, endpoint, requests(1), temperature=0.25, max_tokens=77)
    [body] = endpoint.requests
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("m", 0.25, 77)


def test_the_mistake_is_in_view(tmp_path):
    with answer_key_endpoint(PROBLEMS) as endpoint:
        asked = FeedbackRequest(PROBLEMS[0], "2 + 4 = 6. The answer is 6.", 3)
        [feedback], _ = teach(tmp_path, endpoint, [asked])
    assert (feedback.mistake, feedback.sample) == ("2 + 4 = 6. The answer is 6.", 3)
    assert "2 + 4 = 6" in endpoint.requests[0]["messages"][1]["content"]


@pytest.mark.parametrize("batch", [False, True])
def test_explains_the_mistake(tmp_path, batch):
    asked = [FeedbackRequest(PROBLEMS[1], "3 + 4 = 7 pens.\nThe answer is 7."), FeedbackRequest(PROBLEMS[1])]
    with answer_key_endpoint(PROBLEMS) as endpoint:
        delivered, error = teach(tmp_path, endpoint, asked, explain=True, batch=batch, batch_poll=0.02)
    assert error is None
    by_mistake = {feedback.mistake: feedback for feedback in delivered}
    explained, plain = by_mistake[asked[0].mistake], by_mistake[None]
    assert explained.explanation == "3 + 4 = 7 is not the step: one must multiply here. 3 × 4 = 12."
    assert explained.verdict.correct
    assert not re.search("Mistake|Solution|not the step", explained.text)
    assert plain.explanation is None


def test_a_rejected_reply_is_asked_for_once_more_with_the_hint(tmp_path):
    def reply(body):
        hinted = "The correct answer is 8." in body["messages"][1]["content"]
        return state_answer("2 × 4 = 8 pens.", "8") if hinted else "2 + 4 = 6. The answer is 6."

    with TeacherEndpoint(reply) as endpoint:
        [feedback], _ = teach(tmp_path, endpoint, requests(1))
    assert feedback.verdict.correct
    assert (feedback.usage.requests, len(feedback.keys)) == (2, 2)
    assert "6 is not 8" in endpoint.requests[1]["messages"][1]["content"]


def test_what_is_known_is_found_again_in_another_order_and_another_run(tmp_path):
    with answer_key_endpoint(PROBLEMS) as endpoint:
        first, _ = teach(tmp_path, endpoint, requests(10))
        again, _ = teach(tmp_path, endpoint, requests(10)[::-1])
        other, _ = teach(tmp_path, endpoint, requests(12), run_id="run-b")
        assert len(endpoint.requests) == 12
    by_id = {feedback.problem_id: feedback for feedback in first}
    assert {feedback.problem_id: feedback for feedback in again} == by_id  # bought by this run: it still counts
    found = [feedback for feedback in other if feedback.problem_id in by_id]
    assert {feedback.text for feedback in found} == {feedback.text for feedback in first}
    assert {feedback.usage for feedback in found} == {Usage()}
    assert spent(tmp_path, "run-b").requests == 2


@pytest.mark.parametrize("change", [{"temperature": 0.1}, {"max_tokens": 99}, {"model": "n"}])
def test_what_shapes_the_reply_is_part_of_the_key(tmp_path, change):
    with answer_key_endpoint(PROBLEMS) as endpoint:
        teach(tmp_path, endpoint, requests(1))
        teach(tmp_path, endpoint, requests(1), **change)
        teach(tmp_path, endpoint, [FeedbackRequest(PROBLEMS[0], None, 1)], **change)
        assert len(endpoint.requests) == 3


def test_the_same_question_twice_in_one_session_is_bought_once(tmp_path):
    with answer_key_endpoint(PROBLEMS, latency=0.05) as endpoint:
        delivered, error = teach(tmp_path, endpoint, requests(5) * 3, concurrency=15)
        assert len(endpoint.requests) == 5
    assert (error, len(delivered)) == (None, 15)
    assert len(set(delivered)) == 5
    assert spent(tmp_path).requests == 5


def test_with_agreement_a_rationale_takes_more_than_half_of_the_samples(tmp_path):
    def reply(body):
        n = boxes(body)
        with lock:
            asked.append(n)
            right = n == 2 or asked.count(n) % 3 == 1  # of three boxes, one of three samples
        return f"{n} × 4 = {4 * n} pens.\nThe answer is {4 * n}." if right else "3 + 4 = 7 pens.\nThe answer is 7."

    lock, asked = threading.Lock(), []
    with TeacherEndpoint(reply) as endpoint:
        [alone], _ = teach(tmp_path, endpoint, requests(1))
        [agreed], _ = teach(tmp_path, endpoint, requests(1), self_consistency=3)
        assert asked == [2, 2, 2]  # the first was known
        [split], _ = teach(tmp_path, endpoint, [FeedbackRequest(PROBLEMS[1])], self_consistency=3)
    assert (agreed.verdict.correct, agreed.keys[0], len(agreed.keys)) == (True, alone.keys[0], 3)
    assert (split.failure, split.usage.requests) == ("samples disagree", 6)
    assert failures(tmp_path) == {"samples disagree": 1}


def test_with_agreement_no_more_is_in_flight_and_no_sample_times_out_in_a_queue(tmp_path_factory):
    """Four answers one after the other take longer than a single one may."""

    def passes(seconds):
        folder = tmp_path_factory.mktemp("session")
        with answer_key_endpoint(PROBLEMS, latency=0.3 * seconds) as endpoint:
            settings = {"self_consistency": 4, "concurrency": 2, "timeout": seconds}
            delivered, error = teach(folder, endpoint, requests(2), **settings)
            assert (len(endpoint.log), endpoint.most_at_once) == (8, 2)
        assert (error, [row.failure for row in delivered], lost(folder).requests) == (None, [None, None], 0)

    given_time(passes, 1.0)


def test_a_limit_holds_from_one_session_to_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "WINDOW", 0.8)  # seconds in which one request may be sent
    with answer_key_endpoint(PROBLEMS) as endpoint:
        teacher, delivered = make_teacher(tmp_path, endpoint, requests_per_minute=1), []
        teacher.teach(requests(1), delivered.append)
        teacher.teach(requests(2), delivered.append)
        assert len(delivered) == 3
        first, second = (seen.arrival for seen in endpoint.log)
    assert second - first > 0.7


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, "the environment variable OPENAI_API_KEY is not set; put the endpoint's key into it"),
        ({"OPENAI_API_KEY": "  "}, "the environment variable OPENAI_API_KEY is not set"),
        ({"OPENAI_API_KEY": "sk-é"}, "holds characters that no key has"),
    ],
)
def test_a_key_is_needed_beyond_loopback(tmp_path, environ, message):
    with pytest.raises(TeacherError, match=message):
        make_teacher(tmp_path, "https://api.example.com/v1", environ=environ)


def test_on_loopback_no_key_is_needed(tmp_path):
    with answer_key_endpoint(PROBLEMS) as endpoint:
        delivered, error = teach(tmp_path, endpoint, requests(1), environ={})
    assert (error, len(delivered)) == (None, 1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": None}, "teacher.model is not set"),
        ({"model": " "}, "teacher.model is not set"),
        ({"base_url": "localhost:8000"}, "write a URL such as http://localhost:8000/v1"),
        ({"budget": BudgetConfig(usd=1.0)}, "teacher.price is not set"),
    ],
)
def test_a_contradictory_configuration_is_refused_at_once(tmp_path, settings, message):
    with pytest.raises(ConfigError, match=message):
        make_teacher(tmp_path, "http://localhost:1/v1", **settings)


def test_a_broken_ledger_is_refused_at_once(tmp_path):
    (tmp_path / "ledger.sqlite").write_text("not a ledger" * 100)
    with pytest.raises(RunError, match="is broken or no SQLite file"):
        make_teacher(tmp_path, "http://localhost:1/v1")


def test_what_deliver_raises_comes_through(tmp_path):
    def deliver(_):
        raise RunError("the disk is full")

    with (
        answer_key_endpoint(PROBLEMS) as endpoint,
        pytest.raises(RunError, match="the disk is full"),
    ):
        make_teacher(tmp_path, endpoint).teach(requests(), deliver)


def test_what_the_requests_raise_comes_through_and_what_is_in_flight_is_kept(tmp_path):
    def broken():
        yield from requests(3)
        raise ValueError("a bug")

    delivered = []
    with answer_key_endpoint(PROBLEMS, latency=0.1) as endpoint, pytest.raises(ValueError, match="a bug"):
        make_teacher(tmp_path, endpoint, concurrency=8).teach(broken(), delivered.append)
    assert len(delivered) == 3


def test_works_where_a_loop_is_running_as_in_a_notebook(tmp_path):
    async def cell(endpoint):
        return teach(tmp_path, endpoint, requests(3))

    with answer_key_endpoint(PROBLEMS) as endpoint:
        delivered, error = asyncio.run(cell(endpoint))
    assert (error, len(delivered)) == (None, 3)


@pytest.mark.parametrize("in_notebook", [False, True], ids=["", "in a notebook"])
def test_interrupted_it_asks_for_nothing_more(tmp_path, in_notebook):
    """In a notebook KeyboardInterrupt is raised where the cell waits; elsewhere asyncio handles the signal."""
    known, numbers, released = answer_key_reply(PROBLEMS), iter(range(10**6)), threading.Event()

    def reply(body):
        number = next(numbers)
        if number == 9:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        if number >= 9 and not released.wait(10):
            released.set()  # it was not interrupted: let all come
        return known(body)

    async def cell(teacher):
        teacher.teach(requests(), delivered.append)

    delivered, loop = [], asyncio.new_event_loop()
    with TeacherEndpoint(reply) as endpoint:
        teacher = make_teacher(tmp_path, endpoint, concurrency=4)
        with pytest.raises(KeyboardInterrupt):
            loop.run_until_complete(cell(teacher)) if in_notebook else teacher.teach(requests(), delivered.append)
        assert not released.is_set()
        released.set()
    loop.close()
    assert 10 <= len(endpoint.requests) <= spent(tmp_path).requests <= 13


def test_strange_text_is_stored(tmp_path):
    with TeacherEndpoint(lambda _: "2 × 4 = 8\x00 é 𝄞.\nThe answer is 8.") as endpoint:
        [feedback], _ = teach(tmp_path, endpoint, requests(1))
    assert feedback.text == "2 × 4 = 8 é 𝄞.\nThe answer is 8."


def test_concurrency_speeds_it_up(tmp_path):
    known, together = answer_key_reply(PROBLEMS), threading.Barrier(16)

    def reply(body):
        together.wait()  # nobody is answered before all sixteen have come
        return known(body)

    with TeacherEndpoint(reply) as endpoint:
        delivered, _ = teach(tmp_path, endpoint, requests(32), concurrency=16)
    assert (len(delivered), endpoint.most_at_once) == (32, 16)
