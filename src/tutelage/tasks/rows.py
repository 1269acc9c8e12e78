"""Rows of data files, each with its place, so that an error names the file, the line and the field.

{"question": "Tom has 3 boxes of 4 pens. How many pens?", "answer": "12", "rationale": "3 × 4 = 12."}
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, cast

from tutelage.errors import DataError
from tutelage.records import Choice

Json = Any
"""What JSON may hold; told apart where it is read."""

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Row:
    """One object of a data file or of a hub data set. `line` counts from 1; in a JSON list, `number` does."""

    data: Mapping[str, Any]
    path: str
    line: int | None = None
    number: int | None = None

    def fail(self, field: str | None, message: str) -> NoReturn:
        """Raise a DataError at this row."""
        where = f"row {self.number}: " if self.line is None and self.number is not None else ""
        raise DataError(where + message, path=self.path, line=self.line, field=field)

    def has(self, field: str) -> bool:
        """Whether a field is there, whatever its value."""
        outer, dot, inner = field.partition(".")
        nested = self.data.get(outer)
        return field in self.data or bool(dot and isinstance(nested, Mapping) and inner in nested)

    def optional(self, field: str) -> Json:
        """The value of a field, or None where it is missing."""
        return self.value(field) if self.has(field) else None

    def value(self, field: str) -> Json:
        """The value of a field that must be there; `a.b` is field b of the object in field a."""
        if field in self.data:
            return self.data[field]
        found: Any = self.data
        for part in field.split("."):
            if not isinstance(found, Mapping) or part not in found:
                known = sorted(str(key) for key in cast(Mapping[Any, Any], found)) if isinstance(found, Mapping) else []
                near = difflib.get_close_matches(part, known, n=1, cutoff=0.5)
                hint = f"did you mean {near[0]!r}?" if near else f"the row has {', '.join(known) or 'no fields'}"
                self.fail(field, f"the field is missing; {hint}")
            found = cast(Mapping[str, Any], found)[part]
        return found

    def text(self, field: str) -> str:
        """A string that is not blank, without outer white space."""
        text = self.value(field)
        if not isinstance(text, str):
            self.fail(field, f"expected text, found {_show(text)}")
        return self.checked(field, text)

    def scalar(self, field: str) -> str:
        """Text, a number or a truth value, as text that is not blank; true is "yes"."""
        value = self.value(field)
        if isinstance(value, bool):
            return "yes" if value else "no"
        if not isinstance(value, str | int | float):
            self.fail(field, f"expected text or a number, found {_show(value)}")
        return self.checked(field, str(value))

    def optional_text(self, field: str) -> str | None:
        """A string, or None where the field is missing, null or blank."""
        value = self.optional(field)
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        return self.text(field)

    def checked(self, field: str, text: str) -> str:
        """The text without outer white space, if it is not blank and valid Unicode."""
        if not text.strip():
            self.fail(field, f"the field is empty (found {text!r})")
        if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
            self.fail(field, f"half of a Unicode surrogate pair in {_show(text)}; save the file as UTF-8 again")
        return text.strip()

    def choices(self, field: str) -> tuple[Choice, ...]:
        """Two choices or more, of distinct labels.

        As a list of texts, a list of {label, text}, an object {label: text, …} or {label: […], text: […]}.
        """
        value = self.value(field)
        pairs = _pairs(value)
        if pairs is None:
            self.fail(field, f"expected texts or {{label, text}} objects, found {_show(value)}")
        choices = tuple(Choice(self.checked(field, label), self.checked(field, text)) for label, text in pairs)
        if len(choices) < 2 or len({choice.label.casefold() for choice in choices}) < len(choices):
            self.fail(field, f"expected two choices or more of distinct labels, found {_show(value)}")
        return choices


def read_jsonl(path: Path) -> list[Row]:
    """The objects of a JSONL file; blank lines are skipped.

    Raises:
        DataError: the file is missing, empty or not UTF-8, or a line is not a JSON object.
    """
    rows: list[Row] = []
    for line, text in enumerate(_read(path).split("\n"), start=1):
        if text.strip():
            rows.append(_row(_parse(text, path, line), str(path), line=line))
    if not rows:
        raise DataError("the file has no rows", path=path)
    return rows


def read_json(path: Path) -> Json:
    """The content of a JSON file. Raises DataError if it is missing, not UTF-8 or not JSON."""
    return _parse(_read(path), path)


def rows_of(values: object, path: str, field: str | None = None) -> list[Row]:
    """The rows of a JSON list. Raises DataError if it is no list of objects, or empty."""
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise DataError(f"expected a list of rows, found {_show(values)}", path=path, field=field)
    rows = [_row(value, path, number=number) for number, value in enumerate(cast(Sequence[Any], values), start=1)]
    if not rows:
        raise DataError("the file has no rows", path=path, field=field)
    return rows


def _row(value: object, path: str, *, line: int | None = None, number: int | None = None) -> Row:
    if not isinstance(value, Mapping):
        Row({}, path, line, number).fail(None, f'expected an object such as {{"question": …}}, found {_show(value)}')
    return Row(cast(Mapping[str, Any], value), path, line, number)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise DataError("the file is not UTF-8; save it as UTF-8", path=path, line=line) from None
    except OSError as error:
        raise DataError(f"cannot read the file: {error.strerror or error}", path=path) from None


def _parse(text: str, path: Path, line: int | None = None) -> Json:
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        position = error.lineno if line is None and isinstance(error, json.JSONDecodeError) else line
        reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise DataError(f"not JSON ({reason}): {_show(text.strip())}", path=path, line=position) from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a value")


def _pairs(value: Json) -> list[tuple[str, str]] | None:
    """Labels and texts of choices, None if the value has no form that we know."""
    if isinstance(value, Mapping):
        entries = cast(Mapping[str, Any], value)
        if set(entries) == {"label", "text"} and all(isinstance(part, list) for part in entries.values()):
            if len(entries["label"]) != len(entries["text"]):
                return None
            pairs = list(zip(entries["label"], entries["text"], strict=True))
        else:
            pairs = list(entries.items())
    elif isinstance(value, list):
        items = cast(list[Any], value)
        if all(isinstance(item, Mapping) and "label" in item and "text" in item for item in items):
            pairs = [(item["label"], item["text"]) for item in items]
        elif len(items) <= len(_LETTERS):
            pairs = list(zip(_LETTERS, items, strict=False))
        else:
            return None
    else:
        return None
    good = all(isinstance(part, str | int | float) and not isinstance(part, bool) for pair in pairs for part in pair)
    return [(str(label), str(text)) for label, text in pairs] if good else None


def _show(value: object) -> str:
    """A value as an error shows it."""
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
