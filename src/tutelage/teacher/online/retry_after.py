"""Reads the wait that a refusal asks for, from the retry-after and rate-limit headers, or in words. Pure.

retry-after: 7                                  7.0
retry-after: Sun, 22 Nov 2026 10:00:07 GMT      7.0, by the endpoint's own clock (its `date` header)
retry-after-ms: 350                             0.35
x-ratelimit-remaining-requests: 0
x-ratelimit-reset-requests: 1m2.5s              62.5
x-ratelimit-reset: 1741305600000                until then (OpenRouter: Unix time in milliseconds; or in µs or ns)
anthropic-ratelimit-requests-reset: 2026-11-22T10:00:07Z
ratelimit: "default";r=0;t=55                   55 (the IETF's draft; older ones: limit=100, remaining=0, reset=55)
Please try again in 1 min 30 s.                 90.0
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_UNITS = {
    r"d(?:ays?)?": 86400.0,
    r"h(?:(?:ou)?rs?)?": 3600.0,
    r"m(?:in(?:ute)?s?)?": 60.0,
    r"s(?:ec(?:ond)?s?)?": 1.0,
    r"m(?:illi)?s(?:ec(?:ond)?s?)?": 1e-3,
    r"(?:[uµμ]|micro)s(?:ec(?:ond)?s?)?": 1e-6,
}
"""Seconds of each unit, by how it is written."""
_NUMBER = r"\d+(?:\.\d+)?"
_PART = re.compile(rf"({_NUMBER}) ?(?:{'|'.join(f'({unit})' for unit in _UNITS)})(?![^\W\d_])", re.IGNORECASE)
_ONE = rf"{_NUMBER} ?(?:{'|'.join(_UNITS)})(?![^\W\d_])"
_DURATION = re.compile(rf"{_ONE}(?:(?:,? and|,)? ?{_ONE})*", re.IGNORECASE)
_ALONE = rf"{_NUMBER}(?!\.?\w| ?[:/%]| (?!(?:and|before|or|then|to)\b)\w)"
"""Seconds without a unit; not `3 more times`, `1 of 3`, `00:00:30`."""
_AGAIN_IN = re.compile(
    r"\b(?:again|available|replenished|resets?|retry(?:ing)?|wait)"
    r"(?:[ _-](?:about|after|again|another|approximately|around|at least|for|in|roughly)){0,4}:? ?[~≈]?"
    rf"({_DURATION.pattern}|{_ALONE})",
    re.IGNORECASE,
)
"""A wait in words, as OpenAI, Groq, Gemini, Azure and Django's framework write it."""
_RESET = re.compile(r"(?:x-|anthropic-)?rate-?limit(?:bysize)?-(?:.*-)?reset(?:-.*)?")
_DRAFT = re.compile(r"\b(?:reset|t)=(\d+)")
_DRAFT_LEFT = re.compile(r"\b(?:remaining|r)=(\d+)")
_UNIX, _UNIX_MS = 1e8, 1e11
"""A number above the first is a Unix time in seconds, above the second in smaller units, each a thousandth of the last.

No wait takes three years.
"""


def retry_after(headers: Mapping[str, str], now: float, said: float | None = None, tokens: float = 1.0) -> float | None:
    """Seconds to wait, never negative; None if nothing states it.

    `headers` have lower-case names; `now` is a Unix time in seconds. `said` is the wait that the body asks for, in
    seconds: retry-after headers come before it, rate-limit headers after it. A limit of tokens is used up if it has
    less than `tokens` left, what the request needs.
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    now = _date(headers.get("date", "")) or now  # the endpoint's clock: ours may be wrong
    seconds = _until(headers.get("retry-after", ""), now)
    if seconds is None:
        seconds = said
    return seconds if seconds is not None else _until_reset(headers, now, tokens)


def duration(text: str) -> float | None:
    """Seconds in `6m0s`, `1.5s`, `20ms`, `1 min 30 s`, `5 seconds` or a bare number; None for any other text."""
    if (seconds := _number(text)) is not None:
        return seconds
    if not _DURATION.fullmatch(text.strip()):
        return None
    units = tuple(_UNITS.values())
    seconds = sum(float(part[1]) * units[(part.lastindex or 2) - 2] for part in _PART.finditer(text))
    return seconds if math.isfinite(seconds) else None


def wait_in(text: str) -> float | None:
    """Seconds of the wait that a message asks for; None if it states none."""
    match = _AGAIN_IN.search(text)
    return duration(match[1]) if match else None


def _until_reset(headers: Mapping[str, str], now: float, tokens: float) -> float | None:
    """Seconds until all used-up limits are reset (the longest).

    If none is used up, until the first reset of a limit that does not say what is left of it.
    """
    used_up: list[float] = []
    unknown: list[float] = []
    for name, seconds, left in _limits(headers, now):
        if left is None:
            unknown.append(seconds)
        elif left < (tokens if "token" in name else 1):
            used_up.append(seconds)
    return max(used_up) if used_up else min(unknown, default=None)


def _limits(headers: Mapping[str, str], now: float) -> Iterator[tuple[str, float, float | None]]:
    """The limits that the headers state: name, seconds until the reset, and what is left (None: not stated)."""
    for name, value in headers.items():
        text = f"{value}ms" if name.endswith("-ms") else value
        if _RESET.fullmatch(name) and (seconds := _until(text, now)) is not None:
            of_the_same = name.replace("reset", "remaining").removesuffix("-ms").removesuffix("-after")
            yield name, seconds, _number(headers.get(of_the_same, ""))
    draft = headers.get("ratelimit", "")
    for policy in [draft] if "reset=" in draft else draft.split(","):
        if reset := _DRAFT.search(policy):
            left = _DRAFT_LEFT.search(policy)
            yield policy.lower(), float(reset[1]), float(left[1]) if left else None


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
