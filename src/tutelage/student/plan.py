"""Which rows a round's training sees, in which order: drawn once, before the first step.

The plan of all epochs is data, so a training that was stopped goes on with the same rows, whatever it had drawn
before. No batch holds the same question twice, as in the released code.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from tutelage.records import TrainingExample


@dataclass(frozen=True, slots=True)
class Row:
    """One example in one step: the index of the example and the rationales drawn for self-reflection."""

    example: int
    positive: str | None
    negative: str | None


Batch = tuple[Row, ...]


def lesson_plan(examples: Sequence[TrainingExample], *, epochs: int, batch_size: int, seed: int) -> list[list[Batch]]:
    """The batches of every epoch.

    In each epoch every example comes once, in a new order, with a positive and a negative drawn anew. A row without a
    positive or without a negative has neither: it counts in the LM loss alone.
    """
    plan: list[list[Batch]] = []
    for epoch in range(epochs):
        rng = random.Random(f"{seed}/{epoch}")
        order = list(range(len(examples)))
        rng.shuffle(order)
        batches = _distinct_batches(examples, order, batch_size)
        plan.append([tuple(_draw(examples, index, rng) for index in batch) for batch in batches])
    return plan


def _draw(examples: Sequence[TrainingExample], index: int, rng: random.Random) -> Row:
    example = examples[index]
    if not example.positives or not example.negatives:
        return Row(index, None, None)
    return Row(index, rng.choice(example.positives), rng.choice(example.negatives))


def _distinct_batches(examples: Sequence[TrainingExample], order: list[int], size: int) -> list[list[int]]:
    """Fill batches in order; an example whose question already stands in the batch waits for the next one."""
    batches: list[list[int]] = []
    waiting = deque(order)
    while waiting:
        batch: list[int] = []
        questions: set[str] = set()
        for _ in range(len(waiting)):
            if len(batch) == size:
                break
            index = waiting.popleft()
            question = examples[index].problem.id
            if question in questions:
                waiting.append(index)
            else:
                batch.append(index)
                questions.add(question)
        batches.append(batch)
    return batches
