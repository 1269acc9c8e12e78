"""What rank 0 orders the other ranks to do, and what they do it with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tutelage.config import StudentConfig, TrainingConfig
from tutelage.mistakes.repair import Repair
from tutelage.records import Completion, Problem, TrainingExample, WorkedExample
from tutelage.run_records import AskedAs, Precision
from tutelage.student.sampler import Sampled, SamplingSettings


@dataclass(frozen=True, slots=True)
class Sketch:
    """What a student is made of, without its weights: those are in `folder`, which all ranks see."""

    config: StudentConfig
    examples: Sequence[WorkedExample]
    folder: Path | None
    key: str
    answer_tokens: int | None
    precision: Precision
    system: str | None
    asked: AskedAs


@dataclass(frozen=True, slots=True)
class Look:
    """Say whether the run's folder holds the run of this id."""

    run: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer your share of these problems; `student` is None for the one that is in training."""

    student: Sketch | None
    problems: Sequence[Problem]
    seeds: Sequence[int]
    settings: SamplingSettings
    prefixes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Learn:
    """Take part in a training; `guarded`: the student is asked in the midst of it."""

    student: Sketch
    examples: Sequence[TrainingExample]
    repairs: Sequence[Repair]
    config: TrainingConfig
    seed: int
    checkpoints: Path
    folder: Path
    guarded: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """Go on with the training: the student in it has this accuracy."""

    accuracy: float


@dataclass(frozen=True, slots=True)
class End:
    """The run has ended with this result."""

    result: object


Answers = list[tuple[int, list[Completion]]]
"""Answers on their way to rank 0, by the place of their problem."""


@dataclass(frozen=True, slots=True)
class Done:
    """A rank has answered its share, at this cost."""

    cost: Sampled


def share(problems: Sequence[Problem], rank: int, size: int) -> list[int]:
    """The places of the problems that a rank answers: dealt out by length, so that each has as many tokens."""
    order = sorted(range(len(problems)), key=lambda place: len(problems[place].text), reverse=True)
    return order[rank::size]
