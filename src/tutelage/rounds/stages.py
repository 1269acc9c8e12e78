"""The stages of a round: annotate, exam, feedback, train, evaluate. Each picks up where it was left.

A stage reads what stands on disk under its key and does only what is owed; called again on finished work it does
nothing but read.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tutelage.config import ExamConfig
from tutelage.errors import BudgetSpent
from tutelage.files import append_rows, digest, read_rows, write_rows
from tutelage.records import (
    Attempt,
    Completion,
    Exam,
    Feedback,
    FeedbackRequest,
    Problem,
    Split,
    TrainingExample,
    TrainingSummary,
)
from tutelage.rounds.classroom import Classroom
from tutelage.rounds.material import annotation_requests, feedback_requests
from tutelage.student.decoding import SamplingSettings
from tutelage.student.pupil import Pupil
from tutelage.tasks.task import Task


@dataclass(frozen=True, slots=True)
class Teaching:
    """What a round's asking brought, and whether it ended because the budget was spent."""

    feedback: tuple[Feedback, ...]
    budget_spent: bool


def annotate(room: Classroom) -> Teaching:
    """Round 0: the teacher writes rationales for the training problems, with no mistake to look at."""
    requests = annotation_requests(room.task.problems("train"), room.config.teacher.annotations)
    return _ask_teacher(room, 0, "annotation", requests)


def exam(room: Classroom, round: int, student: Pupil) -> Exam:
    """The student samples K answers to every training problem; every one is graded."""
    settings, problems = room.config.exam, room.task.problems("train")
    asked = settings.model_dump(exclude={"batch_size", "shard"})
    stage = room.run.stage(round, "exam", asked, room.config.seed, student.key)
    path = stage.folder / "exam.jsonl"
    if not stage.done:
        stage.begin(path.name)
        sat = _whole_shards(path, settings)
        with room.show.bar(f"round {round}: exam", len(problems), sat) as advance:
            sampling = SamplingSettings(
                settings.samples, settings.temperature, settings.max_new_tokens, settings.batch_size
            )
            for start in range(sat, len(problems), settings.shard):
                shard = problems[start : start + settings.shard]
                seeds = [_seed(room.config.seed, round, problem.id) for problem in shard]
                append_rows(path, graded(room.task, shard, student.answer(shard, seeds, sampling, advance)))
        stage.finish()
    return Exam(tuple(read_rows(path, Attempt)))


def feedback(room: Classroom, round: int, sitting: Exam) -> Teaching:
    """The teacher writes a rationale for every problem with a mistake, the mistake in view."""
    problems, each = room.task.problems("train"), room.config.teacher.replies
    requests = feedback_requests(problems, sitting, each, f"{room.config.seed}/{round}")
    return _ask_teacher(room, round, "feedback", requests)


def train(
    room: Classroom, round: int, student: Pupil, examples: Sequence[TrainingExample]
) -> tuple[Pupil, TrainingSummary]:
    """The student learns from the round's examples; returns what it has become."""
    config, seed = room.config.training, room.config.seed + round
    settings = config.model_dump(exclude={"micro_batch_size"})
    stage = room.run.stage(round, "training", settings, seed, student.key, digest(*examples))
    model, checkpoints = stage.folder / "model", stage.folder / "checkpoints"
    if not stage.done:
        stage.begin("model", "checkpoints")
        write_rows(stage.folder / "examples.jsonl", examples)
        steps = config.epochs * -(-len(examples) // config.batch_size)
        with room.show.bar(f"round {round}: training", steps) as advance:
            summary = student.learn(examples, config, seed=seed, checkpoints=checkpoints, folder=model, advance=advance)
        stage.finish({"training": dataclasses.asdict(summary)})
        shutil.rmtree(checkpoints, ignore_errors=True)
    return student.at(model, stage.key), TrainingSummary(**stage.summary["training"])


def evaluate(room: Classroom, round: int | None, student: Pupil, split: Split, name: str) -> tuple[int, int]:
    """The student answers a split greedily; returns how many of how many are right."""
    settings, problems = room.config.evaluation, room.task.problems(split)
    stage = room.run.stage(round, name, settings.max_new_tokens, split, student.key)
    path = stage.folder / f"{name}.jsonl"
    if not stage.done:
        stage.begin(path.name)
        title = f"round {round}: {name}" if round is not None else name
        with room.show.bar(title, len(problems)) as advance:
            greedy = SamplingSettings(max_new_tokens=settings.max_new_tokens, batch_size=settings.batch_size)
            answers = student.answer(problems, [0] * len(problems), greedy, advance)
        write_rows(path, graded(room.task, problems, answers))
        stage.finish()
    attempts = read_rows(path, Attempt)
    return sum(attempt.verdict.correct for attempt in attempts), len(attempts)


def _ask_teacher(room: Classroom, round: int, name: str, requests: Sequence[FeedbackRequest]) -> Teaching:
    """Ask what has not been answered yet; a spent budget ends the asking, and what was bought is returned."""
    budget = room.config.teacher.budget.model_dump()
    stage = room.run.stage(round, name, digest(*requests))
    path = stage.folder / f"{name}.jsonl"
    if not stage.done or stage.summary.get("spent", budget) != budget:
        stage.begin(path.name)
        answered = {(reply.problem_id, reply.sample) for reply in read_rows(path, Feedback)}
        owed = [request for request in requests if (request.problem.id, request.sample) not in answered]
        with room.show.bar(f"round {round}: {name}", len(requests), len(answered)) as advance:

            def deliver(reply: Feedback) -> None:
                append_rows(path, [reply])
                advance(1)

            try:
                room.teacher.teach(owed, deliver)
                stage.finish()
            except BudgetSpent as spent:
                room.show.say(str(spent))
                stage.finish({"spent": budget})
    return Teaching(tuple(read_rows(path, Feedback)), "spent" in stage.summary)


def _whole_shards(path: Path, settings: ExamConfig) -> int:
    """How many problems have been sat; a shard that was torn by a crash is sat again, in the same company."""
    attempts = read_rows(path, Attempt)
    whole = len(attempts) // (settings.shard * settings.samples) * settings.shard
    write_rows(path, attempts[: whole * settings.samples])
    return whole


def _seed(*parts: object) -> int:
    """A 64-bit seed of its own for every problem and round."""
    return int(digest(*parts), 16)


def graded(task: Task, problems: Sequence[Problem], answers: Sequence[Sequence[Completion]]) -> list[Attempt]:
    """Completions as attempts, in the order of the problems, the samples of one problem together."""
    return [
        Attempt(problem.id, sample, given.text, task.grade(problem, given.text), given.finish, given.tokens)
        for problem, completions in zip(problems, answers, strict=True)
        for sample, given in enumerate(completions)
    ]
