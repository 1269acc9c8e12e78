"""The worked solution of a problem, and the numbers in its question. Pure.

rationale  "It is 3 × 4 = <<3*4=12>>12.\n#### 12"  ->  "It is 3 × 4 = 12."
equation   "X=((32.0+42.0)-35.0)"                  ->  "32 + 42 = 74. 74 - 35 = 39."
"""

from __future__ import annotations

import re
from fractions import Fraction

from tutelage.records import Problem
from tutelage.text.expressions import Expression, Operation, evaluate
from tutelage.text.format import write_expression, write_number
from tutelage.text.numbers import find_numbers, find_word_numbers
from tutelage.text.parser import parse_expression
from tutelage.text.statements import without_statement

_SPELT = """zero:0 one:1 two:2 three:3 four:4 five:5 six:6 seven:7 eight:8 nine:9 ten:10 eleven:11 twelve:12
thirteen:13 fourteen:14 fifteen:15 sixteen:16 seventeen:17 eighteen:18 nineteen:19 twenty:20 thirty:30 forty:40
fifty:50 sixty:60 seventy:70 eighty:80 ninety:90 hundred:100 thousand:1000 dozen:12 a:1 an:1 half:2 twice:2 double:2
doubled:2 pair:2 couple:2 third:3 thrice:3 triple:3 quarter:4 week:7 year:12 percent:100"""
_WORDS = {word: value for word, _, value in (entry.partition(":") for entry in _SPELT.split())}
"""The number that a word of the question brings into a calculation: `half` and `twice` bring a 2."""


def worked_solution(problem: Problem) -> str | None:
    """The gold rationale without its final answer, else the steps of the equation; None without either."""
    if problem.rationale is not None and (text := _without_marks(problem.rationale)):
        return text
    steps = equation_steps(problem.equation) if problem.equation else None
    return None if steps is None else " ".join(f"{step}." for step in steps)


def _without_marks(rationale: str) -> str:
    """Remove calculator marks such as `<<3*4=12>>` and a closing statement of the answer."""
    return without_statement(re.sub(r"<<[^<>]*>>", "", rationale))


def equation_steps(equation: str) -> list[str] | None:
    """`X=((32.0+42.0)-35.0)` as `32 + 42 = 74`, `74 - 35 = 39`; None if it can't be parsed or divides by zero."""
    expression = read_equation(equation)
    if expression is None or evaluate(expression) is None:
        return None
    if isinstance(expression, Fraction):
        return [f"The number asked for is {write_number(expression)}"]
    steps: list[str] = []
    _work_out(expression, steps)
    return steps


def equation_text(equation: str) -> str | None:
    """The equation in standard notation, `(32 + 42) - 35` as `32 + 42 - 35`; None if it is a single number."""
    expression = read_equation(equation)
    return write_expression(expression) if isinstance(expression, Operation) else None


def question_values(problem: Problem) -> set[Fraction]:
    """The numbers of a question, in digits or in words, also divided by 100: 20% may be written 0.2."""
    words = {Fraction(_WORDS[word]) for word in re.findall(r"[a-z]+", problem.question.lower()) if word in _WORDS}
    in_words = {abs(number.value) for number in find_word_numbers(problem.question)}
    return with_hundredths(values_in(problem.question) | words | in_words)


def values_in(text: str) -> set[Fraction]:
    """The numbers in digits of a text, without signs; for `3/4` also 3 and 4."""
    values = set[Fraction]()
    for number in find_numbers(text):
        values.add(abs(number.value))
        written = text[number.start : number.end]
        values.update(Fraction(digits) for digits in re.findall(r"[0-9]+", written) if "/" in written)
    return values


def with_hundredths(values: set[Fraction]) -> set[Fraction]:
    """The values, and those up to 100 also divided by 100."""
    return values | {value / 100 for value in values if value <= 100}


def read_equation(equation: str) -> Expression | None:
    """The right side of `X=((32.0+42.0)-35.0)`; None if it can't be parsed."""
    return parse_expression(re.sub(r"^\s*[A-Za-z]\w*\s*=(?!=)", "", equation))


def _work_out(expression: Expression, steps: list[str]) -> Fraction:
    """Append the calculations of an expression (without division by zero), innermost first; returns its value."""
    if isinstance(expression, Fraction):
        return expression
    left, right = _work_out(expression.left, steps), _work_out(expression.right, steps)
    operation = Operation(expression.operator, left, right)
    value = evaluate(operation)
    assert value is not None, "the whole expression was evaluated before"
    steps.append(f"{write_expression(operation)} = {write_number(value)}")
    return value
