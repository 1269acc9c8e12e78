"""Checks a task: sizes, dropped rows, and whether every gold answer is graded as correct."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tutelage.records import SPLITS, AnswerKind, Problem, Split, state_answer
from tutelage.tasks.splits import Conflict, LoadedTask
from tutelage.text.numbers import find_numbers, fold, same_value, whole_number
from tutelage.text.run_on import cut
from tutelage.text.statements import shorten

_SHOWN = 10
"""Maximum rows of a kind that `describe` lists."""


@dataclass(frozen=True, slots=True)
class Misgraded:
    """A problem whose gold answer, in this form, is not graded as correct: an error in the task or its grader."""

    split: Split
    problem_id: str
    question: str
    answer: str
    form: str
    reason: str


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The result of `check_task`. `sizes` are of the final splits; `read`, `repeats` and `leaks` count rows before.

    `commit` is that of a data set of the hub.
    """

    name: str
    kind: AnswerKind
    read: Mapping[Split, int]
    sizes: Mapping[Split, int]
    repeats: Mapping[Split, int]
    leaks: int
    conflicts: tuple[Conflict, ...]
    rationales: int
    equations: int
    misgraded: tuple[Misgraded, ...]
    short_of_answer: tuple[str, ...]
    examples: int
    notes: tuple[str, ...]
    commit: str | None = None
    patterns: bool = False

    @property
    def ok(self) -> bool:
        """Whether every gold answer is graded as correct."""
        return not self.misgraded


def check_task(task: LoadedTask) -> CheckReport:
    """Grade every gold answer in three forms and collect the figures.

    `short_of_answer` has the ids of problems whose gold rationale never reaches the answer's value (numbers only).
    """
    problems: list[tuple[Split, Problem]] = [(split, problem) for split in SPLITS for problem in task.problems(split)]
    return CheckReport(
        name=task.name,
        kind=task.kind,
        read=task.report.read,
        sizes={split: len(task.problems(split)) for split in SPLITS},
        repeats=task.report.repeats,
        leaks=task.report.leaks,
        conflicts=task.report.conflicts,
        rationales=sum(problem.rationale is not None for _, problem in problems),
        equations=sum(problem.equation is not None for _, problem in problems),
        misgraded=tuple(fault for split, problem in problems for fault in _misgraded(task, split, problem)),
        short_of_answer=tuple(p.id for _, p in problems if task.kind == "number" and not _reaches(p)),
        examples=len(task.examples),
        notes=task.report.notes,
        commit=task.commit,
        patterns=task.way == "regex",
    )


def describe(report: CheckReport) -> str:
    """The report as lines of text."""
    graded = sum(report.sizes.values())
    wrong = len({fault.problem_id for fault in report.misgraded})
    lines = [
        f"{report.name}: answers of the kind {report.kind}",
        *([f"read from the hub at commit {report.commit}"] if report.commit else []),
        f"{'':<12}{'rows read':>12}{'repeated':>12}{'problems':>12}",
        *(f"{s:<12}{report.read[s]:>12,}{report.repeats[s]:>12,}{report.sizes[s]:>12,}" for s in SPLITS),
        f"dropped, since a later split asks them too: {report.leaks:,}",
        f"questions that came twice with different answers (the first one stays): {len(report.conflicts):,}",
        *(
            f"    {_show(c.question)}: kept {_show(c.kept)}, dropped {_show(c.dropped)}"
            for c in report.conflicts[:_SHOWN]
        ),
        f"with a worked solution: {report.rationales:,}; with an equation: {report.equations:,}",
        f"worked solutions that never come to the answer: {len(report.short_of_answer):,}",
        f"worked examples for few-shot prompts: {report.examples}",
        *(f"note: {note}" for note in report.notes),
        f"gold answers that grade as correct: {graded - wrong:,} of {graded:,}"
        if not report.patterns
        else f"gold answers that are patterns, none graded by itself: {graded:,}",
        *(
            f"    {f.split}, {_show(f.question)}: {_show(f.answer)} {f.form}: {f.reason}"
            for f in report.misgraded[:_SHOWN]
        ),
    ]
    return "\n".join(lines)


def gold_forms(problem: Problem) -> Iterator[tuple[str, str]]:
    """The forms in which a gold answer must be graded as correct: names and texts."""
    yield "bare", problem.answer
    yield "stated", f"The answer is {problem.answer}."
    yield "after its rationale", state_answer(problem.rationale or "", problem.answer)


def _misgraded(task: LoadedTask, split: Split, problem: Problem) -> Iterator[Misgraded]:
    if task.own:
        yield from _ungraded(task, split, problem)
        return
    for form, text in gold_forms(problem):
        verdict = task.grade(problem, text)
        if not verdict.correct:
            yield Misgraded(split, problem.id, problem.question, problem.answer, form, verdict.reason)
        elif cut(text) != text:
            yield Misgraded(split, problem.id, problem.question, problem.answer, form, "it is cut as if it ran on")


def _ungraded(task: LoadedTask, split: Split, problem: Problem) -> Iterator[Misgraded]:
    """For a user's own grader: a problem whose gold answer is right in no form. A pattern need not match itself."""
    verdicts = [(form, task.grade(problem, text)) for form, text in gold_forms(problem)]
    if task.way != "regex" and not any(verdict.correct for _, verdict in verdicts):
        form, verdict = verdicts[-1]
        yield Misgraded(split, problem.id, problem.question, problem.answer, form, verdict.reason)


def _reaches(problem: Problem) -> bool:
    gold = whole_number(problem.answer)
    if problem.rationale is None or gold is None:
        return True
    lines = reversed(fold(problem.rationale).splitlines())  # the answer is mostly in the last one
    return any(same_value(gold, number) for line in lines for number in find_numbers(line))


def _show(text: str) -> str:
    return repr(shorten(text))
