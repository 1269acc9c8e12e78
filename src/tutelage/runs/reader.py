"""The one reader of run directories: it reads what can be read, and says in words what cannot.

run = open_run(Path("runs/demo"))      RunError where there is no run, with what there is instead
run.rounds, run.result                 figures, as far as they are whole
run.changed                            Setting("rounds.max", "5", "3"), …: what differs from the defaults
run.sittings                           exam-1, evaluation-1, …, test-before, test-after
run.now                                what it is doing; None unless it is at work
run.faults                             ("runs/demo/result.json has changed since it was written; …",)

Nothing is written, and no code of a run is executed. A run may be at work meanwhile: a row that is not whole yet is
left out. A reader keeps what it has read; make another to read again.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from tutelage.config import RunConfig
from tutelage.config.file import load_config, read_written
from tutelage.config.shown import Setting, changed, shown
from tutelage.errors import ConfigError, RunError, TutelageError
from tutelage.json_lines import MOST_LINE
from tutelage.records import AnswerKind, Problem, Split
from tutelage.run_records import AskedAs, Now, RoundResult, RunResult
from tutelage.runs.files import check_regular
from tutelage.runs.finished import Result, read_kept
from tutelage.runs.found import is_in_study, why_no_run
from tutelage.runs.layout import RESULT, round_folders
from tutelage.runs.mark import kept, read_mark
from tutelage.runs.now import read_now
from tutelage.runs.stage import entries
from tutelage.user_code import is_code

Read = TypeVar("Read")
Row = TypeVar("Row")
State = Literal["at work", "stopped", "finished"]

PROBLEMS, MISTAKES, PRACTICE = "problems.jsonl", "mistakes.jsonl", "practice.jsonl"
REPLIES = ("annotation.jsonl", "feedback.jsonl", "failed.jsonl", PRACTICE)
"""The tables of a round with the teacher's replies."""
_ROUND = re.compile(r"round-(\d{1,6})")
_SPLIT: Mapping[str, Split] = {"exam": "train", "evaluation": "validation"}


@dataclass(frozen=True, slots=True)
class ProblemRow:
    """A row of problems.jsonl; `kind` is that of the task's answers."""

    split: Split
    kind: AnswerKind
    problem: Problem


@dataclass(frozen=True, slots=True)
class SittingFile:
    """A file with a set of answers to a split, such as `exam-1`; the round of test's is None."""

    name: str
    round: int | None
    split: Split
    path: Path


