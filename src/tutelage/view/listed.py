"""A run in a list of several: as little as tells them apart, read from its figures alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tutelage.errors import TutelageError
from tutelage.run_records import Accuracy
from tutelage.runs.reader import open_run


@dataclass(frozen=True, slots=True)
class ListedRun:
    """`state` is that of a run, or `unreadable`, with `fault` in words. `changed_at` is Unix time."""

    name: str
    state: str
    rounds: int
    validation: Accuracy | None
    test: Accuracy | None
    task: str
    student: str
    teacher: str
    changed_at: float
    fault: str = ""


def listed(name: str, folder: Path) -> ListedRun:
    """A run as a row of a list. Never raises: what cannot be read is said."""
    try:
        run = open_run(folder)
        result, config = run.result, run.config
        rounds = result.rounds if result else run.rounds
        best = result.best_round if result else rounds[-1].round if rounds else None
        return ListedRun(
            name,
            run.state,
            len(rounds),
            next((row.validation for row in rounds if row.round == best), None),
            result.test.after if result else None,
            config.task.name if config else "",
            config.student.model if config else "",
            (config.teacher.model or config.teacher.kind) if config else "",
            _changed_at(folder),
            "; ".join(run.faults),
        )
    except (TutelageError, OSError) as error:
        return ListedRun(name, "unreadable", 0, None, None, "", "", "", _changed_at(folder), str(error))


def _changed_at(folder: Path) -> float:
    """When the last round or stage ended, or the run began."""
    times: list[float] = []
    for path in (folder / "run.json", folder / "stages.json", *folder.glob("round-*/stages.json")):
        try:
            times.append(path.stat().st_mtime)
        except OSError:
            continue
    return max(times, default=0.0)
