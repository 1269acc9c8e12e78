"""Generated problems of reasoning-gym's `gsm_symbolic`: GSM8K's templates with new names and numbers.

    question  "A boy has 6 stickers. His … Give the result as your final answer. Do not include units."
    solution  "His brother has 6 - 3 = 3 stickers.\\nTogether, they have 6 + 3 = 9 stickers.\\n#### 9"

Some of its solutions are unsuitable for training: a solution with a false, rounded, empty or uncheckable calculation is
dropped; the problem is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutelage.grading.grade import canonical
from tutelage.records import Problem
from tutelage.tasks.generated.generator import Options
from tutelage.tasks.generated.gym import gym_rows
from tutelage.text.calculations import find_calculations
from tutelage.text.expressions import Operation, evaluate
from tutelage.text.format import write_number
from tutelage.text.numbers import find_numbers
from tutelage.text.parser import Parser
from tutelage.text.statements import last_line
from tutelage.text.tokens import tokens_of

_INSTRUCTION = re.compile(r"\s*Give the result as your final answer\. Do not include units\.\s*$")
_RESULT = re.compile(r"\s*####.*$", re.DOTALL)
_POINT_ZERO = re.compile(r"(?<=[0-9])\.0+(?![0-9])")


def gsm_symbolic(seed: int, options: Options) -> Iterator[Problem]:
    """Word problems of several steps."""
    for row in gym_rows("gsm_symbolic", seed, options):
        answer = canonical("number", row["answer"])
        yield Problem.of(
            _POINT_ZERO.sub("", _INSTRUCTION.sub("", row["question"])).strip(),
            answer,
            rationale=sound_solution(row["metadata"]["answer_cot"], answer),
        )


def sound_solution(solution: str, answer: str) -> str | None:
    """The solution without its result line; None if a calculation is unproved or the last line lacks the answer."""
    text = _POINT_ZERO.sub("", _RESULT.sub("", solution)).strip()
    reached = any(write_number(number.value) == answer for number in find_numbers(last_line(text)))
    return text if reached and "=" in text and unproved(text) is None else None


def unproved(solution: str) -> str | None:
    """The first calculation of a worked solution that is false, rounded, empty ("48 = 48") or can't be checked.

    Units and other words between the numbers are ignored; so is a name for a value ("Tom = 5 pens").
    """
    for line in solution.splitlines():
        calculations = find_calculations(line)
        for position in (sign.start() for sign in re.finditer("=", line)):
            around = next((item for item in calculations if item.start < position < item.end), None)
            if around is not None and around.fault is None and around.unrounded is None:
                continue
            if around is not None:
                return around.text if around.fault is None else around.fault.text
            if _is_broken_up(line, position):
                continue
            left, right = line[:position].rpartition("=")[2], line[position + 1 :].partition("=")[0]
            if re.search("[0-9]", left):
                return f"{_bare(left)} = {_bare(right)}".strip()
    return None


def _is_broken_up(line: str, position: int) -> bool:
    """Whether the number before an equals sign is the result of the calculation after it: 288 = 2 × 100 + 88."""
    tokens = list(tokens_of(line))
    index = next((i for i, token in enumerate(tokens) if token.start == position), 0)
    number = tokens[index - 1].number if index else None
    made = Parser(tokens, index + 1).sum()
    return number is not None and isinstance(made, Operation) and evaluate(made) == number.value


def _bare(side: str) -> str:
    return " ".join(re.sub(r"[^\W\d_]+", " ", side).split())


def count_dropped(problems: list[Problem]) -> tuple[str, ...]:
    """A note on the number of problems without a solution."""
    dropped = sum(problem.rationale is None for problem in problems)
    return (f"{dropped} of {len(problems)} worked solutions are dropped: a calculation is false, empty or unclear",)
