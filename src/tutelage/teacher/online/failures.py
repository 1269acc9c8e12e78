"""An endpoint's failures, transient or final, and the window (a circuit breaker) that ends a failing session.

429, retry-after: 7   RequestFailed("rate limit", wait=7.0)     tried again when 7 s are over
time-out              RequestFailed("time-out", charged=True)   tried again, and perhaps paid for twice
401                   Refused("authentication")                 ends the session
"""

from __future__ import annotations

from collections import Counter, deque

from tutelage.errors import TeacherError
from tutelage.records import TRANSIENT, FailureReason
from tutelage.teacher.online.usage import Taken

THOUGHTS, ALL_THOUGHTS = 20, 5
"""A session ends if three quarters of the latest 20 replies hold reasoning alone, or all of the first 5 or more."""
RECENT = 50
"""A session ends if more than half of this many latest requests failed."""
AT_FIRST = 3
"""A session ends after this many failures if the endpoint has not answered once."""
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
        "no new problem",
        "known problem",
    )
)
"""Faults of the reply's content. They don't count as failures here: a weak teacher is still of use."""


_REMEDIES: dict[FailureReason, str] = {
    "rate limit": "set teacher.requests_per_minute and teacher.tokens_per_minute to your limits, or lower concurrency",
    "rejected request": "lower teacher.max_tokens if the prompts are too long, or check the settings of teacher",
    "time-out": "raise teacher.timeout or lower teacher.concurrency",
    "empty": "raise teacher.max_tokens: a model that thinks first may have none left for its answer",
    "cut at the length limit": "raise teacher.max_tokens",
    "refused by policy": "read the replies with `tutelage refused RUN`, or choose another teacher.model",
    "unparsable": "read the replies with `tutelage refused RUN`, or choose another teacher.model",
}


class RequestFailed(Exception):
    """A request got no usable reply; the cause is transient or lies in this request.

    `wait` is the endpoint's retry-after in seconds, or None. `charged` tells whether the request may have been paid for
    although no reply arrived. `crowded` tells whether the endpoint is overloaded, so that all workers should slow down.
    `taken` is what the endpoint says that the request took, if it says so.
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
        self.taken: Taken | None = None


class Refused(TeacherError):
    """The endpoint refuses, and would refuse every other request for the same cause.

    `alone` is the failure to raise instead if other requests are answered: then the fault is this request's own. None
    if every request must fail. `of_all` tells that the fault is seldom a request's own, as with an unknown model: it is
    seen after retries alone. `taken` is as in RequestFailed.
    """

    def __init__(
        self, reason: FailureReason, message: str, *, alone: RequestFailed | None = None, of_all: bool = False
    ) -> None:
        super().__init__(message)
        self.reason: FailureReason = reason
        self.alone, self.of_all = alone, of_all
        self.taken: Taken | None = None


class SetAside(Exception):
    """A request was refused before any was answered, so the fault may be its own or the endpoint's."""

    def __init__(self, refusal: Refused, key: str) -> None:
        super().__init__(str(refusal))
        self.refusal, self.key = refusal, key


class FailureWindow:
    """How the latest requests ended; decides when a session is hopeless."""

    def __init__(self) -> None:
        self._answered = False
        self._recent: deque[tuple[FailureReason, str] | None] = deque(maxlen=RECENT)
        self._thoughts: deque[bool] = deque(maxlen=THOUGHTS)

    def note(self, failure: FailureReason | None, message: str = "") -> None:
        """Count a request that has ended, with success (None) or with a failure."""
        self._answered = self._answered or failure not in TRANSIENT
        self._recent.append(None if failure is None or failure in OF_THE_ANSWER else (failure, message))

    def note_reply(self, *, only_thought: bool) -> None:
        """Count a reply, and whether it holds reasoning alone."""
        self._thoughts.append(only_thought)

    def note_answer(self) -> None:
        """The endpoint answers: it did to a question of earlier."""
        self._answered = True

    @property
    def only_thinks(self) -> bool:
        """Whether nearly all latest replies hold reasoning and no answer."""
        count, total = sum(self._thoughts), len(self._thoughts)
        return total >= ALL_THOUGHTS and (count == total or (total == THOUGHTS and count >= THOUGHTS * 3 // 4))

    @property
    def in_vain(self) -> bool:
        """Whether there were failures and no answer."""
        return bool(self._failed) and not self._answered

    @property
    def hopeless(self) -> bool:
        """Whether to end the session."""
        return len(self._failed) > RECENT // 2 or (self.in_vain and len(self._failed) >= AT_FIRST)

    def keeps_failing(self, endpoint: str) -> TeacherError:
        """The error that ends a hopeless session."""
        return TeacherError(f"the endpoint {endpoint} keeps failing: {self.explain()}; then run the same command again")

    def only_thinking(self, endpoint: str, max_tokens: int) -> TeacherError:
        """The error that ends a session with a model that only reasons."""
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
