"""Where the first wrong step stands in an attempt, for a run that did not write it down. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tutelage.mistakes.first_wrong_step import ANSWER, FORMAT, first_wrong_step
from tutelage.records import Problem
from tutelage.view.facts import Mark

_LONGEST = 20_000
"""Characters of an attempt that is looked at: a page waits for it."""


def mark_of(problem: Problem, kind: str | None, row: Mapping[str, Any]) -> Mark | None:
    """The mark of a row of an exam; None for a right attempt, or if the kind of the answer is unknown."""
    verdict, text = row["verdict"], str(row["text"])
    if verdict["correct"] or kind is None:
        return None
    answer = verdict["answer"]
    if row["finish"] == "length" or answer is None:
        return Mark(None, None, problem.answer, FORMAT)
    if kind != "number" or len(text) > _LONGEST:
        return Mark(None, None, problem.answer, ANSWER if kind != "number" else None)
    wrong = first_wrong_step(problem, text, answer)
    if wrong is None:
        return None
    start = text.find(wrong.text) if wrong.text else -1
    if start < 0:
        return Mark(None, None, wrong.right, wrong.kind)
    return Mark(start, start + len(wrong.text), wrong.right, wrong.kind)
