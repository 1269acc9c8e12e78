r"""Mathematical expressions compared by math-verify: roots, powers, letters. Pure.

"\sqrt{16}"  equals  "4"        "x^2+1"  equals  "x^{2} + 1"

What is arithmetic we read ourselves, exactly and in no time; SymPy takes a second to load and may take for ever.
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
_LONGEST = 80


def is_expression(text: str) -> bool:
    r"""Whether a text holds a root, a power or the like, so that its numbers alone don't give its value."""
    if _OPERATION.search(text) is None:
        return False
    without = list(text)
    for number in find_numbers(text):  # 1.8 × 10^6 is a number
        without[number.start : number.end] = "0" * (number.end - number.start)
    return _OPERATION.search("".join(without)) is not None


def same_expression(gold: str, stated: str) -> bool:
    r"""Whether two expressions are equal, at least one of them in mathematical notation.

    Only short ones of numbers, letters, roots, powers and fractions are computed; SymPy may take for ever over others
    (trigonometry, towers of powers, factorials), which count as different unless they are written the same.
    """
    pair = (gold.strip(), stated.strip())
    if not any(_NOTATION.search(side) for side in pair):
        return False
    if pair[0] == pair[1]:
        return True
    return all(map(_is_cheap, pair)) and _equal(*pair)


def _is_cheap(side: str) -> bool:
    return len(side) <= _LONGEST and _CHEAP.fullmatch(side) is not None and _COSTLY.search(side) is None


@lru_cache(maxsize=4096)
def _equal(gold: str, stated: str) -> bool:
    judge = cast(Any, importlib.import_module("math_verify"))  # here, since SymPy takes a second and is rarely needed
    for name in ("math_verify.parser", "math_verify.grader", "math_verify.utils"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # No time limits: math-verify keeps them by signals, which work in the main thread alone. `_COSTLY` stands in.
    gold, stated = (side.replace("×", r"\times ").replace("÷", r"\div ") for side in (gold, stated))
    sides = [judge.parse(side if "$" in side else f"${side}$", parsing_timeout=None) for side in (gold, stated)]
    return all(sides) and bool(judge.verify(sides[0], sides[1], timeout_seconds=None))
