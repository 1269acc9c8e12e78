"""Reasoning for choices, yes/no and text: a calculation is a step, and knowledge needs none."""

import pytest

from tests.teacher.judge.test_soundness import LEAKED, read
from tutelage.records import Choice, Problem

SPEED = Problem.of(
    "A train travels 120 km in 2 hours. What is its speed?",
    "B",
    choices=(Choice("A", "50 km/h"), Choice("B", "60 km/h"), Choice("C", "70 km/h")),
)
SHARE = Problem.of("What is 15% of 80?", "B", choices=(Choice("A", "8"), Choice("B", "12"), Choice("C", "15")))
UNKNOWN = Problem.of("If x + 3 = 10, what is x?", "A", choices=(Choice("A", "7"), Choice("B", "13")))
GREATER = Problem.of("Is 15 + 27 greater than 40?", "yes")
SOLVE = Problem.of("Solve 2x + 3 = 11 for x.", "4")
SIMPLIFY = Problem.of("Simplify (x+1)^2 - x^2.", "2x + 1")


@pytest.mark.parametrize(
    ("kind", "problem", "steps"),
    [
        ("choice", SPEED, "120 / 2 = 60 km/h."),
        ("choice", SPEED, "Speed = 120 km / 2 hours = 60 km/h."),
        ("choice", SHARE, "15% of 80 = 0.15 × 80 = 12."),
        ("choice", SHARE, "1% of 80 is 0.8, and 15 × 0.8 = 12."),
        ("choice", UNKNOWN, "x = 10 - 3 = 7"),
        ("choice", UNKNOWN, "x + 3 = 10\nx = 10 - 3\nx = 7"),
        ("yes-no", GREATER, "15 + 27 = 42. 42 is greater than 40."),
        ("text", SOLVE, "2x = 8, so x = 4."),
        ("text", SIMPLIFY, "(x+1)^2 - x^2 = x^2 + 2x + 1 - x^2 = 2x + 1"),
    ],
)
def test_a_calculation_is_a_step(kind, problem, steps):
    reading = read(f"{steps}\nThe answer is {problem.answer}.", problem, kind)
    assert (reading.text, reading.failure) == (f"{steps}\nThe answer is {problem.answer}.", None)


@pytest.mark.parametrize(
    ("kind", "problem", "steps"),
    [
        ("choice", SPEED, "Its speed = 60 km/h."),
        ("choice", SHARE, "So 15% of 80 = 12."),
        ("choice", UNKNOWN, "So x + 3 = 10, x = 7."),
        ("yes-no", GREATER, "So 15 + 27 is greater than 40."),
        ("text", SOLVE, "2x + 3 = 11 for x = 4."),
        ("text", SIMPLIFY, "So (x+1)^2 - x^2 = 2x + 1"),
    ],
)
def test_the_question_and_its_answer_around_a_sign_are_none(kind, problem, steps):
    assert read(f"{steps}\nThe answer is {problem.answer}.", problem, kind).failure == LEAKED


@pytest.mark.parametrize(
    ("question", "answer", "steps"),
    [
        ("In which year did World War II end?", "1945", "Japan gave up in September 1945, which ended the war."),
        ("What is the atomic number of carbon?", "6", "It is the number of protons. A carbon atom has 6 protons."),
        ("How many legs does a spider have?", "8", "Spiders are arachnids, and arachnids have 8 legs."),
        ("How many divisors does 12 have?", "6", "The divisors are 1, 2, 3, 4, 6 and 12. There are 6."),
        ("What is the units digit of 3^4?", "1", "3^4 = 81. The units digit is 1."),
    ],
)
def test_a_number_in_an_answer_of_the_kind_text_may_be_known(question, answer, steps):
    problem = Problem.of(question, answer)
    assert read(f"{steps}\nThe answer is {answer}.", problem, "text").text == f"{steps}\nThe answer is {answer}."
    assert read(f"{answer}.\nThe answer is {answer}.", problem, "text").failure == LEAKED


def test_the_answer_to_what_is_not_may_be_denied():
    found = Problem.of(
        "What is unlikely to be found in a kitchen?", "B", choices=(Choice("A", "pan"), Choice("B", "tractor"))
    )
    steps = "Pans are used for cooking. A tractor is unlikely to be found there, since it works on fields."
    assert read(f"{steps}\nThe answer is B.", found, "choice").failure is None


@pytest.mark.parametrize(
    "steps", ["It is not possible to say without a date.", "There is not enough information on it."]
)
def test_a_question_that_is_left_open_is_not_answered(steps):
    assert read(f"{steps}\nThe answer is yes.", GREATER, "yes-no").failure == "concludes otherwise"


def test_a_number_that_the_question_does_not_give_is_a_fact():
    north = Problem.of("Is Paris north of Rome?", "yes")
    steps = "Paris lies at 48.9° N. Rome lies at 41.9° N. 48.9 > 41.9."
    assert read(f"{steps}\nThe answer is yes.", north, "yes-no").text == f"{steps}\nThe answer is yes."
