"""Problems with other numbers: they make sense, and their equations give their answers."""

import random
from fractions import Fraction
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.records import FeedbackRequest, Problem
from tutelage.teacher.other_numbers import other_numbers, with_other_numbers
from tutelage.text.expressions import evaluate
from tutelage.text.format import write_number
from tutelage.text.numbers import find_numbers
from tutelage.text.parser import compute, parse_expression

PENS = Problem.of("Tom has 9 pens and loses 4. How many are left?", "5", equation="(9 - 4)")


def made(problem: Problem, count: int = 30) -> list[Problem]:
    return list(islice(other_numbers(problem, random.Random(1)), count))


def numbers(problem: Problem) -> list[Fraction]:
    return [number.value for number in find_numbers(problem.question)]


def test_text_and_equation_change_alike():
    for problem in made(PENS):
        had, lost = numbers(problem)
        assert problem.question == f"Tom has {had} pens and loses {lost}. How many are left?"
        assert problem.equation == f"{had} - {lost}"
        assert problem.answer == str(had - lost)
        assert 2 <= lost < had <= 18
        assert problem.id != PENS.id
        assert problem.rationale is None


def test_the_system_message_stays():
    assert made(Problem.of(PENS.question, "5", equation="9 - 4", system="Be brief."))[0].system == "Be brief."


def test_the_same_seed_gives_the_same_problems():
    request = FeedbackRequest(PENS, "9 + 4 = 13")
    assert next(with_other_numbers(request, 7)) == next(with_other_numbers(request, 7))
    assert len({next(with_other_numbers(request, seed)).id for seed in range(20)}) > 5


@pytest.mark.parametrize(
    ("question", "answer", "equation", "kept"),
    [
        # what the text only mentions stays
        ("Of 7 boys 5 have 3 pens each. How many pens?", "15", "5 * 3", {7}),
        # so does what the equation brings from elsewhere
        ("Ann reads 5 pages a day. How many in 3 weeks?", "105", "5 * 3 * 7", set()),
        ("Ann reads 7 pages a day. How many in 3 weeks?", "147", "7 * 3 * 7", {7}),
        ("Ann draws 3 cows and 4 hens. How many legs?", "20", "3 * 4 + 4 * 2", {4}),
        ("Half of the 8 apples and 2 more. How many?", "6", "8 / 2 + 2", {2}),
        ("A saw 2 dogs and 2 hens, and 3 bees. How many legs?", "30", "4 + 4 + 2 + 2 + 6 * 3", {2}),
        # and one thing, and what stands after an article
        ("Tom had 9 apples and ate 1. How many are left?", "8", "9 - 1", {1}),
        # and a number that is written in two ways
        ("Tea is $2.50, cake 2.5 and milk $3. How much?", "8", "2.50 + 2.50 + 3", {Fraction(5, 2)}),
        ("A 6 foot rope and an 8 foot rope and 3 feet. How long?", "17", "6 + 8 + 3", {6, 8}),
    ],
)
def test_what_stays(question, answer, equation, kept):
    problem = Problem.of(question, answer, equation=equation)
    assert made(problem)
    for other in made(problem):
        pairs = list(zip(numbers(problem), numbers(other), strict=True))
        assert {old for old, new in pairs if old == new} == kept
        assert compute(other.equation or "") == compute(other.answer)


def test_results_stay_whole_and_decimals_as_many():
    shared = Problem.of("24 pens are shared by 6 boys. How many has each?", "4", equation="24 / 6")
    assert all(compute(other.answer).denominator == 1 for other in made(shared))
    money = Problem.of("Tea is $2.50 and cake $1.25. How much are both?", "3.75", equation="2.50 + 1.25")
    for other in made(money):
        assert [number.places for number in find_numbers(other.question)] == [2, 2]
        assert other.question.count("$") == 2
    grouped = Problem.of("A town of 1,200 has 800 men. How many others?", "400", equation="1200 - 800")
    assert any("," in other.question for other in made(grouped))
    assert all(compute(other.answer) > 0 for other in made(grouped))


def test_years_stay_years():
    born = Problem.of("Ann was born in 1990. How old is she in 2020?", "30", equation="2020 - 1990")
    assert all(1975 <= value <= 2035 for other in made(born) for value in numbers(other))


@pytest.mark.parametrize(
    "problem",
    [
        Problem.of("Tom has 9 pens.", "9"),
        Problem.of("Tom has nine pens and loses four.", "5", equation="9 - 4"),
        Problem.of("Tom has 9 pens and loses 4.", "6", equation="9 - 4"),
        Problem.of("Tom has 9 pens and loses 4.", "5", equation="9 - x"),
        Problem.of("Tom has 1 pen and 1 more.", "2", equation="1 + 1"),
    ],
    ids=["no equation", "in words", "a wrong answer", "no expression", "nothing to change"],
)
def test_where_there_is_none(problem):
    assert made(problem) == []


_LEAVES = st.integers(1, 60).map(str) | st.decimals(1, 20, places=2).map(str)
_EXPRESSIONS = st.recursive(
    _LEAVES, lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner), max_leaves=5
)


@given(_EXPRESSIONS, st.integers(0, 9))
def test_any_equation(equation, seed):
    """In every order of its numbers in the text, results keep their signs, and their decimals where they end."""
    value = evaluate(parse_expression(equation) or Fraction(0))
    if value is None:
        return
    said = [number.value for number in find_numbers(equation)]
    text = "There are " + ", then ".join(f"{write_number(abs(number))} things" for number in said) + ". How many?"
    problem = Problem.of(text, write_number(value), equation=equation)
    for other in islice(other_numbers(problem, random.Random(seed)), 3):
        assert compute(other.equation or "") == compute(other.answer)
        assert (compute(other.answer) > 0) == (value > 0)
        assert len(numbers(other)) == len(numbers(problem))
        assert numbers(other) != numbers(problem)
        if value.denominator == 1:
            assert compute(other.answer).denominator == 1
        order = sorted(range(len(said)), key=numbers(problem).__getitem__)
        assert sorted(numbers(other)) == [numbers(other)[place] for place in order]


@given(st.text(max_size=80), st.text(max_size=40))
def test_any_text(question, equation):
    for other in islice(other_numbers(Problem.of(question, "3", equation=equation), random.Random(0)), 2):
        assert other.question
