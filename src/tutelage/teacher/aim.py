"""Whether the reasoning for a number comes to it. Pure.

question  "Tom has 3 boxes of 4 pens and loses 2. How many are left?", answer 10
comes     "3 × 4 = 12 pens. He loses 2, so 12 - 2 = 10."      the last calculation makes 10
comes     "3 × 4 = 12 pens. He loses 2 and has 10 left."      one operation on the last result makes 10
astray    "3 × 4 = 12 pens. He loses 2."                      no step makes 10
astray    "12 - 2 = 10 pens, and 10 + 4 = 14 pens."           the steps end at 14
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise

from tutelage.records import FailureReason, Problem
from tutelage.teacher.announced import is_announced
from tutelage.teacher.constants import constants
from tutelage.teacher.values import Found, all_numbers, find_values, follows, meanings, numbers_of
from tutelage.text.expressions import Operation, evaluate, operands
from tutelage.text.format import write_number
from tutelage.text.numbers import Number, find_numbers
from tutelage.text.parser import parse_expression
from tutelage.text.sentences import sentences

Flaw = tuple[FailureReason, str]

_RATIOS = (100, 60, 12, 1000, 10**6, 7, 24, 3600)
"""How many of one unit make one of another, where the answer is asked for in the other."""
_OF_MONEY = (100, 10**6)
_MONEY = re.compile(r"%|[$€£]|percent|cent|dollar|million|met(?:er|re)", re.IGNORECASE)
_MOST_SUMS = 80
_FEWEST_TURNS = 3
_ONE_STEP = 2
"""Numbers of the question that a single step takes."""
_TWICE = 2
_WRITTEN = re.compile(r"\d\s?[^\w\s=.,]{0,2}\s?[-+*/×÷−]\s?[($€£]{0,2}\d")
"""A calculation, perhaps without its result."""
_SUM = re.compile(r"[($€£]{0,2}\d[\d.,]{0,12}(?:\s?[a-z]{0,12}\s?[-+*/×÷−x]\s?[($€£]{0,2}\d[\d.,]{0,12}\)?){1,8}")
"""A calculation whose result stands elsewhere: 2 + 27 - 5, which makes 24."""
_COMPARES = re.compile(
    r"\b(?:most|least|fewest|cheap|low|high|larg|great|small|best|better|long|short|fast|slow|max|min|either|which"
    r"|whichever|enough|catch)\w*",
    re.IGNORECASE,
)
"""A question whose answer may be one of several results."""
_WORD = re.compile(r"[^\W\d_]{3,}")
_COMMON_WORDS = "there are were many much how does did the this that them they has have had with each for"
_COMMON = frozenset(_COMMON_WORDS.split())
_IF = re.compile(r"\bif\b", re.IGNORECASE)
"""Two of them may choose between values that the question gives."""
_WEEKDAY = re.compile(r"\b\w{3,6}days?\b")


@dataclass(frozen=True, slots=True)
class _Steps:
    """The steps with what was found in them; `asked` are the values of the question."""

    text: str
    problem: Problem
    wanted: Number
    found: Sequence[Found]
    asked: frozenset[Fraction]

    @property
    def results(self) -> list[Found]:
        return [item for item in self.found if item.result]

    @property
    def last(self) -> Found | None:
        """The last result; a calculation that takes back a step, and so returns to an earlier result, is none."""
        made = [(item.calculation.left, item.values[0]) for item in self.results if item.calculation]
        sums = {(value, frozenset(operands(left))) for left, value in made if isinstance(left, Operation)}
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


def find_aim_flaw(text: str, problem: Problem, wanted: Number) -> Flaw | None:
    """Why the answer is not what the steps come to, if so."""
    steps = _Steps(text, problem, wanted, find_values(text), frozenset(numbers_of(problem.text)))
    if _ends_there(steps) or _checks(steps) or _is_one_of_several(steps):
        return None
    if steps.last is None and not _WRITTEN.search(text) and _only_announced(text):
        return "steps not done", "the reply says what to calculate and does not calculate it"
    derived = _derived_after(steps, steps.last) if steps.last else _derived_in_words(steps)
    return None if derived or _is_last_sum(steps) else _astray(steps)


def _ends_there(steps: _Steps) -> bool:
    """Whether the last calculation makes the answer, perhaps rounded or in another unit."""
    if steps.last is None:
        return False
    exact = "round" not in steps.problem.question and not _uses_all(steps.found, steps.problem)
    ratios = _ratios(steps)
    return any(_is_converted(value, steps.wanted, ratios, exact=exact) for value in steps.last.values)


def _checks(steps: _Steps) -> bool:
    """Whether the last calculation puts the answer to the test: 4 × 5 = 20 books, as many as there are."""
    last, wanted = steps.last, steps.wanted.value
    if last is None or last.calculation is None or wanted not in operands(last.calculation.left):
        return False
    known = steps.asked.union(*(item.values for item in steps.found if item.end <= last.start))
    return last.values[0] in known and wanted not in steps.asked


def _is_one_of_several(steps: _Steps) -> bool:
    """Whether an earlier result is the answer, though the steps go on: the question is about it, or compares."""
    last = steps.last
    earlier = [item for item in steps.results[:-1] if any(is_same(value, steps.wanted) for value in item.values[:1])]
    if last is None or not earlier:
        return False
    said = steps.conclusion
    if said is not None and said.start > last.start:
        used = last.calculation is not None and earlier[-1].values[0] in operands(last.calculation.left)
        if not used or _COMPARES.search(steps.problem.question + steps.text[last.end :]):
            return True
    own, other = (set(_words(_sentence_at(steps.text, item))) for item in (earlier[-1], last))
    query = set(_words(next((said for said in reversed(sentences(steps.problem.question)) if said.endswith("?")), "")))
    if query & (own | other):
        return len(own & query) > len(other & query)
    asked = set(_words(steps.problem.question))
    return len(own - asked) < len(other - asked)


def _derived_after(steps: _Steps, last: Found) -> bool:
    """Whether the answer is stated behind the last calculation and one operation on what is not used up makes it.

    The operation takes numbers that the steps name; it does not add again what the last calculation has taken.
    """
    said = steps.conclusion
    if said is None or said.end <= last.start:
        return False
    if _counts(steps) or (steps.wanted.value in steps.asked and len(_IF.findall(steps.problem.question)) > 1):
        return True
    if [item.values[0] * 2 for item in steps.results].count(steps.wanted.value) >= _TWICE:
        return True
    before = [item for item in steps.found if item.end <= said.start]
    after = {value for item in before if item.start > last.start and not item.result for value in item.values}
    used = {value for item in steps.results if item.calculation for value in operands(item.calculation.left)}
    live = {value for item in before if item.result for value in item.values} - used | after | {*last.values}
    spent = set(operands(last.calculation.left)) if last.calculation else set[Fraction]()
    named = _named(steps)
    return _makes(steps.wanted.value, live - {steps.wanted.value}, named, spent - after | _units(steps))


def _derived_in_words(steps: _Steps) -> bool:
    """Whether steps without a written calculation state numbers of their own that make the answer.

    The numbers of the question count where the steps name them, or one of the two that a question of one step has.
    """
    wanted, said = steps.wanted.value, steps.conclusion
    stated = [item for item in _own(steps) if item.values[0] != wanted]
    named = _named(steps)
    if said is None:
        pair = [item.values[0] for item in stated[-2:]]
        return len(pair) > 1 and _makes(wanted, pair[:1], Counter(pair))
    if len(steps.asked) <= _ONE_STEP and steps.asked & named.keys():
        named.update(steps.asked)
    before = [item.values[0] for item in stated if item.end <= said.start]
    units = {*_units(steps), Fraction(2)}
    known = {*steps.asked, *units}
    for value in before:
        known |= {value} if follows(value, known) else set()
    live = [value for value in before if value in known]
    others = steps.asked & named.keys() - {wanted}
    if wanted in steps.asked and said not in _own(steps):
        read_off = not others and len(steps.asked) <= _ONE_STEP
        return read_off or _makes(wanted, {*live, *others}, named, units)
    new = [value for value in live[-2:] if value not in steps.asked]
    if _makes(wanted, live[-2:], named, units) or _makes(wanted, new, Counter(steps.asked)):
        return True
    beside = others.intersection(numbers_of(_sentence_at(steps.text, said)))
    says_it_again = not before and len(named) > _ONE_STEP <= len(beside)
    return not says_it_again and _makes(wanted, others, named)


def _named(steps: _Steps) -> Counter[Fraction]:
    """How often the steps name each number; not the answer, unless the question gives it."""
    named = Counter(value for item in steps.found for value in item.all_values)
    if steps.wanted.value not in steps.asked:
        del named[steps.wanted.value]
    return named


def _units(steps: _Steps) -> set[Fraction]:
    """The numbers that the question's words bring with them, less those that any text may hold."""
    return constants(_WEEKDAY.sub("", steps.problem.text)) - constants("")


