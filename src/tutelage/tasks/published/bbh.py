"""Loads the multiple choice of BIG-bench-hard as one task: all of its files, or the one of `task.subset`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tutelage.config import TaskConfig
from tutelage.did_you_mean import did_you_mean
from tutelage.errors import ConfigError, DataError
from tutelage.records import Problem, WorkedExample
from tutelage.tasks.data.hub import load_hub, rows_of_split
from tutelage.tasks.published.bigbench import SUBSETS, bbh
from tutelage.tasks.published.load import TEST_SHARE, divided, read_benchmark_rows
from tutelage.tasks.rows import Row
from tutelage.tasks.splits import LoadedTask, build_task

HUB = "lukaemon/bbh"
_BROKEN = 0.01
"""Share of a file's rows that may be broken. Four of the published ones are: a comma has torn their options apart."""


def load_bbh(config: TaskConfig, examples: Sequence[WorkedExample]) -> LoadedTask:
    """The problems of `config.subset`, or of all tasks, from NAME.json in a folder, or from the hub.

    Raises:
        ConfigError: there is no such subset, or a package is missing.
        DataError: a file or the hub can't be read, or a row is broken.
    """
    if config.subset is not None and config.subset not in SUBSETS:
        remedy = did_you_mean(config.subset, SUBSETS, f"those with options are {', '.join(SUBSETS)}")
        raise ConfigError(
            f"task.subset: there is no {config.subset!r} in the multiple choice of BIG-bench-hard; {remedy}"
        )
    names = SUBSETS if config.subset is None else (config.subset,)
    rows, commit = _from_hub(config, names) if config.path is None else (_from_folder(Path(config.path), names), None)
    read = [_read(part) for part in rows.values()]
    problems, broken = [each for part, _ in read for each in part], [each for _, part in read for each in part]
    notes = [f"rows left out, whose options are broken: {len(broken)}, such as {broken[0]}"] if broken else []
    if missing := [name for name in names if name not in rows]:
        notes.append(f"tasks left out, whose files are not there: {', '.join(missing)}")
    source = divided(config, problems, tuple(notes), TEST_SHARE)
    return replace(build_task(config, "choice", examples, source, origin=config.path or HUB), commit=commit)


def _from_folder(folder: Path, names: Sequence[str]) -> dict[str, list[Row]]:
    places = (folder, folder / "bbh")
    place = next((place for place in places if any((place / f"{name}.json").is_file() for name in names)), None)
    if place is None:
        raise DataError(f"{names[0]}.json is not in this folder, nor in its subfolder bbh", path=folder)
    files = {name: file for name in names if (file := place / f"{name}.json").is_file()}
    return {name: read_benchmark_rows(file, "examples") for name, file in files.items()}


def _from_hub(config: TaskConfig, names: Sequence[str]) -> tuple[dict[str, list[Row]], str]:
    revision, rows = config.revision, dict[str, list[Row]]()
    for name in names:
        data = load_hub(HUB, name, revision)
        revision = data.commit
        rows[name] = [row for split in data.splits for row in rows_of_split(HUB, split, data)]
    assert revision is not None
    return rows, revision


def _read(rows: Sequence[Row]) -> tuple[list[Problem], list[DataError]]:
    """The problems of a file, and the faults of rows that are left out. Raises DataError if these are many."""
    problems, faults = list[Problem](), list[DataError]()
    for row in rows:
        try:
            problems.append(bbh(row))
        except DataError as fault:
            faults.append(fault)
    if len(faults) > _BROKEN * len(rows):
        raise faults[0]
    return problems, faults
