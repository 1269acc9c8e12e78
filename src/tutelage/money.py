"""US dollars, added exactly: 0.1 + 0.2 is 0.3, in any order."""

from __future__ import annotations

from collections.abc import Iterable

PICO = 10**12
"""US dollars are added in whole millionths of millionths: floats added as they are differ with the order."""


def sum_usd(costs: Iterable[float]) -> float:
    """The exact sum of amounts in US dollars, whatever their order, and however they were summed before."""
    return sum(round(cost * PICO) for cost in costs) / PICO
