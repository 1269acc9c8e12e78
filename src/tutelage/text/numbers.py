r"""Numbers in text, by exact value: 18.00, $1,000, 70%, 1 1/2, ½, −3, 1.8e3, 2 million, eighteen.

Values are `Fraction`s: nothing is lost to floating point, and 1/3 differs from 0.33. Everything here takes time linear
in the text and refuses numbers of more than 400 digits, whose powers and conversions could take for ever.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from tutelage.text.number_words import word_numbers

MAX_DIGITS = 400

_VULGAR = {
    "½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅖": "2/5", "⅗": "3/5", "⅘": "4/5",
    "⅙": "1/6", "⅚": "5/6", "⅐": "1/7", "⅛": "1/8", "⅜": "3/8", "⅝": "5/8", "⅞": "7/8", "⅑": "1/9", "⅒": "1/10",
}  # fmt: skip
_SAME = str.maketrans(
    dict.fromkeys("−‐‑‒–﹣－", "-")
    | dict.fromkeys("⁄∕", "/")
    | {"％": "%", "＝": "=", "，": ",", "．": ".", "\u200b": ""}
    | {chr(0xFF10 + digit): str(digit) for digit in range(10)}
)
_VULGAR_CHAR = re.compile(f"([0-9] ?)?([{''.join(_VULGAR)}])")
_GROUP_SPACE = re.compile(r"(?<=[0-9])[\u00a0\u2009\u202f](?=[0-9]{3}(?![0-9]))")

_DIGITS = r"(?:(?:[0-9]{1,3}(?:,[0-9]{3})++(?![0-9])|[0-9]++)(?:\.[0-9]++)?+|\.[0-9]++)"
_NUMBER = re.compile(
    rf"""
    (?P<sign>(?<![0-9A-Za-z)\]}}%.])[-+])?(?P<currency>[$€£¥₹]\ ?)?(?P<inner>(?<=[$€£¥₹])[-+])?
    (?<![0-9A-Za-z^])(?<!\^\{{)(?<![0-9][.,:/])                             # not the tail of a word, date or time
    (?:
        (?P<whole>[0-9]++)(?:\ |\ and\ |\ &\ )(?P<top>[0-9]++)/(?P<bottom>[0-9]++)
      | (?P<over>{_DIGITS})\ ?/\ ?(?P<under>{_DIGITS})
      | (?P<plain>{_DIGITS})
        (?:\ ?[x×*·]\ ?10(?:\^|\*\*)\{{?(?P<power>[-+]?[0-9]{{1,3}})\}}?|e(?P<e>[-+]?[0-9]{{1,3}}))?+
    )
    (?!(?:st|nd|rd|th)\b|e[-+]?[0-9]|[:,.][0-9]|\ ?/\ ?[0-9]|[0-9^²³])  # nor the head of one
    (?P<percent>\ ?%|\ per\ ?cent\b)?+
    (?:\ (?P<scale>hundred|thousand|million|billion|trillion)\b)?
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SCALES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a text. `value` takes a percent sign as a unit (70% is 70); `places` counts written decimals."""

    start: int
    end: int
    value: Fraction
    places: int = 0
    percent: bool = False

    def __str__(self) -> str:
        return format_value(self.value) + "%" * self.percent


def plain(text: str) -> str:
    """The text with the many signs for one thing made one: minus signs, fractions, full-width digits, digit groups."""
    text = _GROUP_SPACE.sub(",", text.translate(_SAME))
    return _VULGAR_CHAR.sub(lambda match: (match[1].rstrip() + " " if match[1] else "") + _VULGAR[match[2]], text)


def find_numbers(text: str) -> list[Number]:
    """Every number written in digits, left to right. `text` has been through `plain`."""
    found = (_read(match) for match in _NUMBER.finditer(text))
    return [number for number in found if number is not None]


def find_word_numbers(text: str) -> list[Number]:
    """Every number written in words, left to right."""
    return [Number(start, end, value, percent=percent) for start, end, value, percent in word_numbers(text)]


def whole_number(text: str) -> Number | None:
    """The number that the whole of `text` is, with at most a currency sign, a percent sign and a full stop."""
    text = plain(text).strip().removesuffix(".")
    match = _NUMBER.fullmatch(text)
    return _read(match) if match else None


def same_value(gold: Number, stated: Number) -> bool:
    """Whether `stated` has the value of `gold`.

    Values are compared exactly, but a stated decimal that is the gold value rounded to two places or more counts
    (0.33 for 1/3). 70% is right for 70 and for 0.7, while 0.7 is wrong for 70.
    """
    return any(
        wanted == value or _is_rounded(wanted, value, places)
        for wanted, _ in _readings(gold)
        for value, places in _readings(stated)
    )


def format_value(value: Fraction) -> str:
    """The shortest plain form: 18, 18.5, and p/q where the decimals do not end within 12 places."""
    if value.denominator == 1:
        return str(value.numerator)
    for places in range(1, 13):
        scaled = value * 10**places
        if scaled.denominator == 1:
            digits = str(abs(scaled.numerator)).rjust(places + 1, "0")
            return f"{'-' * (value < 0)}{digits[:-places]}.{digits[-places:]}"
    return f"{value.numerator}/{value.denominator}"


def _readings(number: Number) -> list[tuple[Fraction, int]]:
    readings = [(number.value, number.places)]
    return [*readings, (number.value / 100, number.places + 2)] if number.percent else readings


def _is_rounded(exact: Fraction, value: Fraction, places: int) -> bool:
    return places >= 2 and value != 0 and abs(exact - value) <= Fraction(1, 2 * 10**places)


def _read(match: re.Match[str]) -> Number | None:
    """The matched number; None if it is too long to compute with, divides by zero or is no number at all."""
    exponent = int(match["power"] or match["e"] or 0)
    if match.end() - match.start() > MAX_DIGITS or abs(exponent) > MAX_DIGITS:
        return None
    places = 0
    if match["whole"]:
        value = _ratio(match["top"], match["bottom"])
        if value is None or value >= 1:
            return None
        value += int(match["whole"])
    elif match["over"]:
        value = _ratio(match["over"], match["under"])
        if value is None:
            return None
    else:
        digits = match["plain"].replace(",", "")
        value = Fraction(int(digits) if digits.isdecimal() else digits)
        places = max(0, len(digits.partition(".")[2]) - exponent)
        if exponent:
            value *= Fraction(10) ** exponent
    if match["scale"]:
        power = _SCALES[match["scale"].lower()]
        value, places = value * 10**power, max(0, places - power)
    negative = "-" in ((match["sign"] or ""), (match["inner"] or ""))
    return Number(match.start(), match.end(), -value if negative else value, places, bool(match["percent"]))


def _ratio(over: str, under: str) -> Fraction | None:
    bottom = Fraction(under.replace(",", ""))
    return Fraction(over.replace(",", "")) / bottom if bottom else None
