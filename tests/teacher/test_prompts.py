from typing import get_args

import pytest

from tutelage.mistakes.near_duplicates import MAX_MISTAKE_BYTES
from tutelage.records import AnswerKind, Choice, FeedbackRequest, Problem
from tutelage.teacher.prompts import MAX_REASON_BYTES, first_messages, second_messages

PENS = Problem.of("Tom has 3 boxes of 4 pens. How many pens?", "12")


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


def test_an_explanation_is_asked_for_only_with_a_mistake():
    mistaken, plain = FeedbackRequest(PENS, "3 + 4 = 7 pens"), FeedbackRequest(PENS)
    for messages in (first_messages, lambda *args, **how: second_messages(*args, "r", **how)):
        asked_for = asked(messages(mistaken, "number", explain=True))
        assert '"Mistake:"' in asked_for
        assert '"Solution:"' in asked_for
        assert "3 + 4 = 7 pens" in asked_for
        assert "The correct answer is 12." in asked_for
        assert '"Mistake:"' not in asked(messages(mistaken, "number"))
        assert messages(plain, "number", explain=True) == messages(plain, "number")


def test_asking_again_gives_the_hint_and_the_reason():
    text = asked(second_messages(FeedbackRequest(PENS), "number", "wrong answer: 7 is not 12"))
    assert "The correct answer is 12." in text
    assert "wrong answer: 7 is not 12" in text
    text = asked(second_messages(FeedbackRequest(PENS, "3 + 4 = 7 pens"), "number", "r"))
    assert "3 + 4 = 7 pens" in text


def test_a_long_reason_is_cut():
    short, long = (asked(second_messages(FeedbackRequest(PENS), "number", "é" * n)) for n in (1, 50_000))
    assert len(long.encode()) - len(short.encode()) <= MAX_REASON_BYTES


def test_a_rambling_mistake_is_cut():
    short, long = (asked(first_messages(FeedbackRequest(PENS, "é" * n), "number")) for n in (1, 50_000))
    assert len(long.encode()) - len(short.encode()) <= MAX_MISTAKE_BYTES


def test_what_cannot_be_encoded_is_replaced():
    asked(first_messages(FeedbackRequest(PENS, "a\ud800b"), "number")).encode()
