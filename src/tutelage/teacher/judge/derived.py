"""Whether a number that no calculation makes is derived from what the steps name. Pure.

question  "Tom has 3 boxes of 4 pens and loses 2. How many are left?", answer 10
derived   "3 × 4 = 12 pens. He loses 2 and has 10 left."   one operation on the last result makes 10
derived   "He has 12 pens, then 10."                       one operation on a number of the steps' own makes 10
not       "3 × 4 = 12 pens. So he has 10 left."            nothing that is taken from 12 is named
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

from tutelage.records import Problem
from tutelage.teacher.judge.constants import constants
from tutelage.teacher.judge.values import Found, all_numbers, follows, numbers_of, rests
from tutelage.text.expressions import operands
from tutelage.text.numbers import Number

_FEWEST_TURNS = 3
_ONE_STEP = 2
"""Numbers of the question that a single step takes."""
_TWICE = 2
_MOST_LIVE = 80
"""Numbers tried as the last one of a silent operation."""
_IF = re.compile(r"\bif\b", re.IGNORECASE)
"""Two of them may choose between values that the question gives."""
_HALVES = re.compile(r"\b(?:hal[fv]|twice|doubl|both\b|two\b|pairs?\b|couple|split)", re.IGNORECASE)
"""Words by which a number may be doubled or halved without a calculation."""
_BELOW = re.compile(r"\b(?:below|under|less than) (?:zero|0)\b|\b(?:negative|minus|debt|loss)\b", re.IGNORECASE)
"""Words that make a number a negative one."""
_NONE = re.compile(r"\b(?:none|nothing|no \w+ (?:(?:is|are) )?left)\b", re.IGNORECASE)
_NEXT = re.compile(r", (?:and )?| and ")
_LIST = re.compile(rf"\b\w{{1,30}}(?:(?:{_NEXT.pattern})\w{{1,30}}\b)+")
"""Things named one after the other: Tuesday, Wednesday and Thursday."""
_SHORTEST_LIST = 3
_WEEKDAY = re.compile(r"\b\w{3,6}days?\b")


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps with what was found in them; `asked` are the values of the question."""

    text: str
    problem: Problem
    wanted: Number
    found: Sequence[Found]
    asked: frozenset[Fraction]

    @property
    def results(self) -> list[Found]:
        """What calculations make, in order."""
        return [item for item in self.found if item.result]

    @property
    def last(self) -> Found | None:
        """The last result; a calculation that takes back a step, and so returns to an earlier result, is none."""
        made = [(item.calculation.left, item.values[0]) for item in self.results if item.calculation]
        sums = {(value, frozenset(operands(left))) for left, value in made}
        known = Counter(value for _, value in made)
        for item in reversed(self.results):
            left, value = item.calculation.left if item.calculation else None, item.values[0]
            taken = operands(left) if left else []
            back = len(taken) == _TWICE and (taken[0], frozenset((value, taken[1]))) in sums
            if not back or known[value] < _TWICE or value in self.asked or value == self.wanted.value:
                return item
        return None

    @property
    def conclusion(self) -> Found | None:
        """Where the answer is stated last, outside a calculation."""
        said = (item for item in reversed(self.found) if item.calculation is None)
        return next((item for item in said if any(is_same(value, self.wanted) for value in item.values)), None)


def derived_after(steps: Steps, last: Found) -> bool:
    """Whether the answer is stated behind the last calculation and one operation on what is not used up makes it.

    The operation takes numbers that the steps name; it does not add again what the last calculation has taken.
    """
    said = steps.conclusion
    if last.values[0] == -steps.wanted.value and _BELOW.search(steps.text, last.start):
        return True
    if said is None or said.end <= last.start:
        return False
    if _is_rest(steps, last) or _is_read_off(steps, last):
        return True
    if _counts(steps) or (steps.wanted.value in steps.asked and len(_IF.findall(steps.problem.question)) > 1):
        return True
    if [item.values[0] * 2 for item in steps.results].count(steps.wanted.value) >= _TWICE:
        return True
    before = [item for item in steps.found if item.end <= said.start]
    after = {value for item in before if item.start > last.start and not item.result for value in item.values}
    used = {value for item in steps.results if item.calculation for value in operands(item.calculation.left)}
    results = {value for item in before if item.result for value in item.values} - used
    live = [value for value in (*last.values, *after, *results) if value != steps.wanted.value]
    spent = set(operands(last.calculation.left)) if last.calculation else set[Fraction]()
    named = _named(steps)
    return _makes(steps.wanted.value, live, named, spent - after | units_of(steps.problem.text))


