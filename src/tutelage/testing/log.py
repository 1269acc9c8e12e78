"""The test endpoint's request log, and the most requests and tokens in any minute of it.

Seen(arrival=8123.4, finished=8124.4, key="9f2c…", status=200, prompt_tokens=61, completion_tokens=18)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import NamedTuple

from tutelage.testing.completions import Body
from tutelage.testing.limits import WINDOW


class Seen(NamedTuple):
    """One request. Tokens are those charged: a request without a completion costs nothing."""

    arrival: float
    """Seconds of `time.monotonic()`, which all processes of a machine share."""
    finished: float | None
    """When the whole answer had been sent; None: not yet, or sending failed."""
    key: str
    """The hash of the request: see `request_key`."""
    status: int
    """Status of the answer; 0: none yet, or the connection was reset."""
    prompt_tokens: int
    completion_tokens: int


def request_key(body: Body) -> str:
    """64 hex digits of SHA-256 over the body's canonical JSON: sorted keys, no white space, ASCII."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def most_requests_in_a_minute(log: Iterable[Seen]) -> int:
    """The most requests that arrived within any 60 s; refused ones count if the log has them."""
    return _most((seen.arrival, 1) for seen in log)


def most_tokens_in_a_minute(log: Iterable[Seen]) -> int:
    """The most tokens, prompt and completion, charged for the requests that arrived within any 60 s."""
    return _most((seen.arrival, seen.prompt_tokens + seen.completion_tokens) for seen in log)


def _most(amounts: Iterable[tuple[float, int]]) -> int:
    ordered = sorted(amounts)
    most = held = oldest = 0
    for moment, amount in ordered:
        held += amount
        while ordered[oldest][0] + WINDOW <= moment:
            held -= ordered[oldest][1]
            oldest += 1
        most = max(most, held)
    return most
