from dataclasses import replace
from typing import get_args

import pytest

from tests.testing.asking import ask, post, text_of
from tutelage.records import Choice, FeedbackRequest, Problem, Way
from tutelage.teacher.prompts import Prompts
from tutelage.teacher.template import Template
from tutelage.teacher.ways import Asking
from tutelage.testing import answer_key_endpoint

PENS = Problem.of("Tom has 3 boxes of 4 pens.\n\nHow many pens?", "12", equation="3 * 4")


def test_the_answer_key_puts_one_step_right_where_that_is_asked_for():
    request = FeedbackRequest(PENS, "3 + 4 = 7. The answer is 7.")
    with answer_key_endpoint([PENS]) as endpoint:
        body = {"messages": Prompts("number").messages(request, Asking("mistake-repaired"))}
        assert text_of(post(endpoint, body)) == "Wrong: 3 + 4 = 7.\nRight: 3 × 4 = 12."


@pytest.mark.parametrize("way", [way for way in get_args(Way) if way != "mistake-repaired"])
def test_the_answer_key_knows_its_problems(way):
    mistaken, unworked = FeedbackRequest(PENS, "3 + 4 = 7. The answer is 7."), FeedbackRequest(Problem.of("Why?", "1"))
    body, other = ({"messages": Prompts("number").messages(asked, Asking(way))} for asked in (mistaken, unworked))
    with answer_key_endpoint([PENS, Problem.of("Why?", "1")]) as endpoint:
        text, unsolved, unknown = (text_of(post(endpoint, asked)) for asked in (body, other, ask("Hello?")))
    assert ("Multiply 3 by 4: 3 × 4 = 12." in text) == (way != "question")  # there it sees no mistake
    assert "3 × 4 = 12" in text
    assert text.endswith("\nThe answer is 12.")
    assert unsolved.startswith("There is no worked solution here")
    assert unknown == "This question is not known here."


def test_a_question_is_known_below_any_system_message_and_with_its_choices():
    lent = Problem.of("Where are books lent?", "B", choices=(Choice("A", "bank"), Choice("B", "library")))
    lent = replace(lent, rationale="A library lends books.")
    below = [replace(problem, system=system) for problem in (PENS, lent) for system in (None, "Be brief.", "A.\n\nB.")]
    with answer_key_endpoint([replace(PENS, system="Of the data."), lent]) as endpoint:
        for problem in below:
            for way, mistake in (("question", None), ("mistake", "It is 7.")):
                request = FeedbackRequest(problem, mistake)
                body = {"messages": Prompts("number").messages(request, Asking(way))}
                assert text_of(post(endpoint, body)).endswith(f"\nThe answer is {problem.answer}."), (problem, way)


OWN = Template(
    "Schreibe Musterlösungen. Schließe so: {closing}",
    {
        "question": "Frage: {question} Löse sie!",
        "mistake": '{mistake}\n\nSo nicht. Die Frage war "{question}"',
        "mistake-explained": "Frage: {question}\nVersuch: {mistake}\nSchreibe Mistake: und Solution:",
        "mistake-repaired": "Frage: {question}\nVersuch: {mistake}\nSchreibe Wrong: und Right:",
        "practice": "Question: {question}\nVersuch: {mistake}\nErfinde eine: Question: und Solution:",
    },
)


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("question", "3 × 4 = 12.\nThe answer is 12."),
        ("mistake", "3 × 4 = 12.\nThe answer is 12."),
        ("mistake-explained", "Mistake: 3 + 4 = 7"),
        ("mistake-repaired", "Wrong: 3 + 4 = 7.\nRight: 3 × 4 = 12."),
        ("practice", "Question: Tom has "),
    ],
)
def test_a_question_is_known_in_prompts_of_ones_own(way, expected):
    asked, prompts = FeedbackRequest(PENS, "3 + 4 = 7. The answer is 7."), Prompts("number", template=OWN)
    messages = prompts.practice(asked) if way == "practice" else prompts.messages(asked, Asking(way))
    others = [Problem.of("Tom has 3 boxes of 4 pens.", "3", equation="3"), Problem.of("How many?", "1", equation="1")]
    with answer_key_endpoint([*others, PENS]) as endpoint:
        text = text_of(post(endpoint, {"messages": messages}))
    assert expected in text
    assert text.count("Mistake:") == (way == "mistake-explained")


def test_a_system_message_stands_between_the_words_of_ones_own_and_the_question():
    asked = FeedbackRequest(replace(PENS, system="Be brief."))
    messages = Prompts("number", template=OWN).messages(asked, Asking("question"))
    with answer_key_endpoint([PENS]) as endpoint:
        assert text_of(post(endpoint, {"messages": messages})).endswith("The answer is 12.")
