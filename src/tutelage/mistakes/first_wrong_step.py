"""The first wrong step of a student's rationale, found against the worked solution. Pure.

solution  "3 cows have 3 × 4 = 12 legs. 2 hens have 2 × 2 = 4 legs. 12 + 4 = 16 legs."
mistake   "3 cows have 3 × 4 = 12 legs. 2 hens have 2 × 4 = 8 legs. 12 + 8 = 20 legs. The answer is 20."
found     foreign-value "2 × 4 = 8", and what would be right: "2 × 2 = 4", the solution's second calculation
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from tutelage.records import Problem
from tutelage.text.calculations import Calculation, find_calculations
from tutelage.text.expressions import Expression, Operation, evaluate, operands
from tutelage.text.format import write_expression, write_number
from tutelage.text.numbers import find_numbers, read_number
from tutelage.text.parser import parse_expression
from tutelage.text.statements import stated_answers, without_statement

WrongStepKind = Literal["false-calculation", "foreign-value", "wrong-answer", "no-answer"]


@dataclass(frozen=True, slots=True)
class FirstWrongStep:
    """Where a mistake first leaves the solution.

    `text` is the student's step (empty where no answer is stated), `right` what would be right there, and `step` the
    index of the solution's calculation that the student needs, None if the solution has none.
    """

    kind: WrongStepKind
    text: str
    right: str
    step: int | None = None


_STEP_LABEL = re.compile(r"(?m)^\s*(?:step\s*)?\d{1,2}[.):](?=\s)", re.IGNORECASE)
_SPELT = """zero:0 one:1 two:2 three:3 four:4 five:5 six:6 seven:7 eight:8 nine:9 ten:10 eleven:11 twelve:12
thirteen:13 fourteen:14 fifteen:15 sixteen:16 seventeen:17 eighteen:18 nineteen:19 twenty:20 thirty:30 forty:40
fifty:50 sixty:60 seventy:70 eighty:80 ninety:90 hundred:100 thousand:1000 dozen:12 a:1 an:1 half:2 twice:2 double:2
doubled:2 pair:2 couple:2 third:3 thrice:3 triple:3 quarter:4 week:7 year:12 percent:100"""
_WORDS = {word: value for word, _, value in (entry.partition(":") for entry in _SPELT.split())}
"""What a word of the question stands for in a calculation: `half` as well as `twice` brings in a 2."""


def worked_solution(problem: Problem) -> str | None:
    """The gold rationale without its final answer, or else the equation worked out; None if there is neither."""
    if problem.rationale is not None and (text := _without_marks(problem.rationale)):
        return text
    steps = equation_steps(problem.equation) if problem.equation else None
    return None if steps is None else " ".join(f"{step}." for step in steps)


def _without_marks(rationale: str) -> str:
    """Without calculator marks such as `<<3*4=12>>`, and without a closing statement of the answer."""
    return without_statement(re.sub(r"<<[^<>]*>>", "", rationale))


def equation_steps(equation: str) -> list[str] | None:
    """`X=((32.0+42.0)-35.0)` as `32 + 42 = 74`, `74 - 35 = 39`; None if it cannot be read or divides by zero."""
    expression = _read_equation(equation)
    if expression is None or evaluate(expression) is None:
        return None
    if isinstance(expression, Fraction):
        return [f"The number asked for is {write_number(expression)}"]
    steps: list[str] = []
    _work_out(expression, steps)
    return steps


def equation_text(equation: str) -> str | None:
    """The equation in the usual signs, `(32 + 42) - 35` as `32 + 42 - 35`; None if it is a mere number."""
    expression = _read_equation(equation)
    return write_expression(expression) if isinstance(expression, Operation) else None


def explain_mistake(problem: Problem, mistake: str) -> FirstWrongStep | None:
    """The first wrong step of a mistake; None if the problem has no worked solution or nothing wrong is found.

    Wrong is, whichever comes first: a false calculation; a number that stands neither in the question nor in the
    solution (only where the answer is a number); after all steps, another answer than the right one, or none.
    """
    solution = worked_solution(problem)
    if solution is None:
        return None
    gold = find_calculations(solution)
    if read_number(problem.answer) is not None and (found := _first_wrong_value(problem, solution, gold, mistake)):
        return found
    return _wrong_answer(problem, mistake, gold)


def _first_wrong_value(
    problem: Problem, solution: str, gold: Sequence[Calculation], mistake: str
) -> FirstWrongStep | None:
    known = _known_values(problem, solution)
    labels = {match.end() - 2 for match in _STEP_LABEL.finditer(mistake)}
    calculations = find_calculations(mistake)
    steps: list[tuple[int, Calculation | None]] = [(item.start, item) for item in calculations]
    inside = [(item.start, item.end) for item in calculations]
    loose = [
        number
        for number in find_numbers(mistake)
        if not any(start <= number.start < end for start, end in inside)
        and not any(number.start <= label <= number.end for label in labels)
    ]
    steps += [(number.start, None) for number in loose if abs(number.value) not in known]
    reached: set[Fraction] = set()
    for start, calculation in sorted(steps, key=lambda step: step[0]):
        if calculation is None:
            step = _needed(gold, reached)
            if answer := _statement_around(mistake, start):
                return FirstWrongStep("wrong-answer", answer, problem.answer, len(gold) - 1 if gold else None)
            return FirstWrongStep("foreign-value", _around(mistake, start), _right(problem, gold, step), step)
        if not calculation.holds:
            return _false_calculation(problem, calculation, gold, reached)
        if any(abs(value) not in known for value in (*operands(calculation.left), calculation.result)):
            step = _needed(gold, reached)
            return FirstWrongStep("foreign-value", calculation.text, _right(problem, gold, step), step)
        reached.add(calculation.result)
    return None


def _false_calculation(
    problem: Problem, calculation: Calculation, gold: Sequence[Calculation], reached: Set[Fraction]
) -> FirstWrongStep:
    """The same calculation in the solution, or else the one the student had come to."""
    numbers = sorted(operands(calculation.left))
    alike = [item.value == calculation.value and sorted(operands(item.left)) == numbers for item in gold]
    step = alike.index(True) if any(alike) else _needed(gold, reached)
    if calculation.value is None:
        return FirstWrongStep("false-calculation", calculation.text, _right(problem, gold, step), step)
    right = f"{calculation.expression.strip()} = {write_number(calculation.value)}"
    return FirstWrongStep("false-calculation", calculation.text, right, step)


def _wrong_answer(problem: Problem, mistake: str, gold: Sequence[Calculation]) -> FirstWrongStep | None:
    last = len(gold) - 1 if gold else None
    statements = list(stated_answers(mistake))
    if not statements:
        return FirstWrongStep("no-answer", "", problem.answer, last)
    stated = statements[-1]
    if _same_answer(stated["value"], problem.answer):
        return None
    return FirstWrongStep("wrong-answer", stated.group().strip(), problem.answer, last)


def _same_answer(stated: str, answer: str) -> bool:
    if (right := read_number(answer)) is not None:
        return any(number.value == abs(right) for number in find_numbers(stated))
    words = re.findall(r"\w+", stated.lower())
    wanted = re.findall(r"\w+", answer.lower())
    return words[: len(wanted)] == wanted


def question_values(problem: Problem) -> set[Fraction]:
    """The numbers that a question gives, in digits or in words, and as shares of a hundred: 20% may be written 0.2."""
    words = [_WORDS[word] for word in re.findall(r"[a-z]+", problem.question.lower()) if word in _WORDS]
    return _with_hundredths({number.value for number in find_numbers(f"{problem.question}\n{' '.join(words)}")})


def _known_values(problem: Problem, solution: str) -> set[Fraction]:
    """All that a right step may hold: the numbers of the question and of the solution."""
    known = {number.value for number in find_numbers(f"{solution}\n{problem.answer}")}
    for calculation in find_calculations(solution):
        known |= {abs(value) for value in (*operands(calculation.left), calculation.result)}
    return question_values(problem) | _with_hundredths(known)


def _with_hundredths(values: set[Fraction]) -> set[Fraction]:
    return values | {value / 100 for value in values if value <= 100}


def _needed(gold: Sequence[Calculation], reached: Set[Fraction]) -> int | None:
    """The first calculation of the solution whose result the student has not got."""
    missing = [index for index, item in enumerate(gold) if item.result not in reached]
    return missing[0] if missing else len(gold) - 1 if gold else None


def _right(problem: Problem, gold: Sequence[Calculation], step: int | None) -> str:
    return problem.answer if step is None else gold[step].text


def _around(text: str, at: int) -> str:
    """The line or sentence of `text` that holds the character `at`."""
    start = max(text.rfind("\n", 0, at), text.rfind(". ", 0, at) + 1 if ". " in text[:at] else -1) + 1
    ends = [end for end in (text.find("\n", at), text.find(". ", at)) if end >= 0]
    return text[start : min(ends, default=len(text))].strip()


def _statement_around(text: str, at: int) -> str:
    """The answer statement that holds the character `at`, or nothing."""
    return next((match.group().strip() for match in stated_answers(text) if match.start() <= at < match.end()), "")


def _read_equation(equation: str) -> Expression | None:
    return parse_expression(re.sub(r"^\s*[A-Za-z]\w*\s*=(?!=)", "", equation))


def _work_out(expression: Expression, steps: list[str]) -> Fraction:
    """Append the calculations of an expression, innermost first; it does not divide by zero."""
    if isinstance(expression, Fraction):
        return expression
    left, right = _work_out(expression.left, steps), _work_out(expression.right, steps)
    operation = Operation(expression.operator, left, right)
    value = evaluate(operation)
    assert value is not None, "the whole expression was evaluated before"
    steps.append(f"{write_expression(operation)} = {write_number(value)}")
    return value
