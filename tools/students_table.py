"""Makes the tables of students by size in docs/students.md.

    python -m tools.students_table

Memory is the estimate by which Tutelage itself fits a training (`student/training/fit.py`), of models without weights
(device meta) in the published shapes. Times are the measured ones of the first row, by the number of parameters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from tutelage.config import LoraConfig, TrainingConfig
from tutelage.report.format import markdown_table
from tutelage.student.training.adapters import add_adapters
from tutelage.student.training.fit import training_memory
from tutelage.student.training.micro_batch import MicroBatch
from tutelage.student.training.packing import LossPositions, Tree

TOKENS = 1024
"""Tokens of a micro-batch whose activations are counted."""
PROBLEMS_ON_CPU, PROBLEMS_ON_GPU = 240, 7000
EPOCHS, ATTEMPTS, ANSWER = 3, 4, 60
"""A round: problems, passes over them, attempts at each, and tokens of an attempt."""
MEASURED = "HuggingFaceTB/SmolLM2-135M-Instruct"
PROBLEM_TOKENS = 2229 / 8
TRAINED, WRITTEN = 2229 / 9.18, 364
"""Tokens computed for a problem, and a second in training and exam (docs/performance-float32.md)."""
GPU_FLOPS, GPU_BYTES, GPU_ROWS = 300e12, 3.35e12, 256
"""FLOP a second in training, a figure of nanotron's published benchmark (hf.co/nanotron/old_bench: a Llama of 1B, 8
GPUs); bytes a second of an H100's memory, and answers at once."""

APACHE, LLAMA, GEMMA = "Apache-2.0", "Llama 3.2 Community", "Gemma Terms of Use"
Shape = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Student:
    """A published model: its name on the hub, its kind, its licence, and the shape in its config.json."""

    name: str
    kind: str
    licence: str
    type: str
    shape: Shape


def _shape(width: int, inner: int, layers: int, heads: int, kv: int, vocabulary: int, **more: Any) -> Shape:  # noqa: ANN401
    return {
        "hidden_size": width,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv,
        "vocab_size": vocabulary,
        "tie_word_embeddings": True,
        **more,
    }


QWEN, WIDE = 151_936, {"head_dim": 128}
STUDENTS = [
    Student(MEASURED, "instruct", APACHE, "llama", _shape(576, 1536, 30, 9, 3, 49_152)),
    Student(
        "google/gemma-3-270m-it", "instruct", GEMMA, "gemma3_text", _shape(640, 2048, 18, 4, 1, 262_144, head_dim=256)
    ),
    Student("HuggingFaceTB/SmolLM2-360M-Instruct", "instruct", APACHE, "llama", _shape(960, 2560, 32, 15, 5, 49_152)),
    Student("Qwen/Qwen2.5-0.5B-Instruct", "instruct", APACHE, "qwen2", _shape(896, 4864, 24, 14, 2, QWEN)),
    Student("Qwen/Qwen3-0.6B", "may think", APACHE, "qwen3", _shape(1024, 3072, 28, 16, 8, QWEN, **WIDE)),
    Student(
        "google/gemma-3-1b-it", "instruct", GEMMA, "gemma3_text", _shape(1152, 6912, 26, 4, 1, 262_144, head_dim=256)
    ),
    Student("meta-llama/Llama-3.2-1B-Instruct", "instruct", LLAMA, "llama", _shape(2048, 8192, 16, 32, 8, 128_256)),
    Student("Qwen/Qwen3-1.7B", "may think", APACHE, "qwen3", _shape(2048, 6144, 28, 16, 8, QWEN, **WIDE)),
    Student(
        "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B",
        "thinks",
        "MIT",
        "qwen2",
        _shape(1536, 8960, 28, 12, 2, QWEN, tie_word_embeddings=False),
    ),
    Student("HuggingFaceTB/SmolLM3-3B", "may think", APACHE, "smollm3", _shape(2048, 11_008, 36, 16, 4, 128_256)),
    Student("Qwen/Qwen3-4B", "may think", APACHE, "qwen3", _shape(2560, 9728, 36, 32, 8, QWEN, **WIDE)),
    Student(
        "Qwen/Qwen2.5-7B-Instruct",
        "instruct",
        APACHE,
        "qwen2",
        _shape(3584, 18_944, 28, 28, 4, 152_064, tie_word_embeddings=False),
    ),
]


