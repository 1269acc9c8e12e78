"""Two sittings on the same problems: which only one has right, with McNemar's p and the paired interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from tutelage.metrics.comparison import paired
from tutelage.study_records import Comparison
from tutelage.view.facts import ShownAttempt, Sitting
from tutelage.view.index.index import RunIndex
from tutelage.view.story import attempts_in

Only = Literal["left", "right", "both", "neither", "differ"]
ONLY: tuple[Only, ...] = get_args(Only)
SIZE = 20
"""Problems on a page."""

_WANTED = {"left": "l", "right": "r", "both": "b", "neither": "n", "differ": "lr"}
_CODES = {(1, 1): "b", (1, 0): "l", (0, 1): "r", (0, 0): "n"}


@dataclass(frozen=True, slots=True)
class Side:
    """A sitting of a run, by its name."""

    index: RunIndex
    sitting: str


@dataclass(frozen=True, slots=True)
class PairRow:
    """A problem that two sittings answer: their texts and whether they are right."""

    id: str
    question: str
    answer: str
    left: ShownAttempt
    right: ShownAttempt


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sittings on the same problems. `difference` is right less left, with its 95 % interval; `p` is McNemar's.

    `unshared` problems, which one side alone answered, do not count. `rows` are a page of the `found` problems that are
    wanted.
    """

    left: str
    right: str
    problems: int
    unshared: int
    both: int
    only_left: int
    only_right: int
    neither: int
    difference: float
    low: float
    high: float
    p: float
    rows: Sequence[PairRow]
    found: int
    page: int
    pages: int


def pair(left: Side, right: Side, only: Only | None = None, page: int = 1) -> Pair:
    """Two sittings on the problems that both answer, and a page, from 1, of those that `only` wants.

    A sitting with several attempts at a problem has it right if at least half of them are; the first attempt that is
    right, or wrong, as the sitting is, is shown. The difference is the share of the right side less that of the left.
    """
    key = "pair", left.sitting, right.index.run, right.sitting, right.index.version
    numbers, codes, unshared, figures = left.index.remembered(key, lambda: _compared(left, right))
    wanted = _WANTED.get(only or "", "blrn")
    chosen = [both for both, code in zip(numbers, codes, strict=True) if code in wanted]
    pages = max(1, -(-len(chosen) // SIZE))
    page = min(max(1, page), pages)
    rows = [_row(left, right, *both) for both in chosen[(page - 1) * SIZE : page * SIZE]]
    return Pair(
        left=f"{left.index.run.name}:{left.sitting}",
        right=f"{right.index.run.name}:{right.sitting}",
        problems=len(codes),
        unshared=unshared,
        both=codes.count("b"),
        only_left=codes.count("l"),
        only_right=codes.count("r"),
        neither=codes.count("n"),
        difference=figures.difference,
        low=figures.low,
        high=figures.high,
        p=figures.p,
        rows=[row for row in rows if row],
        found=len(chosen),
        page=page,
        pages=pages,
    )


def usual(sittings: Sequence[Sitting]) -> tuple[str, str]:
    """What of a run is compared first: test before and after, else its first and last evaluation, else exam."""
    for split in ("test", "validation", "train"):
        names = [sitting.name for sitting in sittings if sitting.split == split]
        if len(names) > 1:
            return names[0], names[-1]
    return "", ""


def _compared(left: Side, right: Side) -> tuple[list[tuple[int, int]], str, int, Comparison]:
    """The numbers of the common problems on both sides, in the left one's order; a letter for each; how many problems
    are not common; the figures."""
    theirs = {name: (number, is_right) for name, number, is_right in _rights(right)}
    mine = _rights(left)
    common = [(number, is_right, *theirs[name]) for name, number, is_right in mine if name in theirs]
    unshared = len(mine) + len(theirs) - 2 * len(common)
    codes = "".join(_CODES[one, other] for _, one, _, other in common)
    if not codes:
        return [], "", unshared, Comparison("right", "left", 1, 0.0, -1.0, 1.0, 1.0, 0, 0)
    answers = "".join(str(other) for *_, other in common), "".join(str(one) for _, one, *_ in common)
    return [(number, other) for number, _, other, _ in common], codes, unshared, paired(*answers, ("right", "left"))


def _rights(side: Side) -> list[tuple[str, int, int]]:
    """The problems of a sitting: id, number, 1 if it is right."""
    query = """SELECT problems.name, problem, 2 * correct >= total FROM cells JOIN problems ON problems.id = problem
        WHERE sitting = (SELECT id FROM sittings WHERE name = ?) AND total > 0 ORDER BY problem"""
    return [(name, number, is_right) for name, number, is_right in side.index.rows(query, (side.sitting,))]


def _row(left: Side, right: Side, number: int, other: int) -> PairRow | None:
    query = "SELECT name, coalesce(question, ''), coalesce(answer, '') FROM problems WHERE id = ?"
    about = [*left.index.rows(query, (number,)), *right.index.rows(query, (other,))]
    if len(about) < 2:
        return None
    name, question, answer = about[0] if about[0][1] else about[1]
    one, two = _shown(left, number, name), _shown(right, other, name)
    return PairRow(name, question, answer, one, two) if one and two else None


def _shown(side: Side, number: int, name: str) -> ShownAttempt | None:
    attempts = attempts_in(side.index, number, name, side.sitting)
    is_right = 2 * sum(attempt.correct for attempt in attempts) >= len(attempts)
    return next((attempt for attempt in attempts if attempt.correct == is_right), None)
