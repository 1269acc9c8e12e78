"""How our costs grow: seconds of a training step and of an exam against problems, samples and the prompt's length.

    python -m benchmarks.growth [--model DIR] [--repeats 2]
    python -m benchmarks.growth --problems 1000 10000 100000

Prints Markdown: each line of a table changes one thing and leaves the others at 8 problems, 4 samples and no few-shot
prefix. Figures are medians, after a warm-up. With `--problems`: whole runs of a tiny student (growth_run.py), in
milliseconds and kilobytes for each problem; they should be the same in every line.
"""

from __future__ import annotations

import argparse
import copy
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import torch

from benchmarks.growth_run import STAGES
from benchmarks.measure import dtype_here
from benchmarks.problems import benchmark_examples, benchmark_format, prefix_length
from benchmarks.sampling import exam
from benchmarks.training import train_step_of
from tutelage.config import StudentConfig, TrainingConfig
from tutelage.student.model import LoadedModel, load_student
from tutelage.student.training.precision import compute_in
from tutelage.student.training.steps import StepDataset

PROBLEMS = (2, 4, 8)
SAMPLES = (1, 2)
PREFIXES = (400, 800)
TOKENS = 32


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=StudentConfig().model)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--problems", type=int, nargs="+")
    given = parser.parse_args()
    if given.problems:
        print_runs(given.problems)
        return
    config = StudentConfig(model=given.model)
    student, dtype = load_student(config), dtype_here(config)
    print("| a training step | seconds | tokens computed | tokens of the rows |\n|---|---|---|---|")
    for name, problems, prefix in [(f"{n} problems", n, 0) for n in PROBLEMS] + [("", 8, n) for n in PREFIXES]:
        _training_row(student, dtype, name, problems, prefix, given.repeats)
    print(f"\n| an exam of at most {TOKENS} new tokens | seconds | tokens written |\n|---|---|---|")
    asked = [(f"{n} problems, 4 samples", n, 4, 0) for n in (8, 16, 32)]
    asked += [(f"8 problems, {n} sample{'s' * (n > 1)}", 8, n, 0) for n in SAMPLES]
    for name, problems, samples, prefix in asked + [("", 8, 4, n) for n in PREFIXES]:
        _exam_row(student, dtype, name, problems, samples, prefix, given.repeats)


def print_runs(problems: Sequence[int]) -> None:
    """Whole runs over so many problems, each in a process of its own."""
    print(f"| problems | {' | '.join((*STAGES, 'the run'))} |\n|{'---|' * (len(STAGES) + 2)}")
    for count in problems:
        command = [sys.executable, "-m", "benchmarks.growth_run", str(count)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found = json.loads(done.stdout.splitlines()[-1])
        cells = [
            f"{1e3 * each['seconds'] / count:.2f} ms, {each['bytes'] / count / 1e3:.1f} kB" for each in found.values()
        ]
        print(f"| {count:,} | {' | '.join(cells)} |", flush=True)


def _training_row(
    student: LoadedModel, dtype: torch.dtype, name: str, problems: int, prefix: int, repeats: int
) -> None:
    config = TrainingConfig(batch_size=problems, epochs=1, max_tokens=4096)
    format = benchmark_format(student.tokenizer, prefix)
    dataset = StepDataset(format, benchmark_examples(problems), config, seed=0)
    train_step = dataset[0]
    step = train_step_of(copy.deepcopy(student.model), train_step, config, dtype)
    seconds, _ = _measured(step, repeats)
    name = name or f"{problems} problems, {prefix_length(format)} prefix tokens"
    tokens = sum(batch.tokens for batch in train_step.micro_batches)
    print(f"| {name} | {seconds:.2f} | {tokens:,} | {dataset.row_tokens:,} |")


def _exam_row(
    student: LoadedModel, dtype: torch.dtype, name: str, problems: int, samples: int, prefix: int, repeats: int
) -> None:
    format = benchmark_format(student.tokenizer, prefix)
    model = copy.deepcopy(student.model)
    compute_in(model, dtype)
    texts = [example.problem.text for example in benchmark_examples(problems)]
    prompts = [tuple(format.prompt_ids(format.prompt(text))) for text in texts]
    sit = exam(student, model, prompts, samples=samples, tokens=TOKENS, rows=256)
    seconds, written = _measured(sit, repeats)
    name = name or f"{problems} problems, {samples} samples, {prefix_length(format)} prefix tokens"
    print(f"| {name} | {seconds:.2f} | {written:,.0f} |")


def _measured(work: Callable[[], float], repeats: int) -> tuple[float, float]:
    """Median seconds, and the units of work done each time."""
    units = work()
    taken: list[float] = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken), units


if __name__ == "__main__":
    main()
