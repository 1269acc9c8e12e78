"""From a round's examples to the micro-batches of its training, by the lesson plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch.utils.data import Dataset

from tutelage.config import TrainingConfig
from tutelage.errors import StudentError
from tutelage.records import TrainingExample
from tutelage.student.encoding import Encoded, Padded, encode, pad
from tutelage.student.plan import Batch, lesson_plan
from tutelage.student.prompts import PromptFormat

Pair = tuple[Encoded, Encoded]
"""A positive and a negative."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """One micro-batch, with the counts of its whole batch that the losses are divided by.

    `reflecting` are the places of the anchors with self-reflection; `pairs` has their positives, then their negatives.
    """

    anchors: Padded
    reflecting: list[int]
    pairs: Padded | None
    batch_targets: int
    batch_reflecting: int

    def to(self, device: torch.device) -> Lesson:
        """The same micro-batch on a device."""
        return replace(self, anchors=self.anchors.to(device), pairs=self.pairs and self.pairs.to(device))


class Lessons(Dataset[list[Lesson]]):
    """The batches of all epochs, in the order of the plan, encoded when they are asked for."""

    def __init__(
        self, format: PromptFormat, examples: Sequence[TrainingExample], config: TrainingConfig, seed: int
    ) -> None:
        self.format, self.config = format, config
        anchors = [(example, self._encode(example, example.anchor)) for example in examples]
        self.truncated = sum(anchor.truncated for _, anchor in anchors)
        # A prompt that leaves no room for its rationale teaches nothing; it counts as truncated and is left out.
        self.anchors = [(example, anchor) for example, anchor in anchors if anchor.completion]
        if not self.anchors:
            raise StudentError(
                f"no example fits training.max_tokens = {config.max_tokens}; raise it, or lower student.few_shot"
            )
        plan = lesson_plan(
            [example for example, _ in self.anchors],
            epochs=config.epochs,
            batch_size=config.batch_size,
            seed=seed,
        )
        self.batches = [batch for epoch in plan for batch in epoch]
        self.epoch_ends = [sum(len(epoch) for epoch in plan[: n + 1]) for n in range(len(plan))]
        self.tokens = sum(len(lesson_row) for batch in self.batches for lesson_row in self._rows(batch))

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> list[Lesson]:
        batch = sorted(self.batches[index], key=lambda row: len(self.anchors[row.example][1]))
        triples = [self._triple(row.example, row.positive, row.negative) for row in batch]
        targets = sum(len(anchor) - 1 for anchor, _ in triples)
        reflecting = sum(pair is not None for _, pair in triples)
        size = self.config.micro_batch_size
        return [
            self._lesson(triples[start : start + size], targets, reflecting) for start in range(0, len(triples), size)
        ]

    def _lesson(self, triples: Sequence[tuple[Encoded, Pair | None]], targets: int, reflecting: int) -> Lesson:
        weight = self.config.prompt_weight
        pairs = [pair for _, pair in triples if pair is not None]
        return Lesson(
            anchors=pad([anchor for anchor, _ in triples], weight),
            reflecting=[a for a, (_, pair) in enumerate(triples) if pair is not None],
            pairs=pad([*(positive for positive, _ in pairs), *(negative for _, negative in pairs)], weight)
            if pairs
            else None,
            batch_targets=targets,
            batch_reflecting=reflecting,
        )

    def _triple(self, index: int, positive: str | None, negative: str | None) -> tuple[Encoded, Pair | None]:
        """The anchor and, where all three end as they should, its positive and negative."""
        example, anchor = self.anchors[index]
        if positive is None or negative is None or anchor.truncated or self.config.reflection_weight == 0:
            return anchor, None
        pair = self._encode(example, positive), self._encode(example, negative)
        return anchor, None if any(encoded.truncated for encoded in pair) else pair

    def _rows(self, batch: Batch) -> Iterator[Encoded]:
        for row in batch:
            anchor, pair = self._triple(row.example, row.positive, row.negative)
            yield anchor
            yield from pair or ()

    def _encode(self, example: TrainingExample, rationale: str) -> Encoded:
        return encode(self.format, example.problem.text, rationale, self.config.max_tokens)
