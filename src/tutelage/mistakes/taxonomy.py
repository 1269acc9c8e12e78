"""What kind of mistake an attempt is: where it first leaves every right way. Pure.

"A farm has 3 cows and 2 hens. How many legs?", solution "3 × 4 = 12. 2 × 2 = 4. 12 + 4 = 16."

    "3 × 4 = 13. 2 × 2 = 4. 13 + 4 = 17. The answer is 17."    wrong calculation
    "3 × 4 = 12. 2 × 6 = 12. 12 + 12 = 24. The answer is 24."  wrong number copied: nothing brings in the 6
    "3 + 2 = 5. The answer is 5."                              wrong plan
    "3 × 4 = 12. 2 × 2 = 4."                                   format: no answer is stated
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from fractions import Fraction

from tutelage.mistakes.first_wrong_step import question_values, worked_solution
from tutelage.mistakes.steps import is_check, numbers_of, same_step, swapped_number, with_true_results
from tutelage.records import AnswerKind, Attempt, Problem
from tutelage.text.ambiguity import is_ambiguous
from tutelage.text.calculations import Calculation, find_calculations
from tutelage.text.numbers import find_numbers, read_number
from tutelage.text.statements import without_statement

CALCULATION = "wrong calculation"
NUMBER = "wrong number copied"
PLAN = "wrong plan"
FORMAT = "format"
ANSWER = "wrong answer"
"""Where nothing more can be told: the answer is no number, or it is stated without a step."""


def kind_of_mistake(problem: Problem, kind: AnswerKind, attempt: Attempt) -> str | None:
    """The kind of a wrong attempt by its first wrong step; None for a right one, and where nothing can be told.

    A false calculation counts as such unless a step before it had left the plan, so that true arithmetic would not
    have helped. Without a worked solution little more than false calculations and faults of format can be told.
    """
    if attempt.verdict.correct:
        return None
    if attempt.finish == "length" or attempt.verdict.answer is None:
        return FORMAT
    answer = read_number(problem.answer)
    steps = find_calculations(attempt.text)
    if kind != "number" or answer is None or not (steps or without_statement(attempt.text)):
        return ANSWER
    if found := _first_wrong_step(problem, answer, attempt.text, steps):
        return found
    if steps and steps[-1].result == answer:
        return NUMBER  # the steps are right, and another answer is stated
    return PLAN if worked_solution(problem) is not None else None


def _first_wrong_step(problem: Problem, answer: Fraction, text: str, steps: Sequence[Calculation]) -> str | None:
    """The kind of the first calculation that is false or has a wrong number; None if there is none."""
    solution = worked_solution(problem)
    gold = find_calculations(solution or "")
    given = question_values(problem)
    facts = _facts(gold, given)
    off_plan = False
    for index, step in enumerate(steps):
        if not step.holds and not is_ambiguous(text, step):
            return PLAN if off_plan and with_true_results(steps) != answer else CALCULATION
        known = any(same_step(step, item) for item in gold) or is_check(step, steps[:index])
        if solution is not None and not known:
            off_plan = True
            if _has_wrong_number(step, gold, given, facts, text[: step.start]):
                return NUMBER
        given.add(abs(step.result))
    return None


def _has_wrong_number(
    step: Calculation, gold: Sequence[Calculation], given: Set[Fraction], facts: Set[Fraction], before: str
) -> bool:
    """Whether a step has another number in the place of a fact, or one from nowhere that leads nowhere."""
    swaps = [swap for item in gold if (swap := swapped_number(step, item))]
    if any(right in facts for _, right in swaps):
        return True
    leads = any(step.result == item.result for item in gold)
    return not leads and any(_is_from_nowhere(value, given, before) for value in numbers_of(step))


def _facts(gold: Sequence[Calculation], given: Set[Fraction]) -> set[Fraction]:
    """The numbers that the solution knows of itself, such as the legs of a cow."""
    known, facts = set(given), set[Fraction]()
    for item in gold:
        facts.update(value for value in numbers_of(item) if value not in known)
        known.add(abs(item.result))
    return facts


def _is_from_nowhere(value: Fraction, given: Set[Fraction], before: str) -> bool:
    """Whether a number is not given, nor said `before` as what an unwritten calculation makes of two that are."""
    if value in given:
        return False
    said = any(abs(number.value) == value for number in find_numbers(before))
    return not (said and any(abs(value - one) in given or _is_multiple(value, one, given) for one in given))


def _is_multiple(value: Fraction, one: Fraction, given: Set[Fraction]) -> bool:
    return one != 0 and (value * one in given or value / one in given)
