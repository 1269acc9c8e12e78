"""The current activity of a teacher's stage: the teacher writes it, the progress display reads it.

8 in flight, 3 waiting; 12 tried again (8 time-out, 4 rate limit); 0.0213 USD
nothing has arrived for 34 s; 8 in flight, the oldest for 34 s; 4 tried again (4 time-out; the last: no reply within …)
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from tutelage.money import sum_usd
from tutelage.records import FailureReason, Usage

_MOST_SAID = 200
"""Maximum characters of the last error message."""


class Activity:
    """One thread writes, others may read at the same time. `clock` returns seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sent: dict[str, float] = {}
        self._waiting = 0
        self._held_until = -1.0
        self._again = Counter[FailureReason]()
        self._trouble = ""
        self._note = ""
        self._heard = clock()
        self._spent = Usage()
        self._limit: Callable[[], str] = str

    def begin(self) -> None:
        """Reset at the beginning of a stage."""
        self.__init__(self._clock)

    @contextmanager
    def flight(self, token: str) -> Generator[None]:
        """Count a request as in flight inside the `with` block."""
        self._sent[token] = self._clock()
        try:
            yield
        finally:
            self._sent.pop(token, None)

    @contextmanager
    def wait(self) -> Generator[None]:
        """Count a request as waiting inside the `with` block."""
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    def arrived(self, usage: Usage) -> None:
        """Count a reply and its cost."""
        self._heard = self._clock()
        self._note = ""
        self._spent += usage

    def failed(self, reason: FailureReason, message: str, wait: float | None = None) -> None:
        """Count a retry; `wait` is the number of seconds that the endpoint asks to wait."""
        self._again[reason] += 1
        self._trouble = " ".join(message.split())[:_MOST_SAID]
        if wait:
            self._held_until = max(self._held_until, self._clock() + wait)

    def limit(self, waits_for: Callable[[], str]) -> None:
        """Set the function that says for what limit requests wait; empty for none."""
        self._limit = waits_for

    def note(self, text: str) -> None:
        """Set the state of a long operation, such as a batch."""
        self._note = text

    @property
    def silence(self) -> float:
        """Seconds since the last reply, or since the beginning."""
        return self._clock() - self._heard

    @property
    def spent(self) -> str:
        """The cost so far in words: US dollars, or tokens if there is no price; empty if there is none."""
        spent, tokens = self._spent, self._spent.prompt_tokens + self._spent.completion_tokens
        return f"{sum_usd((spent.cost_usd,)):.4f} USD" if spent.cost_usd else f"{tokens:,} tokens" if tokens else ""

    def figures(self) -> dict[str, Any]:
        """The same as figures, with the state of a long operation as `note`."""
        return {
            "in_flight": len(self._sent),
            "waiting": self._waiting,
            "retried": dict(self._again.copy()),
            "usd": sum_usd((self._spent.cost_usd,)),
            "note": self._note,
        }

    @property
    def tokens(self) -> int:
        """Completion tokens of the replies so far."""
        return self._spent.completion_tokens

    def __str__(self) -> str:
        """Requests in flight, waiting and retried."""
        return "; ".join(part for part in (self._note, self._under_way(), self._tried_again()) if part)

    def why(self) -> str:
        """The same for a long silence, with its likely reason."""
        sent, now = list(self._sent.values()), self._clock()
        oldest = f"{self._under_way()}, the oldest for {now - min(sent):.0f} s" if sent else self._under_way()
        limit = self._limit()
        held = f"the endpoint wants to be left alone for {self._held_until - now:.0f} s more"
        parts = (
            f"nothing has arrived for {self.silence:.0f} s",
            self._note,
            oldest or "nothing is in flight",
            held if self._held_until > now else "",
            f"the next request waits for {limit}" if limit else "",
            self._tried_again(self._trouble),
        )
        return "; ".join(part for part in parts if part)

    def _under_way(self) -> str:
        counts = ((len(self._sent), "in flight"), (self._waiting, "waiting"))
        return ", ".join(f"{count:,} {what}" for count, what in counts if count)

    def _tried_again(self, last: str = "") -> str:
        again = self._again.copy()
        listed = ", ".join(f"{count:,} {reason}" for reason, count in again.most_common())
        return f"{again.total():,} tried again ({listed}{f'; the last: {last}' if last else ''})" if again else ""
