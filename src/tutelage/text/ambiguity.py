"""Tells whether a calculation that is false as parsed may have another meaning. Pure.

"3 + 4 = 8 pens"                      no
"$2.50 - $2.24 = 26 cents"            yes: dollars there, cents here
"17 / 3 = 5 rides with 2 remaining"   yes: rounded to a whole number, and the text says so
"17 / 3 = 5 rides with 4 remaining"   no: 5 × 3 + 4 is not 17

The check is lenient: a rejected rationale has to be paid for again.
"""

from __future__ import annotations

import re
from fractions import Fraction

from tutelage.text.calculations import Calculation
from tutelage.text.expressions import evaluate

_BEFORE = re.compile(
    r"""(?:
        \d[ ]                                               # 100 000 × 2, 1/2 (68) + 10
      | \d,                                                 # 16,0000 / 10
      | \([\d.]*[/.]\d+\)[ ]?                               # (1/2) 278 + 11
      | [-−–+*×·÷/][ ]?\(+                                  # 100 + ($100 × 0.1
      | [\w)][ ][+*×·÷/][ ](?:\.[ ]|(?:[A-Za-z]+[ ]){1,3})  # 25 classmates + his 1 teacher + 1
      | \d[ ]and[ ]                                         # 1 and 1/4 + 1
      | \b(?:Day|Week|Month|Year|Page|Step)s[ ]             # Weeks 1-2 = 96 - 70
    )$""",
    re.VERBOSE,
)
_WITHIN = re.compile(
    r"""[/÷][^=+*×·−–()-]*[/÷]                                      # 14 / 1 / 4
      | =[^=]*\bof\b[^=]*$                                         # 3/3 - 2/3 = 1/3 of $150
      | [*×·x]\s?100\s?% | [/÷]\s?[\d.]+\s?%                       # 9/27 × 100% = 33.3, $750 / 75% = $10
      | [^%\s]\s*[-−–+]\s*[\d.]+\s?(?:%|percent)                   # $60 - 25% = $45
      | \d\.\d{3}\.\d{3}                                         # 1.250.000 + 50.000 = 1.300.000
      | (?<![\d.,])0\d                                             # 0900 - 0130 = 0730
      | \b(?:because|since|so|gives?|is|are|makes?|means?)\b       # 1/3 gives b = (1/3) × 180
    """,
    re.IGNORECASE | re.VERBOSE,
)
_MEASURE = r"""(?:\b(?:dollar|cent|penny|pennies|second|sec|minute|min|hour|hr|day|week|month|year|inch|foot|feet|yard
    |mile|meter|metre|cm|mm|km|kilomet(?:er|re)|ounce|oz|pound|lb|gram|kg|kilogram|ton|cup|pint|quart|gallon|liter|litre
    |ml|teaspoon|tablespoon|degree|percent)(?=(?:e?s)?\b)|[$¢%])"""
_MEASURES = re.compile(_MEASURE, re.IGNORECASE | re.VERBOSE)
_AFTER = re.compile(
    rf"""[A-Za-z](?![A-Za-z]) | \( | ,\d | [ ]\d | :\d             # = 5A/5, = 3(4), = 18 000, = 11:15
      | [ ]?[\^²³√] | (?:\.\.\.|…)[ ]?%                            # = 2^3, = 8.33…%
      | [ ]?[ap]\.?m\b | [ ](?:r|remainder)[ ]?\d                  # = 1 pm, = 5 R 2
      | [ ]and[ ]\(?[$€£]?\(?\d+/\d                                # = 5 and 2/3
      | [ ]{_MEASURE}s?[ ](?:and[ ])?\d+[ ]{_MEASURE}              # = 1 hour 15 minutes
    """,
    re.IGNORECASE | re.VERBOSE,
)
_SCALE = re.compile(r"\b(?:tens|dozens?|hundreds?|thousands?|millions?|billions?|k)\b", re.IGNORECASE)
_ROUNDED = re.compile(
    r"\b(?:round|remain|left ?over|\d+(?: [a-z]+){0,3}? left\b|whole|full|complete|about|approx|nearly|almost|nearest)",
    re.IGNORECASE,
)
_REMAINDER = re.compile(
    r"[^\d.;\n=]{0,24}\b(?:(?:r|remainder)\s?(?:of\s|is\s)?(?P<one>\d+)(?!\d|[.,/]\d)"
    r"|(?P<other>\d+)(?![\d%]|[.,/]\d)(?:\s[a-z]+){0,3}?\s(?:left|remaining|remain|remains|leftover)\b)",
    re.IGNORECASE,
)
"""What a division is said to leave."""
_FACTORS = frozenset((2, 3, 4, 7, 8, 12, 16, 24, 30, 36, 52, 60, 100, 365, 1000, 1760, 2000, 3600, 5280))
"""Ratios between units."""


def is_ambiguous(text: str, calculation: Calculation) -> bool:
    """Whether the text in and around a false calculation may give it another meaning."""
    if _leaves_another_rest(text, calculation):
        return False
    start, end = calculation.start, calculation.end
    words_after = " ".join(re.split(r"[.,;:\n]", text[end : end + 40], maxsplit=1)[0].split()[:2])
    with_unit = f"{calculation.text} {words_after}"
    return bool(
        _BEFORE.search(text[max(0, start - 60) : start])
        or _WITHIN.search(calculation.text)
        or _AFTER.match(text, end)
        or _SCALE.search(with_unit)
        or _is_rounded(text, calculation)
        or _is_converted(calculation, with_unit)
    )


def _leaves_another_rest(text: str, calculation: Calculation) -> bool:
    """Whether a division to a whole number is said to leave a rest that it does not leave."""
    left, said = calculation.left, _REMAINDER.match(text, calculation.end)
    parts = (left.left, left.right, calculation.result)
    if said is None or left.operator != "/" or not all(isinstance(n, Fraction) and n.denominator == 1 for n in parts):
        return False
    whole, by, times = (int(evaluate(part) or 0) for part in parts)
    return by * times + int(said["one"] or said["other"]) != whole


def _is_rounded(text: str, calculation: Calculation) -> bool:
    """Whether a result is rounded to a whole number and the next words say so: `17 / 3 = 5`, or 6."""
    whole = calculation.result.denominator == 1 and calculation.value is not None
    near = whole and abs((calculation.value or 0) - calculation.result) < 1
    return near and _ROUNDED.search(text, calculation.end, calculation.end + 80) is not None


def _is_converted(calculation: Calculation, with_unit: str) -> bool:
    """Whether a calculation converts units, as in `$1 / 2 = 50 cents`, or adds two units."""
    if calculation.left.operator in "+-" and len(_measures(with_unit.partition("=")[0])) > 1:
        return True
    value = None if calculation.fault is None else calculation.fault.makes
    if len(_measures(with_unit)) < 2 or not value or not calculation.result:
        return False
    ratio = abs(value / calculation.result)
    return ratio in _FACTORS or 1 / ratio in _FACTORS


def _measures(text: str) -> set[str]:
    """The units that a text names; `$` and `dollars` are the same."""
    names = (match.group().lower() for match in _MEASURES.finditer(text))
    return {{"$": "dollar", "¢": "cent", "%": "percent"}.get(name, name) for name in names}
