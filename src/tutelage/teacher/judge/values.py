"""The numbers and calculations of a text, by where they stand, and what one operation makes of numbers. Pure.

"Of 3 boxes of 4 pens, 3 × 4 = 12 are left."    3 and 4 stated, 12 a result, made of 3 and 4
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fractions import Fraction
from operator import attrgetter

from tutelage.text.calculations import Calculation, find_calculations
from tutelage.text.expressions import operands
from tutelage.text.numbers import Number, find_numbers, find_word_numbers, fold

_MADE = re.compile(r"(?:[=≈→]|\bequals?|\bis equal to)\s{0,3}(?:[A-Za-z]\s?[-=+−]\s?)?[($€£]{0,3}$")
"""The text before a result without a calculation: x = 12, ≈ 9, S + 30 = S + 143."""
_NAMED = re.compile(r"\s?=\s?[a-zA-Z]\b(?!\s?[-+*/×÷=])")
"""The text behind one: 12 = x."""
_SPACED = re.compile(r"(?<![\d.,])\d{1,3}(?: \d{3})+(?!\d)")
_PERCENT = re.compile(r"\s?(?:%|percent|per cent)", re.IGNORECASE)
_BOTH = 2
_PLAIN = re.compile(r"(?<!\d)(?<!\d[.,])\d{1,15}(?:\.\d{1,15})?(?![.,]?\d)")


@dataclass(frozen=True, slots=True)
class Found:
    """A number or a calculation in a text, and the values that it may mean; `result` if it is a step's result."""

    start: int
    end: int
    values: tuple[Fraction, ...]
    result: bool
    calculation: Calculation | None = None

    @property
    def all_values(self) -> tuple[Fraction, ...]:
        """The values, with those that a calculation starts from."""
        return self.values if self.calculation is None else (*operands(self.calculation.left), *self.values)


def find_values(text: str) -> list[Found]:
    """The calculations of a text and the numbers outside them, in order."""
    calculations = find_calculations(text)
    found = [_of(calculation) for calculation in calculations]
    place = 0
    for number in sorted(all_numbers(text), key=attrgetter("start")):
        while place < len(calculations) and calculations[place].end <= number.start:
            place += 1
        if place == len(calculations) or number.end <= calculations[place].start:
            made = _MADE.search(text, max(0, number.start - 24), number.start) or _NAMED.match(text, number.end)
            found.append(Found(number.start, number.end, tuple(meanings(number, text)), made is not None))
    return sorted(found, key=attrgetter("start"))


def _of(calculation: Calculation) -> Found:
    values = (calculation.result,) if calculation.value is None else (calculation.result, calculation.value)
    return Found(calculation.start, calculation.end, values, True, calculation)


def all_numbers(text: str) -> list[Number]:
    """The numbers of a text, in figures and in words, whatever they belong to."""
    if " 000" in text:
        text = _SPACED.sub(lambda match: match[0].replace(" ", ","), text)
    found = [*find_numbers(text), *find_word_numbers(text)]
    starts = {number.start for number in found}
    plain = (match for match in _PLAIN.finditer(fold(text)) if match.start() not in starts)
    return [*found, *(Number(*match.span(), Fraction(match[0])) for match in plain)]


def numbers_of(text: str) -> Iterator[Fraction]:
    """All values that the numbers of a text may stand for."""
    return (value for number in all_numbers(text) for value in meanings(number, text))


def meanings(number: Number, text: str) -> Iterator[Fraction]:
    """The values that a number may mean: 20 % may also be 0.2, 0.8 or 1.2."""
    yield number.value
    if number.scale > 1:
        yield number.value / number.scale
    if number.percent or _PERCENT.match(text, number.end):
        part = number.value / 100
        yield from (part, 1 - part, 1 + part, 100 - number.value, 100 + number.value)


def rests(calculation: Calculation, known: Collection[Fraction]) -> set[Fraction]:
    """What a division to a whole number leaves: 2 of 50 ÷ 8 = 6, and of 8 × 6 = 48 if 50 is known."""
    parts = operands(calculation.left)
    if len(parts) != _BOTH or any(part.denominator != 1 or part < 1 for part in parts):
        return set()
    one, other = parts
    if calculation.left.operator == "/":
        return {one % other} if calculation.result == one // other else set()
    short = {whole - one * other for whole in known} if calculation.left.operator == "*" else set[Fraction]()
    return {rest for rest in short if 0 < rest < max(parts) and rest.denominator == 1}


def follows(value: Fraction, known: Collection[Fraction]) -> bool:
    """Whether a value is known, or the result of one operation on two known ones; a double needs a known 2."""
    if value in known or -value in known:
        return True
    doubled = Fraction(2) in known
    return any(
        (value - one in known and (doubled or value != 2 * one))
        or one - value in known
        or (one and (value / one in known or (value and one / value in known)))
        for one in known
    )
