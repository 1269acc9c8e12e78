from dataclasses import replace
from typing import get_args

import pytest

from tests.testing.asking import ask, post, text_of
from tutelage.records import Choice, FeedbackRequest, Problem, Way
from tutelage.teacher.prompts import Prompts
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
