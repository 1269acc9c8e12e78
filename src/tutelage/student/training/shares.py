"""A step of several processes: which rows each computes, and the sum of their gradients.

    rows of a step        7  5  4  2  1  tokens
    rank 0                7        2  1      10
    rank 1                   5  4             9

Every rank knows all rows of a step, and divides its losses by the counts of the whole batch. So the sum of the
gradients is that of one process, up to rounding, whatever a rank computes; it may have no row at all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch

from tutelage.student.wide import widened

if TYPE_CHECKING:
    from tutelage.student.ranks.group import Ranks

BUCKET = 2**23
"""Numbers that are summed over the ranks at once: 32 MiB in float32."""
IN_FLIGHT = 2
"""Buckets on their way at a time."""


class Share(NamedTuple):
    """Which share of every step a rank computes. `even`: all ranks must have as many passes, some of them idle."""

    rank: int
    size: int
    even: bool = False


def deal(sizes: Sequence[int], ranks: int) -> list[list[int]]:
    """For each rank, the numbers of its rows: the largest first, each to the rank with the fewest tokens so far."""
    dealt: list[list[int]] = [[] for _ in range(ranks)]
    tokens = [0] * ranks
    for number in sorted(range(len(sizes)), key=lambda number: sizes[number], reverse=True):
        rank = tokens.index(min(tokens))
        dealt[rank].append(number)
        tokens[rank] += sizes[number]
    return dealt


def sum_gradients(
    ranks: Ranks, weights: Sequence[torch.Tensor], gradients: Sequence[torch.Tensor | None]
) -> list[torch.Tensor | None]:
    """The sums over all ranks, added up in float32 at least; None where no rank has a gradient."""
    there = ranks.summed(torch.tensor([gradient is not None for gradient in gradients], dtype=torch.int32)).tolist()
    found: list[torch.Tensor | None] = [None] * len(weights)
    waiting: deque[tuple[list[int], torch.Tensor, torch.distributed.Work | None]] = deque()

    def take() -> None:
        numbers, flat, work = waiting.popleft()
        if work is not None:
            work.wait()
        parts = flat.split([weights[n].numel() for n in numbers])
        for n, part in zip(numbers, parts, strict=True):
            found[n] = part.view_as(weights[n]).to(weights[n].dtype)

    for numbers in _buckets([n for n, count in enumerate(there) if count], weights):
        parts = [_or_zeros(gradients[n], weights[n]).flatten() for n in numbers]
        flat = torch.cat(parts)
        waiting.append((numbers, flat, ranks.add(flat)))
        if len(waiting) == IN_FLIGHT:
            take()
    while waiting:
        take()
    return found


def _buckets(numbers: Sequence[int], weights: Sequence[torch.Tensor]) -> list[list[int]]:
    buckets: list[list[int]] = []
    full = BUCKET
    for n in numbers:
        if full >= BUCKET or weights[n].dtype != weights[buckets[-1][0]].dtype:
            buckets.append([])
            full = 0
        buckets[-1].append(n)
        full += weights[n].numel()
    return buckets


def _or_zeros(gradient: torch.Tensor | None, weight: torch.Tensor) -> torch.Tensor:
    return widened(torch.zeros_like(weight) if gradient is None else gradient)
