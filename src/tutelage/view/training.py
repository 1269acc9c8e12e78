"""The training of a run: losses and what self-reflection compares by step, what stages cost, the guard. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import fmean
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from tutelage.config import RunConfig
from tutelage.errors import RunError
from tutelage.renamed import modern_step
from tutelage.run_records import COMPARED, StepRecord, TrainingSummary, Work
from tutelage.runs.reader import RunReader, table

MOST_POINTS = 300
"""Points of a curve. With more steps, a point is the mean of so many consecutive steps that there are no more."""
Kind = TypeVar("Kind")
_STEP, _SUMMARY, _WORK = TypeAdapter(StepRecord), TypeAdapter(TrainingSummary), TypeAdapter(Work)
_LABELS = {
    "lm_loss": "L_LM",
    "reflection_loss": "L_SR",
    "positive_similarity": "similarity to the right rationale",
    "negative_similarity": "similarity to the mistake",
    "chosen_gain": "gain of the right rationale",
    "rejected_gain": "gain of the mistake",
    "repaired_loss": "nats a repaired token",
    "wrong_loss": "nats a wrong token",
    "lm_gradient": "gradient of L_LM",
    "reflection_gradient": "gradient of L_SR",
}


@dataclass(frozen=True, slots=True)
class Curve:
    """A figure over the steps of a round: points (step, value), thinned by the rule of MOST_POINTS.

    The step of a point is the middle of its steps.
    """

    label: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class RoundTraining:
    """The training of one round.

    `losses` has two curves: L_LM, and L_SR if there were pairs. `compared` has those that self-reflection compares
    (similarities of the triplet, gains of a preference, losses of repairs); empty without pairs. `gradients` has the
    norms of both gradients where they were recorded. `steps` counts those written so far; a point is the mean of
    `every` of them. `collapse` says in words what the guard did; None: nothing. `finished` says whether the stage is
    done, `repairs` how many mistakes put right were trained on.
    """

    round: int
    steps: int
    every: int
    losses: Sequence[Curve]
    compared: Sequence[Curve]
    gradients: Sequence[Curve]
    examples: int | None
    rows: int | None
    truncated: int | None
    collapse: str | None
    finished: bool
    repairs: int | None = None


@dataclass(frozen=True, slots=True)
class StageCost:
    """What a finished stage cost; `round` is None for stages of the whole run (test)."""

    round: int | None
    stage: str
    work: Work


@dataclass(frozen=True, slots=True)
class TrainingFacts:
    """Everything of the training page. `guard` says how the guard is set, in words; None if it is off."""

    rounds: Sequence[RoundTraining]
    costs: Sequence[StageCost]
    guard: str | None
    faults: Sequence[str] = ()


def training(run: RunReader) -> TrainingFacts:
    """The training of a run as far as it is written."""
    costs = [cost for number in (*run.folders, None) for cost in _costs(number, run.stages(number))]
    rounds = [found for number in run.folders if (found := _round(run, number)) is not None]
    return TrainingFacts(tuple(rounds), tuple(costs), run.config and _guard(run.config), run.faults)


def _round(run: RunReader, number: int) -> RoundTraining | None:
    entry = run.stages(number).get("training", {})
    path = run.path(number, "steps.jsonl")
    try:
        about = path.stat()
        gains = run.config is not None and run.config.training.reflection == "preference"
        steps, every, curves = _curves(path, gains, about.st_ino, about.st_size)
    except (OSError, RunError):
        steps, every, curves = 0, 1, dict[str, Curve]()
    if not entry and not steps:
        return None
    summary = _record(_SUMMARY, entry.get("training"))
    return RoundTraining(
        number,
        steps,
        every,
        _named(curves, "lm_loss", "reflection_loss"),
        _named(curves, *COMPARED),
        _named(curves, "lm_gradient", "reflection_gradient"),
        summary and summary.examples,
        summary and summary.rows,
        summary and summary.truncated,
        summary and summary.collapse,
        entry.get("done") is True,
        summary and summary.repairs,
    )


@lru_cache(maxsize=256)
def _curves(path: Path, gains: bool, inode: int, size: int) -> tuple[int, int, Mapping[str, Curve]]:
    """The steps of a file, the steps of a point, and the curves by field. A file of this size is read once."""
    found = (_record(_STEP, modern_step(row, gains=gains)) for row in table(path))
    steps = sorted({step.step: step for step in found if step is not None}.values(), key=lambda step: step.step)
    names = tuple(_LABELS) if any(step.pairs for step in steps) else ("lm_loss", "lm_gradient")
    every = max(1, math.ceil(len(steps) / MOST_POINTS))
    groups = [steps[start : start + every] for start in range(0, len(steps), every)]
    return len(steps), every, {name: Curve(_LABELS[name], _points(groups, name)) for name in names}


def _points(groups: Sequence[Sequence[StepRecord]], name: str) -> tuple[tuple[float, float], ...]:
    """The mean of each group that has a value."""
    points = list[tuple[float, float]]()
    for group in groups:
        values = [value for step in group if (value := getattr(step, name)) is not None and math.isfinite(value)]
        if values:
            points.append(((group[0].step + group[-1].step) / 2, fmean(values)))
    return tuple(points)


def _named(curves: Mapping[str, Curve], *names: str) -> tuple[Curve, ...]:
    return tuple(curves[name] for name in names if name in curves and curves[name].points)


def _costs(number: int | None, stages: Mapping[str, Mapping[str, Any]]) -> list[StageCost]:
    found = ((name, _record(_WORK, entry.get("work"))) for name, entry in stages.items() if entry.get("done") is True)
    return [StageCost(number, name, work) for name, work in found if work is not None]


def _guard(config: RunConfig) -> str | None:
    """How the guard is set, in words; None if it watches nothing."""
    guard, training = config.training.guard, config.training
    if not guard.checks or training.reflection == "none" or not training.reflection_weight:
        return None
    accuracy = f", or accuracy on validation by {100 * guard.accuracy_drop:g} points" if guard.problems else ""
    return (
        f"{guard.checks} checks a round; it goes back when the log-likelihood of rationales falls by "
        f"{guard.likelihood_drop:g} nats a token{accuracy}, {guard.patience} times in a row"
    )


def _record(kind: TypeAdapter[Kind], data: object) -> Kind | None:
    try:
        return kind.validate_python(data)
    except ValidationError:
        return None
