"""Formats figures as text: shares with intervals, differences, counts, times, and Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tutelage.run_records import Accuracy
from tutelage.study_records import Comparison, Interval

TRUSTED_SEEDS = 5
"""With this many seeds or more, intervals have their stated coverage (tests/report/test_comparison.py)."""


def share(result: Accuracy) -> str:
    """An accuracy with its interval and n, in one line."""
    return f"{result.accuracy:.1%} ({result.low:.1%} to {result.high:.1%}, n = {result.n})"


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; bars and line breaks in cells are escaped."""
    lines = [header, ["---"] * len(header), *rows]
    cells = ([" ".join(cell.split()).replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def percent(share: Interval) -> str:
    """`41.0% (36.0% to 46.0%)`."""
    return f"{share.mean:.1%} ({share.low:.1%} to {share.high:.1%})"


def points(found: Comparison) -> str:
    """A difference in points, `+5.1 (+1.0 to +9.2)`; bold if the interval excludes 0 and can be trusted."""
    mean, low, high = (f"{round(100 * value, 1) + 0.0:+.1f}" for value in (found.difference, found.low, found.high))
    text = f"{mean} ({low} to {high})"
    return f"**{text}**" if found.seeds >= TRUSTED_SEEDS and (found.low > 0 or found.high < 0) else text


def p_value(p: float) -> str:
    """`0.013`, or `< 0.001`."""
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"


def clock(seconds: float) -> str:
    """Seconds as minutes and seconds, `4 min 07 s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def counted(number: int, noun: str) -> str:
    """`1 seed`, `5 seeds`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
