"""Scripts of faults by request: a list, a function, or a line of text.

ok*5,429:3,half-body       five good answers, a 429 with Retry-After: 3, half a body, then only good answers
ok*9,slow:2...             every tenth answer is two seconds late
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

from tutelage.errors import ConfigError
from tutelage.testing.completions import Body
from tutelage.testing.faults import Fault
from tutelage.testing.form import TROUBLES
from tutelage.testing.forms import FORMS

Script = Callable[[int, Body], Fault | None]
"""The fault of a request by its number (from 0) and body; None: no fault."""
Faults = Sequence[Fault | None] | Script

_PLAIN: dict[str, Callable[[], Fault]] = {
    "ok": Fault,
    "429": Fault.rate_limited,
    "reset": Fault.reset,
    "half-body": Fault.half_body,
    "html": Fault.html,
    "empty": Fault.empty,
    "garbage": Fault.garbage,
    "wrong-json": Fault.wrong_json,
    "empty-choices": Fault.empty_choices,
    "missing-choices": Fault.missing_choices,
    "missing-usage": Fault.missing_usage,
    "content-filter": Fault.content_filter,
    "null-message": Fault.null_message,
    "only-thoughts": Fault.only_thoughts,
    "events": Fault.as_events,
    "bom": Fault.byte_order_mark,
    "comments": Fault.comments,
    "error-inside": Fault.error_inside,
    "length": Fault.length,
    "repeat": Fault.repeat,
    "twice": Fault.twice,
    "flood": Fault.flood,
}
_TIMED: dict[str, Callable[[float], Fault]] = {
    "429": Fault.rate_limited,
    "429-date": lambda seconds: Fault.rate_limited(seconds, "date"),
    "429-ms": lambda seconds: Fault.rate_limited(seconds, "ms"),
    "429-reset": lambda seconds: Fault.rate_limited(seconds, "reset"),
    "503": lambda seconds: Fault.http(503, retry_after=str(math.ceil(seconds))),
    "slow": Fault.slow,
    "slow-body": Fault.slow_body,
}
"""Faults that take seconds, as in slow:2."""
NAMES = (*_PLAIN, *TROUBLES, *(f"{name}:SECONDS" for name in _TIMED), "any status from 400 to 599")
_ITEM = re.compile(r"(?P<name>[a-z0-9-]+)(:(?P<seconds>\d{1,5}(\.\d{1,3})?))?(\*(?P<count>\d{1,5}))?")


def script_of(faults: Faults, *, repeated: bool = False) -> Script:
    """The script of a sequence, which applies to the first requests, or again and again if `repeated`."""
    if callable(faults):
        return faults
    length = len(faults)

    def script(number: int, _: Body) -> Fault | None:
        if repeated and length:
            return faults[number % length]
        return faults[number] if number < length else None

    return script


def parse_script(text: str, like: str = "openai") -> Script:
    """Parse NAME[:SECONDS][*COUNT],…; three dots at the end repeat it from the start. `like` is one of FORMS.

    Raises ConfigError.
    """
    line = text.strip()
    repeated = line.endswith("...")
    items = [item.strip() for item in line.removesuffix("...").rstrip(" ,").split(",")] if line else []
    return script_of([fault for item in items for fault in _parse(item, like)], repeated=repeated)


def _parse(item: str, like: str) -> list[Fault]:
    match = _ITEM.fullmatch(item)
    fault = _make(match["name"], match["seconds"], like) if match else None
    if match is None or fault is None:
        raise ConfigError(
            f"{item!r} is no fault; write NAME, NAME:SECONDS or NAME*COUNT with one of these: {', '.join(NAMES)}"
        )
    return [fault] * int(match["count"] or 1)


def _make(name: str, seconds: str | None, like: str) -> Fault | None:
    if seconds is not None:
        return _TIMED[name](float(seconds)) if name in _TIMED else None
    if name in TROUBLES:
        return FORMS[like].troubles[name]
    if name in _PLAIN:
        return _PLAIN[name]()
    return Fault.http(int(name)) if re.fullmatch(r"[45]\d\d", name) else None
