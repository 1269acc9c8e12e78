"""Calculations in running text: find them, evaluate them exactly, tell the true from the false. Pure.

"Each tray holds 3 × 4 = 13 buns, so a quarter of the stock is $1,000 / 4 = $250."
                 ^^^^^^^^^^ false                              ^^^^^^^^^^^^^^^^^ true
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

from tutelage.teacher.expressions import MAX_DIGITS, Expression, Operation, Parser, Token, evaluate, operands, tokens_of


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a text: its value, and where it stands."""

    value: Fraction
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Calculation:
    """A claim `left = … = result` in a text, at `text[start:end]`.

    `expression` holds the characters of the first side, `left` what they mean and `value` what that makes (None where
    it divides by zero); `stated` and `result` are the last side's characters (with `$` or `%`) and value. `holds` says
    whether all sides agree; a decimal result may be rounded or cut off.
    """

    text: str
    start: int
    end: int
    expression: str
    left: Operation
    value: Fraction | None
    stated: str
    result: Fraction
    holds: bool


def find_numbers(text: str) -> list[Number]:
    """The numbers of a text in digits, in their order; `20%` has the value 20, `1 1/2` the value 3/2."""
    values = ((token, token.value) for token in tokens_of(text) if token.is_value)
    return [Number(value, token.start, token.end) for token, value in values if value is not None]


_WHOLE = re.compile(
    rf"(?P<sign>-?)\s*[$€£]?\s?(?P<value>(?:\d{{1,3}}(?:,\d{{3}})+|\d+)(?:\.\d+)?|\.\d+)(?:/(?P<below>\d{{1,{MAX_DIGITS}}}))?\s?%?"
)


def read_number(text: str) -> Fraction | None:
    """The value of a text that is one number, such as `-1,000.50`, `$18`, `20%` (20) or `3/4`; None if it is not."""
    match = _WHOLE.fullmatch(text.strip().rstrip(".").replace("−", "-"))
    if match is None or len(match["value"]) > 2 * MAX_DIGITS or not match["value"].isascii():
        return None
    below = int(match["below"] or 1)
    if below == 0:
        return None
    value = Fraction(match["value"].replace(",", "")) / below
    return -value if match["sign"] else value


@lru_cache(maxsize=256)  # one solution is searched many times while it is reworded
def find_calculations(text: str) -> tuple[Calculation, ...]:
    """The calculations of a text, in their order.

    Units may stand between a number and the next sign (`7 votes × 3 = 21`). What belongs to algebra (`3U + 9 = 12`)
    is left alone.
    """
    if "=" not in text:
        return ()
    tokens = list(tokens_of(text))
    found: list[Calculation] = []
    index = 0
    while index < len(tokens):
        end = index + 1
        if _may_start(tokens, index) and (parsed := _parse_claim(text, tokens, index)):
            calculation, end = parsed
            found.append(calculation)
        index = end
    return tuple(found)


def _may_start(tokens: Sequence[Token], index: int) -> bool:
    """Whether a calculation may begin here: at a number, bracket or sign that is not the tail of something else."""
    token = tokens[index]
    if token.kind == "operator":
        return _is_sign(tokens, index)
    if not (token.is_value or token.kind == "open"):
        return False
    if index == 0:
        return True
    before = tokens[index - 1]
    glued = before.end == token.start
    tail = glued and (before.kind in ("word", "number", "close") or before.text in "^:_\\√²³")
    return not tail and before.kind != "operator"


def _is_sign(tokens: Sequence[Token], index: int) -> bool:
    """Whether a minus belongs to the number after it, as in `So -1 + 3 = 2`, but not in `U - 1` or `5 -1`."""
    token, after = tokens[index], tokens[index + 1 : index + 2]
    if token.text not in "-−–" or not after or not after[0].is_value or after[0].start != token.end:
        return False
    before = tokens[index - 1] if index else None
    if before is None or before.kind in ("equals", "open", "other"):
        return True
    return before.kind == "word" and before.end < token.start and len(before.text) > 1


def _parse_claim(text: str, tokens: Sequence[Token], index: int) -> tuple[Calculation, int] | None:
    """`expression = expression [= …]` at the token `index`, and the token after it."""
    parser = Parser(tokens, index)
    left = parser.sum()
    left_end = tokens[parser.last_value].end
    if not isinstance(left, Operation):
        return None
    sides: list[Expression] = [left]
    first, last = 0, 0  # the tokens at which the last side begins and ends
    while parser.at("equals"):
        parser.position += 1
        begin = parser.position
        side = parser.sum()
        if side is None or evaluate(side) is None or parser.at("operator"):
            break
        sides.append(side)
        first, last = begin, parser.last_value
    result = evaluate(sides[-1])
    if len(sides) == 1 or result is None:
        return None
    start, end = tokens[index].start, tokens[last].end
    claim = Calculation(
        text=text[start:end],
        start=start,
        end=end,
        expression=text[start:left_end],
        left=left,
        value=evaluate(left),
        stated=text[tokens[first].start : end],
        result=result,
        holds=_agree(sides, tokens[last]),
    )
    return claim, last + 1


def _agree(sides: Sequence[Expression], last: Token) -> bool:
    """Whether each side has the value of the one before, or goes on from it as in `2 × 4 = 8 + 3 = 11`."""
    for left, right in pairwise(sides):
        value, other = evaluate(left), evaluate(right)
        if value is None or other is None:
            return False
        onward = isinstance(right, Operation) and operands(right)[0] == value
        if not (_same(value, other, last) or onward):
            return False
    return True


def _same(value: Fraction, stated: Fraction, token: Token) -> bool:
    """Equal; or equal but for rounding at the stated decimals; or `40 / 200 × 100 = 20%`, where % names the unit."""
    decimals = len(token.bare.partition(".")[2])
    unit = Fraction(1, 10**decimals) if decimals else Fraction(0)
    readings = [(stated, unit)] if not token.is_percent else [(stated, unit / 100), (stated * 100, unit)]
    return any(value == reading or abs(value - reading) < tolerance for reading, tolerance in readings)
