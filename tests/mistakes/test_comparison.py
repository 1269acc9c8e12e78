"""What attempts at a problem are compared with."""

import random

from tutelage.mistakes import comparison
from tutelage.mistakes.comparison import compare
from tutelage.mistakes.first_wrong_step import first_wrong_step
from tutelage.tasks.catalog import load_task


def test_it_is_worked_out_once_for_all_attempts_at_a_problem():
    problem, *_ = load_task("leg_counting", train=1, validation=1, test=1).problems("train")
    one, other = compare(problem, "2 × 4 = 8."), compare(problem, "3 × 4 = 12.\nThe answer is 12.")
    assert one.steps != other.steps
    for part in ("gold", "given", "known", "facts"):
        assert getattr(one, part) is getattr(other, part), part


def test_attempts_at_other_problems_between_them_change_nothing():
    problems = load_task("leg_counting", train=8, validation=1, test=1).problems("train")
    drawn = random.Random(0)
    attempts = [
        (problem, (problem.rationale or "").replace(str(drawn.randint(1, 9)), str(drawn.randint(1, 9))))
        for problem in problems * 10
    ]
    together = [first_wrong_step(*each) for each in attempts]
    apart = []
    for each in attempts:
        comparison._right.cache_clear()
        apart.append(first_wrong_step(*each))
    assert together == apart
    assert len({wrong and wrong.text for wrong in together}) > 10
