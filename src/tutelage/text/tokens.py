"""A tokenizer for calculations in text: numbers, operators, brackets, words. Pure.

"2 hens × (3 + ½)"  ->  number 2, word hens, operator ×, open, number 3, operator +, number ½, close
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tutelage.text.numbers import Number, find_word_numbers, fold, is_improper, literal, number_of

MAX_TEXT = 20_000
"""The most characters of a text that are searched; no rationale is longer."""
MAX_DIGITS = 18
"""The most digits of an operand; longer numbers are not evaluated."""


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a text: `kind` is the pattern's group that it matched, `number` its value if it is a number."""

    kind: str
    text: str
    start: int
    end: int
    number: Number | None = None

    @property
    def is_spelt(self) -> bool:
        """Whether it is a number in words, which may also belong to a unit: 2 boards with two holes."""
        return self.kind == "number" and self.text[0].isalpha() and self.text[:2] != "Rs"

    @property
    def is_value(self) -> bool:
        """Whether it is a number, even if it is too long to evaluate."""
        return self.kind == "number"


def _pattern(joint: str) -> re.Pattern[str]:
    return re.compile(
        rf"""(?P<number>{literal(joint)})
        |(?P<operator>[+*/×÷·∗⋅-]|[xX](?=[ ]*[$€£(.\d½⅓⅔¼¾]))
        |(?P<equals>=)
        |(?P<open>[(\[])|(?P<close>[)\]])
        |(?P<word>[^\W\d_]+(?:['’/][^\W\d_]+)*)
        |(?P<other>\S|\n)""",  # a calculation ends with its line
        re.VERBOSE,
    )


_TOKEN = _pattern(r"\ ")
_APART = _pattern("(?!)")
_VARIABLE = re.compile(r"[0-9.,]+[A-Za-z]+")


def tokens_of(text: str) -> Iterator[Token]:
    """The tokens of a text, in order, without spaces."""
    text = fold(text[:MAX_TEXT])
    spelt = {number.start: number for number in find_word_numbers(text) if text[number.end : number.end + 1] != "-"}
    position = 0
    while match := _TOKEN.search(text, position):
        start, position = match.span()
        if (number := spelt.get(start)) is not None:
            position = number.end
            yield Token("number", text[start:position], start, position, number)
            continue
        if match.lastgroup == "number" and is_improper(match) and (apart := _APART.match(text, start)):
            match, position = apart, apart.end()
        yield _token(match)


def _token(match: re.Match[str]) -> Token:
    kind, piece = match.lastgroup or "other", match.group()
    if kind != "number":
        return Token(kind, piece, *match.span())
    if _VARIABLE.fullmatch(piece):  # 2k may be two thousand or twice k
        return Token("other", piece, *match.span())
    short = len(piece) <= MAX_DIGITS or sum(map(str.isdigit, piece)) <= MAX_DIGITS
    return Token(kind, piece, *match.span(), number_of(match) if short else None)
