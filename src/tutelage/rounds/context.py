"""The context that every stage of a run gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tutelage.activity import Activity
from tutelage.config import RunConfig
from tutelage.records import Problem
from tutelage.report.progress import Show
from tutelage.rounds.star import SelfTeacher
from tutelage.runs.directory import Run
from tutelage.student.student import Student
from tutelage.student.training.reflection import Reflection
from tutelage.tasks.task import Task
from tutelage.teacher.teacher import Teacher


@dataclass(frozen=True, slots=True)
class RunContext:
    """The configuration of a run, its task, teacher, untrained student and folder.

    Without a teacher, the student teaches itself (STaR). `reflection` is the user's own loss, if there is one.
    `activity` says what a teacher behind an API is doing. `practice` has the practice problems made so far.
    """

    config: RunConfig
    run: Run
    task: Task
    teacher: Teacher | None
    untrained: Student
    show: Show
    reflection: Reflection | None = None
    activity: Activity | None = None
    practice: tuple[Problem, ...] = ()

    @property
    def has_ledger(self) -> bool:
        """Whether every reply of the teacher is in a ledger before it is delivered: that of a teacher behind an API."""
        return self.activity is not None

    @property
    def problems(self) -> Sequence[Problem]:
        """The training problems: the task's, then the practice problems of the rounds so far."""
        return (*self.task.problems("train"), *self.practice)

    def teacher_of(self, student: Student, round: int) -> Teacher:
        """The teacher of a round."""
        seed = f"{self.config.seed}/{round}"
        return self.teacher or SelfTeacher(student, self.task, self.config.exam, seed)
