"""What the ranks other than 0 do: they wait for orders and follow them until the run ends.

They never ask a teacher, write no file of the run and print nothing: they have no part that could.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tutelage.records import Completion
from tutelage.runs.mark import run_id
from tutelage.student.ranks.group import Ranks
from tutelage.student.ranks.led import drawn
from tutelage.student.ranks.orders import Answer, Answers, Done, End, Learn, Look, Measured, share
from tutelage.student.student import Student
from tutelage.student.training.reflection import Reflection

EVERY = 0.2
"""Seconds between two messages with answers."""
SEEN = 30
"""Seconds until a file that another machine has written must be seen here: network folders keep lists of names."""


def serve(ranks: Ranks, student: Student, out: Path, reflection: Reflection | None) -> Any:
    """Follow the orders of rank 0 until the run in `out` ends; returns its result.

    `student` has the engine and the memory for all students of the run, `reflection` is the user's own loss.
    """
    while True:
        match ranks.told():
            case Look(run):
                ranks.gathered(_sees(out, run))
            case Answer() as order if order.student is not None:
                answer(ranks, drawn(order.student, student), order)
            case Learn() as order:
                learn(ranks, drawn(order.student, student), order, reflection)
            case End(result):
                return result
            case other:
                raise AssertionError(f"an order without a meaning here: {other}")


def answer(ranks: Ranks, student: Student, order: Answer) -> None:
    """Answer this rank's share of the problems; the answers go to rank 0 as they are done."""
    mine = share(order.problems, ranks.rank, ranks.size)
    ready, sent = Answers(), time.monotonic()

    def answered(number: int, completions: Sequence[Completion]) -> None:
        nonlocal sent
        ready.append((mine[number], list(completions)))
        if time.monotonic() - sent >= EVERY:
            ranks.post(ready)
            ready.clear()
            sent = time.monotonic()

    problems, seeds = [order.problems[n] for n in mine], [order.seeds[n] for n in mine]
    begun = [order.prefixes[n] for n in mine] if order.prefixes else ()
    cost = student.answer(problems, seeds, order.settings, answered, begun)
    ranks.post(ready)
    ranks.post(Done(cost))


def learn(ranks: Ranks, student: Student, order: Learn, reflection: Reflection | None) -> None:
    """Take part in a training, as `Student.learn` on rank 0 does."""

    def until_measured(in_training: Student) -> float:
        while True:
            match ranks.told():
                case Answer() as asked:
                    answer(ranks, in_training, asked)
                case Measured(accuracy):
                    return accuracy
                case other:
                    raise AssertionError(f"an order without a meaning in a training: {other}")

    student.learn(
        order.examples,
        order.config,
        seed=order.seed,
        checkpoints=order.checkpoints,
        folder=order.folder,
        advance=lambda steps: None,
        check=until_measured if order.guarded else None,
        reflection=reflection,
        repairs=order.repairs,
    )


def _sees(out: Path, run: str) -> bool:
    """Whether the run's folder is the one that rank 0 writes."""
    until = time.monotonic() + SEEN
    while run_id(out) != run:
        if time.monotonic() > until:
            return False
        time.sleep(0.5)
    return True
