"""What a step of training and a stage of a run cost besides the computation itself: each part on its own, in a table.

    python -m benchmarks.fixed_costs [--model DIR] [--problems 4] [--repeats 3]

Times are the best of the repeats, in milliseconds; `share` is the part of such a step, or of a short stage: the exam of
96 attempts of at most 32 tokens. What is done once a run is compared with that stage, too.
"""

from __future__ import annotations

import argparse
import gc
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.measure import dtype_here
from benchmarks.problems import benchmark_examples, benchmark_format
from benchmarks.sampling import exam
from benchmarks.training import train_step_of
from tutelage.config import StudentConfig, TrainingConfig
from tutelage.run_records import StepRecord
from tutelage.runs.files import append_rows
from tutelage.runs.seals import content_of, sealed
from tutelage.student.engines.compiled import decode_attention
from tutelage.student.engines.packed_weights import packed
from tutelage.student.model import LoadedModel, load_student, model_folder, save_student
from tutelage.student.one_model import OneModel
from tutelage.student.resources.available import available_memory
from tutelage.student.resources.hardware import hardware
from tutelage.student.resources.peak import PeakMemory
from tutelage.student.training.fit import fit_micro_batches
from tutelage.student.training.micro_batch import packs_right
from tutelage.student.training.precision import FullPrecision, MixedAdamW
from tutelage.student.training.step_log import StepLogger
from tutelage.student.training.steps import StepDataset
from tutelage.student.training.trainer import StepTrainer

Part = Callable[[], object]
CPU = torch.device("cpu")
TOUCHED = 3 * 10**9
"""Bytes that a training of the embedded student touches."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=StudentConfig().model)
    parser.add_argument("--problems", type=int, default=4, help="problems of a step")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    config = StudentConfig(model=given.model, device="cpu")
    student, dtype = load_student(config), dtype_here(config)
    training = TrainingConfig(batch_size=given.problems, epochs=1)
    print(f"{hardware()}; computes in {dtype}\n")
    with tempfile.TemporaryDirectory() as scratch:
        _table("an exam, and what a stage costs beside it", _of_a_stage(student, config, dtype, Path(scratch)), given)
        known = student, config, training, dtype, Path(scratch)
        _table("a training's start and end", _of_a_training(*known), given)
        _table(f"a step of {given.problems} problems", _of_a_step(*known), given)


def _table(title: str, parts: dict[str, Part], given: argparse.Namespace) -> None:
    """Print each part's best time; the first one is the whole that the others are compared with."""
    best: dict[str, float] = {}
    for name, part in parts.items():
        gc.collect()
        best[name] = min(_seconds(part) for _ in range(given.repeats))
    whole = next(iter(best.values()))
    print(f"| {title} | ms | share |\n|---|---|---|")
    for name, seconds in best.items():
        print(f"| {name} | {1000 * seconds:,.1f} | {seconds / whole:.1%} |", flush=True)
    print()


def _seconds(part: Part) -> float:
    started = time.perf_counter()
    part()
    return time.perf_counter() - started


def _of_a_stage(student: LoadedModel, config: StudentConfig, dtype: torch.dtype, scratch: Path) -> dict[str, Part]:
    computing = load_student(config, None, dtype)
    format = benchmark_format(student.tokenizer, 0)
    texts = [example.problem.text for example in benchmark_examples(24)]
    prompts = [tuple(ids) for ids in format.all_prompt_ids(texts)]
    memory = OneModel()

    def turned() -> None:
        memory.put("key", load_student(config))
        started = time.perf_counter()
        memory.hold("key", torch.bfloat16, lambda dtype: load_student(config, None, dtype))
        memory.hold("key", torch.float32, lambda dtype: load_student(config, None, dtype))
        spent.append(time.perf_counter() - started)

    spent: list[float] = []
    turned()
    return {
        "an exam of 96 attempts of at most 32 tokens": exam(
            computing, computing.model, prompts, samples=4, tokens=32, rows=256
        ),
        "weights packed and unpacked": lambda: _entered(packed(computing.model)),
        "the compiled attention looked up": lambda: decode_attention(computing.model, print),
        "prompts as tokens": lambda: format.all_prompt_ids(texts),
        "packing tried on a small tree": lambda: packs_right(computing.model),
        "memory looked at": lambda: available_memory(CPU),
        "weights to bfloat16 and back (once)": lambda: time.sleep(spent[0]),
        "garbage collected": gc.collect,
        "the peak of memory reset (freed memory returned)": lambda: PeakMemory(CPU).__enter__(),
        "first touch of 3 GB": lambda: torch.zeros(TOUCHED // 4).fill_(1.0),
        "the student read, float32": lambda: load_student(config),
        "the student read, as it computes": lambda: load_student(config, None, dtype),
        "the student's files hashed": lambda: content_of(model_folder(config.model)),
    }


def _of_a_training(
    student: LoadedModel, config: StudentConfig, training: TrainingConfig, dtype: torch.dtype, scratch: Path
) -> dict[str, Part]:
    format, examples = benchmark_format(student.tokenizer, 0), benchmark_examples(48)
    dataset = StepDataset(format, examples, training, seed=0)
    model = load_student(config).model
    full = FullPrecision(model, dtype)
    step_logger = StepLogger(dataset.epoch_ends, lambda steps: None, None)
    micro_batches = lambda: fit_micro_batches(model, dataset, bool(full.weights), print)  # noqa: E731
    dataset.micro_batch_tokens = micro_batches()
    trainer = StepTrainer(dataset, full, step_logger, scratch / "checkpoints", 0)
    return {
        f"a training of {len(dataset)} steps": trainer.train,
        "examples as tokens and steps": lambda: StepDataset(format, examples, training, seed=0),
        "the size of a micro-batch": micro_batches,
        "the trainer made": lambda: StepTrainer(dataset, full, step_logger, scratch / "checkpoints", 0),
        "the student saved": lambda: save_student(student, scratch / "saved"),
        "garbage collected": gc.collect,
    }


def _of_a_step(
    student: LoadedModel, config: StudentConfig, training: TrainingConfig, dtype: torch.dtype, scratch: Path
) -> dict[str, Part]:
    model = load_student(config).model
    train_step = StepDataset(benchmark_format(student.tokenizer, 0), benchmark_examples(48), training, seed=0)
    step = train_step_of(model, train_step[0], training, dtype)
    step()
    other = load_student(config).model
    optimizer = MixedAdamW(FullPrecision(other, dtype), training.learning_rate, training.weight_decay)
    for weight in other.parameters():
        weight.grad = torch.zeros_like(weight)
    record = StepRecord(1, 0.5, 0.5, 4, positive_similarity=0.9, negative_similarity=0.8)
    return {
        "a step": step,
        "AdamW": optimizer.step,
        "clipping": lambda: torch.nn.utils.clip_grad_norm_(other.parameters(), training.max_grad_norm),
        "the step as a tree": lambda: train_step[0],
        "the journal, a row": lambda: append_rows(scratch / "steps.jsonl", [sealed(record)], synced=False),
        "the journal, a row on disk": lambda: append_rows(scratch / "steps.jsonl", [sealed(record)], synced=True),
    }


def _entered(block: object) -> None:
    with block:  # pyright: ignore[reportGeneralTypeIssues]
        pass


if __name__ == "__main__":
    main()
