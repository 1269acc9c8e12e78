r"""LaTeX in answers: simple marks are rewritten as plain text, what is left is compared by math-verify.

"$\frac{1}{2}$"  ->  "$1/2$"        "\sqrt{16}"  equals  "4"  (math-verify, hence SymPy)
"""

from __future__ import annotations

import importlib
import logging
import re
from functools import lru_cache
from typing import Any, cast

_REWRITES = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\\(?:left|right|displaystyle|big|Big)(?![A-Za-z])|\\!", ""),
        (r"\\[()]", " "),
        (r"\\[\[\]]\n?", " "),
        (r"(?<=[0-9])(?:\\,|\{,\})(?=[0-9]{3})", ","),
        (r"\\[,;: ]|(?<!\\)~", " "),
        (r"\\([$%#&])", r"\1"),
        (r"\\(?:text|mathrm|textbf|mathbf|mbox|textrm)\s?\{([^{}]{0,200})\}", r" \1"),
        (r"(?<=[0-9])\s?\\[dtc]?frac", r" \\frac"),  # a mixed number
        (r"\\[dtc]?frac\s?\{\s?(-?[0-9.,]{1,40})\s?\}\s?\{\s?([0-9.,]{1,40})\s?\}", r"\1/\2"),
        (r"\\[dtc]?frac\s?([0-9])\s?([0-9])", r"\1/\2"),
        (r"\\(?:times|cdot)(?![A-Za-z])", "×"),
        (r"\\div(?![A-Za-z])", "÷"),
        (r"\\approx(?![A-Za-z])", "≈"),
        (r"\^\s?(?:\\circ(?![A-Za-z])|\{\s?\\circ\s?\})", "°"),
    )
]
_OPERATION = re.compile(r"\\(?:sqrt|[dtc]?frac|pi|log|ln|sin|cos|tan)(?![A-Za-z])|[√π]|[0-9)}]\s?\^\s?[{(0-9-]")
_NOTATION = re.compile(rf"{_OPERATION.pattern}|(?<![A-Za-z])[A-Za-z]\s?\^\s?[{{(0-9-]")
_CHEAP = re.compile(
    r"(?:[0-9.,+\-*/^(){}=\s$√π]|\\(?:sqrt|[dtc]?frac|pi|cdot|times|left|right|pm)(?![A-Za-z])"
    r"|(?<![A-Za-z])[A-Za-z](?![A-Za-z]))*"
)
_COSTLY = re.compile(r"\^[^^]*\^[^^]*\^|\^\s?\{?[^{}^]*\^|\^\s?[{(]?\s?-?[0-9]{3}|[0-9]{13}|\*\*")
_LONGEST = 80


def unlatex(text: str) -> str:
    """The text with simple LaTeX (delimiters, fractions of numbers, text, spaces, signs) as plain text."""
    if "\\" not in text and "{,}" not in text:
        return text
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    return text


def is_expression(text: str) -> bool:
    r"""Whether a text holds a root, a power or the like, so that its numbers alone don't give its value."""
    return _OPERATION.search(text) is not None


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
    sides = [judge.parse(side if "$" in side else f"${side}$", parsing_timeout=None) for side in (gold, stated)]
    return all(sides) and bool(judge.verify(sides[0], sides[1], timeout_seconds=None))
