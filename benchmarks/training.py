"""Training steps: the reference's way against ours, on the same problems, model and machine.

    python -m benchmarks.training [--model DIR] [--problems 8] [--prefix 400] [--repeats 5]

Prints a table of problems per second with the share of the machine's power that each way uses (`benchmarks/peak.py`),
then one JSON line: how many times as fast ours is, in the precision that suits this machine, without and with a
few-shot prefix, against the reference in float32 and under autocast; and how far our gradient is from the plain
computation's.
"""

from __future__ import annotations

import argparse
import copy
import json
from collections.abc import Callable

import torch
from transformers import PreTrainedModel

from benchmarks.measure import Way, dtype_here, interleaved, ratio
from benchmarks.peak import Machine, operations
from benchmarks.problems import benchmark_examples, benchmark_format, encoded_rows, prefix_length
from benchmarks.reference import ReferenceTrainer, Row, reference_losses
from tutelage.config import StudentConfig, TrainingConfig
from tutelage.student.model import LoadedModel, load_student
from tutelage.student.resources.hardware import hardware
from tutelage.student.training.micro_batch import micro_batch_losses
from tutelage.student.training.precision import FullPrecision, MixedAdamW, compute_in
from tutelage.student.training.reflection import reflection_of
from tutelage.student.training.steps import StepDataset, TrainStep

EPSILON = 1e-12
SECONDS = 120.0
"""After so many, no further repeat begins (but the second)."""
OURS = {torch.float32: "ours fp32", torch.bfloat16: "ours bf16"}
REFERENCE = {torch.float32: "reference fp32", torch.bfloat16: "reference autocast"}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=StudentConfig().model)
    parser.add_argument("--problems", type=int, default=8, help="problems of a step")
    parser.add_argument("--prefix", type=int, default=400, help="tokens of the few-shot prefix, about")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    config = StudentConfig(model=given.model)
    student = load_student(config)
    machine, best = Machine(student.model.device), dtype_here(config)
    print(hardware())
    print(f"{given.problems} problems a step")
    print(f"what suits this machine is {OURS[best]}; {machine}")
    figures: dict[str, float] = {}
    for suffix, prefix in (("", 0), ("_fewshot", given.prefix)):
        rates = _rates(student, machine, best, given.problems, prefix, given.repeats)
        for way in (way for way in REFERENCE.values() if way in rates):
            figures[f"training_speedup_{way.split()[1]}{suffix}"] = round(ratio(rates, OURS[best], way), 2)
    for precision in machine.timed(best):
        error = _gradient_error(student, precision)
        figures[f"gradient_error_{OURS[precision].split()[1]}"] = float(f"{error:.2g}")
    print(json.dumps(figures))


def _rates(
    student: LoadedModel, machine: Machine, best: torch.dtype, problems: int, prefix: int, repeats: int
) -> dict[str, list[float]]:
    """Problems per second of every way, AdamW included. The slower precision computes half as many, to end in time."""
    config = TrainingConfig(batch_size=problems, epochs=1, max_tokens=4096)
    ways: dict[str, Way] = {}
    for dtype in machine.timed(best):
        part = 1 if dtype is best else 2
        train_step, rows = _step(student, config, max(1, problems // part), prefix)
        # The reference's rate hardly depends on the size of the batch, and 8 problems take it up to a minute.
        rows, narrow = rows[: (2 if prefix else 4) // part], dtype is torch.bfloat16
        ways[REFERENCE[dtype]] = _reference(copy.deepcopy(student.model), rows, config, autocast=narrow)
        ways[OURS[dtype]] = train_step_of(copy.deepcopy(student.model), train_step, config, dtype)
    work = {name: operations(way) for name, way in ways.items()}  # which warms them up, too
    rates = interleaved(ways, repeats, warm_up=False, seconds=SECONDS)
    tokens = prefix_length(benchmark_format(student.tokenizer, prefix))
    print(f"\nfew-shot prefix of {tokens} tokens; problems per second, slowest to fastest repeat")
    for name, measured in rates.items():
        print(machine.row(name, work[name], measured, digits=3))
    return rates


def _step(student: LoadedModel, config: TrainingConfig, problems: int, prefix: int) -> tuple[TrainStep, list[Row]]:
    """One step on the same problems, in our form and in the reference's."""
    format = benchmark_format(student.tokenizer, prefix)
    examples = benchmark_examples(problems)
    return StepDataset(format, examples, config, seed=0)[0], encoded_rows(format, examples)


def _reference(
    model: PreTrainedModel, rows: list[Row], config: TrainingConfig, *, autocast: bool
) -> Callable[[], float]:
    trainer = ReferenceTrainer(model, config, autocast=autocast)

    def step() -> float:
        trainer.step(rows)
        return len(rows)

    return step


def train_step_of(
    model: PreTrainedModel, train_step: TrainStep, config: TrainingConfig, dtype: torch.dtype
) -> Callable[[], float]:
    """Our way of a step: passes, clipping, AdamW. Each call does it again and returns the number of problems."""
    optimizer = MixedAdamW(FullPrecision(model, dtype), config.learning_rate, config.weight_decay)

    def step() -> float:
        _backward(model, train_step, config)
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.max_grad_norm)
        optimizer.step()
        optimizer.zero_grad()
        return train_step.questions

    return step


def _backward(model: PreTrainedModel, train_step: TrainStep, config: TrainingConfig) -> None:
    model.train()
    for micro_batch in train_step.micro_batches:
        losses = micro_batch_losses(model, micro_batch, reflection_of(config))
        (
            losses.lm / train_step.targets + config.reflection_weight * losses.reflection / max(1, train_step.pairs)
        ).backward()


def _gradient_error(student: LoadedModel, dtype: torch.dtype) -> float:
    """|ours - reference's| / |reference's| of the whole gradient, the reference's in float32 and through the prompt."""
    config = TrainingConfig(batch_size=4, epochs=1, reflection_weight=0.5)  # the paper's, so that L_SR weighs
    train_step, rows = _step(student, config, 4, 0)
    model, plain = copy.deepcopy(student.model), copy.deepcopy(student.model)
    compute_in(model, dtype)
    _backward(model, train_step, config)
    lm_loss, reflection_loss = reference_losses(plain, rows, config.prompt_weight, config.margin, prompt_gradient=True)
    (lm_loss + config.reflection_weight * reflection_loss).backward()
    pairs = [(a.grad, b.grad) for a, b in zip(model.parameters(), plain.parameters(), strict=True)]
    apart = sum(float((a.float() - b).square().sum()) for a, b in pairs if a is not None and b is not None)
    whole = sum(float(b.square().sum()) for _, b in pairs if b is not None)
    return (apart / max(whole, EPSILON)) ** 0.5


if __name__ == "__main__":
    main()
