"""Packing: rows with common prefixes become one tree. A shared prefix is computed once, and there is no padding.

A step trains on several questions after one few-shot prompt. Each question has an anchor (the rationale to learn). If
the student made a mistake on it, the question also has a negative and, for the triplet loss, a positive. The rows

    F F F q q a a a      F F F q q p p      F F F q q n n      F F F r r b b

(few-shot prefix, question, rationale) share most of their tokens. Packed, they are one sequence:

    place      0 1 2   3 4   5 6 7   8 9   10 11   12 13   14 15
    token      F F F   q q   a a a   p p   n  n    r  r    b  b
    position   0 1 2   3 4   5 6 7   5 6   5  6    3  4    5  6
    segment    0       1     2       3     4       5       6
    parent     -       0     1       1     1       0       5

A token keeps the position of its own row. It attends to its *path*: the segments of its ancestors and its own segment
up to itself (tree_attention.py). So `n n` sees F F F q q and n n, but neither a nor p. Hidden states and gradients are
the same as for separate rows; the gradients of a shared token add up.

A loss reads the hidden state of a target (a predicted token with its weight) at the place of the token before it. In
the drawing, place 2 predicts both q and r, and place 4 predicts a, p and n.

A repair is a branch with branches: after the question come the student's own tokens, which are not learnt, and after
these the right tokens and, if they are made less likely, the wrong ones:

    q q ─ o o o ┬ r r r
                └ w
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tutelage.student.encoding import Tokens, shared_prefix


@dataclass(frozen=True, slots=True)
class RepairBranch:
    """A repair as tokens: the student's `own`, then the `right` ones instead of the `wrong` ones (maybe none of these).

    `weight` is that of its tokens among those of all repairs.
    """

    own: Tokens
    right: Tokens
    wrong: Tokens = ()
    weight: float = 1.0

    @property
    def rows(self) -> tuple[Tokens, ...]:
        """Its rows behind the prompt: one, or two with wrong tokens."""
        return (self.own + self.right, *([self.own + self.wrong] if self.wrong else []))

    def __len__(self) -> int:
        return len(self.own) + len(self.right) + len(self.wrong)


@dataclass(frozen=True, slots=True)
class ExampleGroup:
    """A question of a step: its prompt, the anchor to learn, and the rationales to compare the anchor with.

    `pair` is a positive and a negative, or a negative alone; None: nothing is compared. `reference` has the
    log-likelihoods of all branches at the start of the round, in nats; only DPO needs it. `repairs` are attempts at the
    question put right; a question that has only these has an empty anchor, and its prompt is not learnt. `silent`
    tokens at the prompt's end stand between think marks and are not learnt either.
    """

    prompt: Tokens
    anchor: Tokens
    pair: tuple[Tokens, ...] | None
    reference: tuple[float, ...] = ()
    repairs: tuple[RepairBranch, ...] = ()
    silent: int = 0

    @property
    def targets(self) -> int:
        """Number of targets of L_LM: all tokens of the row but the first and silent ones; none without an anchor."""
        return len(self.prompt) - self.silent + len(self.anchor) - 1 if self.anchor else 0

    @property
    def rows(self) -> tuple[Tokens, ...]:
        """All that stands behind the prompt, row by row: the branches, then the repairs."""
        branches = self.branches if self.anchor else ()
        return (*branches, *(row for repair in self.repairs for row in repair.rows))

    @property
    def branches(self) -> tuple[Tokens, ...]:
        """All rationales of the question, the anchor first."""
        return (self.anchor, *(self.pair or ()))

    @property
    def tree_tokens(self) -> int:
        """Number of tokens in the question's tree: prompt, rationales and repairs."""
        return len(self.prompt) + sum(map(len, self.branches)) + sum(map(len, self.repairs))


@dataclass(frozen=True, slots=True)
class Segment:
    """Consecutive tokens of a pack, places `start` to `end` - 1. `parent` is the segment before it in its rows."""

    start: int
    end: int
    parent: int | None

    def __len__(self) -> int:
        return self.end - self.start


