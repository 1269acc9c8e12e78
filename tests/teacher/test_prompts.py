from typing import get_args

import pytest

from tutelage.config import TeacherConfig
from tutelage.mistakes.near_duplicates import MAX_MISTAKE_BYTES
from tutelage.records import AnswerKind, Choice, FeedbackRequest, Problem
from tutelage.teacher.prompts import MAX_REASON_BYTES, Prompts
from tutelage.teacher.ways import Asking, askings

PENS = Problem.of("Tom has 3 boxes of 4 pens. How many pens?", "12")


MISTAKEN = FeedbackRequest(PENS, "3 + 4 = 7 pens")
QUESTION, PAPER = Asking("question"), Asking("mistake", hint=True)


def messages(request, asking, reason="", kind="number"):
    return Prompts(kind).messages(request, asking, reason)


def asked(messages):
    return "\n".join(message["content"] for message in messages)


@pytest.mark.parametrize("kind", get_args(AnswerKind))
def test_each_kind_is_asked_for_its_form(kind):
    system, user = messages(FeedbackRequest(PENS), QUESTION, kind=kind)
    assert system["role"] == "system"
    assert "The answer is X." in system["content"]
    assert PENS.question in user["content"]
    assert "12" not in user["content"]


def test_choices_stand_in_the_prompt():
    problem = Problem.of("Where?", "B", choices=(Choice("A", "at home"), Choice("B", "library")))
    assert "(B) library" in asked(messages(FeedbackRequest(problem), QUESTION, kind="choice"))


def test_with_a_mistake_it_is_in_view_and_the_answer_hinted():
    text = asked(messages(MISTAKEN, PAPER))
    assert "3 + 4 = 7 pens" in text
    assert "The correct answer is 12." in text


def test_an_explanation_is_asked_for_only_with_a_mistake():
    for again in (False, True):
        asked_for = asked(messages(MISTAKEN, Asking("mistake-explained", True, again)))
        assert '"Mistake:"' in asked_for
        assert '"Solution:"' in asked_for
        assert "3 + 4 = 7 pens" in asked_for
        assert "The correct answer is 12." in asked_for
        assert '"Mistake:"' not in asked(messages(MISTAKEN, Asking("mistake", True, again)))
    explaining = TeacherConfig(explain=True)
    assert all(asking.way == "question" for asking in askings(FeedbackRequest(PENS), explaining))


def test_asking_again_gives_the_hint_and_the_reason():
    text = asked(messages(FeedbackRequest(PENS), Asking("question", True, again=True), "wrong answer: 7 is not 12"))
    assert "The correct answer is 12." in text
    assert "wrong answer: 7 is not 12" in text
    text = asked(messages(MISTAKEN, Asking("mistake", True, again=True), "r"))
    assert "3 + 4 = 7 pens" in text


def test_a_long_reason_is_cut():
    short, long = (
        asked(messages(FeedbackRequest(PENS), Asking("question", True, again=True), "é" * n)) for n in (1, 50_000)
    )
    assert len(long.encode()) - len(short.encode()) <= MAX_REASON_BYTES


def test_a_rambling_mistake_is_cut():
    short, long = (asked(messages(FeedbackRequest(PENS, "é" * n), PAPER)) for n in (1, 50_000))
    assert len(long.encode()) - len(short.encode()) <= MAX_MISTAKE_BYTES


def test_what_cannot_be_encoded_is_replaced():
    asked(messages(FeedbackRequest(PENS, "a\ud800b"), PAPER)).encode()
