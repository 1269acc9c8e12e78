"""Writes numbers and calculations as text; the inverse of `numbers` and `parser`. Pure.

Fraction(1, 4)                           ->  "0.25"
Fraction(1, 3)                           ->  "1/3"
(32 + 42) / 2, parsed as an Operation    ->  "(32 + 42) / 2"
"""

from __future__ import annotations

from fractions import Fraction

from tutelage.text.expressions import Expression, Operation

MOST_DECIMALS = 20
"""The most decimals of a decimal number; floating-point numbers such as 0.6666666666666666 have fewer."""

_SIGNS = {"+": "+", "-": "-", "*": "×", "/": "/"}
_BINDS = {"+": 1, "-": 1, "*": 2, "/": 2}


def write_number(value: Fraction, places: int = 0) -> str:
    """`12`, `-3`, `0.25`; a value that needs more than 20 (or `places`) decimals is written as a fraction, `10/3`."""
    twos = (value.denominator & -value.denominator).bit_length() - 1
    rest, fives = value.denominator >> twos, 0
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    decimals = max(twos, fives)
    if rest > 1 or decimals > max(MOST_DECIMALS, places):
        return f"{value.numerator}/{value.denominator}"
    digits = f"{abs(value.numerator) * 10**decimals // value.denominator:0{decimals + 1}d}"
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}" if decimals else f"{sign}{digits}"


def write_expression(expression: Expression) -> str:
    """An expression with the fewest brackets, such as `(32 + 42) / 2`."""
    if isinstance(expression, Fraction):
        return write_number(expression)
    operator, binds = expression.operator, _BINDS[expression.operator]
    left = _operand(expression.left, binds)
    right = _operand(expression.right, binds + (operator in "-/"), right=True)
    return f"{left} {_SIGNS[operator]} {right}"


def _operand(expression: Expression, binds: int, *, right: bool = False) -> str:
    text = write_expression(expression)
    if isinstance(expression, Operation):
        # A sum in a product, or to the right of a minus, needs brackets.
        return f"({text})" if _BINDS[expression.operator] < binds else text
    fraction_or_negative = "/" in text or (right and expression < 0)
    return f"({text})" if fraction_or_negative else text
