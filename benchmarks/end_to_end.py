"""A whole run both ways: ours, and the same rounds with the reference's training steps and `generate`.

    python -m benchmarks.end_to_end [CONFIG] [--set key=value]... [--seeds 1]

Both ways have the same problems, teacher, rounds and settings, but the reference computes in float32 and stops the
gradient of L_SR at the prompt, as the released code does. Prints both results, then one JSON line: how many times as
fast ours is (median over the seeds), and the test accuracy of both after the run, as means over the seeds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch.optim.lr_scheduler import LambdaLR

from benchmarks.reference import ReferenceTrainer, Row, pad_of, reference_generate
from tutelage.assemble import open_context
from tutelage.config import RunConfig, TrainingConfig
from tutelage.config.file import load_config
from tutelage.mistakes.repair import Repair
from tutelage.records import Problem, TrainingExample
from tutelage.report.progress import Show
from tutelage.rounds.context import RunContext
from tutelage.rounds.loop import run_rounds
from tutelage.run_records import TrainingSummary
from tutelage.student.model import save_student
from tutelage.student.resources.hardware import hardware
from tutelage.student.sampler import Sampled, SamplingSettings, StopCriteria
from tutelage.student.student import Answered, Student
from tutelage.student.training.packing import ExampleGroup
from tutelage.student.training.reflection import Reflection
from tutelage.student.training.step_log import StepsDone
from tutelage.student.training.steps import StepDataset

ROWS = 16
"""Rows of a batch of the reference's sampling."""


class ReferenceStudent(Student):
    """A student that answers and learns the reference's way."""

    def answer(
        self,
        problems: Sequence[Problem],
        seeds: Sequence[int],
        settings: SamplingSettings,
        answered: Answered,
        prefixes: Sequence[str] = (),
    ) -> Sampled:
        """By `generate`, in the order of the problems."""
        student = self.loaded(self.dtype)
        format = self.format(student.tokenizer)
        prompts = [format.prompt_ids(format.prompt(problem.text)) for problem in problems]
        pad = pad_of(student.tokenizer)
        width = ROWS // settings.samples
        ends = StopCriteria(student.tokenizer, student.end_tokens, format.stop_strings)
        for start in range(0, len(prompts), width):
            batch = prompts[start : start + width]
            written = reference_generate(
                student.model, batch, settings.samples, settings.temperature, settings.max_new_tokens, ROWS, pad
            )
            for n, rows in enumerate(written):
                answered(start + n, [ends.completion(row) for row in rows])
        return Sampled(0, 0)

    def learn(  # noqa: PLR0913 - what a run asks of a student
        self,
        examples: Sequence[TrainingExample],
        config: TrainingConfig,
        *,
        seed: int,
        checkpoints: Path,
        folder: Path,
        advance: StepsDone,
        planned: Callable[[int, int], None] = lambda steps, done: None,
        check: Callable[[Student], float] | None = None,
        steps: Path | None = None,
        reflection: Reflection | None = None,
        repairs: Sequence[Repair] = (),
    ) -> TrainingSummary:
        """By five padded passes a step, over the same batches in the same order; nobody looks into its steps."""
        student = self.loaded(torch.float32)
        self.release()
        plan = StepDataset(self.format(student.tokenizer), examples, config, seed)
        batches = [[_row(group) for group in groups] for groups in plan.steps()]
        trainer = ReferenceTrainer(student.model, config)
        warmup = round(config.warmup_share * len(batches))
        schedule = LambdaLR(trainer.optimizer, lambda step: _linear(step, warmup, len(batches)))
        losses: list[float] = []
        planned(len(batches), 0)
        for rows in batches:
            losses.append(trainer.step(rows))
            schedule.step()
            advance(1)
        save_student(student, folder)
        mean = statistics.mean(losses[-len(batches) // config.epochs :])
        return TrainingSummary(len(examples), plan.truncated, plan.row_tokens, plan.row_tokens, 0, mean, mean, 0.0)


def main() -> None:
    """Run both ways and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", nargs="?", default="examples/demo.yaml")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--seeds", type=int, default=1)
    given = parser.parse_args()
    print(hardware())
    ours, reference, speedups = list[float](), list[float](), list[float]()
    for seed in range(given.seeds):
        config = load_config(given.config, [*given.set, f"seed={seed}"])
        seconds, accuracy = _run(config, Student)
        plain_seconds, plain_accuracy = _run(config, ReferenceStudent)
        ours.append(accuracy)
        reference.append(plain_accuracy)
        speedups.append(plain_seconds / seconds)
        print(
            f"seed {seed}: ours {seconds:.0f} s, {accuracy:.1%}; reference {plain_seconds:.0f} s, {plain_accuracy:.1%}"
        )
    figures = {
        "end_to_end_speedup": round(statistics.median(speedups), 2),
        "accuracy_ours": round(statistics.mean(ours), 4),
        "accuracy_reference": round(statistics.mean(reference), 4),
    }
    print(json.dumps(figures))


def _run(config: RunConfig, kind: type[Student]) -> tuple[float, float]:
    """Seconds of a run, and the accuracy on test after it."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        with open_context(config, Path(folder) / "run", Show(quiet=True)) as ctx:
            result = run_rounds(_with(ctx, kind))
        return time.perf_counter() - started, result.test.after.accuracy


def _with(ctx: RunContext, kind: type[Student]) -> RunContext:
    known = ctx.untrained
    precision = {"dtype": "float32"} if kind is ReferenceStudent else {}
    untrained = kind(known.config.model_copy(update=precision), known.examples, engine=known.engine)
    return RunContext(ctx.config, ctx.run, ctx.task, ctx.teacher, untrained, ctx.show)


def _row(group: ExampleGroup) -> Row:
    return Row(group.prompt, group.anchor, *(group.pair or (None, None)))


def _linear(step: int, warmup: int, steps: int) -> float:
    """Trainer's linear schedule: up over the warm-up, then down to 0."""
    return step / warmup if step < warmup else (steps - step) / max(1, steps - warmup)


if __name__ == "__main__":
    main()
