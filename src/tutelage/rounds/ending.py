"""The end of a run: test, once; the best student in `student/`; `result.json`."""

from __future__ import annotations

from collections.abc import Sequence

from tutelage.metrics.intervals import accuracy
from tutelage.report.card import model_card
from tutelage.rounds import stages
from tutelage.rounds.context import RunContext
from tutelage.rounds.models import drop_models
from tutelage.run_records import BeforeAfter, RoundResult, RunResult, TeacherSummary
from tutelage.runs.directory import versions
from tutelage.student.resources.hardware import hardware
from tutelage.student.student import Student


def end_run(
    ctx: RunContext,
    results: Sequence[RoundResult],
    best: int,
    student: Student,
    stopped_because: str,
    unused: TeacherSummary | None,
) -> RunResult:
    """Evaluate the student of the best round on test, save it, and write the run's result."""
    ended = RunResult(
        rounds=tuple(results),
        best_round=best,
        stopped_because=stopped_because,
        test=_test(ctx, student),
        work=ctx.run.work(None),
        seconds=ctx.run.seconds(None),
        machine=hardware(),
        versions=versions(),
        unused=unused,
        precision=ctx.untrained.precision.told(hardware(), ctx.untrained.device.type),
        prompt=ctx.untrained.asked.told(ctx.config.student.thinking),
    )
    _graduate(ctx, student, ended)
    drop_models(ctx, len(results), set() if ctx.config.rounds.keep == "none" else {best, results[-1].round})
    ctx.run.keep_result(None, ended)
    return ended


def _test(ctx: RunContext, student: Student) -> BeforeAfter:
    before = stages.evaluate(ctx, None, ctx.untrained, "test", "test-before")
    ctx.untrained.release()
    after = stages.evaluate(ctx, None, student, "test", "test-after")
    return BeforeAfter(accuracy(*before), accuracy(*after))


def _graduate(ctx: RunContext, student: Student, outcome: RunResult) -> None:
    """Save the best student to `student/`, an ordinary Hugging Face folder with a model card."""
    as_asked = ctx.config.model_copy(update={"student": ctx.untrained.config})
    card = model_card(as_asked, outcome, ctx.run.parts, system=student.system is not None)
    stage = ctx.run.stage(None, "student", student.key, card)
    if not stage.done:
        if stage.fault:
            ctx.show.say(f"{stage.fault}: the student is saved again")
        stage.begin("student")
        student.save(ctx.run.root / "student", card, ctx.config.evaluation.max_new_tokens)
        stage.finish()
