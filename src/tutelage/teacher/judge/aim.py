"""Whether the reasoning for a number comes to it. Pure.

question  "Tom has 3 boxes of 4 pens and loses 2. How many are left?", answer 10
comes     "3 × 4 = 12 pens. He loses 2, so 12 - 2 = 10."      the last calculation makes 10
comes     "3 × 4 = 12 pens. He loses 2 and has 10 left."      one operation on the last result makes 10
astray    "3 × 4 = 12 pens. He loses 2."                      no step makes 10
astray    "12 - 2 = 10 pens, and 10 + 4 = 14 pens."           the steps end at 14
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from fractions import Fraction
from itertools import islice, pairwise

from tutelage.records import FailureReason, Problem
from tutelage.teacher.judge.derived import Steps, derived_after, derived_in_words, is_same, sentence_at, units_of
from tutelage.teacher.judge.values import Found, find_values, meanings, numbers_of
from tutelage.teacher.reading.announced import is_announced
from tutelage.text.expressions import evaluate, operands
from tutelage.text.format import write_number
from tutelage.text.numbers import Number, find_numbers, whole_number
from tutelage.text.parser import parse_expression
from tutelage.text.sentences import sentences

Flaw = tuple[FailureReason, str]

_RATIOS = (100, 60, 12, 1000, 10**6, 7, 24, 3600)
"""How many of one unit make one of another, where the answer is asked for in the other."""
_OF_MONEY = (100, 10**6)
_MONEY = re.compile(r"%|[$€£]|percent|cent|dollar|million|met(?:er|re)|\bcm\b", re.IGNORECASE)
_ROUNDS = re.compile(r"\bround|\bnearest\b", re.IGNORECASE)
_MOST_SUMS = 80
_WRITTEN = re.compile(r"\d\s?[^\w\s=.,]{0,2}\s?[-+*/×÷−]\s?[($€£]{0,2}\d")
"""A calculation, perhaps without its result."""
_SUM = re.compile(r"[($€£]{0,2}\d[\d.,]{0,12}(?:\s?[a-z]{0,12}\s?[-+*/×÷−x]\s?[($€£]{0,2}\d[\d.,]{0,12}\)?){1,8}")
"""A calculation whose result stands elsewhere: 2 + 27 - 5, which makes 24."""
_CONCLUDES = re.compile(r"(?:so|thus|therefore|hence|this means)\b", re.IGNORECASE)
_SET_ASIDE = re.compile(r"[^.\n,]{0,40}(?:\bnot\b|n['’]t\b|\bonly\b|\b(?:hold|fit)s?\b|\btoo\b)", re.IGNORECASE)
"""The text behind a number that is too small or too large: 5 vans are not enough."""
_COMPARES = re.compile(
    r"\b(?:most|least|fewest|cheap|low|high|larg|great|small|best|better|long|short|fast|slow|max|min|either|which"
    r"|whichever|enough|catch)\w*",
    re.IGNORECASE,
)
"""A question whose answer may be one of several results."""
_WORD = re.compile(r"[^\W\d_]{3,}")
_COMMON_WORDS = "there are were many much how does did the this that them they has have had with each for"
_COMMON = frozenset(_COMMON_WORDS.split())


def find_aim_flaw(text: str, problem: Problem, wanted: Number) -> Flaw | None:
    """Why the answer is not what the steps come to, if so."""
    steps = Steps(text, problem, wanted, find_values(text), frozenset(numbers_of(problem.text)))
    if (other := _concluded(steps)) is not None:
        return "does not come to its answer", f"the reasoning concludes {write_number(other)}, not {problem.answer}"
    if _ends_there(steps) or _checks(steps) or _is_one_of_several(steps):
        return None
    if steps.last is None and not _WRITTEN.search(text) and _only_announced(text):
        return "steps not done", "the reply says what to calculate and does not calculate it"
    derived = derived_after(steps, steps.last) if steps.last else derived_in_words(steps)
    return None if derived or _is_last_sum(steps) else _astray(steps)


def ends_with(text: str, problem: Problem) -> bool:
    """Whether the last calculation makes the problem's number, and the last sentence behind it has it among others."""
    wanted = whole_number(problem.answer)
    if problem.choices or wanted is None:
        return False
    found = find_values(text)
    start = len(text) - len((sentences(text) or [""])[-1])
    made = next((item for item in reversed(found) if item.calculation), None)
    said = [item.values[0] for item in found if item.start >= start]
    return made is not None and made.values[0] == wanted.value and made.end <= start and wanted.value in said


def _ends_there(steps: Steps) -> bool:
    """Whether the last calculation makes the answer, perhaps rounded or in another unit."""
    if steps.last is None:
        return False
    ratios = _ratios(steps)
    exact = not _ROUNDS.search(steps.problem.question) and not _uses_all(steps.found, steps.problem, ratios)
    exact = exact or _is_rounded_otherwise(steps, steps.last)
    return any(_is_converted(value, steps.wanted, ratios, exact=exact) for value in steps.last.values)


