"""How asking an endpoint fails: what passes, what does not, and when it is time to stop.

429, retry-after: 7   RequestFailed("rate limit", wait=7.0)     tried again when 7 s are over
time-out              RequestFailed("time-out", charged=True)   tried again, and perhaps paid for twice
401                   Refused("authentication")                 ends the session at once
"""

from __future__ import annotations

from collections import Counter, deque

from tutelage.errors import TeacherError
from tutelage.records import TRANSIENT, FailureReason

THOUGHTS, ALL_THOUGHTS = 20, 5
"""Of so many latest replies no three quarters may hold thoughts alone; nor all, once there are a few."""
RECENT = 50
"""More than half of so many requests may not fail."""
AT_FIRST = 3
"""So many failures end the session where the endpoint has not answered once."""
OF_THE_ANSWER: frozenset[FailureReason] = frozenset(
    (
        "wrong answer",
        "answer leaked without reasoning",
        "false calculation",
        "does not come to its answer",
        "steps not done",
        "numbers from nowhere",
        "concludes otherwise",
        "repeats the prompt",
        "samples disagree",
    )
)
"""Faults of what the teacher wrote. A weak teacher makes many of them and is of use all the same."""


_REMEDIES: dict[FailureReason, str] = {
    "rate limit": "set teacher.requests_per_minute and teacher.tokens_per_minute to your limits, or lower concurrency",
    "rejected request": "lower teacher.max_tokens if the prompts are too long, or check the settings of teacher",
    "time-out": "raise teacher.timeout or lower teacher.concurrency",
    "empty": "raise teacher.max_tokens: a model that thinks first may have none left for its answer",
    "cut at the length limit": "raise teacher.max_tokens",
    "refused by policy": "look at the replies with `tutelage ledger export`, or choose another teacher.model",
    "unparsable": "look at the replies with `tutelage ledger export`, or choose another teacher.model",
}


class RequestFailed(Exception):
    """A request got no usable reply, for a cause that may lie in the request or pass by itself.

    `wait` is how many seconds the endpoint wants to be left alone, None if it did not say; `charged` whether the
    request may have been paid for although no reply arrived; `crowded` whether the endpoint has too much to do, and all
    should ask more slowly.
    """

    def __init__(
        self,
        reason: FailureReason,
        message: str,
        *,
        wait: float | None = None,
        charged: bool = False,
        crowded: bool = False,
    ) -> None:
        super().__init__(message)
        self.reason: FailureReason = reason
        self.wait, self.charged, self.crowded = wait, charged, crowded


class Refused(TeacherError):
    """The endpoint refuses, and would refuse every other request for the same cause.

    `alone` is what it is instead where others are answered: a fault of this one request. None: it never is.
    """

    def __init__(self, reason: FailureReason, message: str, *, alone: RequestFailed | None = None) -> None:
        super().__init__(message)
        self.reason: FailureReason = reason
        self.alone = alone


class FailureWindow:
    """How the latest requests ended, so that a session that goes wrong is stopped."""

    def __init__(self) -> None:
        self._answered = False
        self._recent: deque[tuple[FailureReason, str] | None] = deque(maxlen=RECENT)
        self._thoughts: deque[bool] = deque(maxlen=THOUGHTS)

    def note(self, failure: FailureReason | None, message: str = "") -> None:
        """Count a request that has ended, well (None) or with a failure."""
        self._answered = self._answered or failure not in TRANSIENT
        self._recent.append(None if failure is None or failure in OF_THE_ANSWER else (failure, message))

    def note_reply(self, *, only_thought: bool) -> None:
        """Count a reply: whether the model thought and wrote nothing."""
        self._thoughts.append(only_thought)

    @property
    def only_thinks(self) -> bool:
        """Whether the model thinks, and does not come to write."""
        count, total = sum(self._thoughts), len(self._thoughts)
        return total >= ALL_THOUGHTS and (count == total or (total == THOUGHTS and count >= THOUGHTS * 3 // 4))

    @property
    def in_vain(self) -> bool:
        """Whether there were failures, and not one answer."""
        return bool(self._failed) and not self._answered

    @property
    def hopeless(self) -> bool:
        """Whether it is no use to go on."""
        return len(self._failed) > RECENT // 2 or (self.in_vain and len(self._failed) >= AT_FIRST)

    def keeps_failing(self, endpoint: str) -> TeacherError:
        """What ends a session that is hopeless."""
        return TeacherError(f"the endpoint {endpoint} keeps failing: {self.explain()}; then run the same command again")

    def only_thinking(self, endpoint: str, max_tokens: int) -> TeacherError:
        """What ends a session with a model that only thinks."""
        return TeacherError(
            f"the model at {endpoint} only thought: {sum(self._thoughts)} of its last {len(self._thoughts)} replies "
            f"hold reasoning and no answer; raise teacher.max_tokens (now {max_tokens:,}), against which thoughts "
            "count, or let it think less: teacher.extra_body: {reasoning_effort: low}, {chat_template_kwargs: "
            "{enable_thinking: false}} or what the endpoint calls it"
        )

    def explain(self) -> str:
        """`3 of the last 3 requests failed: 2 time-out, 1 server error (the last: …); check that …`."""
        counts = Counter[FailureReason](reason for reason, _ in self._failed).most_common()
        listed = ", ".join(f"{count} {reason}" for reason, count in counts)
        total = f"{len(self._failed)} of the last {len(self._recent)} requests failed"
        remedy = _REMEDIES.get(counts[0][0], "check that it is up and teacher.base_url is right")
        return f"{total}: {listed} (the last: {self._failed[-1][1]}); {remedy}"

    @property
    def _failed(self) -> list[tuple[FailureReason, str]]:
        return [entry for entry in self._recent if entry is not None]
