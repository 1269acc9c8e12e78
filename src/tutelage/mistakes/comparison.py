"""Compares an attempt with the worked solution: parses both once for all functions that judge the attempt. Pure.

solution   "3 × 4 = 12. 2 × 2 = 4. 12 + 4 = 16."   ->  gold     three calculations; facts {4}, the legs of a cow
attempt    "3 × 4 = 12. The answer is 12."         ->  steps    one calculation; answer "12"
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from tutelage.mistakes.solution import question_values, values_in, with_hundredths, worked_solution
from tutelage.mistakes.steps import numbers_of, same_step
from tutelage.records import Problem
from tutelage.text.calculations import Calculation, find_calculations
from tutelage.text.expressions import operands
from tutelage.text.numbers import Number, find_numbers, read_number, same_value, whole_number
from tutelage.text.plain import plain
from tutelage.text.statements import Statement, statements

_STEP_LABEL = re.compile(r"(?m)^\s*(?:step\s*)?\d{1,2}[.):](?=\s)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A parsed attempt and solution. `solution` is None and `gold` empty if the problem has no worked solution.

    `value` is the right answer if it is a number. `answer` is the attempt's stated answer, `statement` its words,
    `stated_at` their start and end in `text` (None: not in it), `is_right` whether it is right. `given` has the
    question's numbers, `known` all numbers allowed in a right step, `facts` numbers of the solution that are not in the
    question.
    """

    problem: Problem
    text: str
    answer: str | None
    statement: str
    stated_at: tuple[int, int] | None
    is_right: bool
    value: Fraction | None
    solution: str | None
    gold: Sequence[Calculation]
    steps: Sequence[Calculation]
    given: Set[Fraction]
    known: Set[Fraction]
    facts: Set[Fraction]

    def in_solution(self, step: Calculation) -> bool:
        """Whether the solution has the same calculation, whatever the step's result."""
        return any(same_step(step, item) for item in self.gold)

    def has_unknown(self, step: Calculation) -> bool:
        """Whether a step has a number that is neither in the question nor in the solution."""
        return any(abs(value) not in self.known for value in (*operands(step.left), step.result))

    def next_step(self, done: Sequence[Calculation]) -> int | None:
        """The index of the solution's first calculation whose result is not yet reached; None if all are."""
        reached = [step.result for step in done]
        for index, item in enumerate(self.gold):
            if item.result not in reached:
                return index
            reached.remove(item.result)  # two steps with the same result must both be done
        return None


def compare(problem: Problem, text: str, answer: str | None = None) -> Comparison:
    """Compare the attempt `text` with the solution of the problem.

    `answer` is the wrong answer that the exam read in it; None: its last statement counts. As in the exam, thoughts,
    markup and run-on text are ignored.
    """
    text, right = plain(text), _right(problem)
    last = next(iter(statements(text)), None)
    stated = last.piece if last and answer is None else None
    place = _span(text, last) if last else _last_place(text, answer)
    return Comparison(
        problem=problem,
        text=text,
        answer=stated or answer,
        statement=text[slice(*place)] if place else answer or "",
        stated_at=place,
        is_right=stated is not None and _is_answer(stated, problem.answer),
        value=read_number(problem.answer),
        solution=right.solution,
        gold=right.gold,
        steps=find_calculations(text),
        given=right.given,
        known=right.known,
        facts=right.facts,
    )


@dataclass(frozen=True, slots=True)
class _Right:
    """What attempts at a problem are compared with; see Comparison."""

    solution: str | None
    gold: Sequence[Calculation]
    given: Set[Fraction]
    known: Set[Fraction]
    facts: Set[Fraction]


@lru_cache(maxsize=64)  # the attempts at a problem come one after another
def _right(problem: Problem) -> _Right:
    solution, given = worked_solution(problem), frozenset(question_values(problem))
    gold = find_calculations(solution) if solution else ()
    known = given | _held_by(problem, solution or "", gold)
    return _Right(solution, gold, given, known, frozenset(_facts(gold, given)))


def loose_numbers(attempt: Comparison) -> list[Number]:
    """The numbers of an attempt that are not part of a calculation, a step's label or the stated answer."""
    inside = [(step.start, step.end) for step in attempt.steps]
    inside += [_span(attempt.text, found) for found in statements(attempt.text)]
    inside += [(label.start(), label.end()) for label in _STEP_LABEL.finditer(attempt.text)]
    numbers = find_numbers(attempt.text)
    if (stated := read_number(attempt.answer or "")) is not None:  # the last occurrence states the answer
        inside += [(number.start, number.end) for number in numbers if number.value == stated][-1:]
    return [number for number in numbers if not any(start <= number.start < end for start, end in inside)]


def _span(text: str, stated: Statement) -> tuple[int, int]:
    """Start and end of a statement, for `The answer is 12` as for `12 is the answer`."""
    before = stated.position - len(stated.piece)
    if before >= 0 and text.startswith(stated.piece, before):
        return before, stated.position
    return stated.position, text.find(stated.piece, stated.position) + len(stated.piece)


def _last_place(text: str, answer: str | None) -> tuple[int, int] | None:
    """Where an answer that is not in a statement stands last, as a word of its own; None: nowhere."""
    found = list(re.finditer(rf"(?<![\w.,]){re.escape(answer)}(?!\w)", text)) if answer else []
    return found[-1].span() if found else None


def _is_answer(stated: str, answer: str) -> bool:
    if (right := whole_number(answer)) is not None:
        return any(same_value(right, number) for number in find_numbers(stated))
    words = re.findall(r"\w+", stated.lower())
    wanted = re.findall(r"\w+", answer.lower())
    return words[: len(wanted)] == wanted


def _held_by(problem: Problem, solution: str, gold: Sequence[Calculation]) -> set[Fraction]:
    """The numbers of the solution, without signs."""
    held = values_in(f"{solution}\n{problem.answer}")
    for item in gold:
        held |= {abs(value) for value in (*operands(item.left), item.result)}
    return with_hundredths(held)


def _facts(gold: Sequence[Calculation], given: Set[Fraction]) -> set[Fraction]:
    """The numbers of the solution that come from neither question nor calculation, such as the legs of a cow."""
    known, facts = set(given), set[Fraction]()
    for item in gold:
        facts.update(value for value in numbers_of(item) if value not in known)
        known.add(abs(item.result))
    return facts
