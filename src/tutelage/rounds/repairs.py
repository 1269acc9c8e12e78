"""From an exam and the teacher's replies to repairs: attempts put right at their first wrong step. Pure.

A problem of round 1: the student wrote 3 × 4 = 13 twice, and once 3 + 4 = 7. The first two are the same repair; the
other one needs the worked solution, or a teacher that was asked to put it right.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence

from tutelage.config import TrainingConfig
from tutelage.mistakes.repair import Repair, repaired, tail_of
from tutelage.records import Attempt, Exam, Feedback, Problem
from tutelage.rounds.partings import partings
from tutelage.rounds.requests import by_problem, order_of
from tutelage.teacher.repair import place_of
from tutelage.text.statements import statements


def build_repairs(
    problems: Sequence[Problem],
    exam: Exam | None,
    replies: Sequence[Feedback],
    config: TrainingConfig,
    seed: object,
) -> list[Repair]:
    """The repairs of this round's exam, in the order of the problems; none if the settings name another loss.

    At most `config.max_negatives` of a problem: those of the teacher's `replies` first, the others drawn by seed. With
    `config.mixed_attempts`, as many right attempts from where they part from wrong ones.
    """
    if exam is None or config.reflection != "repair" or not config.reflection_weight:
        return []
    sat, told = by_problem(exam.attempts), by_problem(sorted(replies, key=order_of))
    found: list[Repair] = []
    for problem in problems:
        bought = _distinct(_of_replies(problem, told.get(problem.id, ())))[: config.max_negatives]
        known = _distinct(_of_attempts(problem, sat.get(problem.id, ()), config))
        known = [repair for repair in known if not any(_is_same(repair, other) for other in bought)]
        found += bought + _drawn(known, config.max_negatives - len(bought), f"{seed}/{problem.id}/repairs")
        mixed = _distinct(partings(problem, sat.get(problem.id, ()))) if config.mixed_attempts else []
        found += _drawn(mixed, config.max_negatives, f"{seed}/{problem.id}/partings")
    return found


def _drawn(repairs: Sequence[Repair], most: int, seed: str) -> list[Repair]:
    return random.Random(seed).sample(repairs, min(len(repairs), most))


def _of_replies(problem: Problem, replies: Iterable[Feedback]) -> Iterator[Repair]:
    """What the teacher has put right; a number that it leaves open is ended as the student has ended it."""
    for reply in replies:
        if not reply.verdict.correct or reply.step is None or reply.mistake is None:
            continue
        text = reply.mistake.strip()
        place = place_of(text, reply.step) if reply.step else (len(text),) * 2
        if place is None:
            continue
        start, end = place
        ends = bool(statements(reply.text))
        open_end = start and not text[start - 1].isspace() and not reply.step
        lead = ("\n" if ends else " ") if open_end else ""
        tail = tail_of(text, end) if reply.text[-1:].isdigit() else ""
        yield Repair(problem, text[:start], text[start:end], f"{lead}{reply.text.strip()}{tail}", ends=ends)


def _is_same(one: Repair, other: Repair) -> bool:
    """Whether two repairs are of the same attempt up to the same place, or say the same from another place on."""
    whole, others = f"{one.before}{one.right}", f"{other.before}{other.right}"
    return one.before == other.before or whole.startswith(others) or others.startswith(whole)


def _of_attempts(problem: Problem, attempts: Iterable[Attempt], config: TrainingConfig) -> Iterator[Repair]:
    for attempt in attempts:
        solved = config.repair_from == "solution"
        found = repaired(problem, attempt, by_solution=solved, whole=config.repair_rest)
        if found is not None:
            yield found


def _distinct(repairs: Iterable[Repair]) -> list[Repair]:
    """One of those that put the same right after the same text."""
    return list({(repair.before, repair.right): repair for repair in repairs}.values())
