"""What a session through the Batch API delivers, what it costs, and what it shares with one online."""

import json
from dataclasses import replace
from itertools import pairwise

import pytest

from tests.teacher.batch.sessions import KEY, PROBLEMS, Sessions, batches_made, requests
from tutelage.config import BudgetConfig, PriceConfig
from tutelage.errors import BudgetSpent
from tutelage.records import FeedbackRequest, Usage, state_answer
from tutelage.teacher.batch import batches
from tutelage.testing import TeacherEndpoint, answer_key_endpoint, answer_key_reply

PRICE = PriceConfig(prompt=1000.0, completion=2000.0)


@pytest.fixture
def sessions(tmp_path):
    return Sessions(tmp_path)


def right_with_the_hint(body):
    """Right where the prompt states the answer, as the second asking does."""
    prompt = body["messages"][-1]["content"]
    _, hint, rest = prompt.partition("The correct answer is ")
    answer = rest.split(".")[0] if hint else "1"
    return state_answer(f"All of them together: 1 × {answer} = {answer} pens.", answer)


def test_teaches(sessions):
    with answer_key_endpoint(PROBLEMS, key=KEY) as endpoint:
        delivered, error = sessions.hold(endpoint, requests(), temperature=0.25, max_tokens=77)
        assert len(endpoint.requests) == len(PROBLEMS)
        assert batches_made(endpoint) == 1
    assert error is None
    assert [feedback.problem_id for feedback in delivered] == [problem.id for problem in PROBLEMS]
    assert all(feedback.verdict.correct and feedback.usage.requests == 1 for feedback in delivered)
    assert {(body["model"], body["temperature"], body["max_tokens"]) for body in endpoint.requests} == {("m", 0.25, 77)}


def test_an_empty_session_makes_no_batch(sessions):
    with answer_key_endpoint(PROBLEMS) as endpoint:
        assert sessions.hold(endpoint, []) == ([], None)
        assert list(endpoint.batch_calls) == []


@pytest.mark.parametrize("batch_first", [True, False])
def test_what_was_bought_one_way_is_not_bought_the_other(sessions, batch_first):
    with answer_key_endpoint(PROBLEMS) as endpoint:
        first, _ = sessions.hold(endpoint, requests(), batch=batch_first)
        second, error = sessions.hold(endpoint, requests(), batch=not batch_first)
        assert (error, len(endpoint.requests)) == (None, len(PROBLEMS))
    by_id = {feedback.problem_id: feedback for feedback in first}
    assert by_id == {feedback.problem_id: feedback for feedback in second}


def test_the_same_is_sent_and_kept_as_online(tmp_path):
    found = []
    with TeacherEndpoint(right_with_the_hint) as endpoint:
        for batch in (True, False):
            sessions = Sessions(tmp_path / str(batch))
            delivered, error = sessions.hold(endpoint, requests(6), batch=batch, concurrency=1)
            assert error is None
            with sessions.ledger() as ledger:
                rows = [
                    replace(ledger.find(key, "run"), created=0.0, seconds=0.0)
                    for reply in delivered
                    for key in reply.keys
                ]
            found.append((delivered, rows, sorted(json.dumps(body, sort_keys=True) for body in endpoint.requests)))
            endpoint.requests.clear()
    assert len(found[0][1]) == 12
    assert found[0] == found[1]


def test_half_the_price(tmp_path):
    costs = []
    for batch in (True, False):
        sessions = Sessions(tmp_path / str(batch))
        with answer_key_endpoint(PROBLEMS) as endpoint:
            delivered, _ = sessions.hold(endpoint, requests(4), batch=batch, price=PRICE)
        seen = [(entry.prompt_tokens, entry.completion_tokens) for entry in endpoint.log]
        full = sum(prompt * 1000.0 + completion * 2000.0 for prompt, completion in seen) / 1e6
        with sessions.ledger() as ledger:
            assert ledger.spent("run").cost_usd == pytest.approx(sum(reply.usage.cost_usd for reply in delivered))
            costs.append(ledger.spent("run").cost_usd / full)
    assert costs == pytest.approx([0.5, 1.0])


def test_a_rejected_reply_is_asked_for_again_in_the_next_batch(sessions):
    with TeacherEndpoint(right_with_the_hint) as endpoint:
        delivered, error = sessions.hold(endpoint, requests(5))
        assert (error, batches_made(endpoint), len(endpoint.requests)) == (None, 2, 10)
    assert all(feedback.verdict.correct and feedback.usage.requests == 2 for feedback in delivered)


