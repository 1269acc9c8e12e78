"""Makes further problems of one with an equation: the same text and equation with other numbers. Pure.

    "Tom had 9 apples and ate 4. How many are left?"     9 - 4     5
    "Tom had 13 apples and ate 6. How many are left?"    13 - 6    7

A number is changed if it stands in the text in figures and the equation uses it. All others stay: numbers that the
text only mentions, and those that the equation brings from elsewhere, such as the 7 days of a week.

Sense is kept: every intermediate result keeps its sign and has no more decimals than before, so apples stay whole and
none is owed; the numbers keep their order, so a part stays smaller than its whole; 1 stays 1, for its noun is singular.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from tutelage.mistakes.solution import question_values, read_equation
from tutelage.records import FeedbackRequest, Problem
from tutelage.text.expressions import Expression, Operation, evaluate, operands, substitute
from tutelage.text.format import write_expression, write_number
from tutelage.text.numbers import Number, find_numbers, read_number

TRIES = 2_000
"""Draws of numbers for one problem; a draw that makes no sense is thrown away."""
_PLAIN = re.compile(r"\d{1,3}(?:,\d{3})+|\d+(?:\.\d{1,4})?")
_ARTICLE = re.compile(r"\ban?\s$", re.IGNORECASE)
_LARGEST = 10**9
_YEARS, _NEAR_YEARS = range(1900, 2100), 15
"""What may be a year stays within so many years."""

Values = Mapping[Fraction, Fraction]


def with_other_numbers(request: FeedbackRequest, seed: int) -> Iterator[Problem]:
    """Problems like that of a request, with other numbers."""
    return other_numbers(request.problem, random.Random(seed))


def other_numbers(problem: Problem, rng: random.Random) -> Iterator[Problem]:
    """Further problems with other numbers, as drawn; none if no number can be changed."""
    expression = read_equation(problem.equation) if problem.equation else None
    if problem.choices or expression is None or evaluate(expression) != read_number(problem.answer):
        return
    numbers = find_numbers(problem.question)
    spans = _changeable(problem, expression, numbers)
    values = sorted({number.value for number in spans})
    said = sorted({number.value for number in numbers})
    shape, places = _shape(expression), {number.value: number.places for number in spans}
    for _ in range(TRIES if values else 0):
        new = {value: _draw(value, places[value], rng) for value in values}
        made = substitute(expression, new)
        if all(new[value] != value for value in values) and _in_order(said, new) and _is_like(shape, made):
            yield _with(problem, spans, new, made)


def _changeable(problem: Problem, expression: Expression, numbers: list[Number]) -> list[Number]:
    """The numbers of the text that may be changed: plain ones that the equation uses, wherever they stand."""
    text, used = problem.question, Counter(operands(expression))
    said = Counter(number.value for number in numbers)
    in_words = question_values(replace(problem, question=re.sub(r"\d", "", text)))
    foreign = any(value not in said and value not in in_words for value in used)
    found = [
        number
        for number in numbers
        if used[number.value]
        and said[number.value] >= used[number.value]  # else the equation brings a constant of the same value
        and not (foreign and used[number.value] > 1)  # nor is sure which is which: 2 dogs, 2 hens, 4 + 4 + 2 + 2 legs
        and number.value not in in_words
        and 1 < number.value < _LARGEST
    ]
    written = {number.value: number.places for number in found}
    fixed = {number.value for number in found if not _is_plain(text, number) or number.places != written[number.value]}
    return [number for number in found if number.value not in fixed]


def _is_plain(text: str, number: Number) -> bool:
    """Whether it is written as 12, 1,200, 3.50 or $3.50, and not after an article (an 8 may not become a 9)."""
    written = text[number.start : number.end].lstrip("$€£ ")
    article = _ARTICLE.search(text[: number.start].rstrip("$€£"))
    return number.scale == 1 and not number.percent and _PLAIN.fullmatch(written) is not None and article is None


def _draw(value: Fraction, places: int, rng: random.Random) -> Fraction:
    """A number of the same kind: between half and twice the value, with as many decimals; a whole one is 2 or more."""
    if places:
        unit = 10**places
        return Fraction(rng.randint(max(1, int(value * unit) // 2), int(2 * value * unit)), unit)
    if int(value) in _YEARS:
        return value + rng.randint(-_NEAR_YEARS, _NEAR_YEARS)
    return Fraction(rng.randint(max(2, int(value) // 2), max(9, 2 * int(value))))


def _in_order(values: list[Fraction], new: Values) -> bool:
    """Whether the numbers of the text keep their order, and differ as before."""
    after = [new.get(value, value) for value in values]
    return all(one < other for one, other in pairwise(after))


def _shape(expression: Expression) -> list[tuple[int, int]]:
    """Sign and decimals (-1: endless) of every intermediate result."""
    if isinstance(expression, Fraction):
        return []
    value = evaluate(expression)
    here = [(0, -1)] if value is None else [((value > 0) - (value < 0), _decimals(value))]
    return [*_shape(expression.left), *_shape(expression.right), *here]


def _is_like(shape: list[tuple[int, int]], made: Expression) -> bool:
    """Whether every intermediate result has its sign and no more decimals than before."""
    return all(
        sign == new_sign and (decimals == -1 or 0 <= new_decimals <= decimals)
        for (sign, decimals), (new_sign, new_decimals) in zip(shape, _shape(made), strict=True)
    )


def _decimals(value: Fraction) -> int:
    written = write_number(value)
    return -1 if "/" in written else len(written.partition(".")[2])


def _with(problem: Problem, spans: list[Number], new: Values, made: Expression) -> Problem:
    text, end, parts = problem.question, 0, list[str]()
    for number in spans:
        written = text[number.start : number.end]
        sign = written[: len(written) - len(written.lstrip("$€£ "))]
        parts += [text[end : number.start], sign, _written(new[number.value], number, "," in written)]
        end = number.end
    value = evaluate(made)
    assert value is not None, "its shape is that of the equation, which has a value"
    equation = write_expression(made) if isinstance(made, Operation) else write_number(made)
    return Problem.of("".join([*parts, text[end:]]), write_number(value), equation=equation, system=problem.system)


def _written(value: Fraction, like: Number, grouped: bool) -> str:
    """The number with as many decimals as the one in its place: 3.50, 1,200."""
    whole = int(value) if like.places == 0 else None
    if whole is not None:
        return f"{whole:,}" if grouped else str(whole)
    digits = f"{int(value * 10**like.places):0{like.places + 1}d}"
    return f"{digits[: -like.places]}.{digits[-like.places :]}"
