import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutelage.mistakes.first_wrong_step import (
    FirstWrongStep,
    equation_steps,
    equation_text,
    explain_mistake,
    worked_solution,
)
from tutelage.records import Problem

FARM = Problem.of(
    "A farm has 3 cows and 2 hens. How many legs do they have?",
    "16",
    rationale="3 cows have 3 × 4 = 12 legs. 2 hens have 2 × 2 = 4 legs. 12 + 4 = 16 legs in total.",
)
SWEETS = Problem.of("Debby had 32 sweets, her sister 42. They ate 35.", "39", equation="X=((32.0+42.0)-35.0)")
PEAR = Problem.of("Would a pear sink in water?", "no", rationale="A pear has a density of 0.59. Water has one of 1.")


@pytest.mark.parametrize(
    ("mistake", "found"),
    [
        (
            "3 cows have 3 × 4 = 13 legs. 2 hens have 2 × 2 = 4 legs. 13 + 4 = 17.\nThe answer is 17.",
            FirstWrongStep("false-calculation", "3 × 4 = 13", "3 × 4 = 12", 0),
        ),
        (
            "3 cows have 3 × 4 = 12 legs. 2 hens have 2 × 4 = 8 legs. 12 + 8 = 20.\nThe answer is 20.",
            FirstWrongStep("foreign-value", "2 × 4 = 8", "2 × 2 = 4", 1),
        ),
        (
            "3 cows have 3 × 4 = 12 legs. There are 9 hens. The answer is 16.",
            FirstWrongStep("foreign-value", "There are 9 hens.", "2 × 2 = 4", 1),
        ),
        (
            "3 cows and 2 hens. 12 + 5 = 17. The answer is 16.",
            FirstWrongStep("foreign-value", "12 + 5 = 17", "3 × 4 = 12", 0),
        ),
        ("12 + 4 = 18 legs.", FirstWrongStep("false-calculation", "12 + 4 = 18", "12 + 4 = 16", 2)),
        ("The answer is 61.", FirstWrongStep("wrong-answer", "answer is 61.", "16", 2)),
        ("12 + 4 = 16. The answer is 12.", FirstWrongStep("wrong-answer", "answer is 12", "16", 2)),
        ("12 + 4 = 16 legs.", FirstWrongStep("no-answer", "", "16", 2)),
        ("", FirstWrongStep("no-answer", "", "16", 2)),
        ("1. Cows: 3 × 4 = 12.\n2. Hens: 2 × 2 = 4.\n7) 12 + 4 = 16.\nThe answer is 16.", None),
        ("4 / 0 = 0. The answer is 0.", FirstWrongStep("false-calculation", "4 / 0 = 0", "3 × 4 = 12", 0)),
    ],
)
def test_finds_the_first_wrong_step(mistake, found):
    result = explain_mistake(FARM, mistake)
    if found is None or result is None:
        assert result is found
    else:
        assert (result.kind, result.text.rstrip("."), result.right, result.step) == (
            found.kind,
            found.text.rstrip("."),
            found.right,
            found.step,
        )


def test_an_equation_is_a_worked_solution():
    found = explain_mistake(SWEETS, "32 + 42 = 64. 64 - 35 = 29. The answer is 29.")
    assert found == FirstWrongStep("false-calculation", "32 + 42 = 64", "32 + 42 = 74", 0)
    found = explain_mistake(SWEETS, "42 - 35 = 7. The answer is 7.")
    assert found == FirstWrongStep("foreign-value", "42 - 35 = 7", "32 + 42 = 74", 0)


def test_words_of_the_question_are_known_values():
    problem = Problem.of("Ann has half of Bo's dozen eggs.", "6", rationale="Ann has 6 eggs.")
    assert explain_mistake(problem, "12 / 2 = 6. The answer is 6.") is None


def test_yes_or_no_is_judged_by_its_answer_alone():
    assert explain_mistake(PEAR, "Pears weigh 200 g. The answer is no.") is None
    found = explain_mistake(PEAR, "Pears weigh 200 g. The answer is yes.")
    assert found is not None
    assert (found.kind, found.right, found.step) == ("wrong-answer", "no", None)


def test_without_a_solution_nothing_is_explained():
    assert explain_mistake(Problem.of("Why?", "4"), "2 + 2 = 5") is None
    assert worked_solution(Problem.of("Why?", "4", rationale="  ")) is None


def test_a_solution_loses_marks_and_final_answer():
    problem = Problem.of("?", "12", rationale="It is 3 × 4 = <<3*4=12>>12.\nThe answer is 12.\n#### 12")
    assert worked_solution(problem) == "It is 3 × 4 = 12."


@pytest.mark.parametrize(
    ("equation", "steps"),
    [
        ("X=((32.0+42.0)-35.0)", ["32 + 42 = 74", "74 - 35 = 39"]),
        ("( 76.0 - 25.0 )", ["76 - 25 = 51"]),
        ("2*(12-15)", ["12 - 15 = -3", "2 × (-3) = -6"]),
        ("10/4", ["10 / 4 = 2.5"]),
        ("(1/3)*6", ["1 / 3 = 1/3", "(1/3) × 6 = 2"]),
        ("5.0", ["The number asked for is 5"]),
        ("5/0", None),
        ("5+", None),
        ("__import__('os')", None),
        ("(" * 30 + "1" + ")" * 30, None),
    ],
)
def test_equation_steps(equation, steps):
    assert equation_steps(equation) == steps


def test_equation_text():
    assert equation_text("X=((32.0+42.0)/2.0)") == "(32 + 42) / 2"
    assert equation_text("5.0") is None


@given(st.text(max_size=200), st.text(alphabet="0123456789+-*/=(). \nThe answer is", max_size=200))
@settings(max_examples=80)
def test_any_mistake_is_taken(free, arithmetic):
    for problem in (FARM, SWEETS, PEAR):
        explain_mistake(problem, free)
        explain_mistake(problem, arithmetic)
