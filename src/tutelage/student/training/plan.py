"""The training plan: the rows of every batch of a round, drawn once before the first step.

The plan is data, so a resumed training sees the same rows in the same order. No batch has the same question twice, as
in the released code. Example: five examples, `rows` of 8 and batches of 2 give three steps with each example once, then
two steps with three of them.
"""

from __future__ import annotations

import math
import random
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tutelage.mistakes.repair import Repair
from tutelage.records import TrainingExample

Draw = Callable[[TrainingExample, random.Random], tuple[str, ...]]
"""Draws the rationales to compare a row's anchor with; see Reflection."""


@dataclass(frozen=True, slots=True)
class Row:
    """One example in one step: its index, and the rationales drawn to compare its anchor with, the mistake last."""

    example: int
    compared: tuple[str, ...] = ()


Batch = tuple[Row, ...]


def training_plan(
    examples: Sequence[TrainingExample],
    *,
    epochs: int,
    batch_size: int,
    seed: int,
    rows: int | None = None,
    draw: Draw | None = None,
) -> list[list[Batch]]:
    """The batches of all epochs.

    Each epoch has every example once, in a new order, with newly drawn rationales to compare with. If `rows` is given,
    it sets the total number of rows in place of `epochs`; the last epoch may be cut.
    """
    left = epochs * len(examples) if rows is None else rows
    plan: list[list[Batch]] = []
    while left > 0:
        rng = random.Random(f"{seed}/{len(plan)}")
        order = list(range(len(examples)))
        rng.shuffle(order)
        batches = _distinct_batches(examples, order[:left], batch_size)
        drawn = [[Row(n, draw(examples[n], rng) if draw else ()) for n in batch] for batch in batches]
        plan.append([tuple(batch) for batch in drawn])
        left -= len(examples)
    return plan


def repair_plan(
    plan: Sequence[Sequence[Batch]], examples: Sequence[TrainingExample], repairs: Sequence[Repair], seed: int
) -> list[tuple[int, ...]]:
    """The repairs of every step: each once an epoch, in a step with a rationale of its question.

    Several of one question are spread over the steps that it is in. Those of questions without a rationale are dealt to
    all steps evenly, in random order; an epoch that is cut has as small a part of them.
    """
    asked = {example.problem.id for example in examples if example.corrects is None}
    homeless = [n for n, repair in enumerate(repairs) if repair.problem.id not in asked]
    found: list[tuple[int, ...]] = []
    for number, epoch in enumerate(plan):
        steps: list[list[int]] = [[] for _ in epoch]
        places: dict[str, list[int]] = {}
        for step, batch in enumerate(epoch):
            for example in (examples[row.example] for row in batch):
                if example.corrects is None:
                    places.setdefault(example.problem.id, []).append(step)
        turns = Counter[str]()
        for n, repair in enumerate(repairs):
            if home := places.get(repair.problem.id):
                steps[home[turns[repair.problem.id] % len(home)]].append(n)
                turns[repair.problem.id] += 1
        share = sum(map(len, epoch)) / len(examples)
        dealt = random.Random(f"{seed}/{number}/repairs").sample(homeless, math.ceil(share * len(homeless)))
        for turn, n in enumerate(dealt):
            steps[turn * len(steps) // len(dealt)].append(n)
        found += map(tuple, steps)
    return found


def _distinct_batches(examples: Sequence[TrainingExample], order: list[int], size: int) -> list[list[int]]:
    """Fill batches in order; an example whose question is already in the batch waits for the next one.

    Once the examples that are left have fewer questions than a batch has places, every batch takes the next example of
    each: a few questions with thousands of examples take no more time than thousands of questions.
    """
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
        if len(questions) < size:
            return batches + _in_turn(examples, list(waiting))
    return batches


def _in_turn(examples: Sequence[TrainingExample], order: list[int]) -> list[list[int]]:
    """Batches with one example of every question that still has one, in order."""
    turns: list[list[int]] = []
    seen = Counter[str]()
    for index in order:
        question = examples[index].problem.id
        if seen[question] == len(turns):
            turns.append([])
        turns[seen[question]].append(index)
        seen[question] += 1
    return turns
