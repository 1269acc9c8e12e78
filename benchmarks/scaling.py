"""What a second process brings: training and exams by rank 0 alone and by all ranks, in turn, one thread each.

    torchrun --standalone --nproc_per_node 2 -m benchmarks.scaling [--model DIR] [--device cuda]
        [--problems 16] [--exam 16] [--repeats 3]

Prints tokens of training and attempts of exams per second, how many times as fast all ranks are, and what a step costs
in messages; then one JSON line. By processor time, too, that of the rank that took most: as if nothing else ran, and no
rank waited.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from benchmarks.measure import interleaved, ratio
from benchmarks.problems import benchmark_examples
from tutelage.config import StudentConfig, TrainingConfig
from tutelage.records import Problem, TrainingExample
from tutelage.student.engines.engine import Engine
from tutelage.student.model import LoadedModel, load_student
from tutelage.student.ranks.group import Ranks, joined
from tutelage.student.ranks.led import LedStudent
from tutelage.student.ranks.orders import Answer
from tutelage.student.ranks.serve import answer
from tutelage.student.resources.hardware import hardware
from tutelage.student.sampler import SamplingSettings
from tutelage.student.student import Student
from tutelage.student.training.micro_batch import micro_batch_losses
from tutelage.student.training.precision import FullPrecision, MixedAdamW
from tutelage.student.training.shares import Share, sum_gradients
from tutelage.student.training.steps import StepDataset

DRAWN = SamplingSettings(samples=4, temperature=1.0, max_new_tokens=48)


@dataclass(frozen=True)
class Step:
    """Take part in a training step."""


def main() -> None:
    """Measure on rank 0 and print; the other ranks follow."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=StudentConfig().model)
    parser.add_argument("--problems", type=int, default=16, help="of a training step")
    parser.add_argument("--exam", type=int, default=16, help="problems of the exam")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    torch.set_num_threads(1)
    config = StudentConfig(model=given.model, device=given.device, dtype="float32")
    examples = benchmark_examples(given.problems)
    with joined() as ranks:
        if ranks is None:
            raise SystemExit("start it with torchrun: see the first lines of this file")
        student = (LedStudent if ranks.first else Student)(config, (), engine=Engine())
        student.ranks = ranks
        trainer = Trainee(load_student(config), student, examples)
        if ranks.first:
            problems = [example.problem for example in benchmark_examples(given.exam)]
            measure(ranks, student, trainer, problems, given.repeats)
            ranks.tell(None)
        else:
            follow(ranks, student, trainer)


class Trainee:
    """A student that takes training steps, alone or with the others."""

    def __init__(self, loaded: LoadedModel, student: Student, examples: list[TrainingExample]) -> None:
        self.model, self.summing = loaded.model, 0.0
        settings = TrainingConfig(batch_size=len(examples), epochs=1)
        self.dataset = StepDataset(student.format_of(loaded), examples, settings, seed=0)
        self.dataset.micro_batch_tokens = 4096
        self.optimizer = MixedAdamW(FullPrecision(self.model, torch.float32), 1e-6, 0.01)
        self.weights = list(self.model.parameters())

    def step(self, ranks: Ranks | None) -> float:
        """One step; returns the tokens of its rows."""
        self.dataset.share = None if ranks is None else Share(ranks.rank, ranks.size)
        train_step = self.dataset[0]
        self.model.train()
        for micro_batch in train_step.micro_batches:
            losses = micro_batch_losses(self.model, micro_batch, self.dataset.reflection)
            (losses.lm / train_step.targets + losses.reflection / max(1, train_step.pairs)).backward()
        if ranks is not None:
            ranks.same(None)  # what one rank waits for the other is no message
            began = time.perf_counter()
            for weight, gradient in zip(
                self.weights, sum_gradients(ranks, self.weights, [each.grad for each in self.weights]), strict=True
            ):
                weight.grad = gradient
            self.summing = time.perf_counter() - began
        self.optimizer.step()
        self.optimizer.zero_grad()
        return self.dataset.row_tokens


def measure(ranks: Ranks, student: Student, trainee: Trainee, problems: list[Problem], repeats: int) -> None:
    """Time both ways of both jobs in turn; the exam has these problems."""
    seeds = list(range(len(problems)))

    def exam(sit: Callable[..., Any]) -> float:
        sit(problems, seeds, DRAWN, lambda place, completions: None)
        return len(problems) * DRAWN.samples

    def together() -> float:
        ranks.tell(Step())
        return trainee.step(ranks)

    alone = Student(student.config, (), memory=student.memory)
    jobs = {
        "training, 1": lambda: trainee.step(None),
        "training, all": together,
        "exam, 1": lambda: exam(alone.answer),
        "exam, all": lambda: exam(student.answer),
    }
    processor: dict[str, list[float]] = {name: [] for name in jobs}

    def noted(name: str) -> Callable[[], float]:
        def work() -> float:
            began = time.process_time()
            units = jobs[name]()
            spent = time.process_time() - began
            processor[name].append(units / (max(ranks.gathered(spent)) if name.endswith("all") else spent))
            return units

        return work

    rates = interleaved({name: noted(name) for name in jobs}, repeats)
    processor = {name: each[1:] for name, each in processor.items()}  # the first warms up
    print(f"{hardware()}; {ranks.size} processes")
    for name, unit in (("training", "tokens"), ("exam", "attempts")):
        for way in (f"{name}, 1", f"{name}, all"):
            for kind, found in (("second", rates), ("second of a processor", processor)):
                print(f"  {way:<13} {'  '.join(f'{rate:.1f}' for rate in sorted(found[way]))} {unit} a {kind}")
    numbers = sum(weight.numel() for weight in trainee.weights)
    sent = 2 * (ranks.size - 1) / ranks.size * 4 * numbers
    print(f"  a step sends {sent / 1e6:.0f} MB from each process, in {trainee.summing:.2f} s")
    speedups = {
        f"{name}{kind}": round(ratio(found, f"{name}, all", f"{name}, 1"), 2)
        for kind, found in (("", rates), ("_by_processor", processor))
        for name in ("training", "exam")
    }
    print(json.dumps({"processes": ranks.size, **speedups, "summing_seconds": round(trainee.summing, 3)}))


def follow(ranks: Ranks, student: Student, trainee: Trainee) -> None:
    """Do what rank 0 orders."""
    while (order := ranks.told()) is not None:
        began = time.process_time()
        if isinstance(order, Answer):
            answer(ranks, student, order)
        else:
            trainee.step(ranks)
        ranks.gathered(time.process_time() - began)


if __name__ == "__main__":
    main()