def test_several_samples_and_the_same_request_twice(sessions):
    asked = [*requests(3), *requests(3), FeedbackRequest(PROBLEMS[0], "2 + 4 = 6. The answer is 6.", 1)]
    with answer_key_endpoint(PROBLEMS) as endpoint:
        delivered, error = sessions.hold(endpoint, asked, self_consistency=3)
        assert (error, len(delivered), len(endpoint.requests)) == (None, 7, 12)


def test_a_text_with_odd_ends_of_lines(sessions):
    text = "2 × 4 = 8\u2028 pens\x85 and\x0b no more 𝄞.\nThe answer is 8."
    with TeacherEndpoint(lambda _: text) as endpoint:
        [feedback], _ = sessions.hold(endpoint, requests(1))
    assert feedback.text == text


@pytest.mark.parametrize(("limit", "value"), [("LINES", 8), ("BYTES", 8_000)])
def test_files_are_split(sessions, monkeypatch, limit, value):
    monkeypatch.setattr(batches, limit, value)
    with answer_key_endpoint(PROBLEMS) as endpoint:
        delivered, error = sessions.hold(endpoint, requests())
        sizes = [entry for entry in endpoint.batch_calls if entry == "POST /v1/files"]
        assert (error, len(delivered), len(endpoint.requests)) == (None, 20, 20)
    if limit == "LINES":
        assert len(sizes) == 3  # 8 + 8 + 4
    else:
        line = max(len(json.dumps(body)) for body in endpoint.requests) + 130
        assert -(-20 * line // value) <= len(sizes) <= 20 * line // (value - line) + 1


def test_a_line_too_long_for_a_file_goes_alone(sessions, monkeypatch):
    monkeypatch.setattr(batches, "BYTES", 10)
    with answer_key_endpoint(PROBLEMS) as endpoint:
        assert sessions.hold(endpoint, requests(3))[1] is None
        assert batches_made(endpoint) == 3


@pytest.mark.parametrize("cap", [{"requests": 7}, {"tokens": 3000}, {"completion_tokens": 200}, {"usd": 1.5}])
def test_a_cap_is_never_passed_and_what_was_bought_is_delivered(sessions, cap):
    with answer_key_endpoint(PROBLEMS) as endpoint:
        delivered, error = sessions.hold(endpoint, requests(), budget=BudgetConfig(**cap), price=PRICE, max_tokens=15)
        prompt = sum(entry.prompt_tokens for entry in endpoint.log)
        completion = sum(entry.completion_tokens for entry in endpoint.log)
        made = batches_made(endpoint)
    spent = {"requests": len(endpoint.log), "tokens": prompt + completion, "completion_tokens": completion}
    spent["usd"] = 0.5 * (prompt * 1000.0 + completion * 2000.0) / 1e6
    assert isinstance(error, BudgetSpent)
    assert len(delivered) == len(endpoint.requests) > 0
    assert all(spent[name] <= value for name, value in cap.items())
    # Bounds are far above the truth, so what the first batch leaves over is spent by further ones.
    assert made == 1 if "requests" in cap else made > 1
    assert sessions.hold(endpoint, [], budget=BudgetConfig(**cap), price=PRICE) == ([], None)


def test_at_the_cap_a_rejected_reply_is_delivered_as_it_is(sessions):
    with TeacherEndpoint(right_with_the_hint) as endpoint:
        delivered, error = sessions.hold(endpoint, requests(4), budget=BudgetConfig(requests=6))
        assert len(endpoint.requests) == 6
    assert isinstance(error, BudgetSpent)
    assert [feedback.usage.requests for feedback in delivered] == [2, 2, 1, 1]
    assert [feedback.failure for feedback in delivered] == [None, None, "wrong answer", "wrong answer"]


def test_another_run_counts_nothing(sessions):
    with answer_key_endpoint(PROBLEMS) as endpoint:
        sessions.hold(endpoint, requests())
        delivered, _ = sessions.hold(endpoint, requests(), run_id="other")
        assert len(endpoint.requests) == 20
    assert {feedback.usage for feedback in delivered} == {Usage()}


def test_tells_how_it_goes(sessions):
    with TeacherEndpoint(answer_key_reply(PROBLEMS), batch_seconds=1.5) as endpoint:
        sessions.hold(endpoint, requests())
    first, *news = sessions.said
    assert first.startswith("batch batch_1: 20 requests handed in")
    assert "Ctrl-C" in first
    assert news[-1] == "batch batch_1: 20 of 20 done"
    done = [int(line.split(" of ")[0].rpartition(" ")[2]) for line in news]
    assert 2 <= len(done) <= 12
    assert all(later - before >= 2 or later == 20 for before, later in pairwise(done))
