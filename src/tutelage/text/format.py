"""Numbers and calculations as text. Pure, the inverse of `expressions`.

Fraction(1, 4)                           ->  "0.25"
(32 + 42) / 2, parsed as an Operation    ->  "(32 + 42) / 2"
"""

from __future__ import annotations

from fractions import Fraction

from tutelage.text.expressions import Expression, Operation

_SIGNS = {"+": "+", "-": "-", "*": "×", "/": "/"}
_BINDS = {"+": 1, "-": 1, "*": 2, "/": 2}


def write_number(value: Fraction) -> str:
    """`12`, `-3`, `0.25`; a value without a short decimal as a fraction, `10/3`."""
    if value.denominator == 1:
        return str(value.numerator)
    for decimals in range(1, 7):
        scaled = value * 10**decimals
        if scaled.denominator == 1:
            digits = f"{abs(scaled.numerator):0{decimals + 1}d}"
            return f"{'-' if value < 0 else ''}{digits[:-decimals]}.{digits[-decimals:]}"
    return f"{value.numerator}/{value.denominator}"


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
        # A sum within a product, or to the right of a minus, needs its brackets.
        return f"({text})" if _BINDS[expression.operator] < binds else text
    fraction_or_negative = "/" in text or (right and expression < 0)
    return f"({text})" if fraction_or_negative else text
