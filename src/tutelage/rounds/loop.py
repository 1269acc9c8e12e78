"""THE ALGORITHM: tailored learning (Wang et al. 2023), from the problems to a student that reasons better.

    round 0    the teacher writes rationales; the student learns them
    round r    exam → feedback on its mistakes, and practice problems → training on all → evaluation
    until      it stops improving, makes no mistakes, the budget is spent, or the rounds are over
    then       the best round by validation is evaluated on test, once, and saved

Every stage saves its work and does only what is missing, so the same function also resumes a stopped run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tutelage.config import RoundsConfig, TrainingConfig
from tutelage.errors import TeacherError
from tutelage.metrics.intervals import accuracy
from tutelage.records import Exam
from tutelage.rounds import stages
from tutelage.rounds.context import RunContext
from tutelage.rounds.ending import end_run
from tutelage.rounds.examples import build_examples
from tutelage.rounds.for_readers import keep_mistakes
from tutelage.rounds.models import drop_models, train_again
from tutelage.rounds.practice import practise
from tutelage.rounds.prefixes import sit_with_prefixes
from tutelage.rounds.repairs import build_repairs
from tutelage.rounds.teaching_cost import teaching_cost
from tutelage.run_records import RoundResult, RunResult, TeacherSummary
from tutelage.student.student import GoneError, Student


@dataclass(frozen=True, slots=True)
class Round:
    """The outcome of a round: its exam, if later rounds train on it, the teacher's replies, and the trained student."""

    exam: Exam | None
    teaching: stages.Teaching
    student: Student
    result: RoundResult


def run_rounds(ctx: RunContext) -> RunResult:
    """Run or resume all rounds of a run; returns the content of `result.json`."""
    while True:
        try:
            return _rounds(ctx)
        except GoneError as gone:
            train_again(ctx, gone)


def _rounds(ctx: RunContext) -> RunResult:
    config, rounds, student, counted = ctx.config, list[Round](), ctx.untrained, set[object]()
    unused: TeacherSummary | None = None

    for number in range(config.rounds.max + 1):
        history = [past.teaching.feedback for past in rounds]
        if number == 0:
            exam, summary, teaching = None, None, stages.annotate(ctx, student)
        else:
            exam = stages.exam(ctx, number, student)
            summary = keep_mistakes(ctx, number, exam)
            if not exam.mistakes:
                stopped_because = "the exam has no mistakes left"
                break
            teaching = stages.feedback(ctx, number, student, exam, history)
            ctx, teaching = practise(ctx, number, exam, history, teaching)
        cost = teaching_cost(teaching, counted)

        if not has_something_new(teaching, exam, config.training):
            stopped_because, unused = _nothing_to_teach(number, teaching), cost
            break
        history.append(teaching.feedback)
        exams = [sitting for sitting in (*(past.exam for past in rounds), exam) if sitting]
        examples = build_examples(ctx.problems, history, exams, config.training, f"{config.seed}/{number}")
        repairs = build_repairs(ctx.problems, exam, teaching.feedback, config.training, f"{config.seed}/{number}")
        repairs += sit_with_prefixes(ctx, number, student, exam, history) if exam else []
        start = ctx.untrained if config.training.init_from == "untrained" else student
        student, training = stages.train(ctx, number, start, examples, repairs)
        validation = stages.evaluate(ctx, number, student, "validation", "evaluation")

        result = RoundResult(
            round=number,
            validation=accuracy(*validation),
            exam=summary,
            teacher=cost,
            training=training,
            work=ctx.run.work(number),
            seconds=ctx.run.seconds(number),
            limits=ctx.run.limits(number),
            practice=teaching.practice,
        )
        trained_on_later = config.training.rejection_sampling != "none"
        rounds.append(Round(exam if trained_on_later else None, teaching, student, result))
        ctx.run.keep_result(number, result)
        drop_models(ctx, number, {best_round([past.result for past in rounds])})
        ctx.show.say(f"round {number}: {result.validation.accuracy:.1%} of {result.validation.n} validation problems")

        if teaching.budget_spent:
            stopped_because = "the teacher's budget is spent"
            break
        if plateau([past.result for past in rounds], config.rounds):
            stopped_because = "validation no longer improves"
            break
    else:
        stopped_because = "all rounds are done"

    student.release()
    results = [past.result for past in rounds]
    best = best_round(results)
    return end_run(ctx, results, best, rounds[best].student, stopped_because, unused)


def has_something_new(teaching: stages.Teaching, exam: Exam | None, config: TrainingConfig) -> bool:
    """Whether a round has right rationales, or right attempts of the student if the settings train on them."""
    own = exam.attempts if exam and config.rejection_sampling == "train" else ()
    return any(reply.verdict.correct for reply in teaching.feedback) or any(
        attempt.verdict.correct and attempt.finish == "stop" for attempt in own
    )


def plateau(results: Sequence[RoundResult], config: RoundsConfig) -> bool:
    """Whether none of the last `patience` rounds was better than the best before them by more than `min_gain`."""
    shares = [result.validation.accuracy for result in results]
    recent, earlier = shares[-config.patience :], shares[: -config.patience]
    return bool(earlier) and max(recent) <= max(earlier) + config.min_gain


def best_round(results: Sequence[RoundResult]) -> int:
    """The round with the highest validation accuracy; the earliest of equals, since it cost least."""
    return max(results, key=lambda result: result.validation.accuracy).round


def _nothing_to_teach(round: int, teaching: stages.Teaching) -> str:
    """Why a round has no rationale to learn from. In round 0 this is an error, later a reason to stop."""
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
