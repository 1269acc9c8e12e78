"""Accuracy with its uncertainty."""

from __future__ import annotations

from math import sqrt

from tutelage.records import Accuracy

Z95 = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""


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
    return Accuracy(share, max(0.0, centre - half), min(1.0, centre + half), n)
