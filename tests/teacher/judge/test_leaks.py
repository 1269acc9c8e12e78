"""Steps that know their number before they have come to it."""

import pytest

from tests.teacher.judge.test_soundness import CANS, LEAKED, SOLVED, read
from tutelage.records import Problem
from tutelage.teacher.judge.leaks import find_leak
from tutelage.text.numbers import whole_number

SOUND = "There are 3 + 4 = 7 bags. 7 × 9 = 63 cans are in them."
BOXES = Problem.of("Tom had 12 boxes of 6 pens and gave 7 boxes away. How many pens are left?", "30")


@pytest.mark.parametrize(
    "reply",
    [
        f"The total number of cans is 63. This is calculated as follows:\n{SOLVED}",
        f"The total number of cans is 63.\n{SOLVED}",
        f"In all he picked up sixty-three cans.\n{SOLVED}",
    ],
)
def test_a_total_told_first_is_cut(reply):
    assert read(f"{reply}\nThe answer is 63.").text == f"{SOLVED}\nThe answer is 63."


@pytest.mark.parametrize(
    "steps",
    [
        "63 because there are 3 + 4 = 7 bags of 9 cans, and 7 × 9 = 63.",
        "It is 63 cans, since 3 + 4 = 7 and 7 × 9 = 63.",
        "He has 63 cans because 3 + 4 = 7 and 7 × 9 = 63.",
        "The number of cans is 63: 3 + 4 = 7 bags, and 7 × 9 = 63 cans.",
        "There are 63 cans (3 + 4 = 7, 7 × 9 = 63).",
    ],
)
def test_steps_that_begin_with_their_number_are_refused(steps):
    reading = read(f"{steps}\nThe answer is 63.")
    assert (reading.failure, reading.verdict.reason) == (LEAKED, "the reply begins with its answer")


@pytest.mark.parametrize(
    "steps",
    [
        "12 × 6 = 72 pens. To get 30, we subtract 42: 72 - 42 = 30.",
        "12 × 6 = 72 pens. Since we know that the result must be 30, we take 42 away.\n72 - 42 = 30",
        "12 × 6 = 72 pens, but the answer should be 30, so he gave 42 away: 72 - 42 = 30.",
        "The pens must equal 30. 30 / 6 = 5, so he kept 5 boxes.",
        "We need a total of 30, so 5 boxes hold 6 pens: 5 × 6 = 30.",
        "12 × 6 = 72 pens. We need 30, so we subtract 42: 72 - 42 = 30.",
        "5 × 5 = 25. We add 5 more to reach 30: 25 + 5 = 30.",
        "Let's assume that the question meant 30 pens. Then 5 × 6 = 30.",
    ],
)
def test_steps_that_aim_at_their_number_are_refused(steps):
    assert read(f"{steps}\nThe answer is 30.", BOXES).failure == LEAKED


@pytest.mark.parametrize(
    ("problem", "steps"),
    [
        (CANS, SOUND),
        (CANS, "There are 7 bags, because 3 + 4 = 7. So 63 cans are there: 7 × 9 = 63."),
        (CANS, "There are 7 bags. So there must be 63 cans, as 7 × 9 = 63."),
        (BOXES, "12 - 7 = 5 boxes are left. He multiplies 5 by 6 to get 30 pens: 5 × 6 = 30."),
        (BOXES, "The answer must be a number of pens. 12 - 7 = 5. 5 × 6 = 30."),
        (Problem.of("Ann needs 30 pens and has 12. How many has she when she has them all?", "30"), "12 + 18 = 30."),
    ],
)
def test_a_number_that_is_derived_is_no_leak(problem, steps):
    wanted = whole_number(problem.answer)
    assert wanted is not None
    assert find_leak(steps, problem, wanted) is None
