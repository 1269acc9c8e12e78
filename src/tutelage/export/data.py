"""Writes a run's rationales, pairs and splits for trainers, as JSON Lines in a folder.

train.jsonl         every rationale that the student was taught, or can be
pairs.jsonl         rationales beside the student's mistakes (`trl-dpo` has them as its train.jsonl)
validation.jsonl    the problems of the split that have a worked solution, with it; test.jsonl likewise
dataset_info.json   the same for LLaMA-Factory
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

from tutelage.errors import RunError
from tutelage.export.rows import Form, Row
from tutelage.export.source import Lesson, RunSource, worked
from tutelage.records import Split
from tutelage.runs.files import append_rows, write_json
from tutelage.runs.reader import ProblemRow

Each = TypeVar("Each")
Written = dict[str, int]
"""Names of files, and how many rows they have."""

HELD_OUT: tuple[Split, ...] = ("validation", "test")
PAIRS = "pairs.jsonl"
_BLOCK = 1000


def write_lessons(source: RunSource, form: Form, folder: Path) -> Written:
    """Rationales, pairs as far as there are any, and held-out splits. Raises RunError if there is no rationale."""
    written = {"train.jsonl": write_rows(folder / "train.jsonl", map(form.lesson, source.lessons()))}
    written |= _held_out(source, form, folder)
    try:
        pairs = begun(source.pairs())
    except RunError as error:
        source.say(f"there is no {PAIRS}: {error}")
    else:
        written[PAIRS] = write_rows(folder / PAIRS, map(form.pair, pairs))
    if form.described:
        _describe(source, form, folder, written)
    return written


def write_prompted(source: RunSource, form: Form, folder: Path) -> Written:
    """TRL's prompts and completions: no pairs beside them, which would be other columns of the same data set."""
    return {
        "train.jsonl": write_rows(folder / "train.jsonl", map(form.lesson, source.lessons())),
        **_held_out(source, form, folder),
    }


def write_pairs(source: RunSource, form: Form, folder: Path) -> Written:
    """Pairs alone. Raises RunError if there is none."""
    return {"train.jsonl": write_rows(folder / "train.jsonl", map(form.pair, source.pairs()))}


def write_rows(path: Path, rows: Iterable[Row]) -> int:
    """Write rows a block at a time; returns how many there are. A file without rows is not written."""
    count, block = 0, list[Row]()
    path.parent.mkdir(parents=True, exist_ok=True)
    for row in rows:
        block.append(row)
        count += 1
        if len(block) == _BLOCK:
            append_rows(path, block, synced=False)
            block.clear()
    if block:
        append_rows(path, block)
    return count


def begun(rows: Iterator[Each]) -> Iterator[Each]:
    """The same rows, the first already read: what the run lacks raises here, and not where the rows are written."""
    return chain(list(islice(rows, 1)), rows)


def slug(name: str) -> str:
    """A name of letters, digits and underscores."""
    return re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").lower() or "run"


def _held_out(source: RunSource, form: Form, folder: Path) -> Written:
    written = Written()
    for split in HELD_OUT:
        try:
            problems = begun(source.problems(split))
        except RunError as error:
            source.say(f"{' and '.join(HELD_OUT)} are left out: {error}")
            return written
        lacking = Counter[bool]()
        if count := write_rows(folder / f"{split}.jsonl", map(form.lesson, _worked(problems, lacking))):
            written[f"{split}.jsonl"] = count
        if missing := lacking[True]:
            of_all = f"{missing:,} of {count + missing:,}"
            source.say(f"{of_all} {split} problems have no worked solution and are left out")
    return written


def _worked(problems: Iterable[ProblemRow], lacking: Counter[bool]) -> Iterator[Lesson]:
    """The problems that have a worked solution, with it; `lacking` counts those without."""
    for row in problems:
        lesson = worked(row.problem)
        lacking[lesson is None] += 1
        if lesson is not None:
            yield lesson


def _describe(source: RunSource, form: Form, folder: Path, written: Written) -> None:
    name = slug(source.run.root.absolute().name)
    named = {"train.jsonl": name, **{f"{split}.jsonl": f"{name}_{split}" for split in HELD_OUT}}
    found = {named[file]: {"file_name": file, **(form.described or {})} for file in written if file in named}
    if form.described_pairs and PAIRS in written:
        found[f"{name}_pairs"] = {"file_name": PAIRS, **form.described_pairs}
    write_json(folder / "dataset_info.json", found)
