"""Finds problems that are the same or nearly the same as known ones. Pure.

    "Tom has 3 boxes of 4 pens. How many pens?"          12
    "Ann has 3 boxes of 4 pens. How many pens?"          12    near: another name
    "How many pens? Tom has 3 boxes of 4 pens."          12    near: the same words in another order
    "Tom has 3 boxes of 5 pens. How many pens?"          15    another problem: the numbers differ
    "Tom has 3 boxes and 4 pens. How many things?"        7    another problem: so does the answer

Problems without numbers are near if they share most of their words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from operator import attrgetter
from typing import Generic, TypeVar

from tutelage.records import Problem
from tutelage.text.numbers import find_numbers, find_word_numbers, read_number

OVERLAP = 0.75
"""The least share of common words of near-identical problems; it allows one different word in seven."""
_WORD = re.compile(r"\w+")

Name = TypeVar("Name")


@dataclass(frozen=True, slots=True)
class _Reading:
    """A problem as it is compared: its numbers in order, its words, and the value of its answer."""

    numbers: tuple[Fraction, ...]
    words: tuple[str, ...]
    answer: object


class NearProblems(Generic[Name]):
    """Known problems, each with a name such as its split."""

    def __init__(self) -> None:
        self._by_words: dict[tuple[str, ...], Name] = {}
        self._by_numbers: dict[tuple[Fraction, ...], list[tuple[frozenset[str], object, Name]]] = {}

    def add(self, problems: Iterable[Problem], name: Name) -> None:
        """Know some more problems."""
        for problem in problems:
            read = _read(problem)
            self._by_words.setdefault(tuple(sorted(read.words)), name)
            self._by_numbers.setdefault(read.numbers, []).append((frozenset(read.words), read.answer, name))

    def find(self, problem: Problem) -> Name | None:
        """The name of a known problem that is the same or nearly the same; None if there is none."""
        read = _read(problem)
        if (same := self._by_words.get(tuple(sorted(read.words)))) is not None:
            return same
        words = frozenset(read.words)
        for others, answer, name in self._by_numbers.get(read.numbers, ()):
            if (answer == read.answer or not read.numbers) and _overlap(words, others) >= OVERLAP:
                return name
        return None


def _read(problem: Problem) -> _Reading:
    text = replace(problem, system=None).text
    numbers = sorted((*find_numbers(text), *find_word_numbers(text)), key=attrgetter("start"))
    value = read_number(problem.answer)
    answer = problem.answer.casefold() if value is None else value
    return _Reading(tuple(number.value for number in numbers), tuple(_WORD.findall(text.casefold())), answer)


def _overlap(words: frozenset[str], others: frozenset[str]) -> float:
    if min(len(words), len(others)) < OVERLAP * max(len(words), len(others)):
        return 0.0  # whatever they share; quickly, since problems without numbers are compared with all others
    common = len(words & others)
    return common / max(1, len(words) + len(others) - common)
