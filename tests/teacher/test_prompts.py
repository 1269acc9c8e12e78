from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.teacher.grading import grade
from tutelage.records import AnswerKind, Choice, FeedbackRequest, Problem
from tutelage.teacher.prompts import MAX_MISTAKE_BYTES, clean, first_messages, read_reply, second_messages

PENS = Problem.of("Tom has 3 boxes of 4 pens. How many pens?", "12")
STEPS = "Each box holds 4 pens, so 3 × 4 = 12 pens."


def read(text, finish_reason="stop", problem=PENS):
    return read_reply(text, finish_reason, problem, grade, max_tokens=512)


def asked(messages):
    return "\n".join(message["content"] for message in messages)


@pytest.mark.parametrize("kind", get_args(AnswerKind))
def test_each_kind_is_asked_for_its_form(kind):
    system, user = first_messages(FeedbackRequest(PENS), kind)
    assert system["role"] == "system"
    assert "The answer is X." in system["content"]
    assert PENS.question in user["content"]
    assert "12" not in user["content"]


def test_choices_stand_in_the_prompt():
    problem = Problem.of("Where?", "B", choices=(Choice("A", "at home"), Choice("B", "library")))
    assert "(B) library" in asked(first_messages(FeedbackRequest(problem), "choice"))


def test_with_a_mistake_it_is_in_view_and_the_answer_hinted():
    text = asked(first_messages(FeedbackRequest(PENS, "3 + 4 = 7 pens"), "number"))
    assert "3 + 4 = 7 pens" in text
    assert "The correct answer is 12." in text


def test_asking_again_gives_the_hint_and_the_reason():
    text = asked(second_messages(FeedbackRequest(PENS), "number", "wrong answer: 7 is not 12"))
    assert "The correct answer is 12." in text
    assert "wrong answer: 7 is not 12" in text
    text = asked(second_messages(FeedbackRequest(PENS, "3 + 4 = 7 pens"), "number", "r"))
    assert "3 + 4 = 7 pens" in text


def test_a_rambling_mistake_is_cut():
    short, long = (asked(first_messages(FeedbackRequest(PENS, "é" * n), "number")) for n in (1, 50_000))
    assert len(long.encode()) - len(short.encode()) <= MAX_MISTAKE_BYTES


def test_what_cannot_be_encoded_is_replaced():
    asked(first_messages(FeedbackRequest(PENS, "a\ud800b"), "number")).encode()


@pytest.mark.parametrize(
    "reply",
    [
        f"{STEPS}\nThe answer is 12.",
        f"{STEPS} The answer is 12",
        f"**Solution:** {STEPS}\n\n**The answer is 12.**",
        f"### Solution\n\n{STEPS}\n\n#### 12",
        f"```\n{STEPS}\nThe answer is 12.\n```",
        f"```text\nSolution:\n{STEPS}\nAnswer: 12\n```",
        f"<think>Let me see. The answer is 7.</think>\n{STEPS}\n\\boxed{{12}}",
        f"Here is a short solution:\n- {STEPS}\n\nFinal answer: **12**",
        "Each box holds 4 pens, so 3 × 4 = \\boxed{12} pens.",
        "Each box holds 4 pens, so \\(3 \\times 4 = 12\\) pens.\n$\\boxed{12}$",
    ],
)
def test_a_good_reply_is_read_into_the_common_form(reply):
    reading = read(reply)
    assert reading.verdict.correct, reading
    assert reading.text == f"{STEPS}\nThe answer is 12."


@pytest.mark.parametrize(
    ("reply", "finish_reason", "reason"),
    [
        ("", "stop", "the reply is empty"),
        ("  \n", "stop", "the reply is empty"),
        ("<think>hm", "stop", "the reply is empty"),
        ("", "content_filter", "refused by the endpoint's content policy"),
        (f"{STEPS}\nThe answer is 12.", "length", "cut at the limit of 512 tokens"),
        (STEPS, "stop", "the reply cannot be parsed: no answer is stated"),
        ("I'm sorry, but I can't help with that.", "stop", "the teacher declined: no answer is stated"),
        ("3 + 4 = 7.\nThe answer is 7.", "stop", "wrong answer: 7 is not 12"),
        ("The answer is 12.", "stop", "the reply states the answer without a step of reasoning"),
        ("**12**\nThe answer is 12.", "stop", "the reply states the answer without a step of reasoning"),
        (
            "As given, the correct answer is 12, so there must be 12 pens.\nThe answer is 12.",
            "stop",
            "the reply speaks of what is not in the question: 'As given, the correct answer'",
        ),
        (
            "The student added where 3 × 4 = 12. The student's mistake is plain.\nThe answer is 12.",
            "stop",
            'the reply speaks of what is not in the question: "The student\'s mistake"',
        ),
        (
            "Your mistake was to add. 3 × 4 = 12.\nThe answer is 12.",
            "stop",
            "the reply speaks of what is not in the question: 'Your mistake'",
        ),
    ],
)
def test_a_bad_reply_is_rejected_with_the_reason(reply, finish_reason, reason):
    reading = read(reply, finish_reason)
    assert (reading.verdict.correct, reading.verdict.reason) == (False, reason)
    assert reading.text == reply.strip()


def test_what_the_question_speaks_of_may_be_spoken_of():
    problem = Problem.of("The student wrote 3 lines of 4 words. How many words?", "12")
    assert read("The student wrote 3 × 4 = 12 words.\nThe answer is 12.", problem=problem).verdict.correct


def test_bold_is_not_confused_with_powers():
    assert clean("2**3 and 4**2, **so** it is") == "2**3 and 4**2, so it is"


def test_latex_in_the_steps_becomes_plain():
    assert clean("\\[\\frac{1}{2} \\times 8 = \\boxed{4}\\]\nSo 4\\% of \\$100") == "1/2 × 8 = 4\nSo 4% of $100"


@given(st.text(max_size=300), st.sampled_from(["stop", "length", "content_filter", "tool_calls"]))
@settings(max_examples=150)
def test_any_reply_is_taken(reply, finish_reason):
    reading = read(reply, finish_reason)
    assert reading.verdict.correct or reading.verdict.reason
