"""What every stage of a run is handed."""

from __future__ import annotations

from dataclasses import dataclass

from tutelage.activity import Activity
from tutelage.config import RunConfig
from tutelage.report.progress import Show
from tutelage.rounds.star import SelfTeacher
from tutelage.runs.directory import Run
from tutelage.student.student import Student
from tutelage.tasks.task import Task
from tutelage.teacher.teacher import Teacher


@dataclass(frozen=True, slots=True)
class RunContext:
    """One run's configuration, its problems, its teacher, the student as it came, and where everything is kept.

    Without a teacher the student teaches itself. `activity` says what a teacher behind an API is doing.
    """

    config: RunConfig
    run: Run
    task: Task
    teacher: Teacher | None
    untrained: Student
    show: Show
    activity: Activity | None = None

    def teacher_of(self, student: Student, round: int) -> Teacher:
        """Who is asked for rationales in a round."""
        seed = f"{self.config.seed}/{round}"
        return self.teacher or SelfTeacher(student, self.task, self.config.exam, seed)
