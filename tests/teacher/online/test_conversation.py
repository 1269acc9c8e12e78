"""The dialogue of one request, driven by hand: its questions are checked, and rows are sent to it."""

import hashlib
import json
from dataclasses import replace

import pytest

from tests.teacher.grading import grade
from tutelage.config import PriceConfig, TeacherConfig
from tutelage.records import FeedbackRequest, Problem, Usage
from tutelage.teacher.online.completion import Reply
from tutelage.teacher.online.conversation import Settings, converse
from tutelage.teacher.online.failures import RequestFailed
from tutelage.teacher.prompts import Prompts
from tutelage.teacher.ways import Asking

SETTINGS = Settings(
    endpoint="http://e/v1",
    model="m",
    kind="number",
    grade=grade,
    run_id="run-a",
    price=PriceConfig(prompt=1.0, completion=4.0),
    teacher=TeacherConfig(ask="mistake", hint="first", temperature=0.5, max_tokens=64),  # the paper's way
)
PROBLEM = Problem.of("Tom has 3 boxes of 4 pens. How many pens?", "12")
REQUEST = FeedbackRequest(PROBLEM, "3 + 4 = 7 pens. The answer is 7.", 2)
RIGHT, ALSO_RIGHT = "3 × 4 = 12 pens.\nThe answer is 12.", "Each box holds 4, so 3 × 4 = 12.\nThe answer is 12."
WRONG = "3 + 4 = 7 pens.\nThe answer is 7."
BOUND = Usage(1, 900, 64)


def changed(**fields):
    """The settings with other fields of the teacher's."""
    return replace(SETTINGS, teacher=SETTINGS.teacher.model_copy(update=fields))


EXPLAINING = changed(explain=True)


def messages(asking, reason="", request=REQUEST):
    return Prompts("number").messages(request, asking, reason)


def rows(questions, *texts, **changes):
    """The ledger's rows of replies with these texts, 100 + 10 tokens each."""
    made = [
        SETTINGS.row(question.key, question.payload, Reply(text, "stop", 100, 10), BOUND)
        for question, text in zip(questions, texts, strict=True)
    ]
    return [replace(row, **changes) for row in made]


def hold(*steps, request=REQUEST, settings=SETTINGS):
    """Send what the steps say in turn, one text or several at once or None; returns all that was asked, and the end."""
    conversation = converse(request, settings)
    asked = [next(conversation)]
    try:
        for step in steps:
            texts = (step,) if isinstance(step, str) else step
            if isinstance(step, RequestFailed):
                asked.append(conversation.throw(step))
            else:
                asked.append(conversation.send(None if texts is None else rows(asked[-1], *texts)))
    except StopIteration as end:
        return asked, end.value
    raise AssertionError(f"it asks once more: {asked[-1]}")


@pytest.mark.parametrize(
    ("feedback", "reply"),
    [
        ("rationale", "Japan gave up in September 1945.\nThe answer is 1945."),
        ("repair", "Wrong: It ended in 1944.\nRight: 1939 + 6 = 1945."),
    ],
)
def test_where_answers_are_texts_numbers_may_be_known(feedback, reply):
    asked = FeedbackRequest(Problem.of("In which year did World War 2 end?", "1945"), "It ended in 1944.", 0)
    _, given = hold(reply, request=asked, settings=replace(changed(feedback=feedback), kind="text"))
    assert (given.verdict.correct, given.failure) == (True, None)


def test_a_right_reply_is_the_feedback():
    [[question]], feedback = hold(RIGHT)
    assert question.messages == messages(Asking("mistake", hint=True))
    assert (feedback.problem_id, feedback.sample, feedback.mistake) == (PROBLEM.id, 2, REQUEST.mistake)
    assert (feedback.text, feedback.verdict.correct, feedback.failure) == (RIGHT, True, None)
    assert (feedback.usage, feedback.keys) == (Usage(1, 100, 10, 140e-6), (question.key,))


def test_the_key_is_the_hash_of_all_that_shapes_the_reply():
    [[question]], _ = hold(RIGHT)
    assert question.key == hashlib.sha256(question.payload.encode()).hexdigest()[:32]
    assert json.loads(question.payload) == {
        "endpoint": "http://e/v1",
        "model": "m",
        "messages": question.messages,
        "temperature": 0.5,
        "max_tokens": 64,
        "sample": 2,
    }


@pytest.mark.parametrize(
    "other",
    [
        replace(SETTINGS, endpoint="http://f/v1"),
        replace(SETTINGS, model="n"),
        changed(temperature=0.6),
        changed(max_tokens=65),
    ],
)
def test_another_setting_is_another_key(other):
    [[first]], _ = hold(RIGHT)
    [[second]], _ = hold(RIGHT, settings=other)
    assert first.key != second.key


@pytest.mark.parametrize(
    "other",
    [replace(SETTINGS, run_id="run-b"), replace(SETTINGS, price=PriceConfig()), changed(check_arithmetic=False)],
)
def test_what_does_not_shape_the_reply_leaves_the_key(other):
    [[first]], _ = hold(RIGHT)
    [[second]], _ = hold(RIGHT, settings=other)
    assert first.key == second.key


