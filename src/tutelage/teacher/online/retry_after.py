"""How long an endpoint wants to be left alone, as the headers of its refusal say. Pure.

retry-after: 7                                  7.0
retry-after: Sun, 22 Nov 2026 10:00:07 GMT      7.0, by the endpoint's own clock (its `date` header)
retry-after-ms: 350                             0.35
x-ratelimit-remaining-requests: 0
x-ratelimit-reset-requests: 1m2.5s              62.5
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_SECONDS = (86400.0, 3600.0, 60.0, 1.0, 0.001)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds, never negative; None if the headers do not say. `headers` have lower-case names, `now` is since 1970."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    told = headers.get("retry-after", "")
    seconds = _number(told)
    if seconds is None and (until := _date(told)) is not None:
        # A clock that is off must not make us wait for years: dates are compared with the endpoint's own time.
        seconds = max(0.0, until - (_date(headers.get("date", "")) or now))
    return seconds if seconds is not None else _until_reset(headers)


def _until_reset(headers: Mapping[str, str]) -> float | None:
    """Until whichever limit is used up is there again; of several the longest, if none is used up the shortest."""
    resets: dict[str, float] = {}
    for what in ("requests", "tokens"):
        seconds = _duration(headers.get(f"x-ratelimit-reset-{what}", ""))
        if seconds is not None:
            resets[what] = seconds
    used_up = [resets[what] for what in resets if _number(headers.get(f"x-ratelimit-remaining-{what}", "")) == 0]
    return max(used_up) if used_up else min(resets.values(), default=None)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _duration(text: str) -> float | None:
    """`6m0s`, `1.5s`, `20ms` or bare seconds."""
    if (seconds := _number(text)) is not None:
        return seconds
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        return None
    return sum(float(part) * unit for part, unit in zip(match.groups(), _SECONDS, strict=True) if part)


def _date(text: str) -> float | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
