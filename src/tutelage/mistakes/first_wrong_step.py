"""Finds the first wrong step of an attempt: its place, the right step, and the kind of mistake. Pure.

solution  "3 cows have 3 × 4 = 12 legs. 2 hens have 2 × 2 = 4 legs. 12 + 4 = 16 legs."
attempt   "3 cows have 3 × 4 = 12 legs. 2 hens have 2 × 4 = 8 legs. 12 + 8 = 20 legs. The answer is 20."
found     "2 × 4 = 8"; right: "2 × 2 = 4", the solution's second calculation; kind: wrong number copied

Explanations, an exam's statistics and the answer-key teacher all use this function.
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
"""The kind if nothing more is known: the answer is not a number, or it is stated without a step."""


@dataclass(frozen=True, slots=True)
class FirstWrongStep:
    """The first wrong step of an attempt.

    `text` is the step in the student's words (empty if no answer is stated), `calculation` the parsed step if it is a
    calculation, `right` the right step. `step` is the index of the solution's calculation needed there, None if there
    is none. `kind` also considers later steps, such as a wrong number there; None if unknown. `at_end`: all steps are
    right, but the answer is wrong or missing. `place` is the step's start and end in `attempt.text`, None if it is not
    there.
    """

    kind: MistakeKind | None
    text: str
    right: str
    step: int | None = None
    calculation: Calculation | None = None
    at_end: bool = False
    place: tuple[int, int] | None = field(default=None, compare=False)
    attempt: Comparison = field(repr=False, compare=False, kw_only=True)


def first_wrong_step(problem: Problem, text: str, answer: str | None = None) -> FirstWrongStep | None:
    """The first wrong step of `text`, in which the exam read `answer`; None if nothing wrong is found.

    It looks, in this order, for a calculation that is false or not in the solution; a number that is neither in the
    question nor in the solution; a wrong or missing answer. If the answer is not a number, only the answer is judged.
    Without a worked solution, only false calculations and the answer are. An ambiguous calculation is not called false.
    """
    attempt = compare(problem, text, answer)
    if attempt.value is None:
        return _at_end(attempt, ANSWER)
    place, kind = _walk(attempt)
    if place is not None:
        return _at_calculation(attempt, place, kind)
    return _at_loose_number(attempt, kind) or _at_end(attempt, kind)


def _walk(attempt: Comparison) -> tuple[int | None, MistakeKind | None]:
    """The index of the first wrong calculation (None: none is wrong) and the kind of the mistake.

    If a false calculation follows a step outside the plan, the kind is "wrong plan", unless true arithmetic would have
    given the right answer.
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
        return astray, NUMBER  # the steps are right, but another answer is stated
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
    place_in_text = (calculation.start, calculation.end)
    return FirstWrongStep(kind, calculation.text, right, step, calculation, place=place_in_text, attempt=attempt)


def _at_loose_number(attempt: Comparison, kind: MistakeKind | None) -> FirstWrongStep | None:
    """The first unexplained number outside the calculations as a wrong step; None if there is none."""
    if attempt.solution is None:
        return None
    for number in loose_numbers(attempt):
        if abs(number.value) not in attempt.known:
            step = attempt.next_step([step for step in attempt.steps if step.end <= number.start])
            right = attempt.problem.answer if step is None else attempt.gold[step].text
            start, end = _around(attempt.text, number.start)
            return FirstWrongStep(kind, attempt.text[start:end], right, step, place=(start, end), attempt=attempt)
    return None


def _at_end(attempt: Comparison, kind: MistakeKind | None) -> FirstWrongStep | None:
    if attempt.is_right:
        return None
    last = len(attempt.gold) - 1 if attempt.gold else None
    if attempt.answer is None:
        kind = FORMAT
    right, place = attempt.problem.answer, attempt.stated_at
    return FirstWrongStep(kind, attempt.statement, right, last, at_end=True, place=place, attempt=attempt)


def _has_wrong_number(step: Calculation, attempt: Comparison, given: Set[Fraction], before: str) -> bool:
    """Whether a step has a wrong number in place of a fact, or an unexplained number that leads to nothing."""
    swaps = [swap for item in attempt.gold if (swap := swapped_number(step, item))]
    if any(right in attempt.facts for _, right in swaps):
        return True
    leads = any(step.result == item.result for item in attempt.gold)
    return not leads and any(_is_from_nowhere(value, given, before) for value in numbers_of(step))


def _is_from_nowhere(value: Fraction, given: Set[Fraction], before: str) -> bool:
    """Whether a number is neither given nor derivable from two given ones, as stated in the text `before`."""
    if value in given:
        return False
    said = any(abs(number.value) == value for number in find_numbers(before))
    return not (said and any(abs(value - one) in given or _is_multiple(value, one, given) for one in given))


def _is_multiple(value: Fraction, one: Fraction, given: Set[Fraction]) -> bool:
    return one != 0 and (value * one in given or value / one in given)


def _around(text: str, at: int) -> tuple[int, int]:
    """Start and end of the line or sentence of `text` around the character `at`, without outer white space."""
    start = max(text.rfind("\n", 0, at), text.rfind(". ", 0, at) + 1 if ". " in text[:at] else -1) + 1
    ends = [end for end in (text.find("\n", at), text.find(". ", at)) if end >= 0]
    found = text[start : min(ends, default=len(text))]
    start += len(found) - len(found.lstrip())
    return start, start + len(found.strip())