def test_a_rejected_reply_is_asked_for_once_more_with_the_reason():
    [_, [again]], feedback = hold(WRONG, RIGHT)
    assert again.messages == messages(Asking("mistake", True, again=True), "wrong answer: 7 is not 12")
    assert (feedback.text, feedback.failure, feedback.usage.requests, len(feedback.keys)) == (RIGHT, None, 2, 2)


def test_under_auto_the_question_alone_follows_and_the_hint_comes_last():
    asked, feedback = hold(WRONG, WRONG, RIGHT, settings=replace(SETTINGS, teacher=TeacherConfig()))
    reason = "wrong answer: 7 is not 12"
    assert [questions[0].messages for questions in asked] == [
        messages(Asking("mistake")),
        messages(Asking("question")),
        messages(Asking("question", True, again=True), reason),
    ]
    assert [(each.way, each.hint, each.sound) for each in feedback.asked] == [
        ("mistake", False, False),
        ("question", False, False),
        ("question", True, True),
    ]
    assert (feedback.text, feedback.usage.requests) == (RIGHT, 3)
    assert sum(each.prompt_tokens for each in feedback.asked) == feedback.usage.prompt_tokens


def test_where_the_answer_is_never_told_the_reason_does_not_tell_it():
    secret = replace(SETTINGS, teacher=TeacherConfig(ask="mistake", hint="never"))
    [_, [again]], _ = hold(WRONG, RIGHT, settings=secret)
    assert again.messages == messages(Asking("mistake", again=True), "wrong answer")
    assert "12" not in again.messages[1]["content"]


def test_an_explanation_that_is_not_to_be_learnt_is_dropped():
    teacher = TeacherConfig(ask="mistake-explained")
    _, feedback = hold(f"Mistake: It adds.\nSolution:\n{RIGHT}", settings=replace(SETTINGS, teacher=teacher))
    assert (feedback.text, feedback.explanation) == (RIGHT, None)


def test_it_is_not_asked_a_third_time():
    asked, feedback = hold(WRONG, "3 + 3 = 6.\nThe answer is 6.")
    assert len(asked) == 2
    assert (feedback.failure, feedback.verdict.reason) == ("wrong answer", "wrong answer: 6 is not 12")
    assert feedback.text == "3 + 3 = 6.\nThe answer is 6."
    assert feedback.usage == Usage(2, 200, 20, 280e-6)


def test_without_a_budget_there_is_no_feedback():
    asked, feedback = hold(None)
    assert (len(asked), feedback) == (1, None)


def test_without_a_budget_for_the_second_time_the_first_reply_stands():
    asked, feedback = hold(WRONG, None)
    assert len(asked) == 2
    assert (feedback.failure, feedback.text, feedback.usage.requests) == ("wrong answer", WRONG, 1)


@pytest.mark.parametrize("before", [(), (WRONG,)], ids=["the first time", "the second time"])
def test_a_failed_request_is_feedback_too(before):
    _, feedback = hold(*before, RequestFailed("time-out", "no reply within 3 s"))
    assert (feedback.failure, feedback.verdict.reason) == ("time-out", "no reply: no reply within 3 s")
    assert (feedback.verdict.correct, feedback.verdict.answer, feedback.text) == (False, None, "")
    assert feedback.usage.requests == len(feedback.keys) == len(before)


def test_what_another_run_paid_for_costs_nothing():
    conversation = converse(REQUEST, SETTINGS)
    [question] = next(conversation)
    again = conversation.send(rows([question], WRONG, run_id="run-b"))
    with pytest.raises(StopIteration) as end:
        conversation.send(rows(again, RIGHT))
    assert end.value.value.usage == Usage(1, 100, 10, 140e-6)
    assert len(end.value.value.keys) == 2


def test_with_agreement_the_first_sample_has_the_key_that_it_has_alone():
    [[alone]], _ = hold(RIGHT)
    [questions], feedback = hold((RIGHT,) * 3, settings=changed(self_consistency=3))
    assert questions[0] == alone
    assert len({question.key for question in questions}) == 3
    assert [json.loads(question.payload)["sample"] for question in questions] == [2, "2.1", "2.2"]
    assert {tuple(map(str, question.messages)) for question in questions} == {tuple(map(str, alone.messages))}
    assert feedback.keys == tuple(question.key for question in questions)
    assert feedback.usage.requests == 3


@pytest.mark.parametrize(
    ("texts", "used"),
    [
        ((RIGHT,), RIGHT),
        ((RIGHT, ALSO_RIGHT), RIGHT),
        ((WRONG, ALSO_RIGHT, RIGHT), ALSO_RIGHT),
        ((RIGHT, WRONG, WRONG, ALSO_RIGHT, RIGHT), RIGHT),
    ],
)
def test_more_than_half_are_right(texts, used):
    asked, feedback = hold(texts, settings=changed(self_consistency=len(texts)))
    assert (len(asked), feedback.text, feedback.failure) == (1, used, None)


