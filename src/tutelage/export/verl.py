"""Writes a run's problems as verl reads them for reinforcement learning, and its rationales for verl's SFT trainer.

train.parquet, validation.parquet, test.parquet
    {"data_source": "tutelage/legs", "prompt": [{"role": "user", …}], "ability": "number",
     "reward_model": {"style": "rule", "ground_truth": "12"}, "extra_info": {"split": "train", "index": 0, …}}
sft.parquet      {"messages": [{"role": "user", …}, {"role": "assistant", …}]}
grade.py         the reward: compute_score, by the run's own grader
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

from tutelage.errors import ConfigError, RunError
from tutelage.export.beside import write_grader
from tutelage.export.data import Written, begun
from tutelage.export.rows import Row, message_rows
from tutelage.export.source import RunSource
from tutelage.records import SPLITS
from tutelage.runs.reader import ProblemRow
from tutelage.student.prompts import chat_messages

_BLOCK = 1000


def write_verl(source: RunSource, folder: Path) -> Written:
    """All splits with their answers, the rationales, and the reward. Raises RunError, ConfigError."""
    grader, written, name = write_grader(source, folder), Written(), f"tutelage/{source.config.task.name}"
    for split in SPLITS:
        rows = (_row(name, place, row) for place, row in enumerate(source.problems(split)))
        written[f"{split}.parquet"] = _write(folder / f"{split}.parquet", rows, _problem_columns())
    try:
        lessons = begun(source.lessons())
    except RunError as error:
        source.say(f"there is no sft.parquet: {error}")
    else:
        written["sft.parquet"] = _write(folder / "sft.parquet", map(message_rows, lessons), [("messages", _messages())])
    return written | grader


def _row(name: str, place: int, row: ProblemRow) -> Row:
    problem = row.problem
    return {
        "data_source": name,
        "prompt": chat_messages((), problem.text),
        "ability": row.kind,
        "reward_model": {"style": "rule", "ground_truth": problem.answer},
        "extra_info": {"split": row.split, "index": place, "id": problem.id, "problem": json.dumps(asdict(problem))},
    }


def _write(path: Path, rows: Iterable[Row], columns: list[tuple[str, Any]]) -> int:
    """Write rows a block at a time; returns how many there are."""
    arrow, parquet = _arrow()
    schema, rows, count = arrow.schema(columns), iter(rows), 0
    with parquet.ParquetWriter(path, schema) as writer:
        while block := list(islice(rows, _BLOCK)):
            writer.write_table(arrow.Table.from_pylist(block, schema=schema))
            count += len(block)
    return count


def _messages() -> Any:  # noqa: ANN401 - pyarrow has no types
    arrow, _ = _arrow()
    return arrow.list_(arrow.struct([("role", arrow.string()), ("content", arrow.string())]))


def _problem_columns() -> list[tuple[str, Any]]:
    arrow, _ = _arrow()
    text = arrow.string()
    about = [("split", text), ("index", arrow.int64()), ("id", text), ("problem", text)]
    return [
        ("data_source", text),
        ("prompt", _messages()),
        ("ability", text),
        ("reward_model", arrow.struct([("style", text), ("ground_truth", text)])),
        ("extra_info", arrow.struct(about)),
    ]


def _arrow() -> tuple[Any, Any]:
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        raise ConfigError("verl reads Parquet, which needs pyarrow; run `pip install 'tutelage[datasets]'`") from None
