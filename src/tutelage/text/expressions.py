"""Arithmetic expression trees and their exact values. Pure; `parser` reads them, `format` writes them.

Operation("*", 2, Operation("+", 3, 4))  ->  14

Text is never evaluated as code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

Operator = str  # one of + - * /


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator between two expressions."""

    operator: Operator
    left: Expression
    right: Expression


Expression = Fraction | Operation


def evaluate(expression: Expression) -> Fraction | None:
    """The exact value; None if it divides by zero."""
    if isinstance(expression, Fraction):
        return expression
    left, right = evaluate(expression.left), evaluate(expression.right)
    if left is None or right is None or (expression.operator == "/" and right == 0):
        return None
    return _APPLY[expression.operator](left, right)


_APPLY: dict[Operator, Callable[[Fraction, Fraction], Fraction]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}


def operands(expression: Expression) -> list[Fraction]:
    """The numbers of an expression, from left to right."""
    if isinstance(expression, Fraction):
        return [expression]
    return [*operands(expression.left), *operands(expression.right)]


def substitute(expression: Expression, values: Mapping[Fraction, Fraction]) -> Expression:
    """The expression with its numbers replaced by their counterparts in `values`."""
    if isinstance(expression, Fraction):
        return values.get(expression, expression)
    return Operation(expression.operator, substitute(expression.left, values), substitute(expression.right, values))
