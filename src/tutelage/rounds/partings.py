"""Right attempts at a problem that the student also gets wrong: learnt from where they part from the wrong ones. Pure.

right    "3 × 4 = 12 pens. 12 - 2 = 10 are left. The answer is 10."     one of four attempts
wrong    "3 × 4 = 12 pens. 12 + 2 = 14 are left. The answer is 14."
before   "3 × 4 = 12 pens. 12 "       right   "- 2 = 10 are left. The answer is 10."       weight 3/4

What they share is not learnt: the student writes it anyway, whatever comes of it.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence

from tutelage.mistakes.repair import Repair
from tutelage.records import Attempt, Problem
from tutelage.text.calculations import find_calculations
from tutelage.text.in_common import in_common
from tutelage.text.run_on import cut


def partings(problem: Problem, attempts: Sequence[Attempt]) -> Iterator[Repair]:
    """Every right attempt that came to its end, after what it shares with the wrong attempt that goes along longest.

    Each weighs the share of the attempts that are wrong. A right answer with a false calculation is not learnt.
    """
    wrong = [text for each in attempts if not each.verdict.correct and (text := each.text.strip())]
    in_order = sorted(wrong)
    weight = sum(not each.verdict.correct for each in attempts) / len(attempts) if attempts else 0.0
    for attempt in attempts:
        right = cut(attempt.text).strip()
        sound = attempt.verdict.correct and attempt.finish == "stop"
        if not wrong or not right or not sound or not all(step.holds for step in find_calculations(right)):
            continue
        beside = bisect(in_order, right)  # next to it stand the texts that go along with it longest
        at = max(_shared(right, text) for text in in_order[max(0, beside - 1) : beside + 1])
        other = next(text for text in wrong if text.startswith(right[:at]))
        yield Repair(problem, right[:at], other[at:], right[at:], ends=True, weight=weight)


def _shared(one: str, other: str) -> int:
    """The characters with which both begin, up to the beginning of the word at which they part."""
    same = in_common(one, other)
    while same and not one[same - 1].isspace():
        same -= 1
    return same
