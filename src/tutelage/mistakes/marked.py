"""Marks the first wrong step in the text of a wrong attempt. Pure.

"3 × 4 = 12. 2 × 4 = 8. 12 + 8 = 20. The answer is 20."
    {"kind": "wrong number copied", "step": "2 × 4 = 8", "right": "2 × 2 = 4", "start": 12, "end": 21}
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tutelage.mistakes.first_wrong_step import MistakeKind, first_wrong_step
from tutelage.mistakes.taxonomy import kind_at_sight
from tutelage.records import AnswerKind, Attempt, Problem
from tutelage.text.in_common import in_common

_MOST_PLACES = 100
"""A step that an attempt repeats more often is not looked for: a student that repeats itself fills its text with it."""


@dataclass(frozen=True, slots=True)
class MarkedMistake:
    """A wrong attempt with its first wrong step, and what is right there (the gold answer if there is no such step).

    `start` and `end` are the step's place in the attempt's text: None where it is not in it, as when no answer is
    stated. `kind` is None if it is unknown.
    """

    problem_id: str
    sample: int
    kind: MistakeKind | None
    step: str
    right: str
    start: int | None
    end: int | None


def marked_mistake(problem: Problem, kind: AnswerKind, attempt: Attempt) -> MarkedMistake:
    """Mark a wrong attempt at a problem, whose answer has this kind."""
    wrong = first_wrong_step(problem, attempt.text, attempt.verdict.answer)
    named = kind_at_sight(kind, attempt)
    if wrong is None:
        return MarkedMistake(attempt.problem_id, attempt.sample, named, "", problem.answer, None, None)
    place = None if wrong.place is None else place_in(attempt.text, wrong.attempt.text, *wrong.place)
    start, end = place or (None, None)
    return MarkedMistake(attempt.problem_id, attempt.sample, named or wrong.kind, wrong.text, wrong.right, start, end)


def place_in(text: str, plain: str, start: int, end: int) -> tuple[int, int] | None:
    """Where characters `start` to `end` of a `plain` text stand in the text that it was made of; None: not there.

    A step that stands there several times is the one with the most of the same text around it.
    """
    if start == end:
        return None
    if text.startswith(plain):
        return start, end
    found = [match.start() for match in re.finditer(re.escape(plain[start:end]), text)]
    if not 0 < len(found) <= _MOST_PLACES:
        return None
    context = _words(plain[:start])[::-1], _words(plain[end:])
    at = max(found, key=lambda here: _shared(text, here, here + end - start, *context))
    return at, at + end - start


def _shared(text: str, start: int, end: int, before: str, after: str) -> int:
    """The letters and digits that a text has in common with those `before` (reversed) and `after` another place."""
    around = _words(text[:start])[::-1], _words(text[end:])
    return sum(in_common(*both) for both in zip(around, (before, after), strict=True))


def _words(text: str) -> str:
    """The letters and digits of a text, which markup does not change."""
    return re.sub(r"\W+", "", text)
