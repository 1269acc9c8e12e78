"""A teacher whose every rationale is the answer alone, for the baseline `answers-only` (SFT without rationales).

problem   "Tom has 3 boxes of 4 pens. How many pens?", answer "12"
feedback  "The answer is 12."
"""

from __future__ import annotations

from collections.abc import Iterable

from tutelage.records import Feedback, FeedbackRequest, Grade, Usage, state_answer
from tutelage.teacher.teacher import Deliver


class AnswersTeacher:
    """States the answer of every problem, whatever the mistake; offline and free."""

    key = "answers"

    def __init__(self, *, grade: Grade) -> None:
        self._grade = grade

    def teach(self, requests: Iterable[FeedbackRequest], deliver: Deliver) -> None:
        """Answer every request in order."""
        for request in requests:
            text = state_answer("", request.problem.answer)
            verdict = self._grade(request.problem, text)
            failure = None if verdict.correct else "unparsable"
            deliver(Feedback(*request.identity, text, verdict, Usage(requests=1), failure=failure))
