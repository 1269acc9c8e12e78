"""How `tutelage view` asks the students of a run: loaded on demand, small ones kept for the next question."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tutelage.rounds.outside import AskedStudent

KEPT = 300.0
"""Seconds for which models stay in memory after a question."""
SMALL = 2 * 2**30
"""Bytes of a student's folder up to which it is kept, with the untrained one; larger ones are loaded one at a time."""


class Asking:
    """Asks the students of one run at a time; the models stay for the next question. Safe to use from several threads.

    >>> Asking()(run, run / "student", "How many legs do 3 cows have?")
    ('3 × 4 = 12 legs.', '7 legs')
    """

    def __init__(self, kept: float = KEPT) -> None:
        self._kept, self._lock = kept, threading.Lock()
        self._of: object = None
        self._students: tuple[AskedStudent, AskedStudent] | None = None
        self._timer: threading.Timer | None = None

    def __call__(self, run: Path, folder: Path, question: str) -> tuple[str, str | None]:
        """The answers of the student in `folder` and of the untrained one, as in the run. Raises TutelageError."""
        answers = list[str]()
        with self._lock:
            self._stop()
            files = [path for path in folder.iterdir() if path.is_file()]
            stays = sum(path.stat().st_size for path in files) <= SMALL
            try:
                for asked in self._both(run, folder, files):
                    answers.append(asked.answer(question))
                    if not stays:
                        asked.student.release()
            except BaseException:
                self._forget()
                raise
            if stays:
                self._timer = threading.Timer(self._kept, self.release)
                self._timer.daemon = True
                self._timer.start()
        return answers[0], answers[1]

    @property
    def holds(self) -> bool:
        """Whether models are kept."""
        return self._students is not None

    def release(self) -> None:
        """Free the memory of the models."""
        with self._lock:
            self._stop()
            self._forget()

    def _both(self, run: Path, folder: Path, files: list[Path]) -> tuple[AskedStudent, AskedStudent]:
        """The student and the untrained one; those of before if the folder is as it was."""
        from tutelage.rounds.outside import of_run

        of = run, folder, sorted((path.name, path.stat().st_mtime_ns) for path in files)
        if self._students is None or of != self._of:
            self._forget()
            self._students, self._of = of_run(run, folder), of
        return self._students

    def _forget(self) -> None:
        students, self._students = self._students, None
        for asked in students or ():
            asked.student.release()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
