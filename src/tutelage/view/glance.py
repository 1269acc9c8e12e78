"""A run at a glance: how far it is, what it is doing, what it has cost, and how it goes on. Pure.

Accuracies are shares from 0 to 1, times are in seconds, money is in US dollars.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tutelage.run_records import Accuracy, BeforeAfter

State = Literal["at work", "stopped", "finished"]


@dataclass(frozen=True, slots=True)
class RoundRow:
    """A finished round. Exam figures are None in round 0; `mistakes` counts wrong attempts of `attempts`."""

    round: int
    validation: Accuracy
    pass_rate: float | None
    mistakes: int | None
    attempts: int | None
    requests: int
    replies_used: int
    usd: float
    trained_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Doing:
    """What a run at work is doing: a stage (`round 1: exam`) with `done` of `total` units (problems, requests, steps).

    `rate` is units per second, `left` the seconds that the rest takes at this rate; both are None before anything is
    done. `tokens_rate` is None where no tokens are counted. `note` says in words what there is to wait for.
    """

    title: str
    done: int
    total: int
    units: str
    share: float
    seconds: float
    rate: float | None
    left: float | None
    tokens_rate: float | None
    in_flight: int = 0
    waiting: int = 0
    retried: Mapping[str, int] = field(default_factory=dict[str, int])
    failures: Mapping[str, int] = field(default_factory=dict[str, int])
    usd: float = 0.0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that differs from its default, by its dotted key; values as in a configuration file."""

    key: str
    value: str
    usual: str


@dataclass(frozen=True, slots=True)
class Glance:
    """A run at a glance.

    `doing` is None unless the run is at work. `ended_because`, `best_round` and `test` are None before its end.
    `failures` counts requests without a rationale by kind; `caps` are those of the teacher's budget that are set, by
    name (usd, requests, tokens). `command` continues the run; None for one that has finished, is at work, or was begun
    from Python. `faults` say in words what of the run cannot be read.
    """

    name: str
    folder: str
    state: State
    rounds: Sequence[RoundRow]
    max_rounds: int | None
    doing: Doing | None
    ended_because: str | None
    best_round: int | None
    test: BeforeAfter | None
    requests: int
    tokens: int
    usd: float
    caps: Mapping[str, float]
    failures: Mapping[str, int]
    seconds: float
    settings: Sequence[Setting]
    command: str | None
    machine: str = ""
    versions: str = ""
    precision: str = ""
    faults: Sequence[str] = ()
