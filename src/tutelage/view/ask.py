"""The box that asks the student of a run a question: when it may, one question at a time, for whom.

How a student answers is no matter of this room: the command hands a function in. A question is taken with a token that
is made from the visitor's cookie, so that it is from a page that this server has written.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Callable
from pathlib import Path

from tutelage.errors import RunError
from tutelage.runs.models import MODEL, has_model
from tutelage.runs.reader import RunReader

Ask = Callable[[Path, Path, str], tuple[str, str | None]]
"""Asks a student of a run, by the folders of both, a question: its answer, and that of the untrained student. Raises
TutelageError."""

LONGEST_QUESTION = 4_000
"""Characters."""


class AskBox:
    """Asks one question at a time; safe to use from several threads. `ask` is None where nobody is asked."""

    def __init__(self, ask: Ask | None = None) -> None:
        self._ask, self._secret, self._lock = ask, secrets.token_bytes(32), threading.Lock()

    def visitor(self, cookie: str | None) -> str:
        """The visitor by the cookie, or a new one."""
        return cookie if cookie and cookie.isascii() and len(cookie) == 32 else secrets.token_hex(16)

    def token(self, visitor: str) -> str:
        """The token of a visitor's forms."""
        return hmac.digest(self._secret, visitor.encode("utf-8", "replace"), "sha256").hex()

    def knows(self, visitor: str | None, token: str) -> bool:
        """Whether a form is one of this visitor's."""
        given = token.encode("utf-8", "replace")
        return visitor is not None and hmac.compare_digest(self.token(visitor).encode(), given)

    def refusal(self, run: RunReader) -> str | None:
        """Why the student of a run can't be asked now, in words; None if it can."""
        if self._ask is None:
            return "These pages were opened without a student: `tutelage view` can ask one."
        if run.now is not None:
            return "The run is at work: its student can be asked when it has ended."
        if student_of(run) is None:
            return (
                "This run has no student to ask: none is there before the first training has ended, and a study "
                "deletes them unless its file says `keep_students: true`."
            )
        return None

    def answers(self, run: RunReader, question: str) -> tuple[str, str | None]:
        """The answers of the student and of the untrained one. Raises TutelageError; RunError: not now."""
        if not question.strip():
            raise RunError("There is no question: write one first.")
        if len(question) > LONGEST_QUESTION:
            raise RunError(f"The question has {len(question):,} characters: ask with {LONGEST_QUESTION:,} at most.")
        reason = self.refusal(run)
        student = student_of(run)
        if reason is not None or self._ask is None or student is None:
            raise RunError(reason or "")
        if not self._lock.acquire(blocking=False):
            raise RunError("Another question is being answered: ask again when it is done.")
        try:
            return self._ask(run.root, student[0], question.strip())
        finally:
            self._lock.release()


def student_of(run: RunReader) -> tuple[Path, str] | None:
    """The folder of a run's student and which it is, in words: the run's, or the newest whole one of a stopped run."""
    if (run.root / "student").is_dir():
        return run.root / "student", "the student of this run"
    shots = run.config.student.few_shot if run.config else 0
    without = f", asked without the {shots} worked examples of the run" if shots else ""
    for number in sorted(run.folders, reverse=True):
        model = run.path(number, MODEL)
        if run.stages(number).get("training", {}).get("done") is True and has_model(model.parent):
            return model, f"the student of round {number}, the newest that is whole{without}"
    return None
