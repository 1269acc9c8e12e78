"""Further problems of a generated task, near one at which a student failed.

failed  "Ann draws 3 cows and 2 ducks. …", at the step 3 × 4 = 12
near    "Ann draws 7 cows and 4 bees. …"   the same kind of step, as many steps in all
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import islice, zip_longest

from tutelage.mistakes.first_wrong_step import first_wrong_step
from tutelage.mistakes.near_problems import NearProblems
from tutelage.mistakes.solution import worked_solution
from tutelage.practice_records import Near
from tutelage.records import FeedbackRequest, Problem, Split
from tutelage.tasks.splits import LoadedTask
from tutelage.text.calculations import find_calculations
from tutelage.text.numbers import find_numbers
from tutelage.text.sentences import sentence_to, sentences

CANDIDATES = 120
"""Problems of the stream among which the nearest are looked for."""
_WORD = re.compile(r"[^\W\d_]{2,}|[+×/÷-](?= )")

_STEM = 6
_SAME_STEP = 10.0
"""What a problem loses that lacks all words of the failed step, in steps more or less."""


def near_problems(task: LoadedTask) -> Near | None:
    """How a generated task makes problems near one of its own, none of them in one of its splits; None for others."""
    if (more := task.more) is None:
        return None
    known = NearProblems[Split]()
    for split, problems in task.splits.items():
        known.add(problems, split)

    def near(request: FeedbackRequest, seed: int) -> Iterator[Problem]:
        wanted, step = request.problem, _words(_failed_step(request))
        made = sorted(islice(more(seed), CANDIDATES), key=lambda problem: _distance(wanted, step, problem))
        yield from (problem for problem in made if known.find(problem) is None)

    return near


def _failed_step(request: FeedbackRequest) -> str:
    """The sentence of the worked solution with the step that the mistake gets wrong; empty if it is not known."""
    solution = worked_solution(request.problem)
    wrong = first_wrong_step(request.problem, request.mistake, request.answer) if request.mistake else None
    calculations = find_calculations(solution) if solution else ()
    if solution is None or wrong is None or wrong.step is None or wrong.step >= len(calculations):
        return ""
    return sentence_to(solution, calculations[wrong.step].end)[1]


def _distance(wanted: Problem, step: frozenset[str], problem: Problem) -> float:
    """How far a problem is from the failed one: in its steps, its words, those of the failed step above all, and the
    size of its numbers."""
    text, other = problem.rationale or "", wanted.rationale or ""
    steps = abs(len(sentences(text)) - len(sentences(other)))
    asked, wished = _words(problem.question), _words(wanted.question)
    lacking = len(step - _words(text)) / max(1, len(step))
    sizes, wished_sizes = _sizes(problem), _sizes(wanted)
    pairs = zip_longest(sizes, wished_sizes, fillvalue=0.0)
    apart = sum(min(1.0, abs(one - other)) for one, other in pairs) / max(len(sizes), len(wished_sizes))
    return steps + _SAME_STEP * lacking + apart + 1.0 - len(asked & wished) / max(1, len(asked | wished))


def _sizes(problem: Problem) -> list[float]:
    """The sizes of the numbers of a question and of its answer: natural logarithms, with the sign of the number."""
    values = [float(number.value) for number in find_numbers(f"{problem.question}\n{problem.answer}")]
    return [math.copysign(math.log1p(abs(value)), value) for value in values] or [0.0]


def _words(text: str) -> frozenset[str]:
    """The beginnings of words, the same of one thing and of several, and the signs of calculations."""
    return frozenset(word.removesuffix("s")[:_STEM] for word in _WORD.findall(text.lower()))
