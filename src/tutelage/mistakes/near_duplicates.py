"""Near-duplicate detection for mistakes: the teacher's feedback on two near-duplicates would be the same. Pure.

    "Tom has 3 boxes of 4 pens: 3 × 4 = 13 pens.\\nThe answer is 13."
    "Tom has 3 boxes of 4 Pens. 3*4 = 13 pens. The answer is 13"       alike: case, white space, punctuation
    "Tom has 3 boxes of 4 pens: 3 × 4 = 12 pens.\\nThe answer is 13."  unlike: another calculation

Two texts are near-duplicates if they have the same words. They also are if their words overlap strongly and their
deciding words are the same: numbers, signs, letters of choices, negations and the last word. So a text with another
calculation or answer is never a near-duplicate.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

MAX_MISTAKE_BYTES = 2_000
"""The teacher sees at most this many UTF-8 bytes of a mistake; the rest is neither compared nor paid for."""

OVERLAP = 0.8
"""The least share of common word triples of near-duplicates; it allows one different word in 29."""

_WORD = re.compile(
    r"""\d*\.\d+ | \d+                               # .5  12
    | [^\W\d_]+(?:'[^\W\d_]+)*                     # pens  don't
    | -(?=\s?[\d(.])                               # a minus, but not the hyphen of well-known
    | (?<!\*)\*(?!\*) | [+/=<>≤≥≠%^√]             # a product, but not the stars of **bold type**
    """,
    re.VERBOSE,
)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_SAME_SIGN = str.maketrans("×·÷−–’", "**/--'")
_NEGATIONS = frozenset(("no", "not", "never", "none", "nor", "neither", "without", "cannot", "yes", "true", "false"))
_COMMON_LETTERS = frozenset("ai")
"""Words of one letter that are not deciding, as in `a pen` and `I add`."""


def clipped(text: str, limit: int) -> str:
    """The text, cut to at most `limit` UTF-8 bytes: the part that the teacher sees."""
    data = text.strip().encode(errors="replace")
    return data.decode() if len(data) <= limit else f"{data[: limit - 3].decode(errors='ignore')}…"


def alike(one: str, other: str) -> bool:
    """Whether two mistakes of one problem are near-identical. Symmetric, but not transitive."""
    if one == other:
        return True
    read, known = _read(one), _read(other)
    if read.words == known.words:
        return True
    return read.deciding == known.deciding and _overlap(read.words, known.words) >= OVERLAP


@dataclass(frozen=True, slots=True)
class _Reading:
    """The words of a text, and its deciding words: numbers, signs and the like, and the last word."""

    words: tuple[str, ...]
    deciding: tuple[str, ...]


@lru_cache(maxsize=1024)  # mistakes are compared within a problem only
def _read(text: str) -> _Reading:
    """The words, numbers and signs of the part that the teacher sees; `1,000` is 1000 and `×` is *."""
    shown = clipped(text, MAX_MISTAKE_BYTES).casefold().translate(_SAME_SIGN)
    words = tuple(_WORD.findall(_THOUSANDS.sub("", shown)))
    return _Reading(words, (*filter(_decides, words), *words[-1:]))


def _decides(word: str) -> bool:
    if len(word) == 1:
        return word not in _COMMON_LETTERS
    return not word[0].isalpha() or word in _NEGATIONS or word.endswith("n't")


def _overlap(words: Sequence[str], others: Sequence[str]) -> float:
    """The share of common word triples (shingles): Broder (1997), "On the resemblance and containment of documents"."""
    one, other = _triples(words), _triples(others)
    return len(one & other) / max(1, len(one | other))


def _triples(words: Sequence[str]) -> set[tuple[str, str, str]]:
    return set(zip(words, words[1:], words[2:], strict=False))
