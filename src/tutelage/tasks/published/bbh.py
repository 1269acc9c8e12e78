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
from tutelage.tasks.splits import LoadedTask, build_task

HUB = "lukaemon/bbh"


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
    problems, commit = (
        _from_hub(config, names) if config.path is None else (_from_folder(Path(config.path), names), None)
    )
    source = divided(config, problems, (), TEST_SHARE)
    return replace(build_task(config, "choice", examples, source, origin=config.path or HUB), commit=commit)


def _from_folder(folder: Path, names: Sequence[str]) -> list[Problem]:
    places = (folder, folder / "bbh")
    place = next((place for place in places if any((place / f"{name}.json").is_file() for name in names)), None)
    if place is None:
        raise DataError(f"{names[0]}.json is not in this folder, nor in its subfolder bbh", path=folder)
    files = [file for name in names if (file := place / f"{name}.json").is_file()]
    return [bbh(row) for file in files for row in read_benchmark_rows(file, "examples")]


def _from_hub(config: TaskConfig, names: Sequence[str]) -> tuple[list[Problem], str]:
    revision, problems = config.revision, list[Problem]()
    for name in names:
        data = load_hub(HUB, name, revision)
        revision = data.commit
        problems += [bbh(row) for split in data.splits for row in rows_of_split(HUB, split, data)]
    assert revision is not None
    return problems, revision
