"""The stages of a round: annotate, exam, feedback, train, evaluate. Each resumes where it stopped.

A stage reads the work saved under its key and does only the rest. If it is finished, it only reads.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from pydantic import TypeAdapter, ValidationError

from tutelage.config import GuardConfig
from tutelage.mistakes.repair import Repair
from tutelage.records import Attempt, Exam, Feedback, Split, TrainingExample
from tutelage.report.progress import Advance
from tutelage.rounds.asking import Teaching, ask_teacher, asking_stage
from tutelage.rounds.attempts import Shards, go_on_sitting, greedy_attempts, sat_whole
from tutelage.rounds.context import RunContext
from tutelage.rounds.form import form_of, has_moved, rationales
from tutelage.rounds.kept import is_done, keep_rows
from tutelage.rounds.lengths import answer_limit, learnt_length, told_of_cuts
from tutelage.rounds.requests import annotation_requests, feedback_requests, only_cut
from tutelage.rounds.training_key import in_round, key_settings, what_matters
from tutelage.run_records import TrainingSummary
from tutelage.runs.files import digest, read_rows, seed_of, write_rows
from tutelage.runs.models import MODEL, REMOVED, has_model
from tutelage.runs.stage import Stage
from tutelage.student.resources.meter import ResourceMeter
from tutelage.student.sampler import exam_sampling
from tutelage.student.student import Student

REPAIRS = "repairs.jsonl"
"""The mistakes put right that a round has trained on."""


def annotate(ctx: RunContext, student: Student) -> Teaching:
    """Round 0: the teacher writes rationales for the training problems, without mistakes."""
    requests = annotation_requests(ctx.problems, ctx.config.teacher, ctx.config.seed)
    return ask_teacher(ctx, 0, "annotation", student, requests)


def exam(ctx: RunContext, round: int, student: Student) -> Exam:
    """The student samples K answers to every training problem; all are graded."""
    problems = ctx.problems
    questions = [problem.text for problem in problems]
    limit = answer_limit(ctx.config.exam.max_new_tokens, student, questions, student.answer_tokens)
    settings = ctx.config.exam.model_copy(update={"max_new_tokens": limit})
    asked = settings.model_dump(exclude={"batch_size", "shard", "prefix_samples"})
    more = [digest(*ctx.practice)] if ctx.practice else []
    stage = ctx.run.shared_stage(round, "exam", asked, ctx.config.seed, student.key, *more)
    path, places = stage.folder / "exam.jsonl", {problem.id: place for place, problem in enumerate(problems)}

    def is_whole() -> bool:
        attempts = read_rows(path, Attempt)
        return (
            sat_whole(attempts, settings.samples) == places.keys() and len(attempts) == len(places) * settings.samples
        )

    if not is_done(ctx, stage, "what is missing is sat again", is_whole):
        stage.begin(rows=[path.name])
        sat = go_on_sitting(path, stage, problems, settings.samples)
        owed = [problem for problem in problems if problem.id not in sat]
        seeds = [seed_of(ctx.config.seed, round, problem.id) for problem in owed]
        with (
            ctx.show.bar(f"round {round}: exam", len(problems), len(sat)) as advance,
            ResourceMeter(student.device) as meter,
        ):
            shards = Shards(ctx.task, owed, path, stage.key, settings.shard, advance)
            cost = student.answer(owed, seeds, exam_sampling(settings), shards.add)
            shards.save()
            meter.count(shards.tokens, cost.computed_tokens, cost.padded_tokens)
        if told := told_of_cuts(read_rows(path, Attempt), ctx.config.exam.max_new_tokens, limit):
            ctx.show.say(f"round {round}: {told}")
        stage.finish(meter.work, {"max_new_tokens": limit})
    attempts = sorted(read_rows(path, Attempt), key=lambda attempt: (places[attempt.problem_id], attempt.sample))
    return Exam(tuple(attempts))


def feedback(
    ctx: RunContext, round: int, student: Student, sitting: Exam, history: Sequence[Sequence[Feedback]]
) -> Teaching:
    """The teacher sees the student's mistakes and writes rationales; `history` is earlier feedback."""
    problems, before = ctx.problems, [reply for past in history for reply in past]
    seed = f"{ctx.config.seed}/{round}"
    cut = only_cut(problems, sitting, ctx.task.grade)
    requests = feedback_requests(problems, sitting, ctx.config.teacher, before, seed, cut)
    earlier = feedback_requests(problems, sitting, ctx.config.teacher, before, seed)
    if earlier != requests and asking_stage(ctx, round, "feedback", student, earlier).done:
        requests = earlier  # version 0.1 sent cut attempts, too: what it has asked is not asked again
    teaching = ask_teacher(ctx, round, "feedback", student, requests, before)
    if moved := has_moved(form_of(rationales(history[0])), form_of(rationales(teaching.feedback))):
        ctx.show.say(f"round {round}: {moved}")
    return teaching


