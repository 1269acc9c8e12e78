"""Means with intervals: accuracies, and figures of several runs with different seeds.

accuracy(81, 263)               Accuracy(accuracy=0.308, low=0.255, high=0.366, n=263)
over_seeds([0.40, 0.46, 0.43])  SeedMean(mean=0.43, half=0.075, seeds=3)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import sqrt
from statistics import fmean, stdev

from tutelage.run_records import Accuracy
from tutelage.study_records import ArmFigures, RoundFigures

Z95 = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""

T95 = (
    *(12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281),
    *(2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930),
)
"""97.5 % quantiles of Student's t with 1 to 19 degrees of freedom; the last one is used for more (slightly wide)."""


@dataclass(frozen=True, slots=True)
class SeedMean:
    """A mean over seeds; `half` is the half-width of its 95 % t interval, None with one seed."""

    mean: float
    half: float | None
    seeds: int

    @property
    def low(self) -> float:
        """The lower end of the interval; the mean itself with one seed."""
        return self.mean - (self.half or 0.0)

    @property
    def high(self) -> float:
        """The upper end of the interval; the mean itself with one seed."""
        return self.mean + (self.half or 0.0)


def accuracy(correct: int, n: int) -> Accuracy:
    """Share of right answers with its 95 % Wilson score interval (Wilson 1927), which holds for small n and at 0 and 1.

    Raises:
        ValueError: n is 0, or correct is not between 0 and n.
    """
    if not 0 <= correct <= n or n == 0:
        raise ValueError(f"{correct} right of {n}: no such share")
    share, z2 = correct / n, Z95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return Accuracy(share, max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half)), n)


def over_seeds(values: Iterable[float | None]) -> SeedMean | None:
    """The mean of a figure over runs; runs without it (None) do not count. None if no run has it."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    if len(known) == 1:
        return SeedMean(known[0], None, 1)
    quantile = T95[min(len(known) - 1, len(T95)) - 1]
    return SeedMean(fmean(known), quantile * stdev(known) / sqrt(len(known)), len(known))


def rounds_of(arm: ArmFigures) -> list[tuple[RoundFigures, ...]]:
    """The rounds of an arm in order, each with the runs that reached it."""
    rows = sorted((row for run in arm.runs for row in run.rounds), key=lambda row: row.round)
    return [tuple(same) for _, same in groupby(rows, key=lambda row: row.round)]


def mistake_shares(rows: Sequence[RoundFigures]) -> dict[str, SeedMean]:
    """The share of each kind among the mistakes of one round, over the runs with mistakes; by kind."""
    counts = [row.mistakes for row in rows if sum(row.mistakes.values())]
    kinds = sorted({kind for count in counts for kind in count})
    shares = {kind: over_seeds(count.get(kind, 0) / sum(count.values()) for count in counts) for kind in kinds}
    return {kind: share for kind, share in shares.items() if share}
