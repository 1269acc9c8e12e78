"""The test endpoint's rate limits: requests and tokens per minute, over a sliding window.

Limits(requests=2)    0 s admitted · 10 s admitted · 20 s refused, retry after 40 s · 60 s admitted
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

WINDOW = 60.0
"""Length of the window in seconds; a request exactly this old no longer counts."""


class _Window:
    """The requests admitted in the last minute, oldest first, against one limit."""

    def __init__(self, limit: int) -> None:
        self._limit, self._used, self._held = limit, 0, deque[tuple[float, int]]()

    def forget(self, now: float) -> None:
        while self._held and self._held[0][0] + WINDOW <= now:
            self._used -= self._held.popleft()[1]

    def wait(self, now: float, amount: int) -> float:
        """Seconds until `amount` more fits; 0 if it fits now, a whole window if it never fits."""
        over = self._used + amount - self._limit
        if over <= 0:
            return 0.0
        for moment, held in self._held:
            over -= held
            if over <= 0:
                return moment + WINDOW - now
        return WINDOW

    def add(self, now: float, amount: int) -> None:
        self._held.append((now, amount))
        self._used += amount

    def headers(self, now: float, unit: str) -> dict[str, str]:
        reset = self._held[-1][0] + WINDOW - now if self._held else 0.0
        return {
            f"x-ratelimit-limit-{unit}": str(self._limit),
            f"x-ratelimit-remaining-{unit}": str(self._limit - self._used),
            f"x-ratelimit-reset-{unit}": duration(reset),
        }


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether a request is admitted, and the `x-ratelimit-*` headers of the response."""

    wait: float
    """Seconds until it would be admitted; 0: it is admitted."""
    headers: Mapping[str, str]


class Limits:
    """Limits per minute on requests and on tokens (prompt and completion together); None: no limit.

    Only admitted requests count, from their arrival. Thread-safe.
    """

    def __init__(self, requests: int | None = None, tokens: int | None = None) -> None:
        limits = {"requests": requests, "tokens": tokens}
        self._windows = {unit: _Window(limit) for unit, limit in limits.items() if limit is not None}
        self._latest = 0.0
        self._lock = threading.Lock()

    def admit(self, now: float, tokens: int) -> Ruling:
        """Decide on a request with this many tokens that arrived at `now`, in seconds of a monotonic clock."""
        amounts = {"requests": 1, "tokens": tokens}
        with self._lock:
            self._latest = now = max(now, self._latest)  # threads may call in another order than requests arrived
            for window in self._windows.values():
                window.forget(now)
            wait = max((window.wait(now, amounts[unit]) for unit, window in self._windows.items()), default=0.0)
            headers: dict[str, str] = {}
            for unit, window in self._windows.items():
                if not wait:
                    window.add(now, amounts[unit])
                headers |= window.headers(now, unit)
        return Ruling(wait, headers)


def duration(seconds: float) -> str:
    """Seconds as the API writes them: 17ms, 1.5s, 6m0s."""
    milliseconds = round(max(seconds, 0.0) * 1000)
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, milliseconds = divmod(milliseconds, 60_000)
    return f"{minutes}m{milliseconds / 1000:g}s" if minutes else f"{milliseconds / 1000:g}s"
