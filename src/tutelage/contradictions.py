"""Finds settings that contradict each other; each fault is a sentence with the settings and the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tutelage.config import RunConfig, TeacherConfig, TrainingConfig


def refuse_contradictions(config: RunConfig) -> None:
    """Raise ValueError if settings contradict each other."""
    if faults := list(contradictions(config)):
        raise ValueError("; ".join(faults))


def contradictions(config: RunConfig) -> Iterator[str]:
    """Every contradiction among the settings, in words."""
    yield from _of_the_teacher(config.teacher)
    yield from _of_training(config.training)
    if config.student.weights == "lora" and not config.student.lora.targets:
        yield "student.lora.targets is empty, so nothing would be trained; name modules, or set it to all-linear"


def _of_the_teacher(teacher: TeacherConfig) -> Iterator[str]:
    if teacher.kind == "openai" and not (teacher.model or "").strip():
        yield "teacher.model is not set: name the teacher as the endpoint does, such as gpt-4.1-mini"
    priced = teacher.price.auto or teacher.price.prompt or teacher.price.completion
    if teacher.kind == "openai" and teacher.budget.usd is not None and not priced:
        yield (
            f"teacher.budget.usd is {teacher.budget.usd:g} but teacher.price is not set: give the endpoint's price in"
            " US dollars for a million tokens as price: {prompt: …, completion: …}, set price: auto, or cap requests or"
            " tokens"
        )
    if teacher.kind == "recorded" and teacher.path is None:
        yield "teacher.kind is 'recorded', so teacher.path must name the JSONL with the rationales"


def _of_training(training: TrainingConfig) -> Iterator[str]:
    if training.prompt_gradient != "stop":
        return
    if training.reflection == "preference" and training.reflection_weight:
        yield (
            "training.prompt_gradient 'stop' is made for the triplet, and training.reflection is 'preference'; set"
            " prompt_gradient to 'keep'"
        )
    if training.packing == "never":
        yield "training.prompt_gradient 'stop' needs packed steps, and training.packing is 'never'; set it to 'auto'"
