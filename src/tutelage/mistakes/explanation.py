"""Explains a mistake in one or two sentences that a small student can learn to write. Pure.

solution     "3 cows have 3 × 4 = 12 legs. 2 hens have 2 × 2 = 4 legs. 12 + 4 = 16 legs."
mistake      "3 cows have 3 × 4 = 12 legs. 2 hens have 2 × 4 = 8 legs. 12 + 8 = 20 legs. The answer is 20."
explanation  "In 2 × 4 = 8 the 4 is wrong, it must be 2: 2 hens have 2 × 2 = 4 legs."
"""

from __future__ import annotations

from tutelage.mistakes.comparison import Comparison
from tutelage.mistakes.first_wrong_step import CALCULATION, FORMAT, FirstWrongStep, first_wrong_step
from tutelage.mistakes.steps import numbers_of, swapped_number, with_true_results
from tutelage.records import Problem
from tutelage.text.calculations import Calculation
from tutelage.text.format import write_number
from tutelage.text.sentences import sentences

_LONGEST = 100
"""Maximum characters of a quoted sentence; of a longer one, only its calculation or beginning is quoted."""
_VERBS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}


def explain(problem: Problem, mistake: str, answer: str | None = None) -> str | None:
    """Explain the mistake, in which the exam read `answer`; None if `explain_step` returns None."""
    wrong = first_wrong_step(problem, mistake, answer)
    return None if wrong is None else explain_step(wrong)


def explain_step(wrong: FirstWrongStep) -> str | None:
    """Explain a first wrong step; None if the problem has no worked solution."""
    attempt = wrong.attempt
    if attempt.solution is None:
        return None
    if wrong.at_end and wrong.kind == FORMAT:
        return f"No answer is stated: it is {attempt.problem.answer}."
    if attempt.value is not None and attempt.gold:
        if wrong.calculation is not None:
            return _wrong_calculation(wrong, wrong.calculation, attempt)
        if not wrong.at_end:
            return f'"{_clip(wrong.text)}" is wrong: {_sentence(attempt.solution, attempt.gold[wrong.step or 0])}.'
        if attempt.steps:
            return _wrong_end(attempt, attempt.solution)
    said = f'"{_clip(wrong.text)}" is wrong' if attempt.answer is None else f"The answer is not {_clip(attempt.answer)}"
    return f"{said}: {_clip(sentences(attempt.solution)[-1])}."


def _wrong_calculation(wrong: FirstWrongStep, step: Calculation, attempt: Comparison) -> str:
    on_the_way = attempt.in_solution(step) or with_true_results(attempt.steps) == attempt.value
    if wrong.kind == CALCULATION and on_the_way:
        return _false(step)
    right = None if wrong.step is None else attempt.gold[wrong.step]
    return _not_needed(step, right, attempt.solution or "")


def _false(step: Calculation) -> str:
    """`3 × 4 = 13 is wrong: 3 × 4 = 12.`"""
    assert step.fault is not None, "asked about a false step only"
    left = step.fault.text.partition("=")[0].strip()
    right = "one cannot divide by 0" if step.fault.makes is None else f"{left} = {write_number(step.fault.makes)}"
    return f"{_clip(step.fault.text)} is wrong: {right}."


def _not_needed(step: Calculation, right: Calculation | None, solution: str) -> str:
    """Explain a step that is not in the solution, with the solution's step `right`."""
    taken = _clip(step.text)
    if right is None:
        return f"{taken} is not needed: the answer was already found."
    needed = _sentence(solution, right)
    if swap := swapped_number(step, right):
        here, there = map(write_number, swap)
        return f"In {taken} the {here} is wrong, it must be {there}: {needed}."
    if numbers_of(step) == numbers_of(right):
        return f"{taken} is not the step: one must {_VERBS[right.left.operator]} here. {needed}."
    return f"{taken} is not the step needed here. It is this: {needed}."


def _wrong_end(attempt: Comparison, solution: str) -> str:
    """Explain a wrong stated answer after right steps."""
    right = attempt.next_step(attempt.steps)
    if right is None or attempt.steps[-1].result == attempt.value:
        return f"The steps come to {attempt.problem.answer}, but another answer is stated."
    return f"The steps stop too early. This is still to be done: {_sentence(solution, attempt.gold[right])}."


def _sentence(solution: str, calculation: Calculation) -> str:
    """The solution's sentence with a calculation, or only the calculation if the sentence is long."""
    found = next((sentence for sentence in sentences(solution) if calculation.text in sentence), calculation.text)
    return " ".join((found if len(found) <= _LONGEST else calculation.text).split()).rstrip(".")


def _clip(text: str) -> str:
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
