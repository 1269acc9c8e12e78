"""Parses number words: eighteen, twenty-one, one hundred and five, two million, two and a half, a dozen.

A lone "one" is not a number if it is a pronoun ("the last one", "each one", "one of them").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

_SMALL = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_VALUES = {word: value for value, word in enumerate(_SMALL)} | {
    word: value for value, word in zip(range(20, 100, 10), _TENS, strict=True)
}
_SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
PARTS = {
    "half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10,
}  # fmt: skip

_UP_TO_99 = rf"(?:(?:{'|'.join(_TENS)})(?:[- ](?:{'|'.join(_SMALL[1:10])}))?|{'|'.join(sorted(_SMALL, key=len)[::-1])})"
_UP_TO_999 = rf"(?:(?:{_UP_TO_99}|a)[- ]hundred(?:[- ](?:and[- ])?{_UP_TO_99})?|{_UP_TO_99})"
_GREAT = "(?:thousand|million|billion|trillion)"
_WHOLE = rf"(?:{_UP_TO_999}|a(?=[- ]{_GREAT}))(?:[- ]{_GREAT}(?:,?[- ](?:and[- ])?{_UP_TO_999})?)*"
_PART = "|".join(PARTS)
_WORDS = re.compile(
    rf"""
    (?<![\w-])(?P<minus>(?:minus|negative)\ )?
    (?:
        (?P<whole>{_WHOLE})(?![\w])
        (?:\ and\ (?:a|one)[- ](?P<extra>{_PART})\b|[- ](?P<part>halves|(?:{_PART})s?)\b)?
      | (?P<half>half)(?!\w)(?:\ an?(?=\ (?:dozen|{_GREAT})\b))?
      | an?(?=\ dozen\b)
    )
    (?:\ (?P<scale>dozen|{_GREAT})\b)?
    (?P<percent>\ per\ ?cent\b)?
    """,
    re.VERBOSE | re.IGNORECASE,
)
_NO_COUNT_BEFORE = frozenset(
    ("the", "this", "that", "each", "every", "any", "no", "some", "which", "only", "other", "another", "last", "first")
)


def word_numbers(text: str) -> Iterator[tuple[int, int, Fraction, bool]]:
    """Start, end, value and whether it is a percentage, for every number in words."""
    for match in _WORDS.finditer(text):
        if match["whole"] and match["whole"].lower() == "one" and _stands_for_a_thing(text, match):
            continue
        yield match.start(), match.end(), _value(match), bool(match["percent"])


def _value(match: re.Match[str]) -> Fraction:
    value = Fraction(_whole(match["whole"])) if match["whole"] else Fraction(1, 2 if match["half"] else 1)
    if match["extra"]:
        value += Fraction(1, PARTS[match["extra"].lower()])
    elif match["part"]:
        part = match["part"].lower()
        value /= 2 if part == "halves" else PARTS[part.removesuffix("s")]
    if scale := match["scale"]:
        value *= _SCALES.get(scale.lower(), 12)
    return -value if match["minus"] else value


def _whole(words: str) -> int:
    total = current = 0
    for word in re.findall(r"[a-z]+", words.lower()):
        if word == "hundred":
            current = max(current, 1) * 100
        elif word in _SCALES:
            total, current = total + max(current, 1) * _SCALES[word], 0
        else:
            current += _VALUES.get(word, 0)  # "a" and "and" count nothing
    return total + current


def _stands_for_a_thing(text: str, match: re.Match[str]) -> bool:
    before = text[max(0, match.start() - 12) : match.start()].lower().split()
    after = text[match.end() : match.end() + 4].lower()
    return bool(before and before[-1] in _NO_COUNT_BEFORE) or after.startswith(" of ")
