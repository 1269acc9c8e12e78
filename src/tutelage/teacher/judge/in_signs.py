"""Writes calculations that stand in words, or as powers, in signs, so that they can be checked. Pure, linear.

"3 times 4 is 14, and 2^3 = 6"   ->   "3 × 4 = 14, and (2 × 2 × 2) = 6"

What may mean something else stays: "3/4 is 6 cups", "3 × 5 is 5 more than 10".
"""

from __future__ import annotations

import re

_NUMBER = r"[$€£]?\d{1,9}(?:,\d{3}){0,3}(?:\.\d{1,9})?"
_SIGNS = {"times": "×", "multiplied by": "×", "plus": "+", "minus": "-", "divided by": "/"}
_OPERATOR = re.compile(rf"(?<=\d) ({'|'.join(_SIGNS)}) (?=[$€£]?\d)", re.IGNORECASE)
_PERCENT = re.compile(rf"(?<=\d) percent(?= of {_NUMBER})", re.IGNORECASE)
_PARTS = {"half": "2", "third": "3", "quarter": "4", "fifth": "5"}
_RESULT = rf"""(?={_NUMBER}(?![\d/^%]|[.,]\d)(?!\ ?[-+−–*×÷x]\ ?\d)
    (?!\ (?:\w+\ ){{0,2}}(?:more|less|fewer|times|of|short|too|than)\b))"""
"""A number that is no part of something longer, and compares nothing."""
_PART = re.compile(
    rf"\b(?:half|(?:a|one)\ (?:{'|'.join(_PARTS)}))\ of\ ({_NUMBER})\ (?:is|equals)\ {_RESULT}",
    re.IGNORECASE | re.VERBOSE,
)
_MAKES = re.compile(
    rf"""(?<![\d.,])({_NUMBER}(?:(?:\ [-+−–*/×÷x]\ |[×÷*]){_NUMBER}|%\ of\ {_NUMBER}){{1,8}}(?:\ [a-z]{{1,12}}){{0,2}}?)
    \ (?:is(?:\ equal\ to)?|equals?|makes?|gives?)\ {_RESULT}""",
    re.IGNORECASE | re.VERBOSE,
)
_POWER = re.compile(r"(?<![\w.,)√^/-])(\d{1,6}(?:\.\d{1,4})?)(?:\^([2-6])|([²³]))(?![\w.^(²³])")


def in_signs(text: str) -> str:
    """The text with its calculations in signs."""
    text = _OPERATOR.sub(lambda found: f" {_SIGNS[found[1].lower()]} ", text)
    text = _MAKES.sub(r"\1 = ", _PERCENT.sub("%", text))
    text = _PART.sub(_divided, text)
    return _POWER.sub(_multiplied, text)


def _divided(found: re.Match[str]) -> str:
    part = next(by for name, by in _PARTS.items() if name in found[0].lower())
    return f"{found[1]} / {part} = "


def _multiplied(found: re.Match[str]) -> str:
    times = int(found[2] or {"²": 2, "³": 3}[found[3]])
    return f"({' × '.join([found[1]] * times)})"
