"""Classifies a wrong attempt by its first wrong step. Pure.

"A farm has 3 cows and 2 hens. How many legs?", solution "3 × 4 = 12. 2 × 2 = 4. 12 + 4 = 16."

    "3 × 4 = 13. 2 × 2 = 4. 13 + 4 = 17. The answer is 17."    wrong calculation
    "3 × 4 = 12. 2 × 6 = 12. 12 + 12 = 24. The answer is 24."  wrong number copied: the 6 has no source
    "3 + 2 = 5. The answer is 5."                              wrong plan
    "3 × 4 = 12. 2 × 2 = 4."                                   format: no answer is stated
"""

from __future__ import annotations

from tutelage.mistakes.first_wrong_step import (
    ANSWER,
    CALCULATION,
    FORMAT,
    NUMBER,
    PLAN,
    MistakeKind,
    first_wrong_step,
)
from tutelage.records import AnswerKind, Attempt, Problem

__all__ = ["ANSWER", "CALCULATION", "FORMAT", "NUMBER", "PLAN", "kind_at_sight", "kind_of_mistake"]


def kind_of_mistake(problem: Problem, kind: AnswerKind, attempt: Attempt) -> MistakeKind | None:
    """The kind of a wrong attempt by its first wrong step; None for a right one, or if the kind is unknown.

    Without a worked solution, only false calculations and format errors are recognised.
    """
    if attempt.verdict.correct:
        return None
    if (kind_seen := kind_at_sight(kind, attempt)) is not None:
        return kind_seen
    wrong = first_wrong_step(problem, attempt.text, attempt.verdict.answer)
    return None if wrong is None else wrong.kind


def kind_at_sight(kind: AnswerKind, attempt: Attempt) -> MistakeKind | None:
    """The kind of a wrong attempt where no step need be looked at; None: its first wrong step tells."""
    if attempt.finish == "length" or attempt.verdict.answer is None:
        return FORMAT
    return None if kind == "number" else ANSWER