def train(
    ctx: RunContext,
    round: int,
    student: Student,
    examples: Sequence[TrainingExample],
    repairs: Sequence[Repair] = (),
) -> tuple[Student, TrainingSummary]:
    """Train the student on the round's examples, and on the repairs of its mistakes; returns the new student."""
    repairs = [] if ctx.reflection is not None else repairs  # the user's own loss knows of none
    config, seed = (
        what_matters(in_round(ctx.config.training, round), examples, ctx.reflection, repairs),
        (ctx.config.seed + round) % 2**32,
    )
    settings = key_settings(config)
    auto = "auto" in (ctx.config.exam.max_new_tokens, ctx.config.evaluation.max_new_tokens)
    length = learnt_length(student, examples) if auto else None
    limit = _evaluated_at(ctx, student, "validation", length) if config.guard.checks else 0
    graded_at = [limit] if config.guard.checks else []
    own = [] if ctx.reflection is None else [ctx.reflection.key]
    own += [digest(*repairs)] if repairs else []
    stage = ctx.run.shared_stage(round, "training", settings, seed, student.key, digest(*examples), *graded_at, *own)
    model, checkpoints, kept = stage.folder / MODEL, stage.folder / "checkpoints", stage.folder / "examples.jsonl"
    keep_rows(kept, examples)
    beside = [kept.name]
    if repairs:
        keep_rows(stage.folder / REPAIRS, repairs)
        beside.append(REPAIRS)
    if not is_done(ctx, stage, "the training is done again", lambda: _is_trained(stage)):
        stage.begin(MODEL, "steps.jsonl", scratch=["checkpoints"], beside=beside)
        with ExitStack() as opened, ResourceMeter(student.device) as meter:
            bars = list[Advance]()

            def planned(steps: int, done: int) -> None:
                bars.append(opened.enter_context(ctx.show.bar(f"round {round}: training", steps, done, units="steps")))

            def advance(steps: int) -> None:
                bars[-1](steps)

            summary = student.learn(
                examples,
                config,
                seed=seed,
                checkpoints=checkpoints,
                folder=model,
                advance=advance,
                planned=planned,
                steps=stage.folder / "steps.jsonl",
                check=_validation_check(ctx, config.guard, limit),
                reflection=ctx.reflection,
                repairs=repairs,
            )
            meter.count(summary.row_tokens, summary.computed_tokens, summary.padded_tokens)
        stage.finish(meter.work, {"training": dataclasses.asdict(summary)})
    shutil.rmtree(checkpoints, ignore_errors=True)
    return student.at(model, stage.key, length), TrainingSummary(**stage.summary["training"])


def _is_trained(stage: Stage) -> bool:
    """Whether the training has its figures, and its model, if that was not removed later."""
    try:
        TypeAdapter(TrainingSummary).validate_python(stage.summary.get("training"))
    except ValidationError:
        return False
    return stage.summary.get(MODEL) == REMOVED or has_model(stage.folder)


def evaluate(ctx: RunContext, round: int | None, student: Student, split: Split, name: str) -> tuple[int, int]:
    """The student answers a split greedily; returns the number of right answers and of problems."""
    problems, limit = ctx.task.problems(split), _evaluated_at(ctx, student, split, student.answer_tokens)
    settings = ctx.config.evaluation.model_copy(update={"max_new_tokens": limit})
    stage = ctx.run.shared_stage(round, name, limit, split, student.key)
    path = stage.folder / f"{name}.jsonl"

    def is_whole() -> bool:
        return [attempt.problem_id for attempt in read_rows(path, Attempt)] == [problem.id for problem in problems]

    if not is_done(ctx, stage, "the problems are answered again", is_whole):
        stage.begin(path.name)
        title = f"round {round}: {name}" if round is not None else name
        with ctx.show.bar(title, len(problems)) as advance, ResourceMeter(student.device) as meter:
            attempts, cost = greedy_attempts(ctx.task, student, problems, settings, advance)
            meter.count(sum(attempt.tokens for attempt in attempts), cost.computed_tokens, cost.padded_tokens)
        write_rows(path, attempts)
        stage.finish(meter.work, {"max_new_tokens": limit})
    attempts = read_rows(path, Attempt)
    return sum(attempt.verdict.correct for attempt in attempts), len(attempts)


def _evaluated_at(ctx: RunContext, student: Student, split: Split, learnt: int | None) -> int:
    """Tokens after which an answer to a split is cut, of a student that has learnt from rationales as long as that."""
    questions = [problem.text for problem in ctx.task.problems(split)]
    return answer_limit(ctx.config.evaluation.max_new_tokens, student, questions, learnt)


def _validation_check(ctx: RunContext, guard: GuardConfig, limit: int) -> Callable[[Student], float] | None:
    """A function that measures the accuracy of a student in training on the first validation problems."""
    problems = ctx.task.problems("validation")[: guard.problems]
    if not guard.checks or not problems:
        return None
    settings = ctx.config.evaluation.model_copy(update={"max_new_tokens": limit})

    def check(student: Student) -> float:
        attempts, _ = greedy_attempts(ctx.task, student, problems, settings, lambda answered, tokens: None)
        return sum(attempt.verdict.correct for attempt in attempts) / len(attempts)

    return check
