"""How a problem went over the exams, from its cells. Pure.

[(0, 4), (3, 4)]   learnt: right is a cell with at least half of its attempts right; states "wr"
[(4, 4), (4, 4)]   always right: every attempt is
"""

from __future__ import annotations

from collections.abc import Sequence

from tutelage.view.facts import Course

RIGHT, SOMETIMES, WRONG, ABSENT = "right", "sometimes", "wrong", "-"
STATES = {"r": RIGHT, "s": SOMETIMES, "w": WRONG}


def course_of(cells: Sequence[tuple[int, int]]) -> Course:
    """The course of a problem, from right attempts and all attempts in each exam; others don't count."""
    sat = [(right, total) for right, total in cells if total]
    if not sat:
        return "unseen"
    if all(right == total for right, total in sat):
        return "always right"
    if not any(right for right, _ in sat):
        return "never right"
    first, last = (2 * right >= total for right, total in (sat[0], sat[-1]))
    if first == last:
        return "mixed"
    return "learnt" if last else "forgotten"


def state_of(right: int, total: int) -> str:
    """One letter for a cell: r if all attempts are right, w if none is, s otherwise, - without attempts."""
    if not total:
        return ABSENT
    return "r" if right == total else "s" if right else "w"


def shares(cells: Sequence[tuple[int, int]]) -> tuple[float | None, float | None]:
    """The share right in the first and in the last exam with attempts; None without one."""
    sat = [right / total for right, total in cells if total]
    return (sat[0], sat[-1]) if sat else (None, None)
