"""THE ALGORITHM: tailored learning (Wang et al. 2023), from the problems to a student that reasons better.

    round 0    the teacher writes rationales; the student learns them
    round r    exam → feedback on its mistakes → training on both → evaluation
    until      it stops improving, makes no mistakes, the budget is spent, or the rounds are over
    then       the best round by validation is evaluated on test, once, and saved

Every stage keeps its work on disk and does only what is owed, so this function is also how a run goes on after a stop.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tutelage.config import RoundsConfig, TrainingConfig
from tutelage.errors import TeacherError
from tutelage.metrics.intervals import accuracy
from tutelage.records import Asked, Exam, Feedback, Usage
from tutelage.report.card import model_card
from tutelage.rounds import stages
from tutelage.rounds.context import RunContext
from tutelage.rounds.error_summary import exam_summary
from tutelage.rounds.examples import build_examples
from tutelage.rounds.form import form_of, has_moved
from tutelage.rounds.ways import counted as counted_ways
from tutelage.run_records import BeforeAfter, RoundResult, RunResult, TeacherSummary
from tutelage.runs.directory import versions
from tutelage.student.resources.hardware import hardware
from tutelage.student.student import Student


def run_rounds(ctx: RunContext) -> RunResult:
    """Run, or go on with, all rounds of a run; returns what `result.json` holds."""
    config, problems = ctx.config, ctx.task.problems("train")
    students, results = [ctx.untrained], list[RoundResult]()
    exams, history, counted = list[Exam](), list[Sequence[Feedback]](), set[object]()
    unused: TeacherSummary | None = None

    for round in range(config.rounds.max + 1):
        student = students[-1]
        if round == 0:
            teaching = stages.annotate(ctx, student)
        else:
            exams.append(stages.exam(ctx, round, student))
            if not exams[-1].mistakes:
                stopped_because = "the exam has no mistakes left"
                break
            teaching = stages.feedback(ctx, round, student, exams[-1], history)
        history.append(teaching.feedback)
        cost = _spending(teaching, counted)
        if moved := has_moved(*(form_of(_used(replies)) for replies in (history[0], history[-1]))):
            ctx.show.say(f"round {round}: {moved}")

        if not has_something_new(teaching, exams, config.training):
            stopped_because, unused = _nothing_to_teach(round, teaching), cost
            break
        examples = build_examples(problems, history, exams, config.training, f"{config.seed}/{round}")
        start = ctx.untrained if config.training.init_from == "untrained" else student
        student, training = stages.train(ctx, round, start, examples)
        validation = stages.evaluate(ctx, round, student, "validation", "evaluation")
        students.append(student)

        result = RoundResult(
            round=round,
            validation=accuracy(*validation),
            exam=exam_summary(exams[-1], ctx.task) if exams else None,
            teacher=cost,
            training=training,
            work=ctx.run.work(round),
            seconds=ctx.run.seconds(round),
            limits=ctx.run.limits(round),
        )
        results.append(result)
        ctx.run.keep_result(round, result)
        ctx.show.say(f"round {round}: {result.validation.accuracy:.1%} of {result.validation.n} validation problems")

        if teaching.budget_spent:
            stopped_because = "the teacher's budget is spent"
            break
        if plateau(results, config.rounds):
            stopped_because = "validation no longer improves"
            break
    else:
        stopped_because = "all rounds are done"

    best = best_round(results)
    students[-1].release()
    test = _test(ctx, students[best + 1])
    work, seconds = ctx.run.work(None), ctx.run.seconds(None)
    outcome = RunResult(tuple(results), best, stopped_because, test, work, seconds, hardware(), versions(), unused)
    _graduate(ctx, students[best + 1], outcome)
    ctx.run.keep_result(None, outcome)
    return outcome


def has_something_new(teaching: stages.Teaching, exams: Sequence[Exam], config: TrainingConfig) -> bool:
    """Whether a round has a right rationale to learn from, or own right attempts where those are trained on."""
    own = exams[-1].attempts if exams and config.rejection_sampling == "train" else ()
    return any(reply.verdict.correct for reply in teaching.feedback) or any(
        attempt.verdict.correct and attempt.finish == "stop" for attempt in own
    )


def plateau(results: Sequence[RoundResult], config: RoundsConfig) -> bool:
    """Whether none of the last `patience` rounds was better than the best before them by more than `min_gain`."""
    shares = [result.validation.accuracy for result in results]
    recent, earlier = shares[-config.patience :], shares[: -config.patience]
    return bool(earlier) and max(recent) <= max(earlier) + config.min_gain


def best_round(results: Sequence[RoundResult]) -> int:
    """The round with the highest accuracy on validation; of equals the earliest, which cost least."""
    return max(results, key=lambda result: result.validation.accuracy).round


def _nothing_to_teach(round: int, teaching: stages.Teaching) -> str:
    """Why a round has no rationale to learn from: an error in round 0, later a reason to stop."""
    if teaching.budget_spent:
        reason = "the teacher's budget is spent"
    elif not (replies := [*teaching.feedback, *teaching.failed]):
        reason = "no problem is left to ask about"
    else:
        reasons = [reply.verdict.reason for reply in replies]
        reason = f"none of the teacher's {len(reasons)} replies can be used (the first: {reasons[0]})"
    if round == 0:
        raise TeacherError(f"round 0 cannot begin: {reason}")
    return reason


def _test(ctx: RunContext, student: Student) -> BeforeAfter:
    before = stages.evaluate(ctx, None, ctx.untrained, "test", "test-before")
    ctx.untrained.release()
    after = stages.evaluate(ctx, None, student, "test", "test-after")
    return BeforeAfter(accuracy(*before), accuracy(*after))


def _used(replies: Sequence[Feedback]) -> list[str]:
    return [reply.text for reply in replies if reply.verdict.correct]


def _spending(teaching: stages.Teaching, counted: set[object]) -> TeacherSummary:
    """What a round's teaching cost. `counted` holds the replies that were: what is asked again costs nothing."""
    replies, usage, asked, ways = [*teaching.feedback, *teaching.failed], Usage(), 0, list[Asked]()
    for reply in replies:
        keys = reply.keys or [reply.identity]  # offline there is no ledger
        if not counted.issuperset(keys):
            usage += reply.usage
            ways += reply.asked
            asked += len(reply.keys) or reply.usage.requests
            counted.update(keys)
    used = sum(reply.verdict.correct for reply in replies)
    failures = Counter(reply.failure for reply in replies if reply.failure)
    return TeacherSummary(
        usage.requests,
        used,
        usage.prompt_tokens,
        usage.completion_tokens,
        usage.cost_usd,
        dict(failures),
        asked,
        counted_ways(ways),
    )


def _graduate(ctx: RunContext, student: Student, outcome: RunResult) -> None:
    """Keep the best student in `student/`, an ordinary Hugging Face folder with a model card."""
    card = model_card(ctx.config, outcome)
    stage = ctx.run.stage(None, "student", student.key, card)
    if not stage.done:
        if stage.fault:
            ctx.show.say(f"{stage.fault}: the student is saved again")
        stage.begin("student")
        student.save(ctx.run.root / "student", card)
        stage.finish()
