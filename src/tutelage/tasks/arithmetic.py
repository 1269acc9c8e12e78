"""Arithmetic in text: the value of an expression, and whether the calculations of a worked solution are true.

evaluate("((32 + 42) - 35)")                                    ->  39
doubtful("35 kiwis × 3 = 105 kiwis. So 105 + 1 = 107 in all.")   ->  "105 + 1 = 107"
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import pairwise

_CHARACTERS = re.compile(r"[0-9.+\-*/() ]{1,1000}")
_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "[": "(", "]": ")"})
_TIMES = re.compile(r"(?<![A-Za-z])x ?(?=[0-9($€£])|(?<=[0-9%]) of (?=[0-9($€£])")
_COMMA = re.compile(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))|[$€£]")
_PERCENT = re.compile(r"([0-9.]+) ?%")
_UNITS = re.compile(r"/[A-Za-z]+|[A-Za-z_'’]+")
_NUMBER = r"-?[0-9]*\.?[0-9]+"
_TERM = rf"\(*\s*{_NUMBER}\s*\)*"
_LEFT = re.compile(rf"{_TERM}(?:\s*[-+*/]\s*{_TERM})*\s*$")
_RIGHT = re.compile(rf"\s*{_TERM}(?:\s*[-+*/]\s*{_TERM})*")
_OPERATIONS: Mapping[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
}


def evaluate(expression: str) -> Fraction:
    """The exact value of an expression of numbers, + - * / and brackets; × ÷ and x are understood too.

    Raises:
        ValueError: it is not such an expression, divides by zero or is too long.
    """
    plain = _plain(expression).strip()
    if not _CHARACTERS.fullmatch(plain):
        raise ValueError(f"{expression[:80]!r} is not an arithmetic expression")
    try:
        return _value(ast.parse(plain, mode="eval").body)
    except (SyntaxError, ZeroDivisionError, RecursionError, MemoryError, ValueError):
        raise ValueError(f"{expression[:80]!r} has no value") from None


def doubtful(solution: str) -> str | None:
    """The first calculation of a worked solution that is false, empty ("48 = 48") or beyond checking; else None.

    Units and other words between the numbers don't count; neither does a mere name for a value ("Tom = 5 pens").
    """
    for line in solution.splitlines():
        sides = [_UNITS.sub(" ", _plain(side)) for side in line.split("=")]
        for left, right in pairwise(sides):
            if not re.search("[0-9]", left):
                continue
            calculation, result = _LEFT.search(left), _RIGHT.match(right)
            claim = f"{calculation[0].strip() if calculation else left.strip()} = {result[0].strip() if result else ''}"
            if calculation is None or result is None or not _holds(calculation[0], result[0]):
                return claim
    return None


def _holds(left: str, right: str) -> bool:
    if not re.search(r"[0-9)]\s*[-+*/]", left) and not re.search(r"[0-9)]\s*[-+*/]", right):
        return False  # says that a number is itself
    try:
        return evaluate(left) == evaluate(right)
    except ValueError:
        return False


def _plain(text: str) -> str:
    text = _COMMA.sub("", _TIMES.sub("*", text.translate(_SIGNS)))
    return _PERCENT.sub(r"(\1/100)", text)


def _value(node: ast.expr) -> Fraction:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return Fraction(repr(node.value))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        return _OPERATIONS[type(node.op)](_value(node.left), _value(node.right))
    raise ValueError("an operation that is not + - * /")
