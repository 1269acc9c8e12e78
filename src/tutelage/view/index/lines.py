"""One line of a run's file as a row. What is not JSON, or no object, is broken; broken Unicode is not."""

from __future__ import annotations

import json
from typing import Any, cast

from pydantic_core import from_json


def parsed(line: bytes) -> dict[str, Any]:
    """The object that a line holds. Raises ValueError.

    Three times faster than the strict reader, which this need not be: rows are only shown. It refuses halves of
    surrogate pairs, which a model may write; the reader of the standard library takes them.
    """
    try:
        row: object = from_json(line)
    except ValueError:
        try:
            row = json.loads(line.decode(errors="replace"))
        except RecursionError:
            raise ValueError("nested too deep") from None
    if not isinstance(row, dict):
        raise ValueError("no object")
    return cast(dict[str, Any], row)


def rows_in(data: bytes) -> list[dict[str, Any]]:
    """The rows that some lines hold, without the broken ones."""
    found: list[dict[str, Any]] = []
    for line in data.split(b"\n"):
        if line and not line.isspace():
            try:
                found.append(parsed(line))
            except ValueError:
                continue
    return found
