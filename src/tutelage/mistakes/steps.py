"""The calculations of an attempt beside those of the worked solution: what several readers of mistakes ask. Pure.

attempt   "23 - 20 = 3. 3 + 6 = 8."     with true results it comes to 3 + 6 = 9
solution  "23 + 6 = 29. 29 - 20 = 9."   so its way was another, but right
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from tutelage.text.calculations import Calculation
from tutelage.text.expressions import evaluate, operands, substitute


def numbers_of(step: Calculation) -> list[Fraction]:
    """What a step calculates with, without signs, in rising order."""
    return sorted(abs(value) for value in operands(step.left))


def same_step(one: Calculation, other: Calculation) -> bool:
    """Whether two steps do the same with the same numbers, whatever they make of it."""
    return one.left.operator == other.left.operator and numbers_of(one) == numbers_of(other)


def is_check(step: Calculation, before: Sequence[Calculation]) -> bool:
    """Whether a true step only runs one from `before` backwards, or repeats it: `39 + 35 = 74` after `74 - 35 = 39`."""
    if not step.holds:
        return False
    numbers = sorted([*numbers_of(step), abs(step.result)])
    return any(numbers == sorted([*numbers_of(item), abs(item.result)]) for item in before)


def with_true_results(steps: Sequence[Calculation]) -> Fraction | None:
    """What the last step would make if each had gone on from true results; None for no step, or a division by zero."""
    true: dict[Fraction, Fraction] = {}
    value = None
    for step in steps:
        value = evaluate(substitute(step.left, true))
        if value is not None:
            true[step.result] = value
    return value


def swapped_number(step: Calculation, right: Calculation) -> tuple[Fraction, Fraction] | None:
    """The one number in which a step of the same operation differs from the right one, and what is right there."""
    here, there = Counter(numbers_of(step)), Counter(numbers_of(right))
    extra, missing = list((here - there).elements()), list((there - here).elements())
    if step.left.operator != right.left.operator or len(extra) != 1 or len(missing) != 1:
        return None
    return extra[0], missing[0]