def derived_in_words(steps: Steps) -> bool:
    """Whether steps without a written calculation state numbers of their own that make the answer.

    The numbers of the question count where the steps name them, or one of the two that a question of one step has.
    """
    wanted, said = steps.wanted.value, steps.conclusion
    stated = [item for item in _own(steps) if item.values[0] != wanted]
    named = _named(steps)
    if _is_named(steps):
        return True
    if said is None:
        pair = [item.values[0] for item in stated[-2:]]
        return len(pair) > 1 and _makes(wanted, pair[:1], Counter(pair))
    if len(steps.asked) <= _ONE_STEP and steps.asked & named.keys():
        named.update(steps.asked)
    before = [item.values[0] for item in stated if item.end <= said.start]
    halved = _HALVES.search(f"{steps.problem.text}\n{steps.text}")
    units = units_of(steps.problem.text) | ({Fraction(2)} if halved else set[Fraction]())
    known = {*steps.asked, *units}
    for value in before:
        known |= {value} if follows(value, known) else set()
    live = [value for value in before if value in known]
    others = steps.asked & named.keys() - {wanted}
    if wanted in steps.asked and wanted not in numbers_of(sentence_at(steps.text, steps.found[-1])):
        return False
    if wanted in steps.asked and said not in _own(steps):
        read_off = not others and len(steps.asked) <= _ONE_STEP
        return read_off or _makes(wanted, {*live, *others}, named, units)
    new = [value for value in live[-2:] if value not in steps.asked]
    if _makes(wanted, live[-2:], named, units) or _makes(wanted, new, Counter(steps.asked)):
        return True
    beside = others.intersection(numbers_of(sentence_at(steps.text, said)))
    says_it_again = not before and len(named) > _ONE_STEP <= len(beside)
    return not says_it_again and _makes(wanted, others, named)


def _is_named(steps: Steps) -> bool:
    """Whether words say that none is left, or name as many things as the answer counts."""
    wanted = steps.wanted.value
    if wanted == 0:
        return _NONE.search(steps.text) is not None
    lists = (1 + len(_NEXT.findall(found[0])) for found in _LIST.finditer(steps.text))
    return wanted >= _SHORTEST_LIST and any(wanted == length for length in lists)


def _named(steps: Steps) -> Counter[Fraction]:
    """How often the steps name each number; not the answer, unless the question gives it."""
    named = Counter(value for item in steps.found for value in item.all_values)
    for value in (steps.wanted.value, abs(steps.wanted.value)):  # -7 is found as 7, too
        if value not in steps.asked:
            del named[value]
    return named


def units_of(text: str) -> set[Fraction]:
    """The numbers that the words of a text bring with them, less those that any text may hold."""
    return constants(_WEEKDAY.sub("", text)) - constants("")


def _own(steps: Steps) -> Iterator[Found]:
    """The numbers that the question does not give, or not so often."""
    given = Counter(number.value for number in all_numbers(steps.problem.text))
    for item in steps.found:
        given[item.values[0]] -= 1
        if item.values[0] not in steps.asked or given[item.values[0]] < 0:
            yield item


def _is_rest(steps: Steps, last: Found) -> bool:
    """Whether the last calculation divides, and leaves the answer as the first new number behind it."""
    if last.calculation is None or steps.wanted.value not in rests(last.calculation, steps.asked):
        return False
    behind = (item.values[0] for item in steps.found if item.start >= last.end)
    new = (value for value in behind if value == steps.wanted.value or value not in steps.asked)
    return next(new, None) == steps.wanted.value


def _is_read_off(steps: Steps, last: Found) -> bool:
    """Whether the last result shows the answer: what is missing to 100 %, the next number, or one of its digits."""
    wanted, result, question = steps.wanted, last.values[0], steps.problem.question.lower()
    stated = last.calculation.stated if last.calculation else ""
    return (
        ("%" in stated and is_same(1 - result, wanted))
        or ("consecutive" in question and abs(result - wanted.value) in (1, 2))
        or ("digit" in question and wanted.value < 10 and str(wanted.value) in str(result))
    )


def _counts(steps: Steps) -> bool:
    """Whether the answer counts calculations of one kind: days of doubling, weeks of adding."""
    done = [item.calculation.left for item in steps.results if item.calculation]
    operators = [getattr(one, "operator", "") for one in done[-_FEWEST_TURNS:]]
    return len(done) >= _FEWEST_TURNS and len(set(operators)) == 1 and abs(steps.wanted.value - len(done)) <= 1


def _makes(
    wanted: Fraction, live: Iterable[Fraction], named: Mapping[Fraction, int], scales: Collection[Fraction] = ()
) -> bool:
    """Whether one operation on one of `live` and another of `named` makes the value; those of `scales` only scale it.

    A number is multiplied by itself, or divided, where it is named twice, and never added to itself.
    """
    for one in islice(live, _MOST_LIVE):
        for other in (*named, *scales):
            if other == one and named[one] < _TWICE:
                continue
            if one * other == wanted or (other and one / other == wanted) or (one and other / one == wanted):
                return True
            if other not in scales and other != one and wanted in (one + other, one - other, other - one):
                return True
    return False


def is_same(value: Fraction, wanted: Number) -> bool:
    """The answer's value, perhaps rounded to its decimals, or written as a percentage."""
    unit = Fraction(1, 10**wanted.places)
    return abs(value - wanted.value) < (unit if wanted.places else Fraction(1, 200)) or value * 100 == wanted.value


def sentence_at(text: str, item: Found) -> str:
    """The sentence in which a number stands."""
    start = max(text.rfind(mark, 0, item.start) for mark in ("\n", ". ", "! ", "? ")) + 1
    ends = (text.find(mark, item.end) for mark in ("\n", ". ", "! ", "? "))
    return text[start : min((end for end in ends if end >= 0), default=len(text))]
