"""The training of a run: losses and what self-reflection compares by step, what stages cost, the guard. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Curve:
    """A figure over the steps of a round: points (step, value), thinned by the rule of `thinned`."""

    label: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class RoundTraining:
    """The training of one round.

    `losses` has two curves: L_LM, and L_SR if there were pairs. `compared` has those that self-reflection compares
    (similarities of the triplet, or gains of a preference); empty without pairs. `gradients` has the norms of both
    gradients where they were recorded. `steps` counts those done, `shown` the points of the longest curve. `collapse`
    says in words what the guard did; None: nothing. `finished` says whether the stage is done.
    """

    round: int
    steps: int
    shown: int
    losses: Sequence[Curve]
    compared: Sequence[Curve]
    gradients: Sequence[Curve]
    examples: int | None
    rows: int | None
    truncated: int | None
    collapse: str | None
    finished: bool


@dataclass(frozen=True, slots=True)
class StageCost:
    """What a finished stage cost; `round` is None for stages of the whole run (test). Memory is in bytes."""

    round: int | None
    stage: str
    seconds: float
    tokens: int
    tokens_per_second: float
    padding: float
    peak_memory: int


@dataclass(frozen=True, slots=True)
class TrainingFacts:
    """Everything of the training page. `guard` says how the guard is set, in words; None if it is off."""

    rounds: Sequence[RoundTraining]
    costs: Sequence[StageCost]
    guard: str | None
    faults: Sequence[str] = ()
