"""Fields of rows that anyone may have written, as a page needs them: what is not of its kind counts as not there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast


def mapping(value: object) -> Mapping[str, Any]:
    """An object; else an empty one."""
    return cast(Mapping[str, Any], value) if isinstance(value, dict) else {}


def listed(value: object) -> list[Any]:
    """A list; else an empty one."""
    return cast(list[Any], value) if isinstance(value, list) else []


def number(value: object) -> float:
    """A finite number; else 0."""
    try:
        return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0
    except OverflowError:  # an integer beyond all floats
        return 0.0


def place(value: object) -> int | None:
    """An integer; else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def text(value: object) -> str | None:
    """A text; else None."""
    return value if isinstance(value, str) else None
