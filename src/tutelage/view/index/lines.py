"""One line of a run's file as a row. What is not JSON, or no object, is broken; broken Unicode is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from pydantic_core import from_json


def parsed(line: bytes) -> dict[str, Any]:
    """The object that a line holds, as SQLite can store it: lone surrogates are question marks. Raises ValueError.

    Three times faster than the strict reader, which this need not be: rows are only shown.
    """
    try:
        row: object = from_json(line)
    except ValueError:  # it refuses halves of surrogate pairs, too, which a model may write
        row = json.loads(json.dumps(_slowly(line), ensure_ascii=False).encode(errors="replace"))
    return _object(row)


def _slowly(line: bytes) -> object:
    try:
        return json.loads(line.decode(errors="replace"))
    except RecursionError:
        raise ValueError("nested too deep") from None


def _object(row: object) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise ValueError("no object")
    return cast(dict[str, Any], row)


def read_rows(path: Path, offset: int, length: int) -> list[dict[str, Any]]:
    """The rows at a place in a file, without the broken ones. Raises OSError."""
    with path.open("rb") as file:
        file.seek(offset)
        return rows_in(file.read(length))


def rows_in(data: bytes) -> list[dict[str, Any]]:
    """The rows that some lines hold, without the broken ones; texts are as they were written."""
    found: list[dict[str, Any]] = []
    for line in data.split(b"\n"):
        if line and not line.isspace():
            try:
                found.append(_object(_slowly(line)))
            except ValueError:
                continue
    return found
