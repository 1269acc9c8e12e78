"""Selects and orders the student's mistakes on a problem for the teacher. Pure.

the student said   13, 13, 13 (one of them cut), 7, nothing           right: 12
by answer          [[13, 13, 13 cut], [7], [nothing]]                 most frequent first
new mistakes       13, 7, nothing, then another 13 if its text differs; never a near-duplicate of an earlier one
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain

from tutelage.mistakes.near_duplicates import alike
from tutelage.records import Attempt, Feedback, FeedbackRequest, Problem

ByAnswer = Sequence[Sequence[Attempt]]
"""The wrong attempts at one problem, grouped by stated answer."""


def by_answer(wrong: Sequence[Attempt], rng: random.Random) -> ByAnswer:
    """Group attempts by answer: the most frequent first, equals in random order; in a group, complete attempts first.

    Attempts without an answer form one group. The order of `wrong` does not matter.
    """
    ordered = sorted(wrong, key=lambda attempt: (attempt.sample, attempt.text))
    groups: dict[str | None, list[Attempt]] = {}
    for attempt in rng.sample(ordered, len(ordered)):
        groups.setdefault(attempt.verdict.answer, []).append(attempt)
    for group in groups.values():
        group.sort(key=lambda attempt: attempt.finish != "stop")
    return sorted(groups.values(), key=len, reverse=True)


def new_mistakes(groups: ByAnswer, sent: Sequence[Feedback]) -> Iterator[Attempt]:
    """One attempt of each answer, then a second of each, …; no near-duplicates in a group or of earlier requests."""
    before = [reply.mistake for reply in sent if reply.mistake is not None]
    waiting = deque(_unlike(group, before) for group in groups)
    while waiting:
        group = waiting.popleft()
        if (attempt := next(group, None)) is not None:
            yield attempt
            waiting.append(group)


def sent_again(problem: Problem, groups: ByAnswer, sent: Sequence[Feedback]) -> list[FeedbackRequest]:
    """The earlier requests about the same mistakes, unchanged, so that the ledger answers them free of charge.

    Requests that brought a right rationale come first.
    """
    told = [
        (reply, attempt.verdict.answer)
        for attempt in chain.from_iterable(groups)
        for reply in sent
        if reply.mistake is not None and alike(attempt.text, reply.mistake)
    ]
    told.sort(key=lambda pair: not pair[0].verdict.correct)
    again: dict[tuple[str | None, int], FeedbackRequest] = {}
    for reply, answer in told:
        request = FeedbackRequest(problem, reply.mistake, reply.sample, answer)
        again.setdefault((reply.mistake, reply.sample), request)
    return list(again.values())


def _unlike(group: Sequence[Attempt], before: Sequence[str]) -> Iterator[Attempt]:
    shown = list(before)
    for attempt in group:
        if not any(alike(attempt.text, other) for other in shown):
            shown.append(attempt.text)
            yield attempt
