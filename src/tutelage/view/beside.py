"""Texts beside each other: the attempts of two exams, the answers of two students, a reply before and after cleaning.

The attempts of an exam have no order: each is put beside the one of the exam before that has most of its words. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tutelage.view.diff import difference
from tutelage.view.facts import ShownAttempt
from tutelage.view.marked import Piece

ALIKE = 0.2
"""Texts with a smaller share of words in common are shown as they are: all of them would be marked."""
MOST_READ = 20_000
"""Characters of a text that its likeness is measured by."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Two texts: the left one with what it alone says as removed, the right one with what it alone says as added."""

    left: Sequence[Piece]
    right: Sequence[Piece]
    likeness: float

    @property
    def compared(self) -> bool:
        """Whether the texts have enough in common to mark what they don't."""
        return self.likeness >= ALIKE


@dataclass(frozen=True, slots=True)
class Change:
    """An attempt, and the one of the exam before that is most like it. `kind` says what has become of it."""

    before: ShownAttempt
    after: ShownAttempt
    sides: Sides

    @property
    def kind(self) -> str:
        """`wrong, now right`, for instance."""
        was, now = ("right" if each.correct else "wrong" for each in (self.before, self.after))
        return f"{was} before and now" if was == now else f"{was} before, now {now}"


def sides(left: str, right: str) -> Sides:
    """Two texts side by side; what differs is marked if they have enough in common."""
    alike = likeness(_words(left), _words(right))
    if alike < ALIKE:
        return Sides([Piece(left)] if left else [], [Piece(right)] if right else [], alike)
    pieces = difference(left, right)
    kept_or = [[piece for piece in pieces if piece.look in ("kept", look)] for look in ("removed", "added")]
    return Sides(kept_or[0], kept_or[1], alike)


def likeness(one: Counter[str], other: Counter[str]) -> float:
    """The share of the words of two texts that both have, from 0 to 1."""
    every = one.total() + other.total()
    return 2 * (one & other).total() / every if every else 1.0


def changes(before: Sequence[ShownAttempt], after: Sequence[ShownAttempt]) -> list[Change]:
    """Every attempt of an exam beside its like; first those that are right now and were wrong, then by likeness."""
    if not before:
        return []
    known = [(attempt, _words(attempt.text)) for attempt in before]
    found = list[Change]()
    for attempt in after:
        words = _words(attempt.text)
        nearest = max(known, key=lambda each: likeness(each[1], words))[0]
        found.append(Change(nearest, attempt, sides(nearest.text, attempt.text)))
    return sorted(found, key=lambda each: (each.before.correct - each.after.correct, -each.sides.likeness))


def _words(text: str) -> Counter[str]:
    return Counter(text[:MOST_READ].split())
