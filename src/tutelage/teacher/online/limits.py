"""Rate limits: how fast an endpoint may be asked, when all must leave it alone, and how fast where nobody says so.

    600 a minute     5 or 6 at once, then one every 0.1 s, never more than 600 in any 60 s

aiolimiter, the usual library, lets twice the limit through in the first minute and takes back no estimate.
"""

from __future__ import annotations

import asyncio
import copy
import math
from collections import deque
from dataclasses import dataclass

WINDOW = 61.0
"""Seconds in which a limit is held. Endpoints count 60; the rest is for what the network delays."""
BURST = 0.5
"""Seconds' worth of a limit that may be sent at once."""
SIGMAS = 3.0
"""Standard deviations of what is in flight that are kept free."""
LEARNT = 10
"""Replies after which an expectation is trusted; until then every request counts at its upper bound."""
_FASTEST, _SLOWEST = 1e-3, 30.0
"""Seconds between two requests where the rate is found: below the first it is free."""
_CREEP = 0.9
"""The share of the gap between two requests that a reply leaves."""
_LOOK = 0.25
"""Seconds after which one who waits looks again: a reply may have made room."""


@dataclass(slots=True, eq=False)
class Admission:
    """A request that was let through: when, its upper bound, and how much it counts for the time being."""

    time: float
    bound: float
    amount: float
    variance: float


class MinuteLimit:
    """At most `limit` in any 60 s, evenly spaced. Reads no clock: it is told the time, in seconds.

    What a request takes is known before (a request is 1), or it is `estimated`: `admit` takes an upper bound, `correct`
    the truth, and the share of the bounds that replies really take is learnt. In flight counts what is expected, and
    three standard deviations of the sum.
    """

    def __init__(self, limit: float, *, estimated: bool = False) -> None:
        self._limit, self._estimated = limit, estimated
        self._log: deque[Admission] = deque()
        self._amount, self._variance = 0.0, 0.0
        self._next = -math.inf
        self._replies, self._share, self._squares = 0, 1.0, 0.0  # Welford's running mean and sum of squares

    def wait(self, now: float, bound: float = 1.0) -> float:
        """Seconds to wait before asking again whether a request of at most `bound` may pass; 0 if it may now."""
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
        """Say what an admitted request has taken in truth."""
        self._learn(amount / admission.bound)
        self._next += (amount - admission.amount) * WINDOW / self._limit
        in_window = bool(self._log) and self._log[0].time <= admission.time
        if in_window:
            self._count(admission, -1)
        admission.amount, admission.variance = amount, 0.0
        if in_window:
            self._count(admission, 1)

    def _expected(self, bound: float) -> tuple[float, float]:
        """What a request of this bound is expected to take, and the variance of that."""
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
    """How far apart requests are sent to an endpoint that has said "too many" and not how many. It is told the time.

    The rate is halved at each refusal of what was sent since it was last halved, and creeps up with every reply.
    """

    def __init__(self) -> None:
        self._gap, self._next, self._slowed = 0.0, -math.inf, -math.inf
        self._sent = deque[float]()

    def wait(self, now: float) -> float:
        """Seconds to wait before a request may pass."""
        return max(0.0, self._next - now)

    def admit(self, now: float) -> None:
        """Count a request that is sent now."""
        while self._sent and self._sent[0] <= now - WINDOW:
            self._sent.popleft()
        self._sent.append(now)
        self._next = max(self._next, now) + self._gap

    def slow_down(self, now: float, sent: float) -> None:
        """A request that was sent then has been refused."""
        if sent < self._slowed:
            return  # all that were in flight are refused for one and the same haste
        been = (now - self._sent[0]) / len(self._sent) if self._sent else 0.0
        self._gap = min(_SLOWEST, 2 * max(self._gap, been, _FASTEST))
        self._next, self._slowed = now + self._gap, now

    def speed_up(self) -> None:
        """A request has been answered."""
        self._gap = self._gap * _CREEP if self._gap > _FASTEST else 0.0


class Limits:
    """Lets requests through one by one, in the order in which they come, as the limits of an endpoint allow.

    For one event loop; `again` is for the next one. `tokens` are prompt and completion together.
    """

    def __init__(self, requests_per_minute: int | None, tokens_per_minute: int | None) -> None:
        self._requests = MinuteLimit(requests_per_minute) if requests_per_minute else None
        self._tokens = MinuteLimit(tokens_per_minute, estimated=True) if tokens_per_minute else None
        self._held_until = -math.inf
        self._pace = Pace()
        self._turn = asyncio.Lock()

    def again(self) -> Limits:
        """The same limits for another event loop: what was sent lately still counts, and what was learnt stays."""
        limits = copy.copy(self)
        limits._turn = asyncio.Lock()
        return limits

    def hold(self, seconds: float) -> None:
        """Let nothing through for so long: the endpoint asked to be left alone."""
        self._held_until = max(self._held_until, _now() + seconds)

    def slow_down(self, sent: float) -> None:
        """A request that was sent at this time of the loop was one too many, and nothing says how long to wait."""
        self._pace.slow_down(_now(), sent)

    def speed_up(self) -> None:
        """A request has been answered."""
        self._pace.speed_up()

    async def admit(self, tokens: int) -> Admission | None:
        """Wait until a request of at most so many tokens may be sent; what is returned goes to `correct`."""
        async with self._turn:
            while (seconds := self._wait(tokens)) > 0:
                await asyncio.sleep(min(seconds, _LOOK))
            now = _now()
            self._pace.admit(now)
            if self._requests:
                self._requests.admit(now)
            return self._tokens.admit(now, tokens) if self._tokens else None

    def correct(self, admission: Admission | None, tokens: int) -> None:
        """Say how many tokens a request has taken in truth. One that was refused keeps its estimate."""
        if self._tokens and admission:
            self._tokens.correct(admission, tokens)

    def _wait(self, tokens: int) -> float:
        now = _now()
        waits = [self._held_until - now, self._pace.wait(now)]
        if self._requests:
            waits.append(self._requests.wait(now))
        if self._tokens:
            waits.append(self._tokens.wait(now, tokens))
        return max(waits)


def _now() -> float:
    return asyncio.get_running_loop().time()
