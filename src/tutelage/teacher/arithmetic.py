"""Checks that the steps of a numeric rationale reach the answer, with numbers from the question. Pure.

question  "Tom has 3 boxes of 4 pens and loses 2. How many are left?", answer 10
sound     "3 × 4 = 12 pens. He loses 2, so 12 - 2 = 10."
unsound   "3 × 4 = 12 pens. He loses 2."                  does not reach 10
unsound   "First multiply. Then subtract the lost ones."  announces steps and does none
unsound   "3 × 4 = 12 pens. 17 - 7 = 10 are left."        17 does not occur before

The check is lenient: a number may be the result of one unwritten operation on known ones, and units may be converted.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise
from operator import attrgetter

from tutelage.records import FailureReason, Problem
from tutelage.teacher.announced import is_announced
from tutelage.teacher.constants import constants
from tutelage.text.calculations import Calculation, find_calculations
from tutelage.text.expressions import evaluate, operands
from tutelage.text.format import write_number
from tutelage.text.numbers import Number, find_numbers, find_word_numbers, fold, whole_number
from tutelage.text.parser import parse_expression
from tutelage.text.sentences import sentences

Flaw = tuple[FailureReason, str]

_RATIOS = (100, 60, 12, 1000, 10**6, 7, 24, 3600)
"""Ratios of units, for an answer that is asked for in another unit than the steps reach."""
_MOST_KNOWN = 80
"""The most known values for the check: from more of them one operation makes almost any number."""
_MADE = re.compile(r"[=≈→]\s{0,3}(?:[A-Za-z]\s?[-=+−]\s?)?[($€£]{0,3}$")
"""The text before a result without a calculation: x = 12, ≈ 9, S + 30 = S + 143."""
_WRITTEN = re.compile(r"\d\s?[^\w\s=.,]{0,2}\s?[-+*/×÷−]\s?[($€£]{0,2}\d")
"""A calculation, with or without its result."""
_SPACED = re.compile(r"(?<![\d.,])\d{1,3}(?: \d{3})+(?!\d)")
_PERCENT = re.compile(r"\s?(?:%|percent|per cent)", re.IGNORECASE)
_PLAIN = re.compile(r"(?<!\d)(?<!\d[.,])\d{1,15}(?:\.\d{1,15})?(?![.,]?\d)")
_SUM = re.compile(r"[($€£]{0,2}\d[\d.,]{0,12}(?:\s?[a-z]{0,12}\s?[-+*/×÷−x]\s?[($€£]{0,2}\d[\d.,]{0,12}\)?){1,8}")
"""A calculation whose result is written elsewhere: 2 + 27 - 5, which makes 24."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A number or a calculation in a text, and the values that it may mean; `result` if it is a step's result."""

    start: int
    end: int
    values: tuple[Fraction, ...]
    result: bool
    calculation: Calculation | None = None

    @property
    def all_values(self) -> tuple[Fraction, ...]:
        return self.values if self.calculation is None else (*operands(self.calculation.left), *self.values)


def find_flaw(steps: str, problem: Problem) -> Flaw | None:
    """The first flaw of the steps to a numeric answer; None if there is none, or the answer is no plain number."""
    wanted = whole_number(problem.answer)
    if wanted is None:
        return None
    found = _find(steps)
    return _aim(steps, problem, found, wanted) or _ground(steps, problem, found)


def _aim(steps: str, problem: Problem, found: list[_Found], wanted: Number) -> Flaw | None:
    """The flaw if the steps do not reach the answer."""
    results = [item for item in found if item.result]
    last = results[-1] if results else None
    exact = not _uses_all(found, problem)
    if any(_is_converted(value, wanted, exact=exact) for value in (last.values if last else ())):
        return None
    if any(_is_same(value, wanted) for item in results for value in item.values[:1]) or _checks(last, found, wanted):
        return None
    if last is None and not _WRITTEN.search(steps) and _only_announced(steps):
        return "steps not done", "the reply says what to calculate and does not calculate it"
    said = [item for item in found if any(_is_same(value, wanted) for value in item.values)]
    conclusion = said[-1] if said else None
    if conclusion is None or (last is not None and conclusion.end <= last.start):
        return _astray(last, problem)
    asked = set(_numbers_of(problem.text))
    if len(found) - len(said) < 2 and wanted.value not in asked:
        return _astray(last, problem)
    before = (value for item in found if item.end <= conclusion.start for value in item.all_values)
    known = {*asked, *before, *_sums(steps)}
    return None if _follows(wanted.value, known) else _astray(last, problem)


def _checks(last: _Found | None, found: Iterable[_Found], wanted: Number) -> bool:
    """Whether the last calculation checks the answer: it uses the answer and reaches an earlier number."""
    if last is None or last.calculation is None or wanted.value not in operands(last.calculation.left):
        return False
    return any(last.values[0] in item.values for item in found if item.end <= last.start)


