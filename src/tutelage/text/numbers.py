r"""Parses numbers in text, by exact value: 18.00, $1,000, 70%, 1 1/2, ½, −3, 1.8e3, 1.8 × 10⁶, $1.8M, 2 dozen.

Values are `Fraction`s, so nothing is lost to floating point, and 1/3 differs from 0.33. Positions refer to the text as
given. All functions take time linear in the text. Numbers of 400 digits or more are ignored, since converting them
could take very long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from tutelage.text.format import write_number
from tutelage.text.number_words import PARTS, word_numbers

MAX_DIGITS = 400
_FLOATING = 12
"""With this many decimals or more, a value counts as computed in floating point: 0.6666666666666666."""

_VULGAR = {
    "½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅖": "2/5", "⅗": "3/5", "⅘": "4/5",
    "⅙": "1/6", "⅚": "5/6", "⅐": "1/7", "⅛": "1/8", "⅜": "3/8", "⅝": "5/8", "⅞": "7/8", "⅑": "1/9", "⅒": "1/10",
}  # fmt: skip
_ZEROS = "٠۰०০੦૦୦௦౦೦൦๐໐０"
"""The digit 0 of other scripts; 1 to 9 follow it in Unicode."""
_SAME = str.maketrans(
    dict.fromkeys("−‐‑‒–﹣－", "-")
    | dict.fromkeys("⁄∕", "/")
    | dict.fromkeys("✕✖⨯⨉", "×")
    | dict.fromkeys("∙", "·")
    | {"％": "%", "＋": "+", "＝": "=", "，": ",", "．": ".", "＄": "$", "\u200b": " ", "٫": ".", "٬": ",", "٪": "%"}
    | {chr(ord(zero) + digit): str(digit) for zero in _ZEROS for digit in range(10)}
)
_GROUP_SIGN = re.compile(r"(?<=[0-9])[\u00a0\u2009\u202f’](?=[0-9]{3}(?![0-9]))")
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")

_GROUPED = r"[1-9][0-9]{0,2}(?:,[0-9]{3})++(?![0-9])|[0-9]{1,3}(?:'[0-9]{3})++(?![0-9])"  # 1,000 and 1'000
_INDIAN = r"[0-9]{1,2}(?:,[0-9]{2}(?=,))++,[0-9]{3}(?![0-9,])"  # 12,34,567
_DIGITS = rf"(?:(?:{_GROUPED}|{_INDIAN}|[0-9]++)(?:\.[0-9]++)?+|\.[0-9]++)"
_DOTTED = r"[0-9]{1,3}(?:\.[0-9]{3}){2,}+(?![0-9])(?:,[0-9]++)?+|[0-9]{1,3}\.[0-9]{3},[0-9]{1,2}(?![0-9,.])"
_POWER = r"(?:\^|\*\*)[{(]?(?P<power>[-+]?[0-9]{1,3})[})]?|(?P<raised>⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3}+)"
_SCALES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_LETTERS = {"k": 3, "m": 6, "mn": 6, "b": 9, "bn": 9, "t": 12}


def literal(joint: str, *, ratio: str = "(?!)", before: str = "", after: str = "") -> str:
    """The pattern of a number without its sign. `joint` matches between a whole number and the fraction after it."""
    return rf"""
    (?P<currency>(?:[$€£¥₹]|\bRs\.?)\ ?)?(?P<inner>(?<=[$€£¥₹])[-+])?{before}
    (?:
        (?P<whole>(?<![0-9][.,/])[0-9]++)(?:
            {joint}(?P<top>[0-9]++)/(?P<bottom>[0-9]++)(?![.,][0-9])
          | \ ?(?P<vulgar>[{"".join(_VULGAR)}])
          | \ and\ (?:an?|one)[\ -](?P<part>half|third|quarter)\b(?!\ of\b|-))
      | (?P<lone>[{"".join(_VULGAR)}])
      | (?P<over>{ratio}{_DIGITS})\ ?/\ ?(?P<under>{_DIGITS})
      | (?P<dotted>{_DOTTED})
      | (?P<plain>{_DIGITS})(?:\ ?[x×*·]\ ?10(?:{_POWER})|[eE](?P<e>[-+]?[0-9]{{1,3}}))?+
    )
    (?P<letter>(?:(?(currency)(?:[kKmMbBtT]|[mb]n)|(?:[kKM]|[mb]n)))(?![\w%]))?+{after}
    (?P<percent>\ ?%|\ [Pp]er\ ?cent\b)?+
    (?:\ (?P<scale>(?i:hundred|thousand|million|billion|trillion|dozens?))\b)?
    """


# After a sign or bracket, a space may separate the minus from its number: 2 - 7 = - 5.
_SIGN = r"(?P<sign>(?<![0-9A-Za-z)\]}%.])[-+]|(?:(?<=[=(:≈])|(?<=[=(:≈]\ )|(?<=\bis\ ))-\ )?"
_BEFORE = r"(?:(?<![0-9A-Za-z^])|(?<=\bRs))(?<!\^\{)(?<![0-9][.:/])"  # not the end of a word, date or time
_AFTER = r"(?!(?:st|nd|rd|th)\b|[eE][-+]?[0-9]|[:.][0-9]|\ ?/\ ?[0-9]|[0-9^⁰¹²³⁴⁵⁶⁷⁸⁹])"  # nor the beginning of one


def _in_prose(joint: str) -> re.Pattern[str]:
    return re.compile(_SIGN + literal(joint, ratio="", before=_BEFORE, after=_AFTER), re.VERBOSE)


_NUMBER, _APART = _in_prose(r"(?:\ |\ and\ |\ &\ )"), _in_prose("(?!)")


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a text. `value` takes a percent sign as a unit (70% is 70); `places` counts written decimals.

    `scale` is the factor of its word or letter, included in `value`: 12 in 2 dozen, whose value is 24.
    """

    start: int
    end: int
    value: Fraction
    places: int = 0
    percent: bool = False
    scale: int = 1

    def __str__(self) -> str:
        return write_number(self.value, self.places) + "%" * self.percent


