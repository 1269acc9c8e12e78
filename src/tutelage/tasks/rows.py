"""Rows of data files. Each knows its place, so that an error names the file, the line and the field.

{"question": "Tom has 3 boxes of 4 pens. How many pens?", "answer": "12", "rationale": "3 × 4 = 12."}
"""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn, cast

from tutelage.did_you_mean import did_you_mean
from tutelage.errors import DataError
from tutelage.json_lines import Json, NotJson, is_unicode, parse_json, read_values, shortened
from tutelage.records import Choice

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_NAMES = 20
"""Names of fields that an error lists at most: a file may be one object with a name for each of its rows."""


class NoProblemError(DataError):
    """A row is sound, but not one question and its answer, such as a conversation of several turns."""


@dataclass(frozen=True, slots=True)
class Row:
    """One object of a data file or a hub data set. `line` counts from 1; for a JSON list, `number` does."""

    data: Mapping[str, Any]
    path: str
    line: int | None = None
    number: int | None = None

    def fail(self, field: str | None, message: str, kind: type[DataError] = DataError) -> NoReturn:
        """Raise a DataError at this row."""
        where = f"row {self.number}: " if self.line is None and self.number is not None else ""
        raise kind(where + message, path=self.path, line=self.line, field=field)

    def has(self, field: str) -> bool:
        """Whether a field exists, whatever its value."""
        return field in self.data or ("." in field and self._within(field) is not None)

    def optional(self, field: str) -> Json:
        """The value of a field, or None if it is missing."""
        return self.value(field) if self.has(field) else None

    def value(self, field: str) -> Json:
        """The value of a required field; `a.b` is field b of the object in field a, `a.0` the first item of a list."""
        if field in self.data:
            return self.data[field]
        if (within := self._within(field)) is not None:
            return within[0]
        found: Any = self.data
        for part in field.split("."):
            if not isinstance(found, Mapping) or part not in found:
                known = sorted(str(key) for key in cast(Mapping[Any, Any], found)) if isinstance(found, Mapping) else []
                hint = did_you_mean(part, known, f"the row has {listed(known)}")
                self.fail(field, f"the field is missing; {hint}")
            found = cast(Mapping[str, Any], found)[part]
        raise AssertionError("a part of the field is missing")

    def _within(self, field: str) -> tuple[Json] | None:
        """The value of a nested field in a tuple; None if there is none."""
        found: Any = self.data
        for part in field.split("."):
            if isinstance(found, Mapping) and part in found:
                found = cast(Mapping[str, Any], found)[part]
            elif isinstance(found, list) and part.isascii() and part.isdecimal() and len(part) < 9:
                items = cast(list[Any], found)
                if int(part) >= len(items):
                    return None
                found = items[int(part)]
            else:
                return None
        return (found,)

    def text(self, field: str) -> str:
        """A string that is not blank, without outer white space."""
        text = self.value(field)
        if not isinstance(text, str):
            self.fail(field, f"expected text, found {shortened(text)}{_nested(field, text) if text is None else ''}")
        return self.checked(field, text)

    def scalar(self, field: str) -> str:
        """A string, number or boolean as text that is not blank; true is "yes"."""
        value = self.value(field)
        if isinstance(value, bool):
            return "yes" if value else "no"
        if not isinstance(value, str | int | float | Decimal):
            self.fail(field, f"expected text or a number, found {shortened(value)}{_nested(field, value)}")
        return self.checked(field, str(value))

    def optional_text(self, field: str) -> str | None:
        """A string, or None where the field is missing, null or blank."""
        value = self.optional(field)
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        return self.text(field)

    def checked(self, field: str, text: str) -> str:
        """The text without outer white space. Raises DataError if it is blank or not valid Unicode."""
        if not text.strip():
            self.fail(field, f"the field is empty (found {shortened(text)}); fill it, or leave the row out")
        if not is_unicode(text):
            self.fail(field, f"half of a Unicode surrogate pair in {shortened(text)}; save the file as UTF-8 again")
        return text.strip()

    def has_choices(self, field: str) -> bool:
        """Whether a field holds a list of choices, or an object whose names are letters, and not just settings."""
        value = _typed(self.optional(field))
        lettered = isinstance(value, Mapping) and all(len(str(key)) == 1 for key in cast(Mapping[Any, Any], value))
        pairs = _pairs(value) if isinstance(value, list) or lettered else None
        return pairs is not None and len(pairs) > 1

    def choices(self, field: str) -> tuple[Choice, ...]:
        """At least two choices with distinct labels.

        The field is a list of texts, a list of {label, text}, an object {label: text, …} or {label: […], text: […]}.
        """
        value = self.value(field)
        pairs = _pairs(_typed(value))
        if pairs is None:
            self.fail(field, f"expected texts or {{label, text}} objects, found {shortened(value)}")
        choices = tuple(Choice(self.checked(field, label), self.checked(field, text)) for label, text in pairs)
        if len(choices) < 2 or len({choice.label.casefold() for choice in choices}) < len(choices):
            self.fail(field, f"expected two choices or more of distinct labels, found {shortened(value)}")
        return choices


