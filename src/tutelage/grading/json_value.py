"""Grades answers that are JSON: objects and lists are equal whatever the order of keys and the white space.

'So it is {"b": [1, 2.0], "a": "x"}.'   equals   {"a": "x", "b": [1, 2]}
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import cast

from tutelage.json_lines import Json, NotJson, parse_json
from tutelage.records import Problem, Verdict
from tutelage.text.statements import shorten

_START = re.compile(r"[{\[]")
_MOST = 1_000_000
"""The most characters that are read in vain, where what begins like a value is none."""


def grade_json(problem: Problem, text: str) -> Verdict:
    """Grades the last JSON object or list in a text; for a gold answer of another type, the text or its last line."""
    try:
        wanted = parse_json(problem.answer)
    except NotJson as error:  # of a problem that a teacher has made
        return Verdict(False, None, f"the right answer {shorten(problem.answer)!r} is no JSON: {error}")
    found = last_value(text) if isinstance(wanted, dict | list) else _bare(text)
    if found is None:
        return Verdict(False, None, "no JSON in it")
    value = parse_json(found)
    right = same_json(wanted, value)
    return Verdict(right, found, "right" if right else f"{shorten(found)!r} is another value")


def same_json(one: Json, other: Json) -> bool:
    """Whether two values are equal; 1 is 1.0, but not true."""
    if isinstance(one, dict) and isinstance(other, dict):
        ours, theirs = cast(dict[str, Json], one), cast(dict[str, Json], other)
        return ours.keys() == theirs.keys() and all(same_json(ours[key], theirs[key]) for key in ours)
    if isinstance(one, list) and isinstance(other, list):
        items, others = cast(list[Json], one), cast(list[Json], other)
        return len(items) == len(others) and all(map(same_json, items, others))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def check_json(answer: str) -> None:
    """Refuse a gold answer that is no JSON. Raises ValueError."""
    try:
        parse_json(answer)
    except NotJson as error:
        raise ValueError(f"{shorten(answer)!r} is no JSON: {error}") from None


def last_value(text: str) -> str | None:
    """The last object or list that is no part of another one."""
    decoder, found, end, left = json.JSONDecoder(), None, 0, _MOST
    for start in (match.start() for match in _START.finditer(text)):
        if start < end:
            continue
        try:
            _, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            left -= (error.pos if isinstance(error, json.JSONDecodeError) else len(text)) - start
            if left < 0:
                break
            continue
        with suppress(NotJson):
            parse_json(text[start:end])
            found = text[start:end]
    return found


def _bare(text: str) -> str | None:
    stated = text.rpartition("The answer is ")[2]
    for piece in (stated.strip(), stated.strip().rstrip("."), stated.strip().rpartition("\n")[2]):
        try:
            parse_json(piece)
        except NotJson:
            continue
        return piece
    return None
