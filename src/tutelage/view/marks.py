"""The first wrong step of an attempt, for a run that did not write it down. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast, get_args

from pydantic import TypeAdapter, ValidationError

from tutelage.mistakes.marked import MarkedMistake, marked_mistake
from tutelage.records import AnswerKind, Attempt, Problem

_ATTEMPT = TypeAdapter(Attempt)
_KINDS = get_args(AnswerKind)
_LONGEST = 20_000
"""Characters of an attempt that is looked at: a page waits for it."""


def mark_of(problem: Problem, kind: str | None, row: Mapping[str, Any]) -> MarkedMistake | None:
    """The mark of a row of an exam; None for a right attempt, or if the kind of the answer is unknown."""
    if kind not in _KINDS:
        return None
    try:
        attempt = _ATTEMPT.validate_python(row)
    except ValidationError:
        return None
    if attempt.verdict.correct or len(attempt.text) > _LONGEST:
        return None
    return marked_mistake(problem, cast(AnswerKind, kind), attempt)