def model_of(student: Student, dtype: torch.dtype = torch.float32) -> PreTrainedModel:
    """The model without weights."""
    config = AutoConfig.for_model(student.type, **student.shape)
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config, dtype=dtype)


def parameters(student: Student) -> int:
    """The number of its weights; those of a tied output layer count once."""
    return sum(weight.numel() for weight in model_of(student).parameters())


def memory(student: Student, dtype: torch.dtype, *, lora: bool = False, checkpointing: bool = False) -> int:
    """Bytes of a training in a precision: weights, and what `fit.py` counts for a micro-batch of TOKENS."""
    model, mixed = model_of(student, dtype), dtype != torch.float32
    weights = sum((4 + 2 * mixed) * weight.numel() for weight in model.parameters())  # float32 ones beside them
    if lora:
        add_adapters(model, LoraConfig())
    config = TrainingConfig(checkpointing=checkpointing)
    long, short = (training_memory(model, _sample(length), config, mixed=mixed, reflects=True) for length in (128, 64))
    # Without weights, attention keeps its matrices, which its kernels do not; they grow with the length.
    return weights + replace(short, per_token=2 * short.per_token - long.per_token).needs(TOKENS)


def _sample(length: int) -> MicroBatch:
    """Some questions of this length."""
    tree = Tree()
    for _ in range(TOKENS // length):
        tree.grow(range(length))
    return MicroBatch(torch.tensor([tree.tokens]), LossPositions([], [], []), tree)


def seconds_on_cpu(weights: int, measured: int) -> float:
    """Of a round on two cores in float32."""
    trained, written = PROBLEMS_ON_CPU * EPOCHS * PROBLEM_TOKENS, PROBLEMS_ON_CPU * ATTEMPTS * ANSWER
    return (trained / TRAINED + written / WRITTEN) * weights / measured


def seconds_on_gpu(weights: int) -> float:
    """Of a round on an H100, at best: training at that rate of computing, each step of an exam at that of reading."""
    trained = PROBLEMS_ON_GPU * EPOCHS * PROBLEM_TOKENS
    steps = PROBLEMS_ON_GPU * ATTEMPTS * ANSWER / GPU_ROWS
    return 6 * weights * trained / GPU_FLOPS + 2 * weights * steps / GPU_BYTES


def begin_with(weights: int) -> str:
    """Settings to begin with, by size."""
    if weights < 0.45e9:
        return "`student.weights: full`"
    if weights < 2.5e9:
        return (
            "`student.weights: full`, `training.learning_rate: 2e-5`; or `student.weights: lora`, where memory is short"
        )
    return "`student.weights: lora`, `training.learning_rate: 2e-4`, `training.checkpointing: true`"


def tables() -> str:
    """Both tables, as Markdown."""
    sizes = {student.name: parameters(student) for student in STUDENTS}
    return "\n\n".join([
        markdown_table(
            ["student", "kind", "parameters", "licence", "settings to begin with"],
            [
                [f"`{each.name}`", each.kind, _count(sizes[each.name]), each.licence, begin_with(sizes[each.name])]
                for each in STUDENTS
            ],
        ),
        markdown_table(
            [
                *("student", "full, float32", "full, bfloat16", "LoRA, bfloat16", "LoRA, `checkpointing`"),
                *("round on a CPU, 240 problems", "round on a GPU, 7,000 problems, at best"),
            ],
            map(list, map(_costs, STUDENTS, [sizes] * len(STUDENTS))),
        ),
    ])  # fmt: skip


def _costs(student: Student, sizes: dict[str, int]) -> Iterator[str]:
    size = sizes[student.name]
    yield f"`{student.name.partition('/')[2]}`"
    yield _gigabytes(memory(student, torch.float32))
    yield _gigabytes(memory(student, torch.bfloat16))
    yield _gigabytes(memory(student, torch.bfloat16, lora=True))
    yield _gigabytes(memory(student, torch.bfloat16, lora=True, checkpointing=True))
    yield _time(seconds_on_cpu(size, sizes[MEASURED]))
    yield _time(seconds_on_gpu(size))


def _count(number: int) -> str:
    return f"{number / 1e9:.2f} billion" if number >= 0.9995e9 else f"{number / 1e6:.0f} million"


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size < 10e9 else f"{size / 1e9:.0f} GB"


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{max(1, seconds):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


if __name__ == "__main__":
    print(tables())
