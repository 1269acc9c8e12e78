"""The Teacher protocol: it takes requests for rationales and delivers them, graded, one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from tutelage.practice_records import Practice
from tutelage.records import Feedback, FeedbackRequest

Deliver = Callable[[Feedback], None]


class Teacher(Protocol):
    """Writes rationales for problems and for the student's mistakes on them: one of the four plug-in points."""

    @property
    def key(self) -> str:
        """Identifies what it writes, such as "my-teacher 2"; a run resumes under the same key only (contracts.py)."""
        ...

    def teach(self, requests: Iterable[FeedbackRequest], deliver: Deliver) -> None:
        """Answer every request and hand each reply to `deliver` as soon as it is safe on disk, in any order.

        Every request ends as exactly one Feedback, even if it could not be answered or was rejected.

        Raises:
            BudgetSpent: a cap is reached; every paid reply has been delivered.
            TeacherError: the teacher cannot be asked at all; earlier replies have been delivered.
        """
        ...


class PracticeTeacher(Teacher, Protocol):
    """A teacher that can also make new problems (`teacher.practice`); a method that a Teacher need not have."""

    def practise(self, requests: Iterable[FeedbackRequest], deliver: Callable[[Practice], None]) -> None:
        """Make a problem near the one of every request, with its worked solution, and hand each to `deliver`.

        Every request ends as exactly one Practice. Raises as `teach`.
        """
        ...
