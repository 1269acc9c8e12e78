"""An exam in figures: how much was passed, and what kinds of mistakes were made. Pure."""

from __future__ import annotations

from collections import Counter

from tutelage.records import Exam
from tutelage.run_records import ExamSummary
from tutelage.tasks.task import Task
from tutelage.teacher.offline.kinds import kind_of_mistake


def exam_summary(sitting: Exam, task: Task) -> ExamSummary:
    """The figures of an exam on the training problems of a task."""
    problems = {problem.id: problem for problem in task.problems("train")}
    kinds = Counter(kind_of_mistake(problems[wrong.problem_id], task.kind, wrong) for wrong in sitting.mistakes)
    named = {kind: count for kind, count in kinds.items() if kind is not None}
    return ExamSummary(sitting.pass_rate, len(sitting.mistakes), len(sitting.attempts), named)
