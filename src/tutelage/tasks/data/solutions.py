r"""Splits a worked solution into its steps and its final answer. Pure.

"3 × 4 = <<3*4=12>>12 pens.\n#### 12"        ->  "3 × 4 = 12 pens.", "12"        GSM8K
"So the sum is $\boxed{\frac{1}{2}}$."       ->  "So the sum is $\frac{1}{2}$.", "\frac{1}{2}"     MATH
"3 boxes hold 12.\nThe answer is 12."        ->  "3 boxes hold 12.", "12"
"Paris"                                      ->  None, "Paris"
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tutelage.text.statements import LONGEST, statements, without_statement
from tutelage.text.thoughts import without_thoughts

_CALCULATOR_MARK = re.compile(r"<<[^<>\n]*>>")
_MARK = re.compile(r"(?:^|(?<=\n)|(?<=[^#]))####(?!#)[ \t]*([^\n]*)")
_BOX = re.compile(r"\\f?box(?:ed)?\s{0,3}(?=\{)")
_STATED = re.compile(
    r"(?:^|(?<=\s))(?:####.*|(?:so |thus |therefore,? )?the (?:final )?answer is [^\n]*)\s*\Z", re.IGNORECASE
)
_LONGEST_BARE = 200
"""Maximum characters of a completion of one line that is taken for an answer without steps."""


@dataclass(frozen=True, slots=True)
class Solved:
    """The steps of a solution, None if it has none, and its final answer."""

    steps: str | None
    answer: str


def split_solution(text: str) -> Solved | None:
    r"""The steps and the answer: behind the last `####`, in the last `\boxed{}`, as stated, or the only line.

    A `####` above a box is a heading. None if it has several lines and states no answer. Thoughts are left out, so
    that a text of thoughts alone states none.
    """
    said = without_thoughts(text).strip()
    marked, boxed = list(_MARK.finditer(said)), boxes(said)
    if marked and not (boxed and boxed[-1][0] > marked[-1].end()):
        answer = marked[-1][1].strip()
        return Solved(_steps(said[: marked[-1].start()]), answer) if answer else None
    if boxed:
        start, inner, end = boxed[-1]
        answer = said[inner : end - 1].strip()
        steps = _unboxed(said, boxed) if said[:start].strip(" $\\[(\n") else None
        return Solved(_steps(steps or ""), answer) if answer else None
    if found := statements(said):
        steps = without_statement(said)
        answer = found[0].piece.strip().removesuffix(".").strip("*_` ")
        if answer and steps != said.strip():
            return Solved(_steps(steps), answer)
    if "\n" not in said and 0 < len(said) <= _LONGEST_BARE:
        return Solved(None, said)
    return None


def is_worked(text: str) -> bool:
    r"""Whether a text is a solution that ends with its answer, marked or stated as above, with steps before it."""
    if not any(mark in text.lower() for mark in ("####", "box", "answer is")):
        return False
    solved = split_solution(text)
    return solved is not None and solved.steps is not None


def steps_of(rationale: str | None) -> str | None:
    """The steps alone of a rationale that may state its answer: it is stated in our one form later."""
    if rationale is None:
        return None
    return _STATED.sub("", rationale).rstrip() or None


def boxes(text: str) -> list[tuple[int, int, int]]:
    r"""The places of all `\boxed{…}` with balanced braces: starts, starts of the content, ends."""
    found: list[tuple[int, int, int]] = []
    for match in _BOX.finditer(text):
        inner = match.end() + 1
        depth, position = 1, inner
        limit = min(len(text), inner + LONGEST)
        while position < limit and depth:
            depth += {"{": 1, "}": -1}.get(text[position], 0)
            position += 1
        if not depth:
            found.append((match.start(), inner, position))
    return found


def _unboxed(text: str, boxed: list[tuple[int, int, int]]) -> str:
    """The text with the content of its last box in the place of the box."""
    start, inner, end = boxed[-1]
    return text[:start] + text[inner : end - 1] + text[end:]


def _steps(text: str) -> str | None:
    return _CALCULATOR_MARK.sub("", text).strip() or None
