"""Which of a student's mistakes on a problem the teacher is shown, and in which order. Pure.

the student said   13, 13, 13 (one of them cut), 7, nothing           right: 12
kinds              [[13, 13, 13 cut], [7], [nothing]]                 most frequent first
new mistakes       13, 7, nothing, then 13 again if it reads otherwise, each unlike all that was sent before
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain

from tutelage.mistakes.near_duplicates import alike
from tutelage.records import Attempt, Feedback, FeedbackRequest, Problem

Kinds = Sequence[Sequence[Attempt]]
"""The wrong attempts at one problem, those that state the same answer together."""


def kinds_of_mistake(wrong: Sequence[Attempt], rng: random.Random) -> Kinds:
    """Most frequent answer first, equals in random order; within a kind those that ended by themselves first.

    Attempts that state no answer are a kind. The order in which the attempts come does not matter.
    """
    ordered = sorted(wrong, key=lambda attempt: (attempt.sample, attempt.text))
    kinds: dict[str | None, list[Attempt]] = {}
    for attempt in rng.sample(ordered, len(ordered)):
        kinds.setdefault(attempt.verdict.answer, []).append(attempt)
    for kind in kinds.values():
        kind.sort(key=lambda attempt: attempt.finish != "stop")
    return sorted(kinds.values(), key=len, reverse=True)


def new_mistakes(kinds: Kinds, sent: Sequence[Feedback]) -> Iterator[str]:
    """One of each kind, then a second of each, …; none is near-identical to one of its kind or to one sent before."""
    before = [reply.mistake for reply in sent if reply.mistake is not None]
    waiting = deque(_unlike(kind, before) for kind in kinds)
    while waiting:
        kind = waiting.popleft()
        if (text := next(kind, None)) is not None:
            yield text
            waiting.append(kind)


def sent_again(problem: Problem, kinds: Kinds, sent: Sequence[Feedback]) -> list[FeedbackRequest]:
    """The earlier requests about these very mistakes, literally: the ledger answers them for nothing.

    Those that brought a right rationale come first.
    """
    told = [
        (reply.sample, reply.mistake, reply.verdict.correct)
        for attempt in chain.from_iterable(kinds)
        for reply in sent
        if reply.mistake is not None and alike(attempt.text, reply.mistake)
    ]
    told.sort(key=lambda request: not request[2])
    return [FeedbackRequest(problem, mistake, sample) for sample, mistake in dict.fromkeys(row[:2] for row in told)]


def _unlike(kind: Sequence[Attempt], before: Sequence[str]) -> Iterator[str]:
    shown = list(before)
    for attempt in kind:
        if not any(alike(attempt.text, other) for other in shown):
            shown.append(attempt.text)
            yield attempt.text
