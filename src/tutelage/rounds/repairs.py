"""From an exam and the teacher's replies to repairs: attempts put right at their first wrong step. Pure.

A problem of round 1: the student wrote 3 × 4 = 13 twice, and once 3 + 4 = 7. The first two are the same repair; the
other one needs the worked solution, or a teacher that was asked to put it right.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence

from tutelage.config import TrainingConfig
from tutelage.mistakes.repair import Repair, repaired
from tutelage.records import Attempt, Exam, Problem
from tutelage.rounds.requests import by_problem


def build_repairs(problems: Sequence[Problem], exam: Exam | None, config: TrainingConfig, seed: object) -> list[Repair]:
    """The repairs of this round's exam, in the order of the problems; none if the settings name another loss.

    At most `config.max_negatives` of a problem, drawn by seed.
    """
    if exam is None or config.reflection != "repair" or not config.reflection_weight:
        return []
    sat = by_problem(exam.attempts)
    found: list[Repair] = []
    for problem in problems:
        known = _distinct(_of_attempts(problem, sat.get(problem.id, ()), config))
        most = min(len(known), config.max_negatives)
        found += random.Random(f"{seed}/{problem.id}/repairs").sample(known, most)
    return found


def _of_attempts(problem: Problem, attempts: Iterable[Attempt], config: TrainingConfig) -> Iterator[Repair]:
    for attempt in attempts:
        solved = config.repair_from == "solution"
        found = repaired(problem, attempt, by_solution=solved, whole=config.repair_rest)
        if found is not None:
            yield found


def _distinct(repairs: Iterable[Repair]) -> list[Repair]:
    """One of those that put the same right after the same text."""
    return list({(repair.before, repair.right): repair for repair in repairs}.values())
