"""Loads a benchmark from local files, with a split file if there is one, or from the hub.

A split file lists the rows of train and test: {"train": [0, 1, 2, 4], "test": [3, 5]}, counted from 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from tutelage.config import TaskConfig
from tutelage.errors import ConfigError, DataError
from tutelage.grading.grade import grade
from tutelage.json_lines import read_json
from tutelage.records import Problem, WorkedExample
from tutelage.tasks.data.hub import load_hub
from tutelage.tasks.published.benchmarks import Benchmark, Hub
from tutelage.tasks.published.xml_file import read_xml
from tutelage.tasks.rows import Row, read_jsonl, rows_of
from tutelage.tasks.splits import LoadedTask, Source, build_task, divide
from tutelage.text.numbers import read_number
from tutelage.text.parser import compute

TEST_SHARE = 0.3
"""The share of test in a benchmark that is published as one file and has no split file."""

FetchHub = Callable[[Hub, str], Iterable[Mapping[str, Any]]]


def load_benchmark(
    config: TaskConfig,
    benchmark: Benchmark,
    examples: Sequence[WorkedExample],
    fetch: FetchHub | None = None,
) -> LoadedTask:
    """The benchmark from `config.path`, or by `fetch` (the hub) if no path is given.

    Raises:
        DataError: a file or the hub can't be read, or a row is broken.
        ConfigError: a split file is given without a path, or the package `datasets` is missing.
    """
    commit = None
    if config.path is not None:
        folder = find_folder(config.path, config.name, benchmark.files)
        source, origin = _from_files(config, benchmark, folder), str(folder)
    elif config.split_file is not None:
        raise ConfigError("task.split_file needs task.path: the hub's data has splits of its own")
    else:
        if fetch is None:
            fetch, commit = _fetched(benchmark.hub, config.revision)
        source, origin = _from_hub(config, benchmark, fetch), benchmark.hub.name
    task = replace(build_task(config, benchmark.kind, examples, source, origin=origin), commit=commit)
    if benchmark.match is None:
        return task
    return replace(task, grader=partial(grade, benchmark.kind, match=benchmark.match), way=benchmark.match)


def find_folder(path: str, name: str, files: Sequence[str]) -> Path:
    """The folder with the files: the path itself, its subfolder with the task's name, or its parent if it is a file."""
    given = Path(path)
    if given.is_file() and [given.name] == list(files):
        return given.parent
    for folder in (given, given / name):
        if all((folder / file).is_file() for file in files):
            return folder
    missing = next((file for file in files if not (given / file).is_file()), files[0])
    if not given.exists():
        raise DataError(f"there is no such folder; give the one with {' and '.join(files)}", path=path)
    raise DataError(f"{missing} is not in this folder, nor in its subfolder {name}", path=path)


def sound(problems: Iterable[Problem]) -> tuple[list[Problem], tuple[str, ...]]:
    """The problems, without equations that don't give the answer, and a note on these."""
    kept: list[Problem] = []
    wrong: list[str] = []
    for problem in problems:
        if problem.equation is not None and not _gives(problem.equation, problem.answer):
            wrong.append(problem.equation)
            problem = replace(problem, equation=None)  # noqa: PLW2901 - the same problem, corrected
        kept.append(problem)
    if not wrong:
        return kept, ()
    return kept, (f"equations left out, since they do not give the answer: {len(wrong)}, such as {wrong[0]}",)


def _fetched(hub: Hub, revision: str | None) -> tuple[FetchHub, str]:
    """The rows of the hub's splits, and the commit; a `train_from` is read at its newest commit."""
    data = load_hub(hub.name, hub.config, revision)
    other = load_hub(hub.train_from, None, None) if hub.train_from else data

    def fetch(hub: Hub, split: str) -> Iterable[Mapping[str, Any]]:
        found = other.splits if split == hub.train else data.splits
        if split not in found:
            raise DataError(f"there is no split {split!r}; the splits are {', '.join(found)}", path=f"hf://{hub.name}")
        return found[split]

    return fetch, data.commit


