"""Further problems of generated tasks: near the failed one, the same for the same seed, in none of the splits."""

from itertools import islice

import pytest

from tutelage.records import SPLITS, FeedbackRequest
from tutelage.tasks.catalog import load_task
from tutelage.tasks.generated.near import CANDIDATES, near_problems

TASKS = ["leg_counting", "chain_sum", "common_divisor", "shopping", "leap_year", "gsm_symbolic"]


@pytest.mark.parametrize("name", TASKS)
def test_near_the_failed_one(name):
    task = load_task(name, train=20, validation=5, test=10)
    near, known = near_problems(task), {problem.id for split in SPLITS for problem in task.problems(split)}
    assert near is not None
    for number, failed in enumerate(task.problems("train")[:4]):
        made = list(islice(near(FeedbackRequest(failed), number), 3))
        assert made == list(islice(near(FeedbackRequest(failed), number), 3))
        assert made
        assert known.isdisjoint(problem.id for problem in made)
        assert all(task.grade(problem, f"The answer is {problem.answer}.").correct for problem in made)


def test_the_failed_step_is_taken_again():
    task = load_task("leg_counting", train=20, validation=5, test=10, options={"min_animals": 2, "max_animals": 4})
    near = near_problems(task)
    assert near is not None
    assert task.more is not None
    for failed in task.problems("train"):
        first, *_ = (failed.rationale or "").split(". ")  # `3 cows: 3 × 4 = 12`
        wrong = f"{first.rpartition('=')[0]}= 1. The answer is 1."
        made = next(near(FeedbackRequest(failed, wrong, 0, "1"), 1))
        animal = first.partition(":")[0].partition(" ")[2][:4]
        there = [problem for problem in islice(task.more(1), CANDIDATES) if animal in (problem.rationale or "")]
        assert animal in (made.rationale or "") or not there


def test_a_task_that_is_not_generated_has_none(tmp_path):
    path = tmp_path / "own.jsonl"
    path.write_text("".join(f'{{"question": "What is {n} + 1?", "answer": "{n + 1}"}}\n' for n in range(20)))
    assert near_problems(load_task("custom", path=path)) is None
