"""A round's asking: one stage on disk, in blocks where the way of asking is chosen by what works with this teacher."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from tutelage.errors import BudgetSpent
from tutelage.practice_records import PracticeSummary
from tutelage.records import TRANSIENT, Feedback, FeedbackRequest
from tutelage.rounds.context import RunContext
from tutelage.rounds.kept import Identity, is_done, sound_replies
from tutelage.rounds.ways import Order, blocks, in_order, order_of_ways, told
from tutelage.runs.files import append_rows, digest, plain, read_rows, write_rows
from tutelage.runs.seals import sealed, sound_rows
from tutelage.runs.stage import Stage
from tutelage.student.resources.meter import ResourceMeter
from tutelage.student.student import Student
from tutelage.teacher.ways import ways

ORDERS = "ways.jsonl"
"""The order of the ways of asking, block by block."""


@dataclass(frozen=True, slots=True)
class Teaching:
    """What a round's asking brought, the requests that got no reply, and whether the budget was spent.

    With `teacher.practice`, `feedback` has the worked solutions of the round's practice problems, `failed` those that
    were dropped, and `practice` counts both.
    """

    feedback: tuple[Feedback, ...]
    failed: tuple[Feedback, ...]
    budget_spent: bool
    practice: PracticeSummary | None = None


def ask_teacher(
    ctx: RunContext,
    round: int,
    name: str,
    student: Student,
    requests: Sequence[FeedbackRequest],
    before: Sequence[Feedback] = (),
) -> Teaching:
    """Ask what has not been answered yet; a spent budget ends the asking, and what was bought is returned.

    `before` is the feedback of earlier rounds, which tells which way of asking works. Requests that got no reply are in
    `failed.jsonl`. They are asked again if the run goes on before the stage is done, or with another budget. A stage in
    which no request got a reply is always done again.
    """
    budget = ctx.config.teacher.budget.model_dump()
    teacher = ctx.teacher_of(student, round)
    stage = asking_stage(ctx, round, name, student, requests)
    path, failed = stage.folder / f"{name}.jsonl", stage.folder / "failed.jsonl"
    asked = {request.identity for request in requests}

    def is_whole() -> bool:
        found = [reply.identity for reply in (*read_rows(path, Feedback), *read_rows(failed, Feedback))]
        known = set(found) <= asked and len(set(found)) == len(found)
        return known and ("spent" in stage.summary or len(found) == len(asked))

    in_vain = failed.exists() and not path.exists()
    cost = "what is missing is asked for again; replies that the ledger holds cost nothing"
    if not is_done(ctx, stage, cost, is_whole) or in_vain or stage.summary.get("spent", budget) != budget:
        begun_anew = stage.fault is None
        stage.begin(rows=[path.name, failed.name, ORDERS])
        if begun_anew:
            failed.unlink(missing_ok=True)
        answered = _answered(stage, path, failed, requests)
        spent, title = dict[str, object](), f"round {round}: {name}"
        with (
            ctx.show.bar(title, len(requests), len(answered), ctx.activity, "requests") as advance,
            ResourceMeter() as meter,
        ):

            def deliver(reply: Feedback) -> None:
                place = failed if reply.failure in TRANSIENT else path
                append_rows(place, [sealed(reply, stage.key)], synced=not ctx.has_ledger)
                meter.count(reply.usage.completion_tokens)
                advance.heard(reply)

            for block in _in_blocks(ctx, stage, path, requests, before, spent):
                try:
                    teacher.teach([request for request in block if request.identity not in answered], deliver)
                except BudgetSpent as error:
                    if not spent:
                        ctx.show.say(str(error))
                    spent["spent"] = budget
        if found := told((*before, *read_rows(path, Feedback))):
            ctx.show.say(f"round {round}: {found}")
        for place in (path, failed):
            if place.exists():
                append_rows(place, ())  # synced
        stage.finish(meter.work, spent)
    feedback, lost = read_rows(path, Feedback), read_rows(failed, Feedback)
    return Teaching(tuple(feedback), tuple(lost), "spent" in stage.summary)


def _answered(stage: Stage, path: Path, failed: Path, requests: Sequence[FeedbackRequest]) -> set[Identity]:
    """The requests answered so far. From the first block with a guessed order on, replies and orders are dropped.

    The ledger has those replies. They depend on what had arrived when the budget was spent.
    """
    orders = _orders(stage)
    end = min((order.start for order in orders if order.guessed), default=len(requests))
    wanted = {request.identity for request in requests[:end]}
    answered = sound_replies(path, stage, wanted)
    answered |= sound_replies(failed, stage, wanted - answered)
    if end < len(requests):
        write_rows(stage.folder / ORDERS, [sealed(order, stage.key) for order in orders if not order.guessed])
    return answered


def _orders(stage: Stage) -> list[Order]:
    return sound_rows(stage.folder / ORDERS, Order, stage.key)


def _in_blocks(
    ctx: RunContext,
    stage: Stage,
    path: Path,
    requests: Sequence[FeedbackRequest],
    before: Sequence[Feedback],
    spent: Mapping[str, object],
) -> Iterator[Sequence[FeedbackRequest]]:
    """The requests, in blocks if there is a way of asking to choose; a block is ordered when those before are answered.

    The order of a block is on disk before it is asked: a run that goes on asks what it asked. Once the budget is
    `spent`, later blocks only look into the ledger, in an order that is guessed. A batch takes hours, so that all of a
    stage goes into one.
    """
    config = ctx.config.teacher
    choice = ways(config)
    if config.kind != "openai" or len(choice) == 1 or all(request.mistake is None for request in requests):
        yield requests
        return
    known = {order.start: order for order in _orders(stage)}
    for places in [range(len(requests))] if config.batch else blocks(len(requests)):
        order = known.get(places.start)
        if order is None or set(order.ways) != set(choice):
            order = order_of_ways(places.start, choice, (*before, *read_rows(path, Feedback)))
            append_rows(stage.folder / ORDERS, [sealed(replace(order, guessed=bool(spent)), stage.key)])
        yield in_order(requests[places.start : places.stop], order, before)


def asking_stage(
    ctx: RunContext, round: int, name: str, student: Student, requests: Sequence[FeedbackRequest]
) -> Stage:
    """The stage in which these requests are asked, known by what is asked."""
    asked = digest(*map(what_is_asked, requests))
    return ctx.run.stage(round, name, asked, *([] if ctx.teacher else [student.key]))


def what_is_asked(request: FeedbackRequest) -> dict[str, object]:
    """All of a request but the answer that the exam read, which follows from the mistake, and the way of asking."""
    fields = cast(dict[str, object], plain(request))
    return {name: value for name, value in fields.items() if name not in ("answer", "ways")}
