"""How far a tracker has been told, kept in the run's folder: trackers/mlflow.json.

{"id": "7c0e…", "rounds": 1, "steps": 12, "before": 24, "ended": -1, "whole": ""}
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from tutelage.runs.files import write_json

FOLDER = "trackers"
"""The folder in a run's folder for what is of trackers."""


@dataclass(slots=True)
class Kept:
    """The id of the tracker's run, and what it was told.

    These are `rounds` whole rounds, `steps` steps of the next one, with `before` steps before them, and the end of a
    run whose last round was `ended` (-1: no end). `whole` is the digest of the result of a run that is told to its end.
    """

    id: str = ""
    rounds: int = 0
    steps: int = 0
    before: int = 0
    ended: int = -1
    whole: str = ""

    def begin_again(self) -> None:
        """Forget what was told."""
        self.rounds = self.steps = self.before = 0
        self.ended, self.whole = -1, ""


def read_kept_of(run: Path, tracker: str) -> Kept:
    """What is kept of a tracker; a file that is broken or not there counts as nothing told."""
    try:
        return TypeAdapter(Kept).validate_json(_path(run, tracker).read_bytes())
    except (OSError, ValidationError):
        return Kept()


def keep(run: Path, tracker: str, kept: Kept) -> None:
    """Write it. Raises RunError if the disk refuses it."""
    write_json(_path(run, tracker), kept)


def _path(run: Path, tracker: str) -> Path:
    return run / FOLDER / f"{tracker}.json"
