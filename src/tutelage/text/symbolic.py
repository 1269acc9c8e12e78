r"""Compares mathematical expressions (roots, powers, letters) by math-verify, which uses SymPy. Pure.

"\sqrt{16}"  equals  "4"        "x^2+1"  equals  "x^{2} + 1"

Plain arithmetic is evaluated exactly by `parser` instead: SymPy takes a second to load, and some inputs never end.
"""

from __future__ import annotations

import importlib
import logging
import re
from functools import lru_cache
from typing import Any, cast

from tutelage.text.numbers import find_numbers

_OPERATION = re.compile(r"\\(?:sqrt|[dtc]?frac|pi|log|ln|sin|cos|tan)(?![A-Za-z])|[√π]|[0-9)}]\s?\^\s?[{(0-9-]")
_NOTATION = re.compile(rf"{_OPERATION.pattern}|(?<![A-Za-z])[A-Za-z]\s?\^\s?[{{(0-9-]")
_CHEAP = re.compile(
    r"(?:[0-9.,+\-*/×÷^(){}=\s$√π]|\\(?:sqrt|[dtc]?frac|pi|cdot|times|left|right|pm)(?![A-Za-z])"
    r"|(?<![A-Za-z])[A-Za-z](?![A-Za-z]))*"
)
_COSTLY = re.compile(r"\^[^^]*\^[^^]*\^|\^\s?\{?[^{}^]*\^|\^\s?[{(]?\s?-?[0-9]{3}|[0-9]{13}|\*\*")
_WIDE = re.compile(
    r"(?:[0-9.,+\-*/×÷^(){}\[\]=<>≤≥|:;\s$√π∞]|\\[{},!;:\s]|(?<![0-9])[0-9]{1,2}!"
    r"|\\(?:sqrt|[dtc]?frac|pi|infty|cdot|times|left|right|pm|leq?|geq?|neq?|cup|cap|in|binom)(?![A-Za-z])"
    r"|\\?(?:sin|cos|tan|log|ln|exp|sqrt)(?![A-Za-z])|(?<![A-Za-z\\])[A-Za-z]{1,3}(?![A-Za-z]))*"
)
_FUNCTION = re.compile(r"sin|cos|tan|log|ln|exp")
_MOST_FUNCTIONS = 4
"""The most functions on both sides together: SymPy took minutes for a product of ten, at most seconds for four."""
_TOWER = re.compile(
    r"\^\s?(?:\{[^{}]*\^|\([^()]*\^|-?(?:[0-9]+|[A-Za-z])\s?\^)|\^\s?[{(]?\s?-?[0-9]{3}|[0-9]{13}"
    r"|exp.*(?:exp|[!^])|[!^].*exp|\^.*!|!.*\^|!.*!"
)
_HIGH_POWER = re.compile(r"[)\]}]\s?\^\s?[{(]?\s?[1-9][0-9]")
_LONGEST = 80


def is_expression(text: str) -> bool:
    r"""Whether a text has a root, a power or the like, so that its numbers alone don't give its value."""
    if _OPERATION.search(text) is None:
        return False
    without = list(text)
    for number in find_numbers(text):  # 1.8 × 10^6 is a number
        without[number.start : number.end] = "0" * (number.end - number.start)
    return _OPERATION.search("".join(without)) is not None


def same_expression(gold: str, stated: str) -> bool:
    r"""Whether two expressions are equal, at least one of them in mathematical notation.

    Only short expressions of numbers, letters, roots, powers and fractions are computed. SymPy may not end on others
    (trigonometry, towers of powers, factorials); these count as different unless they are written the same.
    """
    pair = (gold.strip(), stated.strip())
    if not any(_NOTATION.search(side) for side in pair):
        return False
    if pair[0] == pair[1]:
        return True
    return all(map(_is_cheap, pair)) and _equal(*pair)


def equal_mathematics(gold: str, stated: str) -> bool:
    r"""Whether two texts are equal as mathematics, whatever their notation: x+1 and 1+x, (1, 2), x < 3, \sin(2x).

    Accepts more than `same_expression`, for answers that are known to be mathematics. Expressions on which SymPy may
    not end count as different here, too.
    """
    pair = [" ".join(side.split()).rstrip(".").replace("**", "^") for side in (gold, stated)]
    few = len(_FUNCTION.findall(" ".join(pair))) <= _MOST_FUNCTIONS
    return pair[0] == pair[1] or (few and all(map(_is_bounded, pair)) and _equal(*pair))


def _is_cheap(side: str) -> bool:
    plain = _CHEAP.fullmatch(side) is not None and _COSTLY.search(side) is None
    return len(side) <= _LONGEST and plain and not _is_high(side)


def _is_bounded(side: str) -> bool:
    low = _TOWER.search(side) is None and not _is_high(side)
    return len(side) <= _LONGEST and _WIDE.fullmatch(side) is not None and low


def _is_high(side: str) -> bool:
    """Whether it has a high power of a sum of many letters, which SymPy may expand."""
    return _HIGH_POWER.search(side) is not None and len(set(filter(str.isalpha, side))) > 2


@lru_cache(maxsize=4096)
def _equal(gold: str, stated: str) -> bool:
    judge = cast(
        Any, importlib.import_module("math_verify")
    )  # imported here: SymPy takes a second and is rarely needed
    for name in ("math_verify.parser", "math_verify.grader", "math_verify.utils"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # math-verify's time limits use signals, for the main thread only; `_COSTLY` and `_TOWER` replace them.
    gold, stated = (side.replace("×", r"\times ").replace("÷", r"\div ") for side in (gold, stated))
    sides = [judge.parse(side if "$" in side else f"${side}$", parsing_timeout=None) for side in (gold, stated)]
    return all(sides) and bool(judge.verify(sides[0], sides[1], timeout_seconds=None))