@pytest.mark.parametrize("texts", [(RIGHT, WRONG), (WRONG, RIGHT, WRONG), (RIGHT, WRONG, WRONG, RIGHT)])
def test_half_is_not_enough(texts):
    asked, feedback = hold(texts, texts, settings=changed(self_consistency=len(texts)))
    assert len(asked) == 2
    assert (feedback.failure, feedback.verdict.correct, feedback.text) == ("samples disagree", False, WRONG)
    reason = f"{texts.count(RIGHT)} of {len(texts)} samples are right, and one is not: wrong answer: 7 is not 12"
    assert feedback.verdict.reason == reason
    assert reason in asked[1][0].messages[1]["content"]


def test_if_none_is_right_the_reason_is_that_of_the_first():
    texts = (WRONG, "The answer is 12.", "")
    _, feedback = hold(texts, texts, settings=changed(self_consistency=3))
    assert (feedback.failure, feedback.verdict.reason) == ("wrong answer", "wrong answer: 7 is not 12")


def test_a_false_calculation_is_rejected_unless_told_not_to_look():
    text = "3 × 4 = 13 pens, and one is lost, so 12.\nThe answer is 12."
    _, strict = hold(text, text)
    _, lax = hold(text, settings=changed(check_arithmetic=False))
    assert (strict.failure, lax.failure) == ("false calculation", None)


def test_a_row_is_charged_at_the_bound_where_the_endpoint_does_not_say():
    row = SETTINGS.row("k", "{}", Reply(RIGHT, "stop", None, None), BOUND)
    assert (row.prompt_tokens, row.completion_tokens) == (900, 64)
    assert row.cost_usd == pytest.approx((900 + 4 * 64) / 1e6)
    half = SETTINGS.row("k", "{}", Reply(RIGHT, "stop", 100, None), BOUND)
    assert (half.prompt_tokens, half.completion_tokens) == (100, 64)


def test_with_explain_the_prompt_asks_and_the_feedback_tells():
    replies = f"Mistake: It adds.\nSolution:\n{WRONG}", f"Mistake: Each box holds 4.\nSolution:\n{RIGHT}"
    [[first], [second]], feedback = hold(*replies, settings=EXPLAINING)
    assert first.messages == messages(Asking("mistake-explained", hint=True))
    assert '"Mistake:"' in second.messages[1]["content"]
    assert "7 is not 12" in second.messages[1]["content"]
    assert (feedback.text, feedback.explanation) == (RIGHT, "Each box holds 4.")


def test_without_explain_nothing_changes_and_without_a_mistake_there_is_nothing_to_explain():
    plain = FeedbackRequest(PROBLEM)
    [[question]], feedback = hold(f"Mistake: It adds.\nSolution:\n{RIGHT}", request=plain, settings=EXPLAINING)
    [[same]], _ = hold(RIGHT, request=plain)
    assert question.key == same.key
    assert feedback.explanation is None
    [[silent]], _ = hold(RIGHT)
    [[asked]], feedback = hold(RIGHT, settings=EXPLAINING)
    assert silent.key != asked.key
    assert (feedback.text, feedback.explanation) == (RIGHT, None)


REPAIRING = replace(SETTINGS, teacher=TeacherConfig(feedback="repair"))
MENDED = "Wrong: 3 + 4 = 7 pens.\nRight: 3 × 4 = 12 pens."


def test_a_step_put_right_is_the_feedback_and_no_rationale():
    [[question]], feedback = hold(MENDED, settings=REPAIRING)
    system, user = question.messages
    assert "The answer is X" not in system["content"]
    assert '"Wrong:"' in user["content"]
    assert "12" not in user["content"]  # no hint
    assert (feedback.text, feedback.step, feedback.failure) == ("3 × 4 = 12 pens.", "3 + 4 = 7 pens.", None)
    assert (feedback.verdict.correct, feedback.is_rationale) == (True, False)
    assert feedback.asked[0].way == "mistake-repaired"


def test_a_step_that_cannot_be_learnt_is_asked_for_again_with_the_answer_and_the_reason():
    asked, feedback = hold("Wrong: 3 + 4 = 7 pens.\nRight: 3 × 4 = 13 pens.", MENDED, settings=REPAIRING)
    again = asked[1][0].messages[1]["content"]
    assert "The correct answer is 12" in again
    assert "3 × 4 = 13 is false: it makes 12" in again
    assert feedback.step == "3 + 4 = 7 pens."
    assert [each.sound for each in feedback.asked] == [False, True]
    _, lost = hold("no idea", "no idea", settings=REPAIRING)
    assert (lost.step, lost.failure, lost.verdict.correct) == (None, "unparsable", False)


def test_without_a_mistake_a_rationale_is_asked_for():
    _, feedback = hold(RIGHT, request=FeedbackRequest(PROBLEM), settings=REPAIRING)
    assert feedback.is_rationale