class Tree:
    """The tokens of a pack, built segment by segment. `grow` returns the number of the new segment."""

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.positions: list[int] = []
        self.segments: list[Segment] = []

    def grow(self, tokens: Sequence[int], parent: int | None = None) -> int:
        """Append a segment after `parent` (None: at the root)."""
        start = len(self.tokens)
        before = 0 if parent is None else self.positions[self.segments[parent].end - 1] + 1
        self.tokens.extend(tokens)
        self.positions.extend(range(before, before + len(tokens)))
        self.segments.append(Segment(start, len(self.tokens), parent))
        return len(self.segments) - 1

    def path(self, segment: int | None) -> list[Segment]:
        """The segment and its ancestors, the root first."""
        if segment is None:
            return []
        found = self.segments[segment]
        return [*self.path(found.parent), found]


Target = tuple[int, int, float]
"""A predicting place, the token that it predicts, and the weight of the token."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A compared rationale. Its first token is at place `start` and is predicted at place `before`."""

    before: int
    start: int
    tokens: Tokens

    @property
    def end(self) -> int:
        """The place of the last token."""
        return self.start + len(self.tokens) - 1

    @property
    def targets(self) -> list[tuple[int, int]]:
        """Every token, after the place that predicts it."""
        return list(zip((self.before, *range(self.start, self.end)), self.tokens, strict=True))


@dataclass(frozen=True, slots=True)
class LossPositions:
    """The places that the losses read: targets and, for each question with a pair, its branches, the anchor first.

    `repaired` and `wrong` are the right and the wrong tokens of repairs.
    """

    targets: list[Target]
    pairs: list[tuple[Branch, ...]]
    references: list[tuple[float, ...]]
    repaired: list[Target] = field(default_factory=list[Target])
    wrong: list[Target] = field(default_factory=list[Target])

    @property
    def ends(self) -> list[tuple[int, ...]]:
        """The last tokens of the branches, for every pair."""
        return [tuple(branch.end for branch in branches) for branches in self.pairs]


def grow_tree(groups: Sequence[ExampleGroup], prompt_weight: float) -> tuple[Tree, LossPositions]:
    """The tree of some questions, and the positions of the losses in it."""
    tree, targets, pairs = Tree(), list[Target](), list[tuple[Branch, ...]]()
    repaired, wrong = list[Target](), list[Target]()
    shared = shared_prefix([group.prompt for group in groups])
    root = tree.grow(groups[0].prompt[:shared]) if shared else None

    def learn(tokens: Sequence[int], parent: int | None, weight: float, into: list[Target] = targets) -> int:
        segment = tree.grow(tokens, parent)
        start = tree.segments[segment].start
        if parent is not None:
            into.append((tree.segments[parent].end - 1, tokens[0], weight))
        into.extend((start + n, token, weight) for n, token in enumerate(tokens[1:]))
        return segment

    def branch(tokens: Tokens, segment: int, parent: int) -> Branch:
        return Branch(tree.segments[parent].end - 1, tree.segments[segment].start, tokens)

    learnt = sum(bool(group.anchor) for group in groups)
    for n in range(1, shared):  # the shared prefix is predicted once
        targets.append((n - 1, groups[0].prompt[n], prompt_weight * learnt))
    for group in groups:
        asked = list[Target]()
        question = learn(group.prompt[shared:], root, prompt_weight, asked)
        targets.extend(asked[: max(0, len(asked) - group.silent)] if group.anchor else ())
        for repair in group.repairs:
            own = tree.grow(repair.own, question) if repair.own else question
            learn(repair.right, own, repair.weight, repaired)
            if repair.wrong:
                learn(repair.wrong, own, repair.weight, wrong)
        if not group.anchor:
            continue
        anchor = branch(group.anchor, learn(group.anchor, question, 1.0), question)
        if group.pair is not None:
            compared = (branch(tokens, tree.grow(tokens, question), question) for tokens in group.pair)
            pairs.append((anchor, *compared))
    references = [group.reference for group in groups if group.pair is not None]
    return tree, LossPositions(targets, pairs, references, repaired, wrong)


def pack_groups(groups: Sequence[ExampleGroup], limit: int) -> Iterator[list[ExampleGroup]]:
    """Distribute questions over packs of at most `limit` tokens: first-fit decreasing.

    A question longer than the limit gets its own pack.
    """
    shared = shared_prefix([group.prompt for group in groups])
    bins: list[list[ExampleGroup]] = []
    room: list[int] = []
    for group in sorted(groups, key=lambda group: group.tree_tokens, reverse=True):
        size = group.tree_tokens - shared
        place = next((n for n, left in enumerate(room) if size <= left), len(bins))
        if place == len(bins):
            bins.append([])
            room.append(limit - shared)
        bins[place].append(group)
        room[place] -= size
    yield from bins
