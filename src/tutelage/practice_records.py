"""The records of practice problems: new problems that a teacher makes from mistakes.

practice  {"problem_id": "9f2c…", "sample": 0, "mistake": "3 + 4 = 7 pens.…", "text": "5 × 6 = 30.\\nThe answer …",
           "verdict": {"correct": true, …}, …, "problem": {"id": "77aa…", "question": "Ann has 5 boxes …", …}}
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from tutelage.records import Feedback, FeedbackRequest, Problem

Near = Callable[[FeedbackRequest, int], Iterator[Problem]]
"""Makes problems near the one of a request, the best first; the same ones for the same seed."""


@dataclass(frozen=True, slots=True)
class Practice(Feedback):
    """The reply to a request for a practice problem: `problem_id`, `sample` and `mistake` are what it was made from.

    `problem` is the new problem (None: there is none) and `text` its worked solution, which ends with its answer. One
    that is dropped has `verdict.correct` false, and the cause in `failure` and `verdict.reason`.
    """

    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class PracticeSummary:
    """The figures of a round's practice problems: how many were asked for and kept, and those dropped by reason."""

    asked: int
    kept: int
    dropped: Mapping[str, int] = field(default_factory=dict[str, int])