def fold(text: str) -> str:
    """The text with variants of one sign unified (minus signs, digits, group separators); its length is the same."""
    text = text.translate(_SAME)
    return text if text.isascii() else _GROUP_SIGN.sub(lambda sign: "'" if sign[0] == "’" else ",", text)


def find_numbers(text: str) -> list[Number]:
    """Every number in digits, left to right, with its sign; `a/b` is one number."""
    return list(_numbers(fold(text)))


def find_word_numbers(text: str) -> list[Number]:
    """Every number in words, left to right."""
    return [
        Number(start, end, value, percent=percent, scale=12 if text[start:end].lower().endswith("dozen") else 1)
        for start, end, value, percent in word_numbers(text)
    ]


def whole_number(text: str) -> Number | None:
    """The number if the whole text is one, in digits or words, with at most currency, percent and a full stop."""
    text = _LEADING_MINUS.sub("-", fold(text).strip().removesuffix("."))
    for found in (find_numbers(text), find_word_numbers(text)):
        if found and (found[0].start, found[0].end) == (0, len(text)):
            return found[0]
    return None


_LEADING_MINUS = re.compile(r"^-\s+(?=[$€£¥₹]?[0-9.])")


def read_number(text: str) -> Fraction | None:
    """The value of `whole_number`: 18 for `$18.`, 20 for `20%`; None if the text is no number."""
    number = whole_number(text)
    return None if number is None else number.value


def same_value(gold: Number, stated: Number) -> bool:
    """Whether `stated` has the value of `gold`.

    Values are compared exactly, with two exceptions: a stated decimal may be the gold value rounded to two places or
    more (0.33 for 1/3), and a gold value in floating point is compared to 12 decimals. 70% is right for 70 and for 0.7,
    but 0.7 is wrong for 70. 2 dozen is right for 24 and for 2.
    """
    return any(
        wanted == value
        or _is_rounded(wanted, value, places)
        or (decimals >= _FLOATING and abs(wanted - value) <= max(1, abs(value)) / 10**_FLOATING)
        for wanted, decimals in _readings(gold)
        for value, places in _readings(stated)
    )


def _readings(number: Number) -> list[tuple[Fraction, int]]:
    readings = [(number.value, number.places)]
    if number.scale == 12:  # two dozen is also right if the question asks for dozens
        readings.append((number.value / 12, number.places))
    return [*readings, (number.value / 100, number.places + 2)] if number.percent else readings


def _is_rounded(exact: Fraction, value: Fraction, places: int) -> bool:
    return places >= 2 and value != 0 and abs(exact - value) <= Fraction(1, 2 * 10**places)


def _numbers(text: str) -> Iterator[Number]:
    position = 0
    while match := _NUMBER.search(text, position):
        if is_improper(match) and (apart := _APART.match(text, match.start())):
            match = apart  # "Step 1 48/2" has no mixed number
        if (number := number_of(match, match["sign"] or "")) is not None:
            yield number
        position = match.end()


def is_improper(match: re.Match[str]) -> bool:
    """Whether a match of `literal` is two numbers, not a mixed one: `1 48/2`."""
    return match["top"] is not None and int(match["top"][:MAX_DIGITS]) >= int(match["bottom"][:MAX_DIGITS])


def number_of(match: re.Match[str], sign: str = "") -> Number | None:
    """The number of a match of `literal`; None if it is too long or divides by zero."""
    if match.end() - match.start() >= MAX_DIGITS:
        return None
    read = _fraction(match) if match["plain"] is None and match["dotted"] is None else _decimal(match)
    if read is None:
        return None
    value, places = read
    word = (match["scale"] or "").lower()
    power = _SCALES.get(word, 0) + _LETTERS.get((match["letter"] or "").lower(), 0)
    scale = 10**power * (12 if word.startswith("dozen") else 1)
    negative = "-" in sign or "-" in (match["inner"] or "")
    if negative or scale != 1:  # products of fractions take long, and most are by 1
        value *= -scale if negative else scale
    return Number(*match.span(), value, max(0, places - power), bool(match["percent"]), scale)


def _decimal(match: re.Match[str]) -> tuple[Fraction, int] | None:
    """The value and decimals of a number in digits, with or without a power of ten."""
    exponent = int((match["raised"] or "").translate(_RAISED) or match["power"] or match["e"] or 0)
    if abs(exponent) > MAX_DIGITS:
        return None
    dotted = match["dotted"]
    digits = dotted.replace(".", "").replace(",", ".") if dotted else re.sub("[,']", "", match["plain"])
    value = Fraction(int(digits) if digits.isdecimal() else digits)
    return value * Fraction(10) ** exponent if exponent else value, max(0, len(digits.partition(".")[2]) - exponent)


def _fraction(match: re.Match[str]) -> tuple[Fraction, int] | None:
    """The value of a fraction or a mixed number, with 0 decimals."""
    if match["over"]:
        under = Fraction(match["under"].replace(",", "").replace("'", ""))
        return (Fraction(match["over"].replace(",", "").replace("'", "")) / under, 0) if under else None
    whole = int(match["whole"] or 0)
    if match["top"]:
        return (whole + Fraction(int(match["top"]), int(match["bottom"])), 0) if int(match["bottom"]) else None
    sign = match["vulgar"] or match["lone"]
    return whole + (Fraction(_VULGAR[sign]) if sign else Fraction(1, PARTS[match["part"]])), 0
