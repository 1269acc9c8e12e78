"""Adds US dollars exactly: 0.1 + 0.2 is 0.3, in any order."""

from __future__ import annotations

from collections.abc import Iterable

PICO = 10**12
"""Amounts are added as whole multiples of 1e-12 US dollars; sums of floats would depend on the order."""


def sum_usd(costs: Iterable[float]) -> float:
    """The sum of amounts in US dollars, rounded to 1e-12; it does not depend on their order or grouping."""
    return sum(round(cost * PICO) for cost in costs) / PICO