class RunReader:
    """A run directory as it is now. `open_run` also says whether it is one."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._faults: dict[str, None] = {}

    @cached_property
    def mark(self) -> dict[str, Any]:
        """The content of run.json; empty if it cannot be read."""
        return self._read("run.json", read_mark, {})

    @cached_property
    def asked(self) -> AskedAs | None:
        """How the student is asked; None in a run of an earlier version."""
        return kept(self.mark, "asked", AskedAs)

    @cached_property
    def config(self) -> RunConfig | None:
        """The settings as run."""
        return self._read("config.yaml", read_written, None)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """All settings by their dotted keys; addresses are without secrets."""
        return shown(self.config) if self.config else {}

    @cached_property
    def changed(self) -> tuple[Setting, ...]:
        """The settings that differ from their defaults, in their order."""
        return changed(self.config) if self.config else ()

    @cached_property
    def folders(self) -> dict[int, Path]:
        """The folders of the rounds that have begun, by number."""
        found = ((folder, _ROUND.fullmatch(folder.name)) for folder in self._try(lambda: round_folders(self.root), []))
        return {int(named[1]): folder for folder, named in found if named and _there(folder.is_dir)}

    @cached_property
    def rounds(self) -> tuple[RoundResult, ...]:
        """The figures of the finished rounds."""
        found = (self._try(partial(_kept, folder, RoundResult), None) for folder in self.folders.values())
        return tuple(result for result in found if result is not None)

    @cached_property
    def result(self) -> RunResult | None:
        """The figures of a finished run; None before its end."""
        return self._try(lambda: _kept(self.root, RunResult), None)

    def stages(self, round: int | None) -> dict[str, dict[str, Any]]:
        """The entries of a round's stages.json by stage (None: those of the whole run)."""
        folder = self.root if round is None else self.folders.get(round)
        return {} if folder is None else self._try(lambda: _entries(folder), {})

    @cached_property
    def sittings(self) -> tuple[SittingFile, ...]:
        """The sets of answers that are there, in the order of a run."""
        found = [
            SittingFile(f"{name}-{number}", number, split, folder / f"{name}.jsonl")
            for number, folder in self.folders.items()
            for name, split in _SPLIT.items()
        ]
        found += [
            SittingFile(name, None, "test", self.root / f"{name}.jsonl") for name in ("test-before", "test-after")
        ]
        return tuple(each for each in found if _there(each.path.is_file))

    def path(self, round: int | None, name: str) -> Path:
        """The file `name` of a round (None: of the whole run), whether it is there or not."""
        return (self.root if round is None else self.folders.get(round, self.root / f"round-{round:02d}")) / name

    def rows(self, round: int | None, name: str) -> Iterator[dict[str, Any]]:
        """The whole rows of a table such as `feedback.jsonl`, read lazily; none if it is not there."""
        path = self.path(round, name)
        try:
            if _there(path.is_file):
                yield from table(path)
        except OSError as error:
            self._note(error)

    def records(self, round: int | None, name: str, kind: type[Row]) -> Iterator[Row]:
        """The rows of a table as records; what is none is left out."""
        adapter = TypeAdapter(kind)
        for row in self.rows(round, name):
            try:
                yield adapter.validate_python(row)
            except ValidationError:
                continue

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """The problems of all splits; none in a run of an earlier version."""
        return tuple(row.problem for row in self.records(None, PROBLEMS, ProblemRow))

    @cached_property
    def now(self) -> Now | None:
        """What the run is doing; None unless it is at work. In another process it may end at any moment."""
        return read_now(self.root)

    @property
    def state(self) -> State:
        """Whether the run is at work, has finished, or waits to go on."""
        return "at work" if self.now else "finished" if self.result else "stopped"

    @cached_property
    def command(self) -> str | None:
        """The command that goes on with the run; None if it has finished, is at work, or was begun from Python."""
        if self.state != "stopped" or self.config is None:
            return None
        code = {"grader"} | ({"task"} if is_code(self.config.task.name) else set[str]())
        if not isinstance(parts := self.mark.get("parts", {}), dict) or parts.keys() - code:
            return None
        written = self.root / "config.yaml"
        try:
            load_config(written)
        except ConfigError:  # of an earlier version: an old name, or a retired setting that differed
            return None
        return shlex.join(["tutelage", "run", str(written), "--out", str(self.root)])

    @cached_property
    def ledger(self) -> Path | None:
        """The ledger of the teacher's replies; None if it is in none of its places."""
        return next((place for place in self.ledger_places if _there(place.is_file)), None)

    @cached_property
    def ledger_places(self) -> tuple[Path, ...]:
        """Where the ledger may be: as configured, in the study that the run belongs to, or in the run.

        A configured place counts from where the run was started: that may be here, or a folder that the run lies in.
        """
        root = self.root.absolute()
        named = self.config.teacher.ledger if self.config else None
        given = [folder / named for folder in (Path.cwd(), *root.parents)] if named else []
        study = [root.parents[2]] if is_in_study(self.root) else []
        return tuple(dict.fromkeys([*given, *(folder / "ledger.sqlite" for folder in (*study, root))]))

    @cached_property
    def began_as(self) -> Path | None:
        """The folder of the model that the student began as; None if there is none, as for a name on the hub.

        As a ledger's place, it counts from where the run was started.
        """
        name = self.config.student.model if self.config else ""
        places = [folder / name for folder in (Path.cwd(), *self.root.absolute().parents)] if "/" in name else []
        return next((place for place in places if _there(place.is_dir)), None)

    @property
    def faults(self) -> tuple[str, ...]:
        """What of the run cannot be read, in words."""
        self._read_figures()
        return tuple(self._faults)

    def _read_figures(self) -> None:
        """Read what was not read yet; each part notes its faults as it is read."""
        _ = (self.mark, self.config, self.rounds, self.result, self.stages(None))

    def _read(self, name: str, read: Callable[[Path], Read], otherwise: Read) -> Read:
        return self._try(lambda: (check_regular(self.root / name), read(self.root / name))[1], otherwise)

    def _try(self, read: Callable[[], Read], otherwise: Read) -> Read:
        try:
            return read()
        except (TutelageError, OSError) as error:
            self._note(error)
            return otherwise

    def _note(self, error: Exception) -> None:
        self._faults[str(error)] = None


def open_run(root: Path) -> RunReader:
    """A reader of the run in `root`. Raises RunError: there is none, or it is broken, or of a newer version."""
    if (reason := why_no_run(root)) is not None:
        raise RunError(reason)
    run = RunReader(root)
    if not run.mark:
        raise RunError(run.faults[0])
    return run


def _entries(folder: Path) -> dict[str, dict[str, Any]]:
    check_regular(folder / "stages.json")
    return entries(folder)


def _kept(folder: Path, kind: type[Result]) -> Result | None:
    for name in ("stages.json", RESULT):
        check_regular(folder / name)
    return read_kept(folder, kind)


def _there(check: Callable[[], bool]) -> bool:
    """Whether a file or folder is there and may be looked at."""
    with suppress(OSError):
        return check()
    return False


def table(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSONL file; a torn last row and rows that are none are left out. Raises OSError, RunError."""
    check_regular(path)
    with path.open("rb") as file:
        for line in iter(lambda: file.readline(MOST_LINE), b""):
            if not line.endswith(b"\n"):
                continue
            try:
                row: object = json.loads(line)  # three times as fast as `parse_json`, which looks for keys that repeat
            except (ValueError, RecursionError):
                continue
            if isinstance(row, dict):
                yield cast(dict[str, Any], row)
