"""Finds echoes of our prompts in a reply: runs of words (n-grams) that are not in the question. Pure, linear.

prompt   "The correct answer is {answer}. Reach it by reasoning from the question alone; do not say that it was given."
reply    "We reach it by reasoning from the question alone: 3 × 4 = 12."
echo     "reach it by reasoning from the question alone"
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

LENGTH = 6
"""Words in a run; a character of a script without spaces counts as half a word."""

_SHORTEST = 5
"""Half words of a hint's text that is told by itself, such as the three words before the answer."""

UNSPACED = "\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"  # Thai, Lao, Khmer, kana, Han
_WORD = re.compile(rf"[{UNSPACED}]|[^\W\d_{UNSPACED}]+|\d+")
_HALF = re.compile(rf"[{UNSPACED}]")
_FIELD = re.compile(r"\{+[\w.!:]{0,60}\}+")

Run = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Echoes:
    """The runs of words of some prompts, and the shorter texts round the answer in a hint."""

    runs: frozenset[Run]
    short: frozenset[Run] = frozenset()

    @classmethod
    def of(cls, prompts: Iterable[str], hint: str = "") -> Echoes:
        """The runs of prompts or their templates; a run never crosses a `{field}`.

        Of a user's `hint` a text that is shorter than a run is one, too.
        """
        parts = (part for prompt in prompts for part in _FIELD.split(prompt))
        told = (tuple(_words(part)) for part in _FIELD.split(hint))
        short = frozenset(run for run in told if _SHORTEST <= sum(map(_weight, run)) < 2 * LENGTH)
        return cls(frozenset(run for part in parts for run, _ in _runs(_words(part))), short)

    def find(self, text: str, question: str) -> list[tuple[int, int]]:
        """Start and end of each run of `text` that is in the prompts and not in the question, in order."""
        places = [word.span() for word in _WORD.finditer(text)]
        asked, words = _runs_of(question), _words(text)
        ours = [at for at in _runs(words) if at[0] in self.runs and at[0] not in asked]
        for run in self.short:
            if not any(_starts(run, _words(question))):
                ours += [(run, start) for start in _starts(run, words)]
        return sorted((places[start][0], places[start + len(run) - 1][1]) for run, start in ours)


def _words(text: str) -> list[str]:
    return [word[0].lower() for word in _WORD.finditer(text)]


def _weight(word: str) -> int:
    return 1 if _HALF.match(word) else 2


def _starts(run: Run, words: Sequence[str]) -> Iterator[int]:
    """Where a run begins in some words."""
    return (
        start for start in range(len(words)) if words[start] == run[0] and tuple(words[start : start + len(run)]) == run
    )


def _runs(words: Sequence[str]) -> Iterator[tuple[Run, int]]:
    """Every minimal run of `LENGTH` words, and the index of its first word."""
    weights = [*map(_weight, words)]
    end = weight = 0
    for start in range(len(words)):
        while end < len(words) and weight < 2 * LENGTH:
            weight, end = weight + weights[end], end + 1
        if weight < 2 * LENGTH:
            return
        yield tuple(words[start:end]), start
        weight -= weights[start]


@lru_cache(maxsize=256)  # a problem is asked many times
def _runs_of(question: str) -> frozenset[Run]:
    return frozenset(run for run, _ in _runs(_words(question)))
