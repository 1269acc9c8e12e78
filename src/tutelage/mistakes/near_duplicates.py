"""Whether two mistakes are so alike that the teacher would only repeat itself. Pure.

    "Tom has 3 boxes of 4 pens: 3 × 4 = 13 pens.\\nThe answer is 13."
    "Tom has 3 boxes of 4 Pens. 3*4 = 13 pens. The answer is 13"       alike: case, white space, punctuation
    "Tom has 3 boxes of 4 pens: 3 × 4 = 12 pens.\\nThe answer is 13."  unlike: another calculation

Alike are texts of the same words, and texts whose words overlap very much and decide the same: numbers, signs, letters
of choices, negations and the last word must be the same, so that no other calculation or answer passes for a repeat.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

MAX_MISTAKE_BYTES = 2_000
"""UTF-8 bytes of a mistake that the teacher is shown: what comes later makes no difference, and costs nothing."""

OVERLAP = 0.8
"""From this share of common word triples on, two texts hardly differ: in 29 words, one of them."""

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
"""Words of one letter that decide nothing, as in `a pen` and `I add`."""


def clipped(text: str, limit: int) -> str:
    """At most `limit` UTF-8 bytes of the text: what the teacher is shown of it."""
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
    """The words of a text, and those on which a calculation or an answer turns with the last one."""

    words: tuple[str, ...]
    deciding: tuple[str, ...]


@lru_cache(maxsize=1024)  # a problem's mistakes are compared with each other, then never again
def _read(text: str) -> _Reading:
    """Words, numbers and signs of as much as the teacher is shown; `1,000` is 1000 and `×` is *."""
    shown = clipped(text, MAX_MISTAKE_BYTES).casefold().translate(_SAME_SIGN)
    words = tuple(_WORD.findall(_THOUSANDS.sub("", shown)))
    return _Reading(words, (*filter(_decides, words), *words[-1:]))


def _decides(word: str) -> bool:
    if len(word) == 1:
        return word not in _COMMON_LETTERS
    return not word[0].isalpha() or word in _NEGATIONS or word.endswith("n't")


def _overlap(words: Sequence[str], others: Sequence[str]) -> float:
    """Common word triples as a share of all: the resemblance of Broder (1997), "On the resemblance of documents"."""
    one, other = _triples(words), _triples(others)
    return len(one & other) / max(1, len(one | other))


def _triples(words: Sequence[str]) -> set[tuple[str, str, str]]:
    return set(zip(words, words[1:], words[2:], strict=False))