def listed(fields: Iterable[object]) -> str:
    """Names of fields for an error."""
    names = [str(field) for field in fields]
    more = f" and {len(names) - _NAMES:,} more" if len(names) > _NAMES else ""
    return (", ".join(names[:_NAMES]) or "no fields") + more


def read_jsonl(path: Path) -> list[Row]:
    """The objects of a JSONL file; blank lines are skipped.

    Raises:
        DataError: the file is missing, empty or not UTF-8, or a line is not a JSON object.
    """
    rows = [_row(value, str(path), line=line) for line, value in read_values(path)]
    if not rows:
        raise DataError("the file has no rows", path=path)
    return rows


def rows_of(values: object, path: str, field: str | None = None) -> list[Row]:
    """The rows of a JSON list. Raises DataError if it is empty or not a list of objects."""
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise DataError(f"expected a list of rows, found {shortened(values)}", path=path, field=field)
    rows = [_row(value, path, number=number) for number, value in enumerate(cast(Sequence[Any], values), start=1)]
    if not rows:
        raise DataError("the file has no rows", path=path, field=field)
    return rows


def _row(value: object, path: str, *, line: int | None = None, number: int | None = None) -> Row:
    if not isinstance(value, Mapping):
        found = shortened(value)
        Row({}, path, line, number).fail(None, f'expected an object such as {{"question": …}}, found {found}')
    return Row(cast(Mapping[str, Any], value), path, line, number)


def _nested(field: str, value: Json) -> str:
    """What to do where a value is missing or has parts."""
    if value is None:
        return "; fill it, or leave the row out"
    whole = "if all of it is the answer, set task.match: json"
    if isinstance(value, list) and value:
        return f"; one value is read: task.field with {field}.0 takes the first; {whole}"
    if isinstance(value, Mapping) and value:
        return f"; one value is read: name it in task.field, such as {field}.{next(iter(cast(Any, value)))}; {whole}"
    return ""


def parsed(value: Json) -> Json:
    """The value, read if it is a list or an object that stands as JSON in a cell of a table."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        with suppress(NotJson):
            return parse_json(value)
    return value


def _typed(value: Json) -> Json:
    """The value, read also if it is a list as pandas writes it into a cell: ['bank', 'library']."""
    read = parsed(value)
    if read is value and isinstance(value, str) and value.lstrip().startswith("["):
        with suppress(ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return literal_eval(value.strip())
    return read


def _unlabelled(items: list[Any]) -> list[Any]:
    """The texts of choices without labels of their own, where all have them in order: A) 21, B) 24."""
    found = [
        re.fullmatch(rf"\s*\(?{letter}[).:]\s*(\S.*)", str(item), re.DOTALL)
        for letter, item in zip(_LETTERS, items, strict=False)
    ]
    texts = [match[1] for match in found if match]
    return texts if len(texts) == len(items) else items


def _pairs(value: Json) -> list[tuple[str, str]] | None:
    """Labels and texts of choices; None if the value has none of the known forms."""
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
            pairs = list(zip(_LETTERS, _unlabelled(items), strict=False))
        else:
            return None
    else:
        return None
    good = all(isinstance(part, str | int | float) and not isinstance(part, bool) for pair in pairs for part in pair)
    return [(str(label), str(text)) for label, text in pairs] if good else None
