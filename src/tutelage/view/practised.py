"""The practice problems that were made from mistakes on a problem, as its story shows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tutelage.view.fields import mapping, text


@dataclass(frozen=True, slots=True)
class ShownPractice:
    """A practice problem with its worked solution (None: it has none); `failure` and `reason` say why it was dropped.

    `question` is None, and `solution` the reply, if there was no new problem in it.
    """

    id: str | None
    question: str | None
    solution: str | None
    failure: str | None
    reason: str


def practised(rows: Iterable[Mapping[str, Any]]) -> Iterator[ShownPractice]:
    """The rows of practice.jsonl that are about one problem."""
    for row in rows:
        verdict, problem = mapping(row.get("verdict")), mapping(row.get("problem"))
        dropped = verdict.get("correct") is not True
        failure = (text(row.get("failure")) or "dropped") if dropped else None
        reason = str(verdict.get("reason") or "")
        yield ShownPractice(
            text(problem.get("id")), text(problem.get("question")), text(row.get("text")), failure, reason
        )
