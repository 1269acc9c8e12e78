"""What there is at a path that should be a run's folder, and in words why it is none.

kind_of(Path("runs/demo"))      "run"
why_no_run(Path("studies/a"))   "studies/a is not a run directory, but a study's: its runs are in studies/a/runs/…"
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from tutelage.errors import RunError
from tutelage.runs.files import exists
from tutelage.runs.models import MODEL, STUDENT

Kind = Literal["run", "study", "folder", "empty", "file", "nothing"]

_NAMED = 3
"""Runs that are named in a message, at most."""


def kind_of(path: Path) -> Kind:
    """What there is at a path. Raises RunError where it cannot be looked up."""
    if not exists(path):
        return "nothing"
    if not path.is_dir():
        return "file"
    if exists(path / "run.json"):
        return "run"
    if exists(path / "study.json") or runs_of_study(path):
        return "study"
    try:
        return "folder" if any(path.iterdir()) else "empty"
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror}; choose another directory") from None


def runs_of_study(folder: Path) -> list[Path]:
    """The folders of a study's runs, in order; empty if it is no study."""
    return sorted(mark.parent for mark in folder.glob("runs/*/seed-*/run.json"))


def run_of(model: str) -> Path | None:
    """The run that has made a model, by its folder: RUN/student or RUN/round-NN/model; None if there is none."""
    folder = Path(model).absolute()
    root = folder.parent if folder.name == STUDENT else folder.parents[min(1, len(folder.parents) - 1)]
    return root if folder.name in (STUDENT, MODEL) and exists(root / "run.json") else None


def is_in_study(run: Path) -> bool:
    """Whether a run's folder stands where those of a study do: STUDY/runs/ARM/seed-N."""
    above = run.absolute().parents
    return run.name.startswith("seed-") and len(above) > 2 and above[1].name == "runs"


def why_no_run(path: Path) -> str | None:
    """Why there is no run at a path, with what to do; None if there is one. Raises RunError as `kind_of`."""
    start = f"`tutelage run CONFIG --out {path}` starts a run there"
    if exists((above := path.absolute().parent) / "run.json"):
        start = f"the run is {above}"
    match kind_of(path):
        case "run":
            return None
        case "study":
            runs = _named(path, [os.fspath(run) for run in runs_of_study(path)])
            return f"{path} is not a run directory, but a study's{runs or ', and none of its runs is there'}"
        case "folder":
            runs = _named(path, sorted(os.fspath(mark.parent) for mark in path.glob("*/run.json")))
            return f"{path} is not a run directory: it has no run.json{runs or f'; {start}'}"
        case "empty":
            return f"{path} is not a run directory: it is empty; {start}"
        case "file":
            return f"{path} is not a run directory, but a file; name the folder of a run"
        case "nothing":
            return f"{path} is not a run directory: there is nothing; {start}"


def _named(path: Path, runs: list[str]) -> str:
    more = f" and {len(runs) - _NAMED} more" if len(runs) > _NAMED else ""
    return f"; its runs are {', '.join(runs[:_NAMED])}{more}" if runs else ""
