"""Figures as the pages write them: `41.3 %`, `$0.0124`, `4 min 07 s`, `1,204`. None is a dash."""

from __future__ import annotations

import math
import time

NONE = "–"


def percent(share: float | None, digits: int = 1) -> str:
    """A share of 1 as `41.3 %`."""
    return NONE if share is None or not math.isfinite(share) else f"{100 * share:.{digits}f} %"


def points(difference: float | None) -> str:
    """A difference of shares in points, with its sign: `+5.1`."""
    return NONE if difference is None or not math.isfinite(difference) else f"{round(100 * difference, 1) + 0.0:+.1f}"


def count(number: float | None) -> str:
    """`1,204`."""
    return NONE if number is None else f"{number:,.0f}"


def decimal(number: float | None, digits: int = 3) -> str:
    """`0.308`; very small and very large ones with an exponent."""
    if number is None or not math.isfinite(number):
        return NONE if number is None else str(number)
    return f"{number:.{digits}f}" if number == 0 or 10**-digits <= abs(number) < 1e6 else f"{number:.2e}"


def usd(dollars: float | None) -> str:
    """`$12.40`; below ten cents with four digits."""
    if dollars is None:
        return NONE
    return f"${dollars:,.2f}" if dollars == 0 or dollars >= 0.1 else f"${dollars:.4f}"


def duration(seconds: float | None) -> str:
    """`0.4 s`, `38 s`, `4 min 07 s`, `2 h 05 min`, `3 d 04 h`."""
    if seconds is None or not math.isfinite(seconds):
        return NONE
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, name, below, rest_name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= unit:
            return f"{whole // unit} {name} {whole % unit // below:02d} {rest_name}"
    return f"{whole} s"


def size(bytes: float | None) -> str:
    """`512 B`, `4.8 GB`."""
    if bytes is None:
        return NONE
    for name in ("B", "kB", "MB", "GB"):
        if bytes < 1000:
            return f"{bytes:.0f} B" if name == "B" else f"{bytes:.1f} {name}"
        bytes /= 1000
    return f"{bytes:.1f} TB"


def counted(number: int, noun: str, many: str = "") -> str:
    """`1 reply`, `5 replies`."""
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"


def moment(seconds: float) -> str:
    """A Unix time as local date and time: `2026-05-17 14:05`."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds)) if seconds > 0 else NONE
