"""Calculations in words and powers are read as if they stood in signs, so that false ones are found."""

import pytest

from tests.work import assert_linear
from tutelage.teacher.judge.in_signs import in_signs
from tutelage.teacher.judge.soundness import false_calculation


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("3 times 4 is 14, and 2^3 = 6", "3 × 4 = 14, and (2 × 2 × 2) = 6"),
        ("12 minus 2 equals 9 pens", "12 - 2 = 9 pens"),
        ("half of 12 is 7", "12 / 2 = 7"),
        ("25 percent of 40 is 12", "25% of 40 = 12"),
        ("3 + 4 pens makes 8", "3 + 4 pens = 8"),
    ],
)
def test_words_become_signs(text, signs):
    assert in_signs(text) == signs


@pytest.mark.parametrize(
    "text",
    [
        "3/4 is 6 cups",
        "x^2 = 9",
        "9-11 is 3 hours",
        "a bag of 4 is 3 dollars",
        "He won 3 times in 4 games",
        "10^12",
        "3 × 5 is 5 more than 10",
        "3 × 5 is 3 times 5",
        "Weeks 3-4 from Weeks 1-2 = 96 - 70 = 26",
        "an increase of 50% of 8 is 1.5*8=12",
    ],
)
def test_what_may_mean_something_else_stays(text):
    assert false_calculation(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "3 times 4 is 14.",
        "3 multiplied by 4 equals 14.",
        "3 x 4 equals 14.",
        "12 minus 2 equals 9.",
        "2^3 = 6",
        "3² = 6",
        "Half of 12 is 7.",
        "25% of 40 is 12.",
        "100/3 = 33.4",
    ],
)
def test_false_ones_are_found(text):
    assert false_calculation(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "3 times 4 is 12.",
        "3 × 2^4 = 3 × 16 = 48",
        "7² + 1 = 50",
        "25% of 40 is 10.",
        "100/3 = 33.3, or 33.33",
        "200/3 = 66.7, or 66.66",
        "half of 25 is 12.5",
        "2/3 = 0.67 = 67%",
    ],
)
def test_true_ones_are_not(text):
    assert false_calculation(text) is None


@pytest.mark.parametrize("piece", ["3 + 4 ", "3 times ", "2^3 ", "5% of 4 "])
def test_long_texts_are_written_in_linear_time(piece):
    assert_linear(in_signs, piece * 8000)
