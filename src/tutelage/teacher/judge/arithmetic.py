"""Whether the reasoning for a number earns it: it comes to it, by steps that are done, with numbers that are there.

question  "Tom has 3 boxes of 4 pens and loses 2. How many are left?", answer 10
sound     "3 × 4 = 12 pens. He loses 2, so 12 - 2 = 10."
unsound   "3 × 4 = 12 pens. He loses 2."                  does not come to 10
unsound   "First multiply. Then subtract the lost ones."  announces steps and does none
unsound   "3 × 4 = 12 pens. 17 - 7 = 10 are left."        17 stands nowhere before

Doubt acquits: a number may be what one operation makes of known ones, and units may be converted. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from tutelage.records import Problem
from tutelage.teacher.judge.aim import Flaw, find_aim_flaw, sums
from tutelage.teacher.judge.constants import constants
from tutelage.teacher.judge.values import find_values, follows, numbers_of, rests
from tutelage.text.expressions import Expression, Operation, operands
from tutelage.text.format import write_number
from tutelage.text.numbers import Number

_ORDINAL = re.compile(r"\b\d{1,4}(?:st|nd|rd|th)\s([a-z]{3,20})\s?[-+*×÷]\s?\d+\s\1s?\b", re.IGNORECASE)
"""A place in an order, calculated with as if it were an amount: 2nd customer + 26 customers."""
_COUNTS = frozenset({Fraction(3)})
"""How many are named, such as Ann, Ben and Cleo."""
_FACTORS = frozenset({Fraction(2), Fraction(10)})
"""Numbers that anyone may calculate with, but that make no term of a sum unless the text speaks of them."""
_MOST_KNOWN = 80
"""Known values; from more of them one operation makes almost any number."""


def find_flaw(steps: str, problem: Problem, wanted: Number) -> Flaw | None:
    """Why the steps do not earn the number that the problem wants; None where they do."""
    return find_aim_flaw(steps, problem, wanted) or find_ungrounded(steps, problem)


def find_ungrounded(steps: str, problem: Problem, *, strictly: bool = False) -> Flaw | None:
    """The first number that is calculated with and stands neither in the question nor before, if so.

    What one operation makes of known numbers counts as known, but not `strictly`.
    """
    if (place := _ORDINAL.search(steps)) is not None:
        return "numbers from nowhere", f"a place in an order is no amount: {place[0]!r}"
    asked = set(numbers_of(problem.text))
    if not asked:
        return None
    known = asked | constants(f"{problem.text}\n{steps}") | _COUNTS
    unsaid = _FACTORS - asked - set(numbers_of(steps))
    written = sums(steps)
    added = next(written, None)
    for item in find_values(steps):
        while added is not None and added[0] < item.start:
            known, added = known | {added[1]}, next(written, None)
        if len(known) > _MOST_KNOWN:
            return None
        if item.calculation is None:
            known |= {value for value in item.values if item.result or follows(value, known)}
            continue
        terms = set(_terms(item.calculation.left))
        for number in operands(item.calculation.left):
            derived = not strictly and follows(number, known - unsaid if number in terms else known)
            if number not in known and not derived:
                reason = f"{write_number(number)} stands neither in the question nor before {item.calculation.text!r}"
                return "numbers from nowhere", " ".join(reason.split())
        known.update(item.all_values, rests(item.calculation, ()))
    return None


def _terms(expression: Expression) -> Iterator[Fraction]:
    """The numbers that an expression adds or subtracts as they are."""
    if isinstance(expression, Operation) and expression.operator in ("+", "-"):
        for side in (expression.left, expression.right):
            yield from [side] if isinstance(side, Fraction) else _terms(side)
