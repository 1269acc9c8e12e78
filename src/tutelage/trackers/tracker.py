"""What a tracker is told, and what it must be able to do.

Row(place=14, step=13, axis="train/step", values={"train/lm_loss": 0.93, …})          a training step
Row(place=26, step=1, axis="round", values={"validation/accuracy": 0.41, …})          a round
Table(place=27, step=1, rows=(("wrong calculation", "Tom has …", …), …))              its sampled mistakes
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

MISTAKES = "sampled_mistakes"
"""What the table is called."""
COLUMNS = ("kind", "question", "answer", "attempt", "first wrong step", "right is", "feedback", "feedback is right")


@dataclass(frozen=True, slots=True)
class Row:
    """Figures at one place. `step` counts training steps over all rounds, or is a round's number, as `axis` says.

    `place` counts everything that a tracker is told: it rises from row to row and is the same in every process.
    """

    place: int
    step: int
    axis: Literal["train/step", "round"]
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Table:
    """Sampled mistakes of a round (`step`), a row each, with the texts of COLUMNS."""

    place: int
    step: int
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class About:
    """What a tracker is told of the run itself.

    `id` is the run's own; `group` is the arm of a study, or empty. `settings` are flat and hold no secrets.
    """

    folder: Path
    id: str
    project: str
    name: str
    group: str
    settings: Mapping[str, bool | int | float | str]

    def in_project(self, variable: str) -> str:
        """The project: what the tracker's own environment variable names, else ours."""
        return os.environ.get(variable) or self.project


Has = Callable[[Row | Table, str], bool]
"""Whether a tracker already has a figure (or MISTAKES) of a row."""


class Tracker(Protocol):
    """A tracker that is open for one run. Any method may raise whatever its library raises.

    `id` is kept in the run's folder: opened with it, a tracker goes on with the same run. `where` says where to look.
    """

    id: str
    where: str

    def has(self) -> Has | None:
        """Read what it holds, also what a killed process has left there; None if that cannot be read."""
        ...

    def write(self, rows: Sequence[Row]) -> None:
        """Add figures."""
        ...

    def write_table(self, table: Table) -> None:
        """Add a table, or its text."""
        ...

    def flush(self) -> None:
        """Hand over all that was written."""
        ...

    def close(self, finished: bool) -> None:
        """Hand over the rest and end; `finished` says whether the run has."""
        ...


def among(there: set[tuple[str, int]]) -> Has:
    """Whether a figure is among those found, by their names and steps."""
    return lambda row, name: (name, row.step) in there
