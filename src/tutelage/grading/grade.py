r"""The entry point of grading: compares the final answer that a text states with the gold answer, by value.

    "3 × 6 = 18 pens at $1.\nThe answer is 18.00 pens."   against "18"   ->  right
    "I would go to the library, so (B)."                  against "C"    ->  "B is not C"

First thoughts, markup and run-on text are removed. Then the stated answer is found (`text/statements.py`) and read by
the kind of the answer. All functions are thread-safe, accept any text and, but for `match: code`, are pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tutelage.grading.choice import grade_choice, read_choice
from tutelage.grading.code import grade_code
from tutelage.grading.free_text import grade_text, grade_yes_no, read_yes_no
from tutelage.grading.json_value import grade_json
from tutelage.grading.matching import same_by
from tutelage.grading.number import grade_number, read_number
from tutelage.records import AnswerKind, Choice, Problem, TextMatch, Verdict
from tutelage.text.latex import unlatex
from tutelage.text.numbers import Number
from tutelage.text.plain import plain, said
from tutelage.text.symbolic import is_expression
from tutelage.text.thoughts import without_thoughts


def grade(kind: AnswerKind, problem: Problem, text: str, match: TextMatch = "exact", f1: float = 1.0) -> Verdict:
    """Whether the final answer that `text` states has the value of the problem's answer, and why (not).

    `match` is how text answers are compared, `f1` the least F1 for `match="f1"`.
    """
    if match == "json":
        return grade_json(problem, said(text))
    if match == "code":
        return grade_code(problem, without_thoughts(text))
    if kind == "text":
        return grade_text(problem, plain(text), said(text), same_by(match, f1), only_stated=match in _LOOSE)
    return _GRADERS[kind](problem, plain(text))


_LOOSE: frozenset[TextMatch] = frozenset(("contains", "regex"))
"""Matches that a longer text passes more easily; they compare the stated answer only."""


_GRADERS: Mapping[AnswerKind, Callable[[Problem, str], Verdict]] = {
    "number": grade_number,
    "choice": grade_choice,
    "yes-no": grade_yes_no,
}


def canonical(kind: AnswerKind, answer: str, choices: Sequence[Choice] = ()) -> str:
    """A gold answer in canonical form: 51 for 51.0, the label of a choice, yes for "Yes.", text without outer spaces.

    Raises:
        ValueError: it is not an answer of that kind; the message says what would be.
    """
    answer = answer.strip()
    if not answer:
        raise ValueError("the answer is empty")
    if kind == "number":
        number = read_number(unlatex(answer))
        if isinstance(number, Number):
            return str(number)
        if is_expression(answer):
            return answer
        raise ValueError(f"{answer!r} is not a number")
    if kind == "choice":
        choice = read_choice(answer, choices)
        if isinstance(choice, Choice):
            return choice.label
        raise ValueError(f"{answer!r} is none of the choices {', '.join(choice.label for choice in choices)}")
    if kind == "yes-no":
        truth = read_yes_no(answer)
        if isinstance(truth, str):
            return truth
        raise ValueError(f"{answer!r} is neither yes nor no")
    return answer
