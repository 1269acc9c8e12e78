"""Rate limits: a sliding window over requests and tokens, a hold after retry-after, and an adaptive pace after 429.

    600 a minute     5 or 6 at once, then one every 0.1 s, never more than 600 in any 60 s

A token bucket such as aiolimiter's allows twice the limit in the first minute, and cannot correct an estimate.
"""

from __future__ import annotations

import asyncio
import copy
import math
from collections import deque
from dataclasses import dataclass

WINDOW = 61.0
"""Seconds of the sliding window. Endpoints count 60; the rest allows for network delay."""
BURST = 0.5
"""Seconds' worth of a limit that may be sent at once."""
SIGMAS = 3.0
"""Margin for tokens in flight, in standard deviations of their sum."""
LEARNT = 10
"""Replies before the learnt estimate is used; until then every request counts at its upper bound."""
_FASTEST, _SLOWEST = 1e-3, 30.0
"""Seconds between two requests under the adaptive pace; a gap below the first ends it."""
_CREEP = 0.9
"""Each reply multiplies the gap between two requests by this."""
_LOOK = 0.25
"""Seconds between two checks by a waiting request: a reply may have made room."""


@dataclass(slots=True, eq=False)
class Admission:
    """An admitted request: its time, its upper bound, and the amount and variance that it counts with now."""

    time: float
    bound: float
    amount: float
    variance: float


class MinuteLimit:
    """At most `limit` in any 60 s, evenly spaced. The caller passes the time, in seconds.

    The amount of a request is known (a request counts 1) or `estimated`: `admit` takes an upper bound, `correct` the
    true amount, and the ratio of the two is learnt. Requests in flight count at their expected amount, with a margin of
    three standard deviations of the sum.
    """

    def __init__(self, limit: float, *, estimated: bool = False) -> None:
        self._limit, self._estimated = limit, estimated
        self._log: deque[Admission] = deque()
        self._amount, self._variance = 0.0, 0.0
        self._next = -math.inf
        self._replies, self._share, self._squares = 0, 1.0, 0.0  # Welford's running mean and sum of squares

    def wait(self, now: float, bound: float = 1.0) -> float:
        """Seconds until a request of at most `bound` should check again; 0 if it may pass now."""
        while self._log and self._log[0].time <= now - WINDOW:
            self._count(self._log.popleft(), -1)
        amount, variance = self._expected(bound)
        reserve = SIGMAS * math.sqrt(max(0.0, self._variance) + variance)
        if self._log and self._amount + amount + reserve > self._limit:
            return max(self._log[0].time + WINDOW - now, 1e-3)
        return max(0.0, self._next - BURST - now)

    def admit(self, now: float, bound: float = 1.0) -> Admission:
        """Count a request that is sent now."""
        admission = Admission(now, bound, *self._expected(bound))
        self._log.append(admission)
        self._count(admission, 1)
        self._next = max(self._next, now) + admission.amount * WINDOW / self._limit
        return admission

    def correct(self, admission: Admission, amount: float) -> None:
        """Replace the estimate of an admitted request by its true amount."""
        self._learn(amount / admission.bound)
        self._next += (amount - admission.amount) * WINDOW / self._limit
        in_window = bool(self._log) and self._log[0].time <= admission.time
        if in_window:
            self._count(admission, -1)
        admission.amount, admission.variance = amount, 0.0
        if in_window:
            self._count(admission, 1)

    def _expected(self, bound: float) -> tuple[float, float]:
        """The expected amount of a request with this bound, and its variance."""
        if not self._estimated or self._replies < LEARNT:
            return bound, 0.0
        return bound * self._share, bound**2 * self._squares / (self._replies - 1)

    def _learn(self, share: float) -> None:
        self._replies += 1
        before = self._share if self._replies > 1 else share
        self._share = before + (share - before) / self._replies
        self._squares += (share - before) * (share - self._share)

    def _count(self, admission: Admission, sign: int) -> None:
        self._amount += sign * admission.amount
        self._variance += sign * admission.variance


