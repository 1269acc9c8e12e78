from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tutelage.mistakes.steps import is_check, numbers_of, same_step, swapped_number, with_true_results
from tutelage.text.calculations import find_calculations


def step(text):
    [found] = find_calculations(text)
    return found


@pytest.mark.parametrize(
    ("text", "value"),
    [("23 - 20 = 4. 4 + 6 = 11.", 9), ("2 × 3 = 6.", 6), ("", None), ("5 - 5 = 1. 3 / 1 = 3.", None)],
)
def test_with_true_results(text, value):
    assert with_true_results(find_calculations(text)) == value


@given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99), st.integers(-5, 5))
def test_a_slip_in_the_first_sum_does_not_matter(a, b, c, slip):
    slipped = a + b + slip
    assume(slipped >= 0 and c != slipped)  # else it stands for both numbers of the second sum
    assert with_true_results(find_calculations(f"{a} + {b} = {slipped}. {slipped} + {c} = {a}.")) == a + b + c


def test_the_same_step_does_the_same_with_the_same_numbers():
    assert same_step(step("3 × 4 = 12"), step("4 x 3 = 13"))
    assert not same_step(step("9 + 3 = 12"), step("9 - 3 = 6"))
    assert numbers_of(step("9 - 3 = 6")) == [3, 9]


@pytest.mark.parametrize(
    ("text", "check"), [("39 + 35 = 74", True), ("74 - 39 = 35", True), ("39 + 35 = 75", False), ("39 - 4 = 35", False)]
)
def test_a_check_runs_a_step_backwards(text, check):
    assert is_check(step(text), find_calculations("32 + 42 = 74. 74 - 35 = 39.")) == check


@pytest.mark.parametrize(
    ("text", "swapped"),
    [("2 × 6 = 12", (6, 4)), ("6 × 4 = 24", (6, 2)), ("2 + 6 = 8", None), ("2 × 4 = 9", None), ("3 × 5 = 15", None)],
)
def test_the_one_number_that_differs(text, swapped):
    assert swapped_number(step(text), step("2 × 4 = 8")) == (swapped and tuple(map(Fraction, swapped)))