def _own(steps: _Steps) -> Iterator[Found]:
    """The numbers that the question does not give, or not so often."""
    given = Counter(number.value for number in all_numbers(steps.problem.text))
    for item in steps.found:
        given[item.values[0]] -= 1
        if item.values[0] not in steps.asked or given[item.values[0]] < 0:
            yield item


def _is_last_sum(steps: _Steps) -> bool:
    """Whether a calculation without its result stands last, and makes the answer."""
    place = steps.last.end if steps.last else 0
    return any(start >= place and is_same(value, steps.wanted) for start, value in _sums(steps.text))


def _counts(steps: _Steps) -> bool:
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
    for one in live:
        for other in (*named, *scales):
            if other == one and named[one] < _TWICE:
                continue
            if one * other == wanted or (other and one / other == wanted) or (one and other / one == wanted):
                return True
            if other not in scales and other != one and wanted in (one + other, one - other, other - one):
                return True
    return False


def _only_announced(text: str) -> bool:
    """Whether two steps in a row are announced, so that the first is not done."""
    announced = [is_announced(sentence) for sentence in sentences(text)]
    return any(one and other for one, other in pairwise(announced))


def _sums(text: str) -> Iterator[tuple[int, Fraction]]:
    """Calculations without a result: where each starts, and its value."""
    for match in islice(_SUM.finditer(text), _MOST_SUMS):
        written = (match[0], match[0].rstrip(".,)"))
        expression = next((found for cut in written if (found := parse_expression(cut))), None)
        value = None if expression is None else evaluate(expression)
        if value is not None:
            yield match.start(), value


