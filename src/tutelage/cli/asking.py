"""How `tutelage view` asks the students of a run: loaded on demand, small ones kept for the next question."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tutelage.config import AnswerLimit
    from tutelage.student.student import Student

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
        self._students: tuple[Student, Student] | None = None
        self._timer: threading.Timer | None = None
        self._cut_at: AnswerLimit = "auto"

    def __call__(self, run: Path, folder: Path, question: str) -> tuple[str, str | None]:
        """The answers of the student in `folder` and of the untrained one, as in the run. Raises TutelageError."""
        from tutelage.records import Problem
        from tutelage.rounds.lengths import answer_limit
        from tutelage.student.sampler import SamplingSettings

        answers = list[str]()
        with self._lock:
            self._stop()
            files = [path for path in folder.iterdir() if path.is_file()]
            stays = sum(path.stat().st_size for path in files) <= SMALL
            try:
                for student in self._both(run, folder, files):
                    problem = Problem.of(question, "", system=student.system)
                    limit = answer_limit(self._cut_at, student, [problem.text], student.answer_tokens)
                    greedy = SamplingSettings(max_new_tokens=limit)
                    student.answer([problem], [0], greedy, lambda _, given: answers.append(given[0].text.strip()))
                    if not stays:
                        student.release()
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

    def _both(self, run: Path, folder: Path, files: list[Path]) -> tuple[Student, Student]:
        """The student and the untrained one; those of before if the folder is as it was."""
        from tutelage.config.file import read_written
        from tutelage.runs.directory import kept_asked
        from tutelage.runs.reader import open_run
        from tutelage.student.asked import taught_prompts
        from tutelage.student.student import Student

        of = run, folder, sorted((path.name, path.stat().st_mtime_ns) for path in files)
        if self._students is None or of != self._of:
            self._forget()
            taught, config = taught_prompts(str(folder)), read_written(run / "config.yaml")
            examples, system = (taught.examples, taught.system) if taught else ((), None)
            began = open_run(run).began_as
            asking = config.student.model_copy(
                update={"few_shot": len(examples), **({"model": str(began)} if began else {})}
            )
            untrained = Student(asking, examples, system=system, asked=kept_asked(run))
            student = untrained.at(folder, "student")
            student.answer_tokens = taught.answer_tokens if taught else _learnt(student, folder.parent)
            self._students, self._of, self._cut_at = (student, untrained), of, config.evaluation.max_new_tokens
        return self._students

    def _forget(self) -> None:
        students, self._students = self._students, None
        for student in students or ():
            student.release()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _learnt(student: Student, round: Path) -> int | None:
    """What a round's student may take for an answer, by its evaluation; None before that."""
    from tutelage.rounds.lengths import THOUGHTS
    from tutelage.runs.stage import entries

    cut_at = entries(round).get("evaluation", {}).get("max_new_tokens")
    return None if cut_at is None else max(1, cut_at - THOUGHTS * student.thinks)
