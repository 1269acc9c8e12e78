import hashlib
import re
from typing import get_args

import pytest

from tutelage.config import TeacherConfig
from tutelage.mistakes.near_duplicates import MAX_MISTAKE_BYTES
from tutelage.records import AnswerKind, Choice, FeedbackRequest, Problem, Style, Way
from tutelage.teacher.prompts import MAX_REASON_BYTES, Prompts, texts
from tutelage.teacher.reading.echoes import Echoes
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


def test_all_ways_share_the_form_that_is_asked_for():
    for_rationales = [way for way in get_args(Way) if way != "mistake-repaired"]
    systems = {asked(messages(MISTAKEN, Asking(way, hint))[:1]) for way in for_rationales for hint in (True, False)}
    assert len(systems) == 1


def test_a_repair_is_asked_for_in_two_lines_and_in_no_form_of_an_answer():
    told = asked(messages(MISTAKEN, Asking("mistake-repaired")))
    assert all(mark in told for mark in ('"Wrong:"', '"Right:"', "<attempt>"))
    assert "The answer is X" not in told


def test_the_prompts_are_asked_word_for_word():
    """The ledger's keys depend on them. The question alone is asked as in version 0.1."""

    def key(asking, request=MISTAKEN, reason=""):
        return hashlib.sha256(asked(messages(request, asking, reason)).encode()).hexdigest()[:16]

    plain = FeedbackRequest(PENS)
    assert key(QUESTION, plain) == "b929e4630e052423"
    assert key(Asking("question", True, again=True), plain, "7 is not 12") == "a620a6ab7eebb735"
    assert key(PAPER) == "db070dc60704ffe2"
    assert key(Asking("mistake", True, again=True), reason="7 is not 12") == "cadb04f8e19fc9ff"
    assert key(Asking("mistake-explained", True)) == "1d619c467ac8af5e"


def test_what_stands_in_a_prompt_is_among_the_texts():
    known = texts()
    for way in get_args(Way):
        for kind in get_args(AnswerKind):
            for style in get_args(Style):
                system, user = Prompts(kind, style).messages(MISTAKEN, Asking(way, True, again=True), "r")
                assert system["content"] in known
                for part in user["content"].split("\n\n"):
                    assert any(_fits(part, text) for text in known), part
                assert Prompts(kind, style).practice(MISTAKEN)[0]["content"] in known


def _fits(part, text):
    return re.fullmatch(".*".join(re.escape(piece) for piece in re.split(r"\{\w+\}", text)), part, re.DOTALL)


def test_the_full_style_asks_for_no_few_sentences():
    system = Prompts("number", "full").messages(FeedbackRequest(PENS), QUESTION)[0]["content"]
    assert "sentences in all" not in system
    assert "very small" not in system
    assert "The answer is X." in system
    assert system != Prompts("number").messages(FeedbackRequest(PENS), QUESTION)[0]["content"]


def test_the_terse_style_asks_for_lines_and_has_a_limit_of_them():
    system = Prompts("number", "terse").messages(FeedbackRequest(PENS), QUESTION)[0]["content"]
    assert "one step a line" in system
    assert "at most 8 lines in all" in system
    assert "sentences" not in system
    assert "The answer is X." in system


def test_without_the_hint_no_prompt_tells_the_answer():
    for way in get_args(Way):
        assert "12" not in asked(messages(MISTAKEN, Asking(way)))


def test_the_mistake_first_stands_before_the_question():
    text = messages(MISTAKEN, Asking("mistake-first"))[1]["content"]
    assert text.index("3 + 4 = 7 pens") < text.index("Forget it now") < text.index(PENS.question)
    assert text.endswith("Write the worked solution.")


def test_the_hint_changes_no_other_word_of_a_prompt():
    for way in get_args(Way):
        plain, hinted = (messages(MISTAKEN, Asking(way, hint))[1]["content"] for hint in (False, True))
        assert hinted.startswith(f"{plain}\n\nThe correct answer is 12.")


def test_what_earlier_versions_asked_is_still_ours():
    ours = Echoes.of(texts())
    for echo in (
        "Reach it by reasoning from the question alone; do not say that it was given.",
        "I write a complete solution that gets this very step right and takes special care over it.",
        "I find for myself the first step at which it goes wrong.",
    ):
        assert ours.find(echo, PENS.question), echo
