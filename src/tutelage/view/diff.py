"""The difference of two texts, word by word: what both say, what the old one alone says, what the new one alone. Pure.

old     "2 × 4 = 8 legs."
new     "2 × 2 = 4 legs."
pieces  "2 × " (kept), "4 = 8" (removed), "2 = 4" (added), " legs." (kept)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher

from tutelage.view.marked import Look, Piece

MOST_PARTS = 1_000
"""The words, or lines, of one text that are compared with those of the other. The time for them is bounded, though it
can be quadratic: difflib passes over what stands in more than a hundredth of a text of 200 parts or more."""
MOST_CHARACTERS = 200_000
"""Both texts together; longer ones are compared only at their beginnings and ends."""

_SIDES: tuple[Look, Look] = "removed", "added"
_WORD = re.compile(r"\s+|\w+(?:[.,]\w+)*|[^\w\s]")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def difference(old: str, new: str) -> list[Piece]:
    """The pieces of both texts: kept and removed ones, joined, are the old text; kept and added ones the new one.

    Beyond what both begin and end with, texts of up to a thousand words each are compared by words, others by lines,
    and if there are more than a thousand of them, one replaces the other.
    """
    return _tidy(piece for piece in _compared(old, new) if piece.text)


def _compared(old: str, new: str) -> Iterator[Piece]:
    start = _cut(old[: _alike(old, new)])
    end = _alike(old[start:][::-1], new[start:][::-1])
    end -= _cut(old[len(old) - end :], first=True) if end < max(len(old), len(new)) - start else 0
    yield Piece(old[:start])
    yield from _middle(old[start : len(old) - end], new[start : len(new) - end])
    yield Piece(old[len(old) - end :])


def _cut(text: str, *, first: bool = False) -> int:
    """Where the first, or last, line or else word of a text ends: what two texts share may stop within one."""
    for gap in "\n ":
        if (end := text.find(gap) if first else text.rfind(gap)) >= 0:
            return end + (gap == "\n" or not first)
    return len(text) if first else 0


def _alike(old: str, new: str) -> int:
    """How many characters two texts begin with alike, by halving, since slices are compared fast."""
    low, high = 0, min(len(old), len(new))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if old[low:middle] == new[low:middle] else (low, middle - 1)
    return low


def _middle(old: str, new: str) -> Iterator[Piece]:
    if len(old) + len(new) <= MOST_CHARACTERS:
        for part in (_WORD, _LINE):
            parts = part.findall(old), part.findall(new)
            if max(map(len, parts)) <= MOST_PARTS:
                yield from _matched(*parts)
                return
    yield from (Piece(old, "removed"), Piece(new, "added"))


def _matched(old: Sequence[str], new: Sequence[str]) -> Iterator[Piece]:
    # white space may stand in a stretch that both have, but not begin one: most of it would fit anywhere
    for change, i, j, k, m in SequenceMatcher(str.isspace, old, new).get_opcodes():
        if change == "equal":
            yield Piece("".join(old[i:j]))
        else:
            yield from (Piece("".join(old[i:j]), "removed"), Piece("".join(new[k:m]), "added"))


def _tidy(pieces: Iterable[Piece]) -> list[Piece]:
    """Join what stands side by side. What both have between two changes becomes a part of both if it is a word or less.

    "4 = 8" beside "2 = 4" shares a 4 that says nothing.
    """
    tidy, kept = list[Piece](), ""
    change: dict[Look, str] = {}
    for piece in pieces:
        if piece.look == "kept":
            kept += piece.text
            continue
        if change and sum(word[0].isalnum() for word in _WORD.findall(kept)) < 2:
            change = {look: change.get(look, "") + kept for look in _SIDES}
        else:
            tidy += [*_changed(change), Piece(kept)]
            change = {}
        kept = ""
        change[piece.look] = change.get(piece.look, "") + piece.text
    return [piece for piece in (*tidy, *_changed(change), Piece(kept)) if piece.text]


def _changed(change: Mapping[Look, str]) -> Iterator[Piece]:
    yield from (Piece(change[look], look) for look in _SIDES if look in change)