def _from_hub(config: TaskConfig, benchmark: Benchmark, fetch: FetchHub) -> Source:
    hub = benchmark.hub
    parts: list[list[Problem]] = []
    notes: tuple[str, ...] = ()
    for split in (hub.test,) if hub.train is None else (hub.train, hub.test):
        where = f"{hub.name}, {split}"
        rows = [Row(data, where, number=number) for number, data in enumerate(fetch(hub, split), start=1)]
        read, left_out = _read(benchmark, rows)
        problems, found = sound(read)
        parts.append(problems)
        notes += (*left_out, *found)
    return divided(config, parts[0], notes) if len(parts) == 1 else Source(train=parts[0], test=parts[1], notes=notes)


def divided(
    config: TaskConfig, problems: Sequence[Problem], notes: tuple[str, ...], share: float = TEST_SHARE
) -> Source:
    """Train and test drawn from problems that are published without splits."""
    count = round(share * len({problem.id for problem in problems}))
    note = f"no split file is there: {share:.0%} of the questions are drawn as test by seed {config.seed}"
    return Source(*divide(problems, count, f"split {config.seed}"), notes=(*notes, note))


def _read(benchmark: Benchmark, rows: Sequence[Row]) -> tuple[list[Problem], tuple[str, ...]]:
    """The problems of the rows but those that are left out, and a note on these."""
    problems = [problem for row in rows if (problem := benchmark.problem(row)) is not None]
    out = len(rows) - len(problems)
    return problems, (f"rows left out, whose answer is not one {benchmark.kind}: {out}",) if out else ()


def _from_files(config: TaskConfig, benchmark: Benchmark, folder: Path) -> Source:
    read = [
        _read(benchmark, read_benchmark_rows(folder / file, benchmark.rows, lines=benchmark.lines))
        for file in benchmark.files
    ]
    parts = [problems for problems, _ in read]
    problems, notes = sound(problem for part in parts for problem in part)
    notes = (*(note for _, left_out in read for note in left_out), *notes)
    split_file = Path(config.split_file) if config.split_file is not None else None
    if split_file is None and len(parts) == 1:
        candidates = (folder / "splits", folder.parent / "splits")
        split_file = next((f for f in (c / f"{config.name}.json" for c in candidates) if f.is_file()), None)
    if split_file is not None:
        train, test = read_split(split_file, len(problems))
        return Source([problems[i] for i in train], [problems[i] for i in test], notes=notes)
    if len(parts) == 2:
        return Source(problems[: len(parts[0])], problems[len(parts[0]) :], notes=notes)
    return divided(config, problems, notes)


def read_split(path: Path, rows: int) -> tuple[list[int], list[int]]:
    """The row numbers of train and test, in file order. Raises DataError if they don't match the data."""
    data = read_json(path)
    parts: list[list[int]] = []
    for field in ("train", "test"):
        numbers: Any = cast(Any, data).get(field) if isinstance(data, dict) else None
        if not isinstance(numbers, list):
            raise DataError("expected a list of row numbers", path=path, field=field)
        for number in cast(list[Any], numbers):
            if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < rows:
                raise DataError(f"{number!r} is not a row number from 0 to {rows - 1}", path=path, field=field)
        parts.append(sorted(set(cast(list[int], numbers))))
    if both := set(parts[0]) & set(parts[1]):
        raise DataError(f"row {min(both)} is in train and in test", path=path)
    return parts[0], parts[1]


def read_benchmark_rows(path: Path, field: str | None, *, lines: bool = False) -> list[Row]:
    """The rows of a published file: JSON Lines, XML, or JSON, with the list of rows in `field`."""
    if path.suffix == ".xml":
        return read_xml(path)
    if lines or path.suffix == ".jsonl":
        return read_jsonl(path)
    data = read_json(path)
    if field is None:
        return rows_of(data, str(path))
    return rows_of(Row(cast(Any, data), str(path)).value(field) if isinstance(data, dict) else data, str(path), field)


def _gives(equation: str, answer: str) -> bool:
    try:
        return compute(equation) == read_number(answer)
    except ValueError:
        return False
