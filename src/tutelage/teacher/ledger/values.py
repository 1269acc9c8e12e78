"""The values that a ledger may hold. SQLite stores any value in any column, so each is checked before it is used.

prompt_tokens 212   cost_usd 0.0001   created 1747480000.5   text "3 × 4 = 12"    sound
prompt_tokens -1    cost_usd inf      created 'now'          text x'00ff'         the ledger is damaged
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tutelage.errors import RunError
from tutelage.json_lines import shortened
from tutelage.money import PICO
from tutelage.records import Usage

_MOST_USD, _MOST_TOKENS = 10**6, 10**12
"""Of a request. Sums must fit into 64 bits, in which SQLite adds tokens and whole picodollars."""
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799
"""The Unix times of the years 1 to 9999."""
_IS_NUMBER = "IN ('integer', 'real')"
SUMS = (
    "count(*), coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0), "
    f"coalesce(sum(CAST(round(cost_usd * {PICO}.0) AS INTEGER)), 0) / {PICO}.0, "
    "coalesce(min(min(prompt_tokens, completion_tokens, cost_usd)), 0), "
    "coalesce(max(max(prompt_tokens, completion_tokens)), 0), coalesce(max(cost_usd), 0)"
)
"""The figures of a Usage in SQL, for `usage_of`, and their extremes; money is summed exactly, as in `sum_usd`."""
DAY = (
    f"CASE WHEN typeof(created) {_IS_NUMBER} AND created BETWEEN {_FIRST_SECOND} AND {_LAST_SECOND} "
    "THEN date(created, 'unixepoch') END AS day"
)
"""The day of a row in SQL; NULL if `created` is no time."""


def checked(path: Path, table: str, found: sqlite3.Cursor) -> list[tuple[Any, ...]]:
    """The rows of a query, each value in a column with a plain name checked. Raises RunError."""
    names = [name for name, *_ in found.description]
    rows = found.fetchall()
    for row in rows:
        for name, value in zip(names, row, strict=True):
            if name.isidentifier() and not is_sound(name, value):
                raise damaged(path, f"a row of the table {table!r} has {shortened(value)} as its {name}")
    return rows


def usage_of(path: Path, table: str, sums: Sequence[Any]) -> Usage:
    """The usage that `SUMS` selected. Raises RunError if a row that is summed has a wrong figure."""
    requests, prompt, completion, cost, least, most, dearest = sums
    # SQLite orders numbers before texts and blobs, and the sum of a column is an integer only if all its values are.
    whole = isinstance(prompt, int) and isinstance(completion, int)
    within = _is_number(least, 0, _MOST_TOKENS) and _is_number(most, 0, _MOST_TOKENS)
    if not (whole and within and _is_number(dearest, 0, _MOST_USD)):
        raise damaged(path, f"a row of the table {table!r} has tokens or a cost that cannot be")
    return Usage(requests, prompt, completion, cost)


def is_sound(column: str, value: object) -> bool:
    """Whether a column of this name may hold this value."""
    match column:
        case "prompt_tokens" | "completion_tokens" | "cached_tokens":
            return isinstance(value, int) and 0 <= value <= _MOST_TOKENS
        case "done":
            return isinstance(value, int) and value in (0, 1)
        case "cost_usd":
            return _is_number(value, 0, _MOST_USD)
        case "seconds":
            return _is_number(value, 0, math.inf) and value != math.inf
        case "created":
            return _is_number(value, _FIRST_SECOND, _LAST_SECOND)
        case _:
            return isinstance(value, str)


def damaged(path: Path, fault: str) -> RunError:
    """The error for a ledger that holds what it may not."""
    return RunError(
        f"the ledger {path} is damaged: {fault}; restore it or name another file as teacher.ledger "
        "(`tutelage ledger verify` lists all that is wrong)"
    )


def _is_number(value: object, least: float, most: float) -> bool:
    return isinstance(value, int | float) and least <= value <= most
