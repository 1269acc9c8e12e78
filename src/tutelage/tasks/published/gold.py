"""Gold answers and questions of published rows in canonical form."""

from __future__ import annotations

import re

from tutelage.grading.grade import canonical
from tutelage.records import AnswerKind, Choice
from tutelage.tasks.rows import Row

_SPACES = re.compile(r" {2,}")


def gold(row: Row, field: str, kind: AnswerKind, answer: str, choices: tuple[Choice, ...] = ()) -> str:
    """The answer in canonical form. Raises DataError if it is none of that kind."""
    try:
        return canonical(kind, answer, choices)
    except ValueError as error:
        row.fail(field, str(error))


def fold(text: str) -> str:
    """The text without outer, double and triple spaces."""
    return _SPACES.sub(" ", text.strip())
