"""Compares calculations of an attempt with those of the worked solution. Pure.

attempt   "23 - 20 = 3. 3 + 6 = 8."     with true results it gives 3 + 6 = 9
solution  "23 + 6 = 29. 29 - 20 = 9."   so the attempt's plan is different, but right
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from tutelage.text.calculations import Calculation
from tutelage.text.expressions import evaluate, operands, substitute


def numbers_of(step: Calculation) -> list[Fraction]:
    """The operands of a step, without signs, in ascending order."""
    return sorted(abs(value) for value in operands(step.left))


def same_step(one: Calculation, other: Calculation) -> bool:
    """Whether two steps have the same operator and operands, whatever their results."""
    return one.left.operator == other.left.operator and numbers_of(one) == numbers_of(other)


def is_check(step: Calculation, before: Sequence[Calculation]) -> bool:
    """Whether a true step only repeats or inverts one of `before`: `39 + 35 = 74` after `74 - 35 = 39`."""
    if not step.holds:
        return False
    numbers = sorted([*numbers_of(step), abs(step.result)])
    return any(numbers == sorted([*numbers_of(item), abs(item.result)]) for item in before)


def with_true_results(steps: Sequence[Calculation]) -> Fraction | None:
    """The last step's result if every step had used true results; None without steps or with a division by zero."""
    true: dict[Fraction, Fraction] = {}
    value = None
    for step in steps:
        value = evaluate(substitute(step.left, true))
        if value is not None:
            true[step.result] = value
    return value


def swapped_number(step: Calculation, right: Calculation) -> tuple[Fraction, Fraction] | None:
    """The single wrong operand of a step with the right operator, and the right operand; None otherwise."""
    here, there = Counter(numbers_of(step)), Counter(numbers_of(right))
    extra, missing = list((here - there).elements()), list((there - here).elements())
    if step.left.operator != right.left.operator or len(extra) != 1 or len(missing) != 1:
        return None
    return extra[0], missing[0]
