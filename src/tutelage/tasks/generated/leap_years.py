"""Generated yes/no questions on leap years, with our own worked solutions.

Is 1900 a leap year?
1900 = 4 × 475 + 0, so 4 divides 1900. It ends in 00. 1900 = 400 × 4 + 300, so 400 does not divide 1900.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from tutelage.records import Problem
from tutelage.tasks.generated.generator import Options
from tutelage.tasks.generated.gym import gym_rows

_SKIPPED = 2 / 3
"""Share of the non-leap years that are skipped, so that always answering no is right half the time."""

LEAP: Options = {"year": 2022, "leap_year_range": 2000}


def leap_year(seed: int, options: Options) -> Iterator[Problem]:
    """Whether a year is a leap year; the years are reasoning-gym's, `leap_year_range` of them around `year`."""
    draw = random.Random(f"leap years {seed}")
    for row in gym_rows("calendar_arithmetic", seed, {**options, "tasks": ["is_leap_year"]}):
        year = int(row["metadata"]["year"])
        if row["answer"] == "No" and draw.random() < _SKIPPED:
            continue
        yield Problem.of(
            f"Is {year} a leap year?",
            row["answer"].lower(),
            rationale=" ".join(_steps(year)),
        )


def _steps(year: int) -> Iterator[str]:
    yield _division(year, 4)
    if year % 4:
        return
    yield "It ends in 00." if year % 100 == 0 else "It does not end in 00."
    if year % 100 == 0:
        yield _division(year, 400)


def _division(year: int, divisor: int) -> str:
    quotient, remainder = divmod(year, divisor)
    return (
        f"{year} = {divisor} × {quotient} + {remainder}, "
        f"so {divisor} {'does not divide' if remainder else 'divides'} {year}."
    )
