"""The steps of a training: examples, in the order of the training plan, as micro-batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from torch.utils.data import Dataset

from tutelage.config import TrainingConfig
from tutelage.errors import StudentError
from tutelage.mistakes.repair import Repair
from tutelage.records import TrainingExample
from tutelage.student.encoding import Encoded, Encodings, Tokens
from tutelage.student.prompts import PromptFormat, question_of
from tutelage.student.training.micro_batch import MicroBatch, as_rows, as_tree
from tutelage.student.training.packing import ExampleGroup, RepairBranch, pack_groups
from tutelage.student.training.plan import Row, repair_plan, training_plan
from tutelage.student.training.reflection import Reflection, reflection_of
from tutelage.student.training.repair import RepairLoss, encode_repair, repair_loss_of
from tutelage.student.training.shares import Share, deal


@dataclass(frozen=True, slots=True)
class TrainStep:
    """One optimizer step: its micro-batches, and the counts of the whole batch that normalise the losses.

    `targets` counts the tokens that L_LM predicts, `questions` all questions, `pairs` those that L_SR compares, or the
    mistakes put right. `divisors` are those of L_SR and of the two figures that it compares. Of several processes each
    has micro-batches of its own. `idle` are passes that count nothing: see `Share.even`.
    """

    micro_batches: tuple[MicroBatch, ...]
    questions: int
    targets: int
    pairs: int
    divisors: tuple[float, float, float]
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
    prompts at the start of the round, in nats; set it before the first access if `reflection` uses likelihoods.
    `repairs` are trained on if the settings name them as the loss. `share` is the part of each step that this process
    computes (None: all of it).
    """

    def __init__(
        self,
        format: PromptFormat,
        examples: Sequence[TrainingExample],
        config: TrainingConfig,
        seed: int,
        reflection: Reflection | None = None,
        repairs: Sequence[Repair] = (),
    ) -> None:
        self.format, self.config, self.reflection = format, config, reflection or reflection_of(config)
        self.repair_loss = None if self.reflection else repair_loss_of(config)
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
        self._add_repairs(repairs if self.repair_loss else ())
        self._repaired = repair_plan(plan, self.examples, self.repairs, seed)
        rows = (row for batch in self.batches for row in batch)
        self._encodings.add((question_of(self.examples[row.example]), text) for row in rows for text in row.compared)

    def _add_repairs(self, repairs: Sequence[Repair]) -> None:
        """Tokenize the repairs; those that are too long, or change no token, are left out."""
        self.repairs, self.branches = list[Repair](), list[tuple[Tokens, RepairBranch]]()
        self._given = len(repairs)
        for repair in repairs:
            prompt = self._encodings.prompt(repair.problem.text)
            against = self.config.unlikelihood > 0
            branch = encode_repair(self.format, prompt, repair, self.config.max_tokens, against=against)
            if branch is not None:
                self.repairs.append(repair)
                self.branches.append((prompt, branch))

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> TrainStep:
        groups = self._groups(index)
        packs, idle = self._packs(groups)
        targets, pairs = sum(group.targets for group in groups), sum(group.pair is not None for group in groups)
        divisors: tuple[float, float, float] = (max(1, pairs), max(1, pairs), max(1, pairs))
        if self.repair_loss is not None:
            pairs, divisors = len(self._repaired[index]), self._divisors(self.repair_loss, groups, targets)
        return TrainStep(
            micro_batches=tuple(map(self.micro_batch, packs)),
            questions=len(groups),
            targets=targets,
            pairs=pairs,
            divisors=divisors,
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

    def _divisors(self, loss: RepairLoss, groups: Sequence[ExampleGroup], targets: int) -> tuple[float, float, float]:
        """Those of a batch with repairs; see RepairLoss.divisor."""
        branches = [repair for group in groups for repair in group.repairs]
        right, wrong = (sum(len(getattr(each, side)) for each in branches) for side in ("right", "wrong"))
        weight = sum(each.weight * (len(each.right) + loss.unlikelihood * len(each.wrong)) for each in branches)
        learnt = [group for group in groups if group.anchor]
        asked = sum(len(group.prompt) - group.silent - 1 for group in learnt)
        lm = self.config.prompt_weight * asked + sum(len(group.anchor) for group in learnt)
        return loss.divisor(targets, lm, weight), max(1, right), max(1, wrong)

    def too_long(self, examples: int) -> Iterator[str]:
        """Messages about examples that were cut or left out; `examples` is the number of all examples."""
        left_out = examples - len(self.examples)
        if cut := self.truncated - left_out:
            yield f"{cut} of {examples} examples are cut: they have more than {self.config.max_tokens} tokens"
        if left_out:
            sight = "" if self.format.positions is None else f" or for the student, which sees {self.format.positions}"
            yield f"{left_out} of {examples} examples are left out: too long for {self.config.max_tokens} tokens{sight}"
        if left_out := self._given - len(self.repairs):
            yield f"{left_out} of {self._given} repairs are left out: too long, or no token of them differs"

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
        return sum(_row_tokens(group) for index in range(step) for group in self._groups(index))

    def repairs_until(self, step: int) -> int:
        """Repairs trained on in the first `step` steps."""
        return sum(map(len, self._repaired[:step]))

    def steps(self) -> Iterator[list[ExampleGroup]]:
        """The questions of every step."""
        return map(self._groups, range(len(self.batches)))

    def _tokens(self, groups: Sequence[ExampleGroup]) -> int:
        if self.tree:
            return sum(group.tree_tokens for group in groups)
        return sum(len(group.rows) for group in groups) * max(map(_width, groups))

    def pack_groups(self, groups: Sequence[ExampleGroup]) -> Iterator[list[ExampleGroup]]:
        """Distribute questions over micro-batches."""
        limit = self.micro_batch_tokens
        if self.tree:
            yield from pack_groups(groups, limit) if limit else [list(groups)]
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
            return as_tree(packed, self.config.prompt_weight)
        return as_rows(packed, self.config.prompt_weight)

    def _groups(self, index: int) -> list[ExampleGroup]:
        """The questions of a step, each with its repairs; then those that have repairs alone."""
        groups = [self._group(row) for row in self.batches[index]]
        found: dict[Tokens, list[RepairBranch]] = {}
        for prompt, branch in (self.branches[n] for n in self._repaired[index]):
            found.setdefault(prompt, []).append(branch)
        for place, group in enumerate(groups):
            if repairs := found.pop(group.prompt, None):
                groups[place] = replace(group, repairs=tuple(repairs))
        return groups + [ExampleGroup(prompt, (), None, repairs=tuple(each)) for prompt, each in found.items()]

    def _group(self, row: Row) -> ExampleGroup:
        """The anchor and the rationales to compare it with; nothing is compared if one of them is truncated."""
        example = self.examples[row.example]
        anchor, *compared = (self._encode(example, text) for text in (None, *row.compared))
        silent = self.format.silent
        if not compared or anchor.truncated or any(each.truncated for each in compared):
            return ExampleGroup(anchor.prompt, anchor.completion, None, silent=silent)
        branches = [each.completion for each in (anchor, *compared)]
        reference = [self.references[anchor.prompt, branch] for branch in branches] if self.references else []
        return ExampleGroup(anchor.prompt, branches[0], tuple(branches[1:]), tuple(reference), silent=silent)

    def _encode(self, example: TrainingExample, rationale: str | None = None) -> Encoded:
        """A rationale after the question of an example; None: the anchor."""
        return self._encodings[question_of(example), example.anchor if rationale is None else rationale]


def _width(group: ExampleGroup) -> int:
    return len(group.prompt) + max(map(len, group.rows))


def _row_tokens(group: ExampleGroup) -> int:
    return sum(len(group.prompt) + len(row) for row in group.rows)
