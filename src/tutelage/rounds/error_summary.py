"""Statistics of attempts: pass rate and kinds of mistakes. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from tutelage.mistakes.marked import MarkedMistake, marked_mistake
from tutelage.mistakes.taxonomy import kind_of_mistake
from tutelage.records import Attempt, Exam, Problem, Split
from tutelage.run_records import ExamSummary
from tutelage.tasks.task import Task


def marked_mistakes(
    sitting: Exam, task: Task, known: Iterable[MarkedMistake] = (), practice: Iterable[Problem] = ()
) -> list[MarkedMistake]:
    """The mistakes of an exam on the training and practice problems of a task, each with its first wrong step.

    Those that are `known` are not looked for again: it takes about 1 ms each.
    """
    problems = {problem.id: problem for problem in (*task.problems("train"), *practice)}
    found = {(each.problem_id, each.sample): each for each in known}
    return [
        found.get((each.problem_id, each.sample)) or marked_mistake(problems[each.problem_id], task.kind, each)
        for each in sitting.mistakes
    ]


def exam_summary(sitting: Exam, mistakes: Sequence[MarkedMistake]) -> ExamSummary:
    """The figures of an exam and its marked mistakes; those of unknown kind are left out of the kinds."""
    kinds = Counter(each.kind for each in mistakes if each.kind is not None)
    cut = sum(attempt.finish == "length" for attempt in sitting.attempts)
    return ExamSummary(sitting.pass_rate, len(mistakes), len(sitting.attempts), dict(kinds), cut)


def mistakes_by_kind(attempts: Iterable[Attempt], task: Task, split: Split) -> dict[str, int]:
    """Counts of wrong attempts at a split by kind of mistake; attempts of unknown kind are left out."""
    problems = {problem.id: problem for problem in task.problems(split)}
    kinds = Counter(kind_of_mistake(problems[each.problem_id], task.kind, each) for each in attempts)
    return {kind: count for kind, count in kinds.items() if kind is not None}