def _concluded(steps: Steps) -> Fraction | None:
    """The number that the last sentence concludes, if it is another one: a new one, or the last of several results."""
    start = len(steps.text) - len((sentences(steps.text) or [""])[-1])
    said = [item for item in steps.found if item.start >= start]
    values = {value for item in said for value in item.all_values}
    if not said or steps.last is None or any(item.result for item in said):
        return None
    if any(is_same(value, steps.wanted) for value in values):
        return None
    before = steps.asked.union(*(item.all_values for item in steps.found if item.start < start))
    first = said[0].values[0]
    ends = first == steps.results[-1].values[0] and _CONCLUDES.match(steps.text, start)
    return first if not values & before or (ends and len(values) == 1) else None


def _is_rounded_otherwise(steps: Steps, last: Found) -> bool:
    """Whether the text itself rounds the last result, and not to the answer: 2.375 bags, so 2 bags."""
    for item in steps.found:
        value = item.values[0]
        near = item.start >= last.end and value.denominator == 1 and abs(value - last.values[0]) < 1
        if near and not _SET_ASIDE.match(steps.text, item.end):
            return value != steps.wanted.value
    return False


def _checks(steps: Steps) -> bool:
    """Whether the last calculation puts the answer to the test: 4 × 5 = 20 books, as many as there are."""
    last, wanted = steps.last, steps.wanted.value
    if last is None or last.calculation is None or wanted not in operands(last.calculation.left):
        return False
    if any(item.calculation and item.values[0] == wanted for item in steps.found if item.end <= last.start):
        return False
    known = steps.asked.union(*(item.values for item in steps.found if item.end <= last.start))
    return last.values[0] in known and wanted not in steps.asked


def _is_one_of_several(steps: Steps) -> bool:
    """Whether an earlier result is the answer, though the steps go on: the question is about it, or compares."""
    last = steps.last
    earlier = [item for item in steps.results[:-1] if any(is_same(value, steps.wanted) for value in item.values[:1])]
    if last is None or not earlier:
        return False
    said = steps.conclusion
    used = last.calculation is not None and earlier[-1].values[0] in operands(last.calculation.left)
    compares = _COMPARES.search(steps.problem.question + steps.text[last.end :]) is not None
    if said is not None and said.start > last.start and (compares or not used):
        return True
    query = set(_words(next((said for said in reversed(sentences(steps.problem.question)) if said.endswith("?")), "")))
    asked = set(_words(steps.problem.question))
    for part in (sentence_at, _clause_at):
        own, other = (set(_words(part(steps.text, item))) for item in (earlier[-1], last))
        if used and not other - own:
            return False
        near, far = (len(own & query), len(other & query)) if query & (own | other) else (0, 0)
        if near != far:
            return near > far
        if not near and len(own - asked) < len(other - asked):
            return True
    return False


def _is_last_sum(steps: Steps) -> bool:
    """Whether a calculation without its result stands last, and makes the answer."""
    place = steps.last.end if steps.last else 0
    return any(start >= place and is_same(value, steps.wanted) for start, value in sums(steps.text))


def _only_announced(text: str) -> bool:
    """Whether two steps in a row are announced, so that the first is not done."""
    announced = [is_announced(sentence) for sentence in sentences(text)]
    return any(one and other for one, other in pairwise(announced))


def sums(text: str) -> Iterator[tuple[int, Fraction]]:
    """Calculations without a result: where each starts, and its value."""
    for match in islice(_SUM.finditer(text), _MOST_SUMS):
        written = (match[0], match[0].rstrip(".,)"))
        expression = next((found for cut in written if (found := parse_expression(cut))), None)
        value = None if expression is None else evaluate(expression)
        if value is not None:
            yield match.start(), value


def _astray(steps: Steps) -> Flaw:
    answer, last = steps.problem.answer, steps.last
    if last is None:
        return "does not come to its answer", f"the reasoning never comes to {answer}"
    return "does not come to its answer", f"the reasoning comes to {write_number(last.values[0])}, not to {answer}"


def _uses_all(found: Iterable[Found], problem: Problem, ratios: Collection[int]) -> bool:
    """Whether all numbers of the question are calculated with, perhaps in another unit.

    A result of only some of them is not rounded to the answer.
    """
    used = {value for item in found if item.calculation for value in item.all_values}
    used |= {value / ratio for value in used for ratio in ratios}
    given = (number for number in find_numbers(problem.text) if number.value != 1)
    return all(used.intersection(meanings(number, problem.text)) for number in given)


def _is_converted(value: Fraction, wanted: Number, ratios: Collection[int], *, exact: bool) -> bool:
    """The same, or in another unit, or unless `exact` rounded to a whole number."""
    scales = (1, 100) if 100 in ratios else (1,)
    near = not exact and wanted.value.denominator == 1 and any(abs(value * by - wanted.value) < 1 for by in scales)
    return near or is_same(value, wanted) or any(wanted.value in (value * ratio, value / ratio) for ratio in ratios)


def _ratios(steps: Steps) -> list[int]:
    """Those of units that the question or the steps speak of."""
    text = f"{steps.problem.text}\n{steps.text}"
    known = units_of(text)
    return [ratio for ratio in _RATIOS if ratio in known or (ratio in _OF_MONEY and _MONEY.search(text))]


def _clause_at(text: str, item: Found) -> str:
    """The words between the comma before a number and the number."""
    sentence = sentence_at(text[: item.start], item)
    return sentence.rpartition(",")[2]


def _words(text: str) -> Iterator[str]:
    return (word.lower()[:4] for word in _WORD.findall(text) if word.lower() not in _COMMON)