def _only_announced(steps: str) -> bool:
    """Whether two steps in a row are announced: then the first is not carried out."""
    announced = [is_announced(sentence) for sentence in sentences(steps)]
    return any(one and other for one, other in pairwise(announced))


def _sums(steps: str) -> Iterator[Fraction]:
    for match in islice(_SUM.finditer(steps), _MOST_KNOWN):
        expression = next(
            (found for cut in (match[0], match[0].rstrip(".,)")) if (found := parse_expression(cut))), None
        )
        value = None if expression is None else evaluate(expression)
        if value is not None:
            yield value


def _astray(last: _Found | None, problem: Problem) -> Flaw:
    if last is None or not last.result:
        return "does not come to its answer", f"the reasoning never comes to {problem.answer}"
    made = write_number(last.values[0])
    return "does not come to its answer", f"the reasoning comes to {made}, not to {problem.answer}"


def _ground(steps: str, problem: Problem, found: Iterable[_Found]) -> Flaw | None:
    """The flaw if a calculation uses a number that is neither in the question nor before it."""
    asked = set(_numbers_of(problem.text))
    if not asked:
        return None
    known = asked | constants(f"{problem.text}\n{steps}")
    for item in found:
        if len(known) > _MOST_KNOWN:
            return None
        if item.calculation is None:
            known |= {value for value in item.values if item.result or _follows(value, known)}
            continue
        for number in operands(item.calculation.left):
            if not _follows(number, known):
                reason = f"{write_number(number)} stands neither in the question nor before {item.calculation.text!r}"
                return "numbers from nowhere", " ".join(reason.split())
        known.update(item.all_values)
    return None


def _follows(value: Fraction, known: Collection[Fraction]) -> bool:
    """Whether a value is known, or the result of one operation on two known ones."""
    if value in known or -value in known:
        return True
    return any(
        value - one in known
        or one - value in known
        or (one and (value / one in known or (value and one / value in known)))
        for one in known
    )


def _is_same(value: Fraction, wanted: Number) -> bool:
    """Whether a value is the answer, also rounded to the answer's decimals, or as a percentage."""
    unit = Fraction(1, 10**wanted.places)
    return abs(value - wanted.value) < (unit if wanted.places else Fraction(1, 200)) or value * 100 == wanted.value


def _uses_all(found: Iterable[_Found], problem: Problem) -> bool:
    """Whether the calculations use all numbers of the question; only then may a result be rounded to the answer."""
    used = {value for item in found if item.calculation for value in item.all_values}
    return all(used.intersection(_meanings(number, problem.text)) for number in find_numbers(problem.text))


def _is_converted(value: Fraction, wanted: Number, *, exact: bool) -> bool:
    """Whether a value is the answer, also in another unit or, unless `exact`, before rounding to a whole number."""
    near = not exact and wanted.value.denominator == 1 and abs(value - wanted.value) < 1
    return near or _is_same(value, wanted) or any(wanted.value in (value * ratio, value / ratio) for ratio in _RATIOS)


def _find(text: str) -> list[_Found]:
    """The calculations of a text and the numbers outside them, in order."""
    calculations = find_calculations(text)
    found = [_of(calculation) for calculation in calculations]
    place = 0
    for number in sorted(_numbers(text), key=attrgetter("start")):
        while place < len(calculations) and calculations[place].end <= number.start:
            place += 1
        if place == len(calculations) or number.end <= calculations[place].start:
            made = _MADE.search(text, max(0, number.start - 24), number.start) is not None
            found.append(_Found(number.start, number.end, tuple(_meanings(number, text)), made))
    return sorted(found, key=attrgetter("start"))


def _of(calculation: Calculation) -> _Found:
    values = (calculation.result,) if calculation.value is None else (calculation.result, calculation.value)
    return _Found(calculation.start, calculation.end, values, True, calculation)


def _numbers(text: str) -> list[Number]:
    if " 000" in text:
        text = _SPACED.sub(lambda match: match[0].replace(" ", ","), text)
    found = [*find_numbers(text), *find_word_numbers(text)]
    starts = {number.start for number in found}
    plain = (match for match in _PLAIN.finditer(fold(text)) if match.start() not in starts)
    return [*found, *(Number(*match.span(), Fraction(match[0])) for match in plain)]


def _numbers_of(text: str) -> Iterator[Fraction]:
    return (value for number in _numbers(text) for value in _meanings(number, text))


def _meanings(number: Number, text: str) -> Iterator[Fraction]:
    """The values that a number may mean: 20 % may also be 0.2, 0.8 or 1.2."""
    yield number.value
    if number.scale > 1:
        yield number.value / number.scale
    if number.percent or _PERCENT.match(text, number.end):
        part = number.value / 100
        yield from (part, 1 - part, 1 + part, 100 - number.value, 100 + number.value)
