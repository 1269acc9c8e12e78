"""Rows of MATH-500, AQuA and ASDiv.

math_500   {"problem": "…", "solution": "… $\\\\boxed{\\\\frac{1}{2}}$.", "answer": "\\\\frac{1}{2}", …}
aqua       {"question": "…", "options": ["A)21", "B)21.5", …], "rationale": "… Answer is E.", "correct": "E"}
asdiv      {"Body": "Ann has 7 red apples.", "Question": "How many?", "Answer": "7 (apples)", "Formula": "7+0=7"}
"""

from __future__ import annotations

import re
from typing import Any, cast

from tutelage.records import Choice, Problem
from tutelage.tasks.data.solutions import split_solution
from tutelage.tasks.published.gold import fold, gold
from tutelage.tasks.rows import Row
from tutelage.text.numbers import whole_number
from tutelage.text.statements import without_statement

_OPTION = re.compile(r"\s*\(?([A-E])\s?[).]\s*(.*)", re.DOTALL)
_CLOSING = re.compile(
    r"\b(?:answer|option|choice)\b(?:\s(?:is|should be|would be|will be))?\W{0,6}\(?[A-E]\)?\W{0,3}\Z",
    re.IGNORECASE,
)
_UNIT = re.compile(r"\s*\([^()]*\)\s*$")


def math_500(row: Row) -> Problem:
    """A row of MATH: the answer as LaTeX, and the solution with the content of its box in the place of the box."""
    solution = row.text("solution")
    solved = split_solution(solution)
    if solved is None and not row.has("answer"):
        row.fail("solution", f"no \\boxed{{}} in the solution, which ends with {solution[-40:]!r}")
    answer = row.scalar("answer") if solved is None or row.has("answer") else solved.answer
    steps = solution if solved is None else solved.steps
    return Problem.of(row.text("problem"), gold(row, "answer", "text", answer), rationale=steps)


def aqua(row: Row) -> Problem:
    """A row of AQuA: the answer is the label of a choice, and the rationale loses the sentence that states it."""
    value = row.value("options")
    options = cast(list[Any], value) if isinstance(value, list) else []
    found = [_OPTION.fullmatch(str(option)) for option in options]
    if not found or None in found:
        row.fail("options", f"expected options such as 'A)21', found {value!r:.60}")
    choices = tuple(Choice(option[1], fold(option[2]) or "none") for option in found if option)
    steps = _without_closing(without_statement(row.optional_text("rationale") or ""))
    answer = row.text("correct")
    if answer not in [choice.label for choice in choices]:
        answer = gold(row, "correct", "choice", answer, choices)
    return Problem.of(fold(row.text("question")), answer, choices=choices, rationale=steps or None)


def _without_closing(text: str) -> str:
    """The text without a last sentence that names an option, as in "Hence the answer is (B)"."""
    found = _CLOSING.search(text, max(0, len(text) - 60))
    if found is None:
        return text.strip()
    start = 1 + max(text.rfind(sign, 0, found.start()) for sign in "\n.!?")
    return text[: max(start, found.start() - 60)].strip()


def asdiv(row: Row) -> Problem | None:
    """A row of ASDiv; None if its answer is not one number, as in 9 (apples), but several, a name or a time."""
    body, question, answer, formula = (
        name if row.has(name) else name.lower() for name in ("Body", "Question", "Answer", "Formula")
    )
    number = _UNIT.sub("", row.text(answer))
    if whole_number(number) is None:
        return None
    text, equation = fold(f"{row.text(body)} {row.text(question)}"), row.optional_text(formula)
    if equation is not None:
        equation = equation.partition("=")[0].strip().removeprefix("x") or None
    return Problem.of(text, gold(row, answer, "number", number), equation=equation)
