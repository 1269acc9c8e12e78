"""A strict reader of JSON Lines with size limits; every error has its line number.

    {"question": "Tom has 3 boxes of 4 pens. How many pens?", "answer": "12"}

A byte order mark, Windows line ends and blank lines are accepted. Only a line feed ends a line, since a text may hold
U+2028. Duplicate keys, NaN, Infinity and numbers beyond the range of a float are refused.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from tutelage.errors import DataError

Json = Any
"""Any JSON value."""

MOST_LINE, MOST_FILE = 64 * 2**20, 2**31
"""The most bytes of a line and of a file; a device such as /dev/zero has no end."""


class NotJson(ValueError):
    """Why a text is not JSON, and where; `key` is the duplicate key, if that is the reason."""

    def __init__(self, reason: str, *, line: int | None = None, key: str | None = None) -> None:
        super().__init__(reason)
        self.line, self.key = line, key


def read_values(path: Path, *, broken: str = "not JSON") -> Iterator[tuple[int, Json]]:
    """Yield the number (from 1) and the value of every line that is not blank.

    `broken` begins the message about a line that is not JSON. Raises DataError if the file cannot be read, is not UTF-8
    or too long, or a line is broken.
    """
    for number, text in _lines(path):
        if not text.strip():
            continue
        try:
            value = parse_json(text.rstrip("\r\n"))  # else a line that ends early is wrong at character 1, of the next
        except NotJson as error:
            reason = str(error) if error.key is not None else f"{broken} ({error}): {shortened(text.strip())}"
            raise DataError(reason, path=path, line=number, field=error.key) from None
        yield number, value


def read_json(path: Path) -> Json:
    """The JSON value of a whole file. Raises DataError as `read_values` does."""
    text = "".join(text for _, text in _lines(path))
    try:
        return parse_json(text)
    except NotJson as error:
        reason = str(error) if error.key is not None else f"not JSON ({error}): {shortened(text.strip())}"
        raise DataError(reason, path=path, line=error.line, field=error.key) from None


def parse_json(text: str | bytes) -> Json:
    """The JSON value of a text. Raises NotJson."""
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise NotJson(f"{error.msg} at character {error.colno}", line=error.lineno) from None
    except RecursionError:
        raise NotJson("it is nested too deep") from None
    except NotJson:
        raise
    except ValueError as error:  # not UTF-8, or an integer of thousands of digits
        raise NotJson(str(error)) from None


def is_unicode(text: str) -> bool:
    """Whether a text can be encoded: JSON's escapes and file names may hold a lone surrogate."""
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)


def shortened(value: object) -> str:
    """A value as an error shows it."""
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file with their numbers, read lazily."""
    try:
        with path.open("rb") as file:
            read = 0
            for number, line in enumerate(iter(lambda: file.readline(MOST_LINE + 1), b""), start=1):
                if len(line) > MOST_LINE or read + len(line) > MOST_FILE:
                    part, most = ("line", MOST_LINE) if len(line) > MOST_LINE else ("file", MOST_FILE)
                    raise DataError(f"the {part} is longer than {most >> 20} MiB", path=path, line=number)
                yield number, _decoded(line, read, path, number)
                read += len(line)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise DataError(f"cannot read the file: {reason}", path=path) from None


def _decoded(line: bytes, start: int, path: Path, number: int) -> str:
    try:
        return line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        reason = f"the file is not UTF-8 at byte {start + error.start}; save it as UTF-8"
        raise DataError(reason, path=path, line=number) from None


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen = set[str]()
        for key, _ in pairs:
            if key in seen:
                raise NotJson("the key stands twice; leave one of them out", key=key)
            seen.add(key)
    return found


def _refuse(constant: str) -> NoReturn:
    raise NotJson(f"{constant} is not a value")


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise NotJson(f"{number[:20]} is too large for a number")
    return value
