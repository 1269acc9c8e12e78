"""From a round's examples to the forward passes of its training, by the lesson plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch.utils.data import Dataset

from tutelage.config import TrainingConfig
from tutelage.errors import StudentError
from tutelage.records import TrainingExample
from tutelage.student.encoding import Encoded, Tokens, encode
from tutelage.student.prompts import PromptFormat, question_of
from tutelage.student.training.packing import Family, packs
from tutelage.student.training.passes import Pass, as_rows, as_tree
from tutelage.student.training.plan import Row, lesson_plan
from tutelage.student.training.reflection import reflection_of


@dataclass(frozen=True, slots=True)
class Lesson:
    """One step: its forward passes, and the counts of the whole batch that the sums of their losses are divided by.

    `targets` are the tokens that L_LM predicts, `pairs` the questions of all `questions` that L_SR compares.
    """

    passes: tuple[Pass, ...]
    questions: int
    targets: int
    pairs: int


class Lessons(Dataset[Lesson]):
    """The steps of all epochs, in the order of the plan, drawn up as passes when they are asked for.

    `tree` packs the questions of a pass; `pass_tokens` limits the tokens of one (None: a step is one pass).
    `references` has the log-likelihoods, when the round began, of rationales behind their prompts, in nats; they are
    needed before a step is asked for if `reflection` looks at them.
    """

    def __init__(
        self, format: PromptFormat, examples: Sequence[TrainingExample], config: TrainingConfig, seed: int
    ) -> None:
        self.format, self.config, self.reflection = format, config, reflection_of(config)
        self.tree, self.pass_tokens = True, config.pass_tokens
        self.references: dict[tuple[Tokens, Tokens], float] = {}
        self._encoded: dict[tuple[str, str], Encoded] = {}
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
            rows=config.rows,
            draw=self.reflection and self.reflection.draw,
        )
        self.batches = [batch for epoch in plan for batch in epoch]
        self.epoch_ends = [sum(len(epoch) for epoch in plan[: n + 1]) for n in range(len(plan))]

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> Lesson:
        families = [self._family(row) for row in self.batches[index]]
        return Lesson(
            passes=tuple(map(self.sheet, self.packs(families))),
            questions=len(families),
            targets=sum(family.targets for family in families),
            pairs=sum(family.pair is not None for family in families),
        )

    @property
    def longest(self) -> int:
        """Tokens of the longest question: what a pass must hold at least."""
        return max(self._tokens([family]) for step in self.steps() for family in step)

    def sample_pass(self) -> Pass:
        """A small pass like those of the training, for measuring: four questions at most."""
        return self.sheet(next(self.packs(next(self.steps())[:4])))

    @property
    def most_tokens(self) -> int:
        """Tokens of the largest step as one pass, padding with it; what all its prompts share is counted for each."""
        return max(map(self._tokens, self.steps()))

    @property
    def row_tokens(self) -> int:
        """Tokens of all rows of all steps, each with a prompt of its own: what there is to learn, however computed."""
        return self.tokens_until(len(self))

    def tokens_until(self, step: int) -> int:
        """Those of the first steps."""
        return sum(_row_tokens(self._family(row)) for batch in self.batches[:step] for row in batch)

    def steps(self) -> Iterator[list[Family]]:
        """The questions of every step."""
        return ([self._family(row) for row in batch] for batch in self.batches)

    def _tokens(self, families: Sequence[Family]) -> int:
        if self.tree:
            return sum(family.tree_tokens(self.config.prompt_gradient) for family in families)
        return sum(len(family.branches) for family in families) * max(map(_width, families))

    def packs(self, families: Sequence[Family]) -> Iterator[list[Family]]:
        """Questions distributed over passes."""
        limit = self.pass_tokens
        if self.tree:
            yield from packs(families, limit, self.config.prompt_gradient) if limit else [list(families)]
            return
        rows: list[Family] = []
        for family in sorted(families, key=_width):  # rows of like length together, so that little is padded
            if rows and limit and self._tokens([*rows, family]) > limit:
                yield rows
                rows = []
            rows.append(family)
        yield rows

    def sheet(self, pack: Sequence[Family]) -> Pass:
        """The pass of a pack."""
        if self.tree:
            return as_tree(pack, self.config.prompt_weight, self.config.prompt_gradient)
        return as_rows(pack, self.config.prompt_weight)

    def _family(self, row: Row) -> Family:
        """The anchor and, where all end as they should, what it is compared with."""
        example, anchor = self.anchors[row.example]
        compared = [self._encode(example, rationale) for rationale in row.compared]
        if not compared or anchor.truncated or any(each.truncated for each in compared):
            return Family(anchor.prompt, anchor.completion, None)
        branches = [each.completion for each in (anchor, *compared)]
        reference = [self.references[anchor.prompt, branch] for branch in branches] if self.references else []
        return Family(anchor.prompt, branches[0], tuple(branches[1:]), tuple(reference))

    def _encode(self, example: TrainingExample, rationale: str) -> Encoded:
        question = question_of(example)
        if (question, rationale) not in self._encoded:
            self._encoded[question, rationale] = encode(self.format, question, rationale, self.config.max_tokens)
        return self._encoded[question, rationale]


def _width(family: Family) -> int:
    return len(family.prompt) + max(map(len, family.branches))


def _row_tokens(family: Family) -> int:
    return sum(len(family.prompt) + len(branch) for branch in family.branches)
