"""Reads the wait that a refusal asks for, from the retry-after and rate-limit headers. Pure.

retry-after: 7                                  7.0
retry-after: Sun, 22 Nov 2026 10:00:07 GMT      7.0, by the endpoint's own clock (its `date` header)
retry-after-ms: 350                             0.35
x-ratelimit-remaining-requests: 0
x-ratelimit-reset-requests: 1m2.5s              62.5
x-ratelimit-reset: 1741305600000                until then (OpenRouter: Unix time in milliseconds; or in µs or ns)
anthropic-ratelimit-requests-reset: 2026-11-22T10:00:07Z
ratelimit: "default";r=0;t=55                   55 (the IETF's draft; older ones: limit=100, remaining=0, reset=55)
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_SECONDS = (86400.0, 3600.0, 60.0, 1.0, 0.001)
_RESET = re.compile(r"(?:x-|anthropic-)?rate-?limit(?:bysize)?-(?:.*-)?reset(?:-.*)?")
_DRAFT = re.compile(r"\b(?:reset|t)=(\d+)")
_UNIX, _UNIX_MS = 1e8, 1e11
"""A number above the first is a Unix time in seconds, above the second in smaller units, each a thousandth of the last.

No wait takes three years.
"""


def retry_after(headers: Mapping[str, str], now: float, said: float | None = None) -> float | None:
    """Seconds to wait, never negative; None if nothing states it.

    `headers` have lower-case names; `now` is a Unix time in seconds. `said` is the wait that the body asks for, in
    seconds: retry-after headers come before it, rate-limit headers after it.
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    now = _date(headers.get("date", "")) or now  # the endpoint's clock: ours may be wrong
    seconds = _until(headers.get("retry-after", ""), now)
    if seconds is None:
        seconds = said
    return seconds if seconds is not None else _until_reset(headers, now)


def duration(text: str) -> float | None:
    """Seconds in `6m0s`, `1.5s`, `20ms` or a bare number; None for any other text."""
    if (seconds := _number(text)) is not None:
        return seconds
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        return None
    seconds = sum(float(part) * unit for part, unit in zip(match.groups(), _SECONDS, strict=True) if part)
    return seconds if math.isfinite(seconds) else None


def _until_reset(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds until all used-up limits are reset (the longest); if none is used up, until the first reset."""
    resets: dict[str, float] = {}
    for name, value in headers.items():
        text = f"{value}ms" if name.endswith("-ms") else value
        if _RESET.fullmatch(name) and (seconds := _until(text, now)) is not None:
            resets[name.replace("reset", "remaining")] = seconds
    if reset := _DRAFT.search(headers.get("ratelimit", "")):
        resets["ratelimit"] = float(reset[1])
    used_up = [resets[name] for name in resets if _number(headers.get(name, "")) == 0]
    return max(used_up) if used_up else min(resets.values(), default=None)


def _until(text: str, now: float) -> float | None:
    """Seconds of a duration, or until a time."""
    seconds = duration(text)
    if seconds is not None and seconds < _UNIX:
        return seconds
    while seconds is not None and seconds >= _UNIX_MS:
        seconds /= 1000
    moment = _date(text) if seconds is None else seconds
    return None if moment is None else max(0.0, moment - now)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _date(text: str) -> float | None:
    """The Unix time of an HTTP date or an ISO 8601 date; None for any other text."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        try:
            date = datetime.fromisoformat(text)
        except (ValueError, OverflowError):
            return None
    try:
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
