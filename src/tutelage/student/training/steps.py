"""The steps of a training: examples, in the order of the training plan, as micro-batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from torch.utils.data import Dataset

from tutelage.config import TrainingConfig
from tutelage.errors import StudentError
from tutelage.records import TrainingExample
from tutelage.student.encoding import Encoded, Encodings, Tokens
from tutelage.student.prompts import PromptFormat, question_of
from tutelage.student.training.micro_batch import MicroBatch, as_rows, as_tree
from tutelage.student.training.packing import ExampleGroup, pack_groups
from tutelage.student.training.plan import Row, training_plan
from tutelage.student.training.reflection import Reflection, reflection_of
from tutelage.student.training.shares import Share, deal


@dataclass(frozen=True, slots=True)
class TrainStep:
    """One optimizer step: its micro-batches, and the counts of the whole batch that normalise the losses.

    `targets` counts the tokens that L_LM predicts, `questions` all questions, `pairs` those that L_SR compares. Of
    several processes each has micro-batches of its own. `idle` are passes that count nothing: see `Share.even`.
    """

    micro_batches: tuple[MicroBatch, ...]
    questions: int
    targets: int
    pairs: int
    idle: tuple[MicroBatch, ...] = ()

    @property
    def computed(self) -> int:
        """Tokens that are computed, without padding."""
        return sum(micro_batch.tokens for micro_batch in self.micro_batches)

    @property
    def padded(self) -> int:
        """Places that are computed for nothing."""
        return sum(micro_batch.input_RT.numel() - micro_batch.tokens for micro_batch in self.micro_batches)


class StepDataset(Dataset[TrainStep]):
    """The steps of all epochs, in the order of the plan; the micro-batches of a step are built on access.

    With `tree`, questions are packed as trees. `micro_batch_tokens` limits a micro-batch (None: one per step).
    `reflection` replaces the loss named in the settings. `references` has log-likelihoods of rationales after their
    prompts at the start of the round, in nats; set it before the first access if `reflection` uses likelihoods. `share`
    is the part of each step that this process computes (None: all of it).
    """

    def __init__(
        self,
        format: PromptFormat,
        examples: Sequence[TrainingExample],
        config: TrainingConfig,
        seed: int,
        reflection: Reflection | None = None,
    ) -> None:
        self.format, self.config, self.reflection = format, config, reflection or reflection_of(config)
        self.tree, self.micro_batch_tokens = True, config.micro_batch_tokens
        self.references: dict[tuple[Tokens, Tokens], float] = {}
        self.share: Share | None = None
        self._encodings = Encodings(format, config.max_tokens)
        self._encodings.add((question_of(example), example.anchor) for example in examples)
        self.truncated = sum(self._encode(example).truncated for example in examples)
        # A row is left out, and counts as truncated, if no rationale fits after its prompt or if it is longer than the
        # model's context.
        self.examples = [example for example in examples if self._encode(example).completion]
        if not self.examples:
            sight = "" if format.positions is None else f" and the {format.positions} tokens of the student's context"
            raise StudentError(
                f"no example fits training.max_tokens = {config.max_tokens}{sight}; raise it, or lower student.few_shot"
            )
        plan = training_plan(
            self.examples,
            epochs=config.epochs,
            batch_size=config.batch_size,
            seed=seed,
            rows=config.max_rows,
            draw=None if self.reflection is None else self.reflection.draw,
        )
        self.batches = [batch for epoch in plan for batch in epoch]
        self.epoch_ends = list(accumulate(map(len, plan)))
        rows = (row for batch in self.batches for row in batch)
        self._encodings.add((question_of(self.examples[row.example]), text) for row in rows for text in row.compared)

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> TrainStep:
        groups = [self._group(row) for row in self.batches[index]]
        packs, idle = self._packs(groups)
        return TrainStep(
            micro_batches=tuple(map(self.micro_batch, packs)),
            questions=len(groups),
            targets=sum(group.targets for group in groups),
            pairs=sum(group.pair is not None for group in groups),
            idle=(self.micro_batch([min(groups, key=_width)]),) * idle if idle else (),
        )

    def _packs(self, groups: Sequence[ExampleGroup]) -> tuple[list[list[ExampleGroup]], int]:
        """The packs of this process, and how many passes it must idle for the others."""
        if self.share is None:
            return list(self.pack_groups(groups)), 0
        rank, size, even = self.share
        dealt = deal([self._tokens([group]) for group in groups], size)
        ranks = range(size) if even else [rank]
        packs = {n: list(self.pack_groups([groups[g] for g in dealt[n]])) if dealt[n] else [] for n in ranks}
        return packs[rank], max(map(len, packs.values())) - len(packs[rank])

    def too_long(self, examples: int) -> Iterator[str]:
        """Messages about examples that were cut or left out; `examples` is the number of all examples."""
        left_out = examples - len(self.examples)
        if cut := self.truncated - left_out:
            yield f"{cut} of {examples} examples are cut: they have more than {self.config.max_tokens} tokens"
        if left_out:
            sight = "" if self.format.positions is None else f" or for the student, which sees {self.format.positions}"
            yield f"{left_out} of {examples} examples are left out: too long for {self.config.max_tokens} tokens{sight}"

    @property
    def anchors(self) -> Iterator[tuple[TrainingExample, Encoded]]:
        """Every example with a row, and its prompt and anchor as tokens."""
        return ((example, self._encode(example)) for example in self.examples)

    @property
    def longest(self) -> int:
        """Tokens of the longest question; a micro-batch must hold at least this many."""
        return max(self._tokens([group]) for step in self.steps() for group in step)

    def sample_micro_batch(self) -> MicroBatch:
        """A small micro-batch for measurements: at most four questions."""
        return self.micro_batch(next(self.pack_groups(next(self.steps())[:4])))

    @property
    def most_tokens(self) -> int:
        """Tokens of the largest step as one micro-batch, with padding; shared prefixes count once per row."""
        return max(map(self._tokens, self.steps()))

    @property
    def row_tokens(self) -> int:
        """Tokens of all rows of all steps, each with its own prompt. It does not depend on packing."""
        return self.tokens_until(len(self))

    def tokens_until(self, step: int) -> int:
        """`row_tokens` of the first `step` steps."""
        return sum(_row_tokens(self._group(row)) for batch in self.batches[:step] for row in batch)

    def steps(self) -> Iterator[list[ExampleGroup]]:
        """The questions of every step."""
        return ([self._group(row) for row in batch] for batch in self.batches)

    def _tokens(self, groups: Sequence[ExampleGroup]) -> int:
        if self.tree:
            return sum(group.tree_tokens(self.config.prompt_gradient) for group in groups)
        return sum(len(group.branches) for group in groups) * max(map(_width, groups))

    def pack_groups(self, groups: Sequence[ExampleGroup]) -> Iterator[list[ExampleGroup]]:
        """Distribute questions over micro-batches."""
        limit = self.micro_batch_tokens
        if self.tree:
            yield from pack_groups(groups, limit, self.config.prompt_gradient) if limit else [list(groups)]
            return
        rows: list[ExampleGroup] = []
        for group in sorted(groups, key=_width):  # rows of similar length together: less padding
            if rows and limit and self._tokens([*rows, group]) > limit:
                yield rows
                rows = []
            rows.append(group)
        yield rows

    def micro_batch(self, packed: Sequence[ExampleGroup]) -> MicroBatch:
        """The micro-batch of a pack."""
        if self.tree:
            return as_tree(packed, self.config.prompt_weight, self.config.prompt_gradient)
        return as_rows(packed, self.config.prompt_weight)

    def _group(self, row: Row) -> ExampleGroup:
        """The anchor and the rationales to compare it with; nothing is compared if one of them is truncated."""
        example = self.examples[row.example]
        anchor, *compared = (self._encode(example, text) for text in (None, *row.compared))
        if not compared or anchor.truncated or any(each.truncated for each in compared):
            return ExampleGroup(anchor.prompt, anchor.completion, None)
        branches = [each.completion for each in (anchor, *compared)]
        reference = [self.references[anchor.prompt, branch] for branch in branches] if self.references else []
        return ExampleGroup(anchor.prompt, branches[0], tuple(branches[1:]), tuple(reference))

    def _encode(self, example: TrainingExample, rationale: str | None = None) -> Encoded:
        """A rationale after the question of an example; None: the anchor."""
        return self._encodings[question_of(example), example.anchor if rationale is None else rationale]


def _width(group: ExampleGroup) -> int:
    return len(group.prompt) + max(map(len, group.branches))


def _row_tokens(group: ExampleGroup) -> int:
    return sum(len(group.prompt) + len(branch) for branch in group.branches)
