"""The first wrong step of an attempt: where it is, what would be right there, what kind of mistake it is. Pure.

solution  "3 cows have 3 × 4 = 12 legs. 2 hens have 2 × 2 = 4 legs. 12 + 4 = 16 legs."
attempt   "3 cows have 3 × 4 = 12 legs. 2 hens have 2 × 4 = 8 legs. 12 + 8 = 20 legs. The answer is 20."
found     "2 × 4 = 8", right were "2 × 2 = 4", the solution's second calculation; kind: wrong number copied

This is the one finder: explanations, the figures of an exam and the answer key's wording stand on it.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from tutelage.mistakes.comparison import Comparison, compare, loose_numbers
from tutelage.mistakes.steps import is_check, numbers_of, swapped_number, with_true_results
from tutelage.records import Problem
from tutelage.text.ambiguity import is_ambiguous
from tutelage.text.calculations import Calculation
from tutelage.text.format import write_number
from tutelage.text.numbers import find_numbers
from tutelage.text.statements import without_statement

MistakeKind = Literal["wrong calculation", "wrong number copied", "wrong plan", "format", "wrong answer"]

CALCULATION: MistakeKind = "wrong calculation"
NUMBER: MistakeKind = "wrong number copied"
PLAN: MistakeKind = "wrong plan"
FORMAT: MistakeKind = "format"
ANSWER: MistakeKind = "wrong answer"
"""Where nothing more can be told: the answer is no number, or it is stated without a step."""


@dataclass(frozen=True, slots=True)
class FirstWrongStep:
    """Where an attempt first leaves every right way.

    `text` is the student's words there (empty where no answer is stated), `calculation` the same if it is one, and
    `right` what would be right. `step` is the index of the solution's calculation that is needed there, None if there
    is none. `kind` also looks at what follows, such as a wrong number in a later step; None where nothing can be told.
    `at_end` says that the answer is wrong, or missing, and no step before it.
    """

    kind: MistakeKind | None
    text: str
    right: str
    step: int | None = None
    calculation: Calculation | None = None
    at_end: bool = False
    attempt: Comparison = field(repr=False, compare=False, kw_only=True)


def first_wrong_step(problem: Problem, text: str, answer: str | None = None) -> FirstWrongStep | None:
    """The first wrong step of `text`, of which the exam read `answer`; None if nothing wrong is found.

    Wrong is, in this order: a calculation that is false, or not one of the solution's; a number that stands neither in
    the question nor in the solution; the stated answer, or that there is none. Where the answer is no number, it alone
    is judged; without a worked solution, false calculations and it. What may be meant otherwise is not called false.
    """
    attempt = compare(problem, text, answer)
    if attempt.value is None:
        return _at_end(attempt, ANSWER)
    place, kind = _walk(attempt)
    if place is not None:
        return _at_calculation(attempt, place, kind)
    return _at_loose_number(attempt, kind) or _at_end(attempt, kind)


def _walk(attempt: Comparison) -> tuple[int | None, MistakeKind | None]:
    """The index of the first calculation at fault, None if none is, and the kind of the mistake.

    A false calculation counts as such unless a step before it had left the plan: true arithmetic would not help.
    """
    steps, given = attempt.steps, set(attempt.given)
    would_do = with_true_results(steps) == attempt.value
    astray: int | None = None
    for index, step in enumerate(steps):
        if not step.holds and not is_ambiguous(attempt.text, step):
            return (index, CALCULATION) if astray is None or would_do else (astray, PLAN)
        if attempt.solution is not None and not attempt.in_solution(step) and not is_check(step, steps[:index]):
            off = attempt.has_unknown(step) or (bool(attempt.gold) and not attempt.is_right)
            astray = index if astray is None and off else astray
            if _has_wrong_number(step, attempt, given, attempt.text[: step.start]):
                return astray, NUMBER
        given.add(abs(step.result))
    if steps and steps[-1].result == attempt.value:
        return astray, NUMBER  # the steps are right, and another answer is stated
    if not steps and not without_statement(attempt.text):
        return None, ANSWER
    return astray, None if attempt.solution is None else PLAN


def _at_calculation(attempt: Comparison, place: int, kind: MistakeKind | None) -> FirstWrongStep:
    calculation = attempt.steps[place]
    step = attempt.next_step(attempt.steps[:place])
    if kind == CALCULATION:
        numbers = numbers_of(calculation)
        alike = (item.value == calculation.value and numbers_of(item) == numbers for item in attempt.gold)
        step = next((index for index, same in enumerate(alike) if same), step)
    right = attempt.problem.answer if step is None else attempt.gold[step].text
    if kind == CALCULATION and calculation.value is not None:
        right = f"{calculation.expression.strip()} = {write_number(calculation.value)}"
    return FirstWrongStep(kind, calculation.text, right, step, calculation, attempt=attempt)


def _at_loose_number(attempt: Comparison, kind: MistakeKind | None) -> FirstWrongStep | None:
    """At the first number from nowhere outside the calculations, if there is one."""
    if attempt.solution is None:
        return None
    for number in loose_numbers(attempt):
        if abs(number.value) not in attempt.known:
            step = attempt.next_step([step for step in attempt.steps if step.end <= number.start])
            right = attempt.problem.answer if step is None else attempt.gold[step].text
            return FirstWrongStep(kind, _around(attempt.text, number.start), right, step, attempt=attempt)
    return None


def _at_end(attempt: Comparison, kind: MistakeKind | None) -> FirstWrongStep | None:
    if attempt.is_right:
        return None
    last = len(attempt.gold) - 1 if attempt.gold else None
    if attempt.answer is None:
        kind = FORMAT
    return FirstWrongStep(kind, attempt.statement, attempt.problem.answer, last, at_end=True, attempt=attempt)


def _has_wrong_number(step: Calculation, attempt: Comparison, given: Set[Fraction], before: str) -> bool:
    """Whether a step has another number in the place of a fact, or one from nowhere that leads nowhere."""
    swaps = [swap for item in attempt.gold if (swap := swapped_number(step, item))]
    if any(right in attempt.facts for _, right in swaps):
        return True
    leads = any(step.result == item.result for item in attempt.gold)
    return not leads and any(_is_from_nowhere(value, given, before) for value in numbers_of(step))


def _is_from_nowhere(value: Fraction, given: Set[Fraction], before: str) -> bool:
    """Whether a number is not given, nor said `before` as what an unwritten calculation makes of two that are."""
    if value in given:
        return False
    said = any(abs(number.value) == value for number in find_numbers(before))
    return not (said and any(abs(value - one) in given or _is_multiple(value, one, given) for one in given))


def _is_multiple(value: Fraction, one: Fraction, given: Set[Fraction]) -> bool:
    return one != 0 and (value * one in given or value / one in given)


def _around(text: str, at: int) -> str:
    """The line or sentence of `text` that holds the character `at`."""
    start = max(text.rfind("\n", 0, at), text.rfind(". ", 0, at) + 1 if ". " in text[:at] else -1) + 1
    ends = [end for end in (text.find("\n", at), text.find(". ", at)) if end >= 0]
    return text[start : min(ends, default=len(text))].strip()
