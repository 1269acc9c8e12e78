import pytest

from tutelage.mistakes.solution import equation_steps, equation_text, worked_solution
from tutelage.records import Problem


def test_without_a_rationale_or_an_equation_there_is_none():
    assert worked_solution(Problem.of("Why?", "4", rationale="  ")) is None
    assert worked_solution(Problem.of("Why?", "4")) is None


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
