"""How long a round of a run will take, roughly, before it starts. Pure.

A trained token costs 6 floating-point operations for each weight, a generated one 2 (Kaplan et al. 2020,
arXiv 2001.08361, section 2.1). Of the speed at which the machine multiplies matrices, a training step reaches about 0.6
and an exam about 0.25 (docs/performance.md); so this is right to a factor of two, not better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from tutelage.config import RunConfig
from tutelage.records import Problem

TRAINING, EXAM = 0.6, 0.25
"""Shares of the machine's speed of multiplication that are reached."""
BYTES_PER_TOKEN = 4
RATIONALE = 100
"""Tokens of a rationale where the problems have none to go by."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Seconds of a round: its training, and its exam with the evaluation after it."""

    training: float
    exam: float

    @property
    def seconds(self) -> float:
        """All of a round but the teacher's time."""
        return self.training + self.exam


def expected_round(
    config: RunConfig, train: Sequence[Problem], validation: int, weights: int, gflops: float
) -> Expected:
    """What a later round takes that trains on a rationale for every problem. `gflops` is what the machine multiplies
    with: 10^9 operations a second."""
    question = fmean(len(problem.text.encode()) for problem in train) / BYTES_PER_TOKEN
    solutions = [len(problem.rationale.encode()) for problem in train if problem.rationale]
    rationale = fmean(solutions) / BYTES_PER_TOKEN if solutions else RATIONALE
    texts = 1 if config.training.reflection == "none" or not config.training.reflection_weight else 3
    rows = len(train) * config.training.epochs
    trained = rows * (question + texts * rationale)
    written = (len(train) * config.exam.samples + validation) * rationale + len(train) * question
    speed = gflops * 1e9
    return Expected(6 * weights * trained / (TRAINING * speed), 2 * weights * written / (EXAM * speed))
