"""The records of what teachers cost, how fast they answer and how they fail, over all runs of a ledger."""

from __future__ import annotations

from dataclasses import dataclass

from tutelage.records import Usage


@dataclass(frozen=True, slots=True)
class CostBound:
    """The least and the most that a round's teacher can cost, with an empty ledger and no lost requests."""

    round: int
    least: Usage
    most: Usage


@dataclass(frozen=True, slots=True)
class Spending:
    """The cost of one model's replies on one day in UTC (`2026-05-17`)."""

    day: str
    model: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a model answered: seconds to a reply (the median, and what 95 % of `replies` stay within), and tokens.

    `tokens_per_second` is what it wrote over all the time in which it had at least one request. Batches don't count.
    """

    model: str
    replies: int
    median: float
    slow: float
    tokens_per_second: float


@dataclass(frozen=True, slots=True)
class FailureCount:
    """The number of requests to a model that failed for one reason."""

    model: str
    reason: str
    requests: int
