"""What a lesson needs at hand, passed to every stage."""

from __future__ import annotations

from dataclasses import dataclass

from tutelage.config import RunConfig
from tutelage.report.progress import Show
from tutelage.run import Run
from tutelage.student.pupil import Pupil
from tutelage.tasks.task import Task
from tutelage.teacher.teacher import Teacher


@dataclass(frozen=True, slots=True)
class Classroom:
    """One run's configuration, its problems, its teacher, the student as it came, and where everything is kept."""

    config: RunConfig
    run: Run
    task: Task
    teacher: Teacher
    untrained: Pupil
    show: Show
