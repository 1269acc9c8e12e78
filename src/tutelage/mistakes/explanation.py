"""What is wrong with a mistake, in a sentence or two that a small student can learn to write. Pure.

solution     "3 cows have 3 × 4 = 12 legs. 2 hens have 2 × 2 = 4 legs. 12 + 4 = 16 legs."
mistake      "3 cows have 3 × 4 = 12 legs. 2 hens have 2 × 4 = 8 legs. 12 + 8 = 20 legs. The answer is 20."
explanation  "In 2 × 4 = 8 the 4 is wrong, it must be 2: 2 hens have 2 × 2 = 4 legs."
"""

from __future__ import annotations

from collections.abc import Sequence

from tutelage.mistakes.first_wrong_step import FirstWrongStep, explain_mistake, worked_solution
from tutelage.mistakes.steps import is_check, numbers_of, same_step, swapped_number, with_true_results
from tutelage.records import Problem
from tutelage.text.calculations import Calculation, find_calculations
from tutelage.text.format import write_number
from tutelage.text.numbers import read_number
from tutelage.text.sentences import sentences
from tutelage.text.statements import stated_answers

_LONGEST = 100
"""Characters of a sentence that is quoted; of a longer one, its calculation alone or its beginning."""
_VERBS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}


def explain(problem: Problem, mistake: str) -> str | None:
    """What is wrong with the mistake; None if the problem has no worked solution or nothing wrong is found."""
    wrong, solution = explain_mistake(problem, mistake), worked_solution(problem)
    if wrong is None or solution is None:
        return None
    if wrong.kind == "no-answer":
        return f"No answer is stated: it is {problem.answer}."
    gold, steps = find_calculations(solution), find_calculations(mistake)
    if read_number(problem.answer) is not None and gold:
        if fault := _step_at_fault(problem, solution, gold, steps):
            return fault
        if wrong.kind == "foreign-value":
            return f'"{_clip(wrong.text)}" is wrong: {_sentence(solution, gold[wrong.step or 0])}.'
        if steps:
            return _wrong_end(problem, solution, gold, steps)
    return f"{_not_the_answer(mistake, wrong)}: {_clip(sentences(solution)[-1])}."


def _step_at_fault(
    problem: Problem, solution: str, gold: Sequence[Calculation], steps: Sequence[Calculation]
) -> str | None:
    """The first step that is false or not the solution's; None if there is none."""
    false = next((step for step in steps if not step.holds), None)
    if false and with_true_results(steps) == read_number(problem.answer):
        return _false(false)
    for index, step in enumerate(steps):
        before = steps[:index]
        if is_check(step, before):
            continue
        if not any(same_step(step, item) for item in gold):
            return _not_needed(step, _next(gold, before), solution)
        if not step.holds:
            return _false(step)
    return None


def _next(gold: Sequence[Calculation], done: Sequence[Calculation]) -> Calculation | None:
    """The first calculation of the solution whose result is not yet reached; None if all are."""
    reached = [step.result for step in done]
    for item in gold:
        if item.result not in reached:
            return item
        reached.remove(item.result)  # two steps that make the same have to be made twice
    return None


def _false(step: Calculation) -> str:
    """`3 × 4 = 13 is wrong: 3 × 4 = 12.`"""
    assert step.fault is not None, "asked about a false step only"
    left = step.fault.text.partition("=")[0].strip()
    right = "one cannot divide by 0" if step.fault.makes is None else f"{left} = {write_number(step.fault.makes)}"
    return f"{_clip(step.fault.text)} is wrong: {right}."


def _not_needed(step: Calculation, right: Calculation | None, solution: str) -> str:
    """A step that is not the solution's, beside the one that is."""
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


def _wrong_end(problem: Problem, solution: str, gold: Sequence[Calculation], steps: Sequence[Calculation]) -> str:
    """Every step is right, and yet another answer is stated."""
    right = _next(gold, steps)
    if right is None or steps[-1].result == read_number(problem.answer):
        return f"The steps come to {problem.answer}, but another answer is stated."
    return f"The steps stop too early. This is still to be done: {_sentence(solution, right)}."


def _not_the_answer(mistake: str, wrong: FirstWrongStep) -> str:
    stated = [match["value"].strip() for match in stated_answers(mistake)]
    return f"The answer is not {_clip(stated[-1])}" if stated else f'"{_clip(wrong.text)}" is wrong'


def _sentence(solution: str, calculation: Calculation) -> str:
    """The solution's sentence with a calculation, or the calculation alone where that is long."""
    found = next((sentence for sentence in sentences(solution) if calculation.text in sentence), calculation.text)
    return " ".join((found if len(found) <= _LONGEST else calculation.text).split()).rstrip(".")


def _clip(text: str) -> str:
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