class Pace:
    """The gap between requests to an endpoint that answers 429 and states no limit. The caller passes the time.

    A refusal halves the rate, unless its request was sent before the last halving. Every reply raises the rate a
    little.
    """

    def __init__(self) -> None:
        self._gap, self._next, self._slowed = 0.0, -math.inf, -math.inf
        self._sent = deque[float]()

    def wait(self, now: float) -> float:
        """Seconds until the next request may pass."""
        return max(0.0, self._next - now)

    def admit(self, now: float) -> None:
        """Count a request that is sent now."""
        while self._sent and self._sent[0] <= now - WINDOW:
            self._sent.popleft()
        self._sent.append(now)
        self._next = max(self._next, now) + self._gap

    def slow_down(self, now: float, sent: float) -> None:
        """Halve the rate: a request sent at the time `sent` was refused."""
        if sent < self._slowed:
            return  # requests that were in flight together count as one refusal
        been = (now - self._sent[0]) / len(self._sent) if self._sent else 0.0
        self._gap = min(_SLOWEST, 2 * max(self._gap, been, _FASTEST))
        self._next, self._slowed = now + self._gap, now

    def speed_up(self) -> None:
        """Raise the rate a little: a request was answered."""
        self._gap = self._gap * _CREEP if self._gap > _FASTEST else 0.0


class Limits:
    """Admits requests one by one, in order of arrival, within the limits of an endpoint.

    For one event loop; `again` makes a copy for the next one. `tokens` are prompt and completion together.
    """

    def __init__(self, requests_per_minute: int | None, tokens_per_minute: int | None) -> None:
        self._requests = MinuteLimit(requests_per_minute) if requests_per_minute else None
        self._tokens = MinuteLimit(tokens_per_minute, estimated=True) if tokens_per_minute else None
        self._held_until = -math.inf
        self._pace = Pace()
        self._turn = asyncio.Lock()
        self._waits_for = ""

    @property
    def waits_for(self) -> str:
        """What the next request waits for, in words; empty if for nothing, or for the end of a retry-after."""
        return self._waits_for

    def again(self) -> Limits:
        """The same limits for another event loop, with the recent requests and the learnt estimates."""
        limits = copy.copy(self)
        limits._turn = asyncio.Lock()
        return limits

    def hold(self, seconds: float) -> None:
        """Admit nothing for this many seconds (retry-after)."""
        self._held_until = max(self._held_until, _now() + seconds)

    def slow_down(self, sent: float) -> None:
        """Halve the rate: a request sent at this loop time was refused, without a retry-after."""
        self._pace.slow_down(_now(), sent)

    def speed_up(self) -> None:
        """Raise the rate a little: a request was answered."""
        self._pace.speed_up()

    async def admit(self, tokens: int) -> Admission | None:
        """Wait until a request of at most this many tokens may be sent; pass the result to `correct`."""
        async with self._turn:
            while (wait := self._wait(tokens))[0] > 0:
                seconds, self._waits_for = wait
                await asyncio.sleep(min(seconds, _LOOK))
            self._waits_for = ""
            now = _now()
            self._pace.admit(now)
            if self._requests:
                self._requests.admit(now)
            return self._tokens.admit(now, tokens) if self._tokens else None

    def correct(self, admission: Admission | None, tokens: int) -> None:
        """Replace a request's estimate by its true number of tokens. A refused request keeps its estimate."""
        if self._tokens and admission:
            self._tokens.correct(admission, tokens)

    def _wait(self, tokens: int) -> tuple[float, str]:
        """Seconds until a request should check again, and what it waits for; nothing said of a retry-after."""
        now = _now()
        waits = [(self._held_until - now, ""), (self._pace.wait(now), "a pace that fits the endpoint's refusals")]
        if self._requests:
            waits.append((self._requests.wait(now), "teacher.requests_per_minute"))
        if self._tokens:
            waits.append((self._tokens.wait(now, tokens), "teacher.tokens_per_minute"))
        return max(waits)


def _now() -> float:
    return asyncio.get_running_loop().time()
