"""Statistics of attempts: pass rate and kinds of mistakes. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tutelage.mistakes.taxonomy import kind_of_mistake
from tutelage.records import Attempt, Exam, Split
from tutelage.run_records import ExamSummary
from tutelage.tasks.task import Task


def exam_summary(sitting: Exam, task: Task) -> ExamSummary:
    """The figures of an exam on the training problems of a task."""
    kinds = mistakes_by_kind(sitting.attempts, task, "train")
    cut = sum(attempt.finish == "length" for attempt in sitting.attempts)
    return ExamSummary(sitting.pass_rate, len(sitting.mistakes), len(sitting.attempts), kinds, cut)


def mistakes_by_kind(attempts: Iterable[Attempt], task: Task, split: Split) -> dict[str, int]:
    """Counts of wrong attempts at a split by kind of mistake; attempts of unknown kind are left out."""
    problems = {problem.id: problem for problem in task.problems(split)}
    kinds = Counter(kind_of_mistake(problems[each.problem_id], task.kind, each) for each in attempts)
    return {kind: count for kind, count in kinds.items() if kind is not None}
