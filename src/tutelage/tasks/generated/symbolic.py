"""Generated: the problems of reasoning-gym's `gsm_symbolic`, GSM8K's templates with fresh names and numbers.

    question  "A boy has 6 stickers. His … Give the result as your final answer. Do not include units."
    solution  "His brother has 6 - 3 = 3 stickers.\\nTogether, they have 6 + 3 = 9 stickers.\\n#### 9"

Not every solution that comes with them is fit to teach: one in which a calculation is false, empty or beyond checking
is dropped, the problem stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutelage.grading.grade import canonical
from tutelage.records import Problem
from tutelage.tasks.arithmetic import doubtful
from tutelage.tasks.generated.generator import Options
from tutelage.tasks.generated.gym import gym_rows
from tutelage.text.numbers import find_numbers, format_value, plain
from tutelage.text.statements import last_line

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
    """The solution without its result line; None if a calculation is doubtful or the last line misses the answer."""
    text = _POINT_ZERO.sub("", _RESULT.sub("", solution)).strip()
    reached = any(format_value(number.value) == answer for number in find_numbers(plain(last_line(text))))
    return text if reached and "=" in text and doubtful(text) is None else None


def count_dropped(problems: list[Problem]) -> tuple[str, ...]:
    """A note on how many problems have no solution."""
    dropped = sum(problem.rationale is None for problem in problems)
    return (f"{dropped} of {len(problems)} worked solutions are dropped: a calculation is false, empty or unclear",)
