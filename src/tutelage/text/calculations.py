"""Finds calculations in running text, evaluates them exactly, and tells true ones from false ones. Pure.

"Each tray holds 3 × 4 = 13 buns, so a quarter of the stock is $1,000 / 4 = $250."
                 ^^^^^^^^^^ false                              ^^^^^^^^^^^^^^^^^ true
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

from tutelage.text.expressions import Expression, Operation, evaluate, operands, substitute
from tutelage.text.parser import Parser
from tutelage.text.tokens import Token, tokens_of


@dataclass(frozen=True, slots=True)
class Fault:
    """The first false equation of a claim, and the value of its left side; None if that divides by zero."""

    text: str
    makes: Fraction | None


@dataclass(frozen=True, slots=True)
class Calculation:
    """A claim `left = … = result` in a text, at `text[start:end]`.

    `expression` is the text of the first side, `left` its parse and `value` its value (None if it divides by zero).
    `stated` and `result` are the text (with `$` or `%`) and the value of the last side. `fault` is the first false
    equation, if there is one. A decimal result may be rounded or truncated; later steps may use it as the exact value.
    """

    text: str
    start: int
    end: int
    expression: str
    left: Operation
    value: Fraction | None
    stated: str
    result: Fraction
    fault: Fault | None

    @property
    def holds(self) -> bool:
        """Whether all sides are equal."""
        return self.fault is None

    @property
    def unrounded(self) -> Fraction | None:
        """The exact value if the result is rounded; None if it is exact, false or a percentage."""
        rounded = self.holds and self.value is not None and 0 < abs(self.value - self.result) <= Fraction(1, 10)
        return self.value if rounded else None


@lru_cache(maxsize=256)  # rewording searches one solution many times
def find_calculations(text: str) -> tuple[Calculation, ...]:
    """The calculations of a text, in order.

    Units may follow a number (`7 votes × 3 = 21`). Algebra (`3U + 9 = 12`) is ignored.
    """
    if "=" not in text and "＝" not in text:
        return ()
    tokens = list(tokens_of(text))
    found: list[Calculation] = []
    exact: dict[Fraction, Fraction] = {}  # the exact value of each rounded result: 100/3 for 33.33
    index = 0
    while index < len(tokens):
        end = index + 1
        if _may_start(tokens, index) and (parsed := _parse_claim(text, tokens, index, exact)):
            calculation, end = parsed
            found.append(calculation)
            if (value := calculation.unrounded) is not None:
                exact[calculation.result] = value
        index = end
    return tuple(found)


def _may_start(tokens: Sequence[Token], index: int) -> bool:
    """Whether a calculation may begin here: at a number, bracket or sign that is not the end of a longer expression."""
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
    if token.text != "-" or not after or not after[0].is_value or after[0].start != token.end:
        return False
    before = tokens[index - 1] if index else None
    if before is None or before.kind in ("equals", "open", "other"):
        return True
    return before.kind == "word" and before.end < token.start and len(before.text) > 1


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of a claim; `first` and `last` are its tokens."""

    expression: Expression
    first: int
    last: int


_OTHER_READINGS = ({"fractions": True}, {"scales": False}, {"fractions": True, "scales": False})
"""Other parses of a false claim: fractions bind first, `millions` is only a unit."""


def _parse_claim(
    text: str, tokens: Sequence[Token], index: int, exact: Mapping[Fraction, Fraction]
) -> tuple[Calculation, int] | None:
    """The calculation `expression = expression [= …]` at the token `index`, and the index of the token after it."""
    sides = _read_sides(Parser(tokens, index))
    if not sides:
        return None
    fault = _find_fault(text, tokens, sides, exact)
    for reading in _OTHER_READINGS if fault is not None else ():
        others = _read_sides(Parser(tokens, index, **reading))
        if others and _find_fault(text, tokens, others, exact) is None:
            sides, fault = others, None
            break
    if fault is not None and tokens[index].is_spelt and tokens[index + 1].text == "of":
        return None  # half of 60 - 20 = 20: it may mean half of (60 - 20)
    left, right = sides[0], sides[-1]
    operation, result = left.expression, evaluate(right.expression)
    assert isinstance(operation, Operation), "the first side is read so"
    assert result is not None, "the others are read so"
    start, end = tokens[index].start, tokens[right.last].end
    claim = Calculation(
        text=text[start:end],
        start=start,
        end=end,
        expression=text[start : tokens[left.last].end],
        left=operation,
        value=evaluate(operation),
        stated=text[tokens[right.first].start : end],
        result=result,
        fault=fault,
    )
    return claim, right.last + 1


def _read_sides(parser: Parser) -> list[_Side]:
    """The sides of a claim: first an operation, then one or more with a value; empty if there is no claim."""
    begin, left = parser.position, parser.sum()
    if not isinstance(left, Operation):
        return []
    sides = [_Side(left, begin, parser.last_value)]
    while parser.at("equals"):
        parser.position += 1
        begin, side = parser.position, parser.sum()
        if side is None or evaluate(side) is None or parser.at("operator"):
            break
        sides.append(_Side(side, begin, parser.last_value))
    return sides if len(sides) > 1 else []


def _find_fault(
    text: str, tokens: Sequence[Token], sides: Sequence[_Side], exact: Mapping[Fraction, Fraction]
) -> Fault | None:
    """The first pair of unequal sides, unless the second one continues from the first, as in `2 × 4 = 8 + 3 = 11`."""
    known = dict(exact)
    for left, right in pairwise(sides):
        value, other = evaluate(left.expression), evaluate(right.expression)
        meant = evaluate(substitute(left.expression, known))
        token = tokens[right.last]
        equal = other is not None and any(_same(one, other, token) for one in (value, meant) if one is not None)
        onward = None if equal or value is None else _onward(right.expression, value)
        if onward is not None and value is not None:
            known[onward] = value
        elif not equal:
            return Fault(" ".join(text[tokens[left.first].start : tokens[right.last].end].split()), value)
    return None


def _onward(side: Expression, value: Fraction) -> Fraction | None:
    """The first number of a side that continues from `value`, exact or rounded; None if it does not continue."""
    if not isinstance(side, Operation):
        return None
    first = operands(side)[0]
    decimals = next((count for count in range(1, 7) if 10**count % first.denominator == 0), None)
    unit = Fraction(0) if decimals is None or first.denominator == 1 else Fraction(1, 10**decimals)
    return first if first == value or abs(first - value) < unit else None


def _same(value: Fraction, stated: Fraction, token: Token) -> bool:
    """Whether two values are equal; the stated one may be rounded, or have % as a unit (`40 / 200 × 100 = 20%`)."""
    number = token.number
    decimals = 0 if number is None else number.places
    unit = Fraction(1, 10**decimals) if decimals else Fraction(0)
    percent = number is not None and number.percent
    readings = [(stated, unit / 100), (stated * 100, unit)] if percent else [(stated, unit)]
    return any(value == reading or _is_rounded(value, reading, to) for reading, to in readings)


def _is_rounded(value: Fraction, stated: Fraction, unit: Fraction) -> bool:
    """Whether a stated value is the other one rounded to this unit, or cut off there."""
    return abs(value - stated) <= unit / 2 or 0 <= abs(value) - abs(stated) < unit
