"""The practice stage of a round: new problems made from its mistakes, for this training and all later rounds.

    mistake on "Tom has 3 boxes of 4 pens …"  ->  "Ann has 5 bags of 6 nuts. How many nuts?", with a worked solution

A problem is kept if its solution is sound (that is for the teacher to say), if the task's grader reads its answer, and
if it is neither a known problem nor nearly one. What is near a problem of validation or test would leak it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import cast

from tutelage.errors import BudgetSpent
from tutelage.mistakes.near_problems import NearProblems
from tutelage.practice_records import Practice, PracticeSummary
from tutelage.records import (
    SPLITS,
    TRANSIENT,
    Exam,
    FailureReason,
    Feedback,
    FeedbackRequest,
    Problem,
    Split,
    Verdict,
    state_answer,
)
from tutelage.rounds.asking import Teaching, what_is_asked
from tutelage.rounds.context import RunContext
from tutelage.rounds.for_readers import keep_problems
from tutelage.rounds.kept import is_done
from tutelage.rounds.requests import feedback_requests, longest_question, only_cut, practice_requests
from tutelage.runs.files import append_rows, digest, read_rows, write_rows
from tutelage.runs.reader import PRACTICE
from tutelage.runs.seals import sealed, sound_rows
from tutelage.runs.stage import Stage
from tutelage.student.resources.meter import ResourceMeter
from tutelage.teacher.teacher import PracticeTeacher

Fault = tuple[FailureReason, str]


def practise(
    ctx: RunContext, round: int, sitting: Exam, history: Sequence[Sequence[Feedback]], teaching: Teaching
) -> tuple[RunContext, Teaching]:
    """The context with the round's practice problems, and its teaching with their solutions.

    Without `teacher.practice`, both as they are.
    """
    each = ctx.config.teacher.practice
    if not each:
        return ctx, teaching
    before = [reply for past in history for reply in past]
    cut, seed = only_cut(ctx.problems, sitting, ctx.task.grade), f"{ctx.config.seed}/{round}"
    asked = feedback_requests(ctx.problems, sitting, ctx.config.teacher, before, seed, cut)
    rows, spent = _made(ctx, round, practice_requests(asked, before, each), told=not teaching.budget_spent)
    kept = [row for row in rows if row.verdict.correct and row.problem is not None]
    dropped = Counter[str](row.failure for row in rows if row.failure)
    _say(ctx, round, len(rows), len(kept), dropped)
    ctx = replace(ctx, practice=(*ctx.practice, *(row.problem for row in kept if row.problem)))
    keep_problems(ctx)
    return ctx, replace(
        teaching,
        feedback=(*teaching.feedback, *map(_solution, kept)),
        failed=(*teaching.failed, *(row for row in rows if not row.verdict.correct)),
        budget_spent=teaching.budget_spent or spent,
        practice=PracticeSummary(len(rows), len(kept), dict(dropped)),
    )


def _made(
    ctx: RunContext, round: int, requests: Sequence[FeedbackRequest], *, told: bool
) -> tuple[list[Practice], bool]:
    """The stage: every reply, judged, in the order of the requests, and whether the budget was spent."""
    budget = ctx.config.teacher.budget.model_dump()
    teacher = cast(PracticeTeacher, ctx.teacher)
    stage = ctx.run.stage(round, "practice", digest(*map(what_is_asked, requests)), digest(*ctx.practice))
    path, wanted = stage.folder / PRACTICE, {request.identity for request in requests}

    def is_whole() -> bool:
        found = [row.identity for row in read_rows(path, Practice)]
        known = set(found) <= wanted and len(set(found)) == len(found)
        return known and ("spent" in stage.summary or len(found) == len(wanted))

    cost = "what is missing is asked for again; replies that the ledger holds cost nothing"
    if not is_done(ctx, stage, cost, is_whole) or stage.summary.get("spent", budget) != budget:
        stage.begin(rows=[path.name])
        answered = {row.identity: row for row in _answered(stage, wanted)}
        write_rows(path, [sealed(row, stage.key) for row in answered.values()])
        spent, title = dict[str, object](), f"round {round}: practice"
        with (
            ctx.show.bar(title, len(requests), len(answered), ctx.activity, "requests") as advance,
            ResourceMeter() as meter,
        ):

            def deliver(reply: Practice) -> None:
                append_rows(path, [sealed(reply, stage.key)], synced=not ctx.has_ledger)
                answered[reply.identity] = reply
                meter.count(reply.usage.completion_tokens)
                advance.heard(reply)

            try:
                owed = [request for request in requests if request.identity not in answered]
                teacher.practise(owed, cast(Callable[[Feedback], None], deliver))
            except BudgetSpent as error:
                spent["spent"] = budget
                if told:
                    ctx.show.say(str(error))
        rows = [answered[request.identity] for request in requests if request.identity in answered]
        write_rows(path, [sealed(row, stage.key) for row in _judged(ctx, rows)])
        stage.finish(meter.work, spent)
    return read_rows(path, Practice), "spent" in stage.summary


def _answered(stage: Stage, wanted: set[tuple[str, int, str | None]]) -> Iterator[Practice]:
    """The unchanged replies on disk; requests that got none on the way are asked again."""
    for row in sound_rows(stage.folder / PRACTICE, Practice, stage.key):
        if row.identity in wanted and row.failure not in TRANSIENT:
            yield row


def _judged(ctx: RunContext, rows: Iterable[Practice]) -> Iterator[Practice]:
    """The rows, in their order; one whose problem cannot be used is dropped, with the reason."""
    known = NearProblems[Split]()
    for split in SPLITS:
        known.add(ctx.task.problems(split), split)
    known.add(ctx.practice, "train")
    longest = longest_question(ctx.task.problems("train"))
    for row in rows:
        if not row.verdict.correct:
            yield row
        elif row.problem is None:
            yield _dropped(row, ("no new problem", "the teacher made no problem"))
        elif fault := _unreadable(ctx, row, row.problem, longest) or _near(known, row.problem):
            yield _dropped(row, fault)
        else:
            known.add([row.problem], "train")
            yield row


def _unreadable(ctx: RunContext, row: Practice, problem: Problem, longest: int) -> Fault | None:
    """Why the task's grader cannot read a problem, or the student perhaps not: it can read the task's own questions."""
    for text in (state_answer("", problem.answer), row.text):
        verdict = ctx.task.grade(problem, text)
        if not verdict.correct:
            return "no new problem", f"the task's grader does not read its answer: {verdict.reason}"
    if len(problem.text.encode(errors="replace")) > longest:
        return "no new problem", "its question is longer than any of the task's"
    return None


def _near(known: NearProblems[Split], problem: Problem) -> Fault | None:
    split = known.find(problem)
    if split is None:
        return None
    failure: FailureReason = "known problem" if split == "train" else "held-out problem"
    return failure, f"it is the same or nearly the same as a problem of {split}"


def _dropped(row: Practice, fault: Fault) -> Practice:
    return replace(row, verdict=Verdict(False, row.verdict.answer, fault[1]), failure=fault[0])


def _solution(row: Practice) -> Feedback:
    """The worked solution of a kept problem, as the rationale that it is trained on."""
    assert row.problem is not None, "it is kept"
    return Feedback(row.problem.id, 0, None, row.text, row.verdict, row.usage, row.keys)


def _say(ctx: RunContext, round: int, asked: int, kept: int, dropped: Counter[str]) -> None:
    listed = ", ".join(f"{count:,} {reason}" for reason, count in dropped.most_common())
    others = f"; dropped: {listed}" if listed else ""
    ctx.show.say(f"round {round}: {kept:,} of {asked:,} practice problems kept{others}")