def _astray(steps: _Steps) -> Flaw:
    answer, last = steps.problem.answer, steps.last
    if last is None:
        return "does not come to its answer", f"the reasoning never comes to {answer}"
    return "does not come to its answer", f"the reasoning comes to {write_number(last.values[0])}, not to {answer}"


def is_same(value: Fraction, wanted: Number) -> bool:
    """The answer's value, perhaps rounded to its decimals, or written as a percentage."""
    unit = Fraction(1, 10**wanted.places)
    return abs(value - wanted.value) < (unit if wanted.places else Fraction(1, 200)) or value * 100 == wanted.value


def _uses_all(found: Iterable[Found], problem: Problem) -> bool:
    """Whether all numbers of the question are calculated with; a result of only some is not rounded to the answer."""
    used = {value for item in found if item.calculation for value in item.all_values}
    given = (number for number in find_numbers(problem.text) if number.value != 1)
    return all(used.intersection(meanings(number, problem.text)) for number in given)


def _is_converted(value: Fraction, wanted: Number, ratios: Collection[int], *, exact: bool) -> bool:
    """The same, or in another unit, or unless `exact` rounded to a whole number."""
    scales = (1, 100) if 100 in ratios else (1,)
    near = not exact and wanted.value.denominator == 1 and any(abs(value * by - wanted.value) < 1 for by in scales)
    return near or is_same(value, wanted) or any(wanted.value in (value * ratio, value / ratio) for ratio in ratios)


def _ratios(steps: _Steps) -> list[int]:
    """Those of units that the question or the steps speak of."""
    text = f"{steps.problem.text}\n{steps.text}"
    known = constants(_WEEKDAY.sub("", text)) - constants("")
    return [ratio for ratio in _RATIOS if ratio in known or (ratio in _OF_MONEY and _MONEY.search(text))]


def _sentence_at(text: str, item: Found) -> str:
    start = max(text.rfind(mark, 0, item.start) for mark in ("\n", ". ", "! ", "? ")) + 1
    ends = (text.find(mark, item.end) for mark in ("\n", ". ", "! ", "? "))
    return text[start : min((end for end in ends if end >= 0), default=len(text))]


def _words(text: str) -> Iterator[str]:
    return (word.lower()[:4] for word in _WORD.findall(text) if word.lower() not in _COMMON)
