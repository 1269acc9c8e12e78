"""What a division leaves is an answer that no calculation makes; it must be the rest that there is."""

import pytest

from tests.teacher.judge.test_soundness import read
from tutelage.records import Problem

CANDY = Problem.of("Lee has 50 candies, shares them among 8 friends and keeps the rest. How many does he keep?", "2")


@pytest.mark.parametrize(
    "steps",
    [
        "50 ÷ 8 = 6 remainder 2. So he keeps 2 candies.",
        "50 ÷ 8 = 6 R 2. He keeps 2.",
        "50 ÷ 8 = 6 r2. So 2 are kept.",
        "50 / 8 = 6 with a remainder of 2. Lee keeps 2 candies.",
        "50 ÷ 8 = 6 with 2 left over.",
        "50 ÷ 8 = 6, with 50 - 48 = 2 left.",
        "8 × 6 = 48, and 2 candies are left.",
        "Each friend gets 6 candies. 6 × 8 = 48 are given away, so he keeps 2.",
        "8 × 6 = 48 and 50 - 48 = 2.",
    ],
)
def test_a_rest_is_what_a_division_comes_to(steps):
    reading = read(f"{steps}\nThe answer is 2.", CANDY)
    assert (reading.text, reading.failure) == (f"{steps}\nThe answer is 2.", None)


@pytest.mark.parametrize(
    "steps",
    [
        "50 ÷ 8 = 6 remainder 4. So he keeps 2 candies.",
        "50 ÷ 8 = 6 with 4 left over. So he keeps 2 candies.",
        "8 × 6 = 48, and 5 candies are left. So he keeps 2.",
        "8 × 5 = 40 are given away, so he keeps 2.",
        "50 ÷ 8 = 6 candies for each friend.",
        "50 - 8 = 42, so he keeps 2.",
    ],
)
def test_an_invented_rest_is_not(steps):
    assert read(f"{steps}\nThe answer is 2.", CANDY).failure is not None


def test_a_rest_may_be_calculated_with():
    problem = Problem.of("125 rolls go into bags of 28. Each other roll costs 2 dollars. How much is that?", "26")
    assert read("125 ÷ 28 = 4 R 13. 13 × 2 = 26 dollars.\nThe answer is 26.", problem).failure is None


@pytest.mark.parametrize(
    ("question", "answer", "steps"),
    [
        ("How many days are from Monday to Friday?", "4", "Tuesday, Wednesday, Thursday: 4 days."),
        ("It is 5 degrees and falls by 12. And then?", "-7", "12 - 5 = 7 degrees."),
        ("It is 5 degrees and falls by 12. And then?", "-7", "12 - 4 = 8, so it is 7 degrees below zero."),
        ("From $80 to $60, how many percent less?", "25", "60/80 = 75%, so it is reduced by 35%."),
        ("What is the units digit of 3 × 27?", "2", "3 × 27 = 81. The units digit is 2."),
    ],
)
def test_nor_is_what_the_last_result_does_not_show(question, answer, steps):
    assert read(f"{steps}\nThe answer is {answer}.", Problem.of(question, answer)).failure is not None
