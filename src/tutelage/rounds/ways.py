"""Orders the ways of asking the teacher by their success so far: a bandit that works in blocks. Pure.

    requests  0 … 31     ordered by the counts of earlier rounds
             32 … 95     and by the counts of requests 0 … 31
             96 … 223    and by the counts of requests 32 … 95, and so on

The order of a block is fixed before any of its requests is sent, from blocks that are fully answered. So it does not
depend on the order of arrival, and the same seeds give the same requests. The endpoint is idle at the end of a block;
blocks double, so there are few.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt

from tutelage.records import Asked, Feedback, FeedbackRequest, Way
from tutelage.run_records import WayCount

FIRST_BLOCK = 32
"""Requests of the first block; each further block is twice as long."""
OPEN_EVERY, TOLD_EVERY = 4, 16
"""One request in this many begins with another way (exploration): before and after the counts tell the ways apart."""
APART = 2.0
"""Standard errors by which two shares of sound replies must differ; by chance 5 in 100 pairs do."""
READING = 0.25
"""The cost of a prompt token relative to a completion token; endpoints charge a fourth or a fifth for it."""

WORDS: Mapping[str, str] = {
    "question": "on the question alone",
    "mistake": "with the mistake in view",
    "mistake, hint": "with the mistake in view and the answer",
    "mistake-first": "with the mistake before the question",
    "mistake-first, hint": "with the mistake before the question, and the answer",
    "mistake-explained": "with the mistake explained",
    "mistake-explained, hint": "with the mistake explained, and the answer",
    "mistake-repaired": "with its first wrong step put right",
    "mistake-repaired, hint": "with its first wrong step put right, and the answer",
}


@dataclass(frozen=True, slots=True)
class Order:
    """The order of the ways from the request `start` on; one request in `every` begins with another of them.

    `guessed`: the budget was spent before the blocks before it were answered whole.
    """

    start: int
    ways: tuple[Way, ...]
    every: int
    guessed: bool = False


def blocks(requests: int) -> list[range]:
    """The indices of the requests of each block."""
    found, start, size = list[range](), 0, FIRST_BLOCK
    while start < requests:
        found.append(range(start, min(start + size, requests)))
        start, size = start + size, 2 * size
    return found


def order_of_ways(start: int, ways: Sequence[Way], before: Iterable[Feedback]) -> Order:
    """The order for a block: the ways as given until their counts in `before` differ enough, then the best first.

    Only first askings about a mistake count, since those after another way has failed are about harder problems.
    """
    found = counted(first_askings(before))
    counts = {way: found.get(name(way), WayCount()) for way in ways}
    first, *others = ways
    if not any(_apart(counts[first], counts[other]) for other in others):
        return Order(start, tuple(ways), OPEN_EVERY)
    ranked = sorted(ways, key=lambda way: _sound_per_token(counts[way]), reverse=True)
    return Order(start, tuple(ranked), TOLD_EVERY)


def in_order(
    requests: Sequence[FeedbackRequest], order: Order, before: Sequence[Feedback] = ()
) -> list[FeedbackRequest]:
    """The requests of a block, each with its ways in order; a request that was asked before keeps its first way."""
    begun: dict[object, Way] = {reply.identity: reply.asked[0].way for reply in before if reply.asked}
    asked: list[FeedbackRequest] = []
    for place, request in enumerate(requests, start=order.start):
        first = begun.get(request.identity, _first(order, place))
        rest = (way for way in order.ways if way != first)
        asked.append(request if request.mistake is None else replace(request, ways=(first, *rest)))
    return asked


def first_askings(replies: Iterable[Feedback]) -> list[Asked]:
    """The first asking of every request about a mistake; a repeated request counts once, as the ledger answers it."""
    once = {reply.identity: reply.asked[0] for reply in replies if reply.asked and reply.mistake is not None}
    return list(once.values())


def counted(askings: Iterable[Asked]) -> dict[str, WayCount]:
    """The counts of each way, by its name."""
    counts: dict[str, WayCount] = {}
    for asked in askings:
        way = name(asked.way, hint=asked.hint)
        counts[way] = counts.get(way, WayCount()) + WayCount(
            1, int(asked.sound), asked.prompt_tokens, asked.completion_tokens
        )
    return counts


def name(way: Way, *, hint: bool = False) -> str:
    """The name of a way in tables."""
    return f"{way}, hint" if hint else way


def told(replies: Iterable[Feedback]) -> str:
    """A line for the user with the success of each way in first askings about mistakes; empty if there were none."""
    counts = sorted(counted(first_askings(replies)).items(), key=lambda item: (-item[1].sound / item[1].asked, item[0]))
    parts = [f"{count.sound} of {count.asked} sound {WORDS[way]}" for way, count in counts]
    return f"this teacher: {', '.join(parts)}" if parts else ""


def _first(order: Order, place: int) -> Way:
    """The first way of a request: usually the best, at regular intervals another one."""
    turn, now = divmod(place, order.every)
    if now != order.every - 1 or len(order.ways) == 1:
        return order.ways[0]
    return order.ways[1 + turn % (len(order.ways) - 1)]


def _apart(one: WayCount, other: WayCount) -> bool:
    """Whether the shares of sound replies differ by more than chance: by their posteriors under uniform priors."""
    (mean, variance), (others_mean, others_variance) = _posterior(one), _posterior(other)
    return abs(mean - others_mean) > APART * sqrt(variance + others_variance)


def _posterior(count: WayCount) -> tuple[float, float]:
    """Mean and variance of Beta(1 + sound, 1 + the others)."""
    total = count.asked + 2
    mean = (count.sound + 1) / total
    return mean, mean * (1 - mean) / (total + 1)


def _sound_per_token(count: WayCount) -> float:
    tokens = READING * count.prompt_tokens + count.completion_tokens
    return _posterior(count)[0] * count.asked / tokens if tokens else 0.0
