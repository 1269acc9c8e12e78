"""Follows the files of a run for one tracker: tells it what it has not been told yet.

Steps are told as they come; a round and its mistakes, once it has its result.json; the end, once the run has. What the
tracker holds is read when it is opened, so that after a kill no step is told twice and none is left out. Where it can't
be read, as at a server of Weights & Biases, what the run's folder keeps counts.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from tutelage.run_records import RoundResult, RunResult, StepRecord
from tutelage.runs.files import digest
from tutelage.runs.finished import read_kept
from tutelage.runs.layout import round_folder
from tutelage.runs.reader import RunReader
from tutelage.trackers.about import about_run
from tutelage.trackers.figures import of_end, of_round, of_step
from tutelage.trackers.kept import keep, read_kept_of
from tutelage.trackers.mistakes import sampled_mistakes
from tutelage.trackers.tracker import MISTAKES, About, Has, Row, Table, Tracker

_STEP = TypeAdapter(StepRecord)
BATCH = 50
"""Steps that are told at once."""
_BESIDE = 3
"""Places in a round beside its steps: its figures, its mistakes, and the end of a run that ends with it."""

Open = Callable[[About, str], Tracker]
"""Opens a tracker for a run, under the kept id of an earlier time, or with an empty one."""


def is_whole(run: Path, tracker: str, result: RunResult) -> bool:
    """Whether a tracker was told all of a finished run."""
    return read_kept_of(run, tracker).whole == digest(result)


class Follower:
    """A run's folder and one open tracker. Raises whatever the tracker raises; another Follower then goes on."""

    def __init__(self, run: Path, name: str, opened: Open) -> None:
        self._run, self._name = run, name
        self._kept = read_kept_of(run, name)
        self.tracker = opened(about_run(run), self._kept.id)
        self._kept.id = self.tracker.id
        try:
            has = self.tracker.has()
        except Exception:
            self.tracker.close(False)
            raise
        if has is not None:
            self._kept.begin_again()
        self._has: Has = has or (lambda row, name: False)
        self._steps_of = _StepsFile()
        self._checked: list[Row | Table] = []
        keep(run, name, self._kept)

    def tell(self) -> None:
        """Tell what is new."""
        while self._tell_round(self._kept.rounds):
            pass
        if result := read_kept(self._run, RunResult):
            self._tell_end(result)

    def close(self) -> None:
        """End the tracker, and note whether it was told all of the run. Raises RuntimeError if something is missing."""
        result = read_kept(self._run, RunResult)
        finished = result is not None and self._kept.ended == result.rounds[-1].round
        self.tracker.close(finished)
        has = self.tracker.has()
        if has and (missing := sum(not has(row, name) for row in self._checked for name in _names(row))):
            raise RuntimeError(f"{missing} figures did not arrive")
        if finished:
            self._kept.whole = digest(result)
            keep(self._run, self._name, self._kept)

    def _tell_round(self, number: int) -> bool:
        """Tell what is new of a round; returns whether the round has ended."""
        kept, folder = self._kept, round_folder(self._run, number)
        result = read_kept(folder, RoundResult)  # first: with it, the steps are whole
        fresh = (record for record in self._steps_of.read(folder / "steps.jsonl") if record.step > kept.steps)
        while records := list(islice(fresh, BATCH)):
            self._write([self._step(record) for record in records])
            kept.steps = records[-1].step
            keep(self._run, self._name, kept)
        if result is None:
            return False
        at = kept.before + kept.steps + _BESIDE * number
        self._write([Row(at, number, "round", {"round": float(number), **of_round(result)})])
        table = Table(at + 1, number, sampled_mistakes(RunReader(self._run), number))
        if table.rows and not self._has(table, MISTAKES):
            self.tracker.write_table(table)
        self._checked += [table] if table.rows else []
        self.tracker.flush()
        kept.rounds, kept.before, kept.steps = number + 1, kept.before + kept.steps, 0
        keep(self._run, self._name, kept)
        return True

    def _tell_end(self, result: RunResult) -> None:
        last = result.rounds[-1].round
        if self._kept.ended < last < self._kept.rounds:
            self._write([Row(self._kept.before + _BESIDE * last + 2, last, "round", of_end(result))])
            self._kept.ended = last
            keep(self._run, self._name, self._kept)

    def _step(self, record: StepRecord) -> Row:
        step = self._kept.before + record.step
        return Row(step - 1 + _BESIDE * self._kept.rounds, step, "train/step", of_step(record))

    def _write(self, rows: Sequence[Row]) -> None:
        """Write of the rows what is not there yet."""
        self._checked += rows
        fresh = [
            replace(row, values={name: value for name, value in row.values.items() if not self._has(row, name)})
            for row in rows
        ]
        if fresh := [row for row in fresh if row.values]:
            self.tracker.write(fresh)
            self.tracker.flush()


def _names(row: Row | Table) -> Sequence[str]:
    return list(row.values) if isinstance(row, Row) else [MISTAKES]


class _StepsFile:
    """A steps.jsonl that grows or is replaced by another, read on from where it was left."""

    def __init__(self) -> None:
        self._path, self._inode, self._offset = Path(), 0, 0

    def read(self, path: Path) -> list[StepRecord]:
        """The whole rows that were not read yet; all, if the file is another one. A broken one ends them."""
        try:
            with path.open("rb") as file:
                about = os.fstat(file.fileno())
                if (path, about.st_ino) != (self._path, self._inode) or about.st_size < self._offset:
                    self._path, self._inode, self._offset = path, about.st_ino, 0
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return []
        records: list[StepRecord] = []
        for line in data[: data.rfind(b"\n") + 1].splitlines(keepends=True):
            try:
                records.append(_STEP.validate_json(line))
            except ValidationError:
                break
            self._offset += len(line)
        return records
