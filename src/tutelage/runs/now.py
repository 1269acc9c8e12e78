"""Reads now.json: what a run at work is doing. `report/now.py` writes it."""

from __future__ import annotations

import time
from pathlib import Path
from stat import S_ISREG

from pydantic import TypeAdapter, ValidationError

from tutelage.run_records import Now

NOW = "now.json"
MOST_NOW = 2**20
"""Bytes of a now.json; ours have less than a thousandth of it."""
AT_WORK = 10.0
"""Seconds after which a now.json that nobody writes is that of a killed run."""
_MOST = 1e15
"""No figure of ours is larger; what is computed with one that is may be no number."""


def read_now(run: Path) -> Now | None:
    """What the run in a folder is doing; None unless it is at work. In another process it may end at any moment."""
    path = run / NOW
    try:
        about = path.stat()
        if abs(time.time() - about.st_mtime) >= AT_WORK or not S_ISREG(about.st_mode) or about.st_size > MOST_NOW:
            return None
        now = TypeAdapter(Now).validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    numbers = (
        now.at,
        now.began,
        now.done,
        now.total,
        now.rate,
        now.tokens,
        now.tokens_rate,
        now.in_flight,
        now.waiting,
    )
    more = (now.usd, *now.retried.values(), *now.failures.values())
    return now if all(-_MOST <= number <= _MOST for number in (*numbers, *more)) else None  # NaN is not
