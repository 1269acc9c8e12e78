"""Common-knowledge numbers that a rationale may use although the question does not state them. Pure.

"… for 2 weeks"   7, 14     "twice as many"   2     "in quarters"   1/4, 25     any text   0, 1, 2, 100
"""

from __future__ import annotations

import re
from fractions import Fraction

_ALWAYS = frozenset(map(Fraction, (0, 1, 2, 10, 100)))
_BY_WORD = tuple(
    (re.compile(words, re.IGNORECASE), frozenset(map(Fraction, values.split())))
    for words, values in (
        (r"tripl|thrice|third|triang", "3"),
        (r"quarter|fourth|quadrupl|squar|rectang|perimeter|season", "4 25 1/4 3/4"),
        (r"fifth|tenth|decade|finger|toe", "5 10 1/5 1/10"),
        (r"sixth|seventh|eighth|ninth", "6 7 8 9"),
        (r"hour and", "5/4 3/2 7/4"),
        (r"week|dai?ly|days?\b", "7 5 14 24 30 365"),
        (r"dozen", "12 6 24"),
        (r"minute|hour|second|\d\s?(?:km|m)/[hs]\b|\bmin\b|\bhrs?\b|noon|night|clock|[ap]\.?m\b", "60 24 12 3600"),
        (r"year|annual|month|\bage", "12 52 365 366 4 6 24 28 30 31 48"),
        (r"feet|foot|inch|yard|mile", "3 12 36 5280 1760"),
        (r"coin|nickel|dime|penn|cent\b|cents\b|dollar|\$|change\b", "1/20 1/10 1/100 1/4 5 25 50"),
        (r"gallon|quart\b|quarts\b|pint|cup|ounce|pound|\boz|spoon|\blbs?\b", "3 4 8 16 32 48 64 128"),
        (r"met(?:er|re)|lit(?:er|re)|gram|\b[ckm]?m\b|\bk?g\b|\bml\b|tons?\b|thousand", "1000 2000"),
        (r"angle|degree|circle|triang", "90 180 360"),
        (r"alphabet|letter", "26"),
        (r"legs?\b|dog|cat\b|cats\b|cow|horse|table|chair|wheel|tires?\b|car\b|cars\b", "4"),
        (r"spider|octopus", "8"),
        (r"eggs|tray", "30"),
        (r"digit", "3 4 5 6 7 8 9"),
    )
)


def constants(text: str) -> set[Fraction]:
    """The common-knowledge numbers that belong to the words of a text."""
    return set(_ALWAYS).union(*(values for words, values in _BY_WORD if words.search(text)))
