"""How much of a machine's power a way of computing uses.

Its operations are counted by torch in one run of it; the limit is the best that a product of square matrices reaches on
this machine in the same precision. An operation is a multiplication or an addition. Padding that a way computes counts
as work of that way, so a way may use much of the machine and still be slow.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.measure import Way, interleaved

WIDTHS = {"cuda": (4096, 8192)}
"""Rows and columns of the matrices; CPU_WIDTHS on other devices."""
CPU_WIDTHS = (512, 1024, 2048)
PRODUCTS = 3
"""Products of one timing, so that its start does not count."""
SECONDS = 2.0
"""After so many, no further repeat of a size begins (but the second). A size is left out if once would take longer."""
TOO_SLOW = 0.2
"""Steps and exams are not timed in a precision that reaches less than this part of the other's limit: they would take
most of the minutes of a benchmark, and nobody computes so."""


class Machine:
    """A device and its limits, in operations a second."""

    def __init__(self, device: torch.device) -> None:
        self.limits = {dtype: peak_of(device, dtype) for dtype in (torch.float32, torch.bfloat16)}

    def __str__(self) -> str:
        reached = ", ".join(
            f"{limit / 1e9:,.0f}{' GFLOP/s' * (not n)} in {str(dtype).removeprefix('torch.')}"
            + ", too slow to be timed" * (dtype not in self.timed())
            for n, (dtype, limit) in enumerate(self.limits.items())
        )
        return f"products of square matrices reach {reached}"

    def timed(self, *always: torch.dtype) -> list[torch.dtype]:
        """The precisions that are fast enough to be timed, and those that are in any case."""
        least = TOO_SLOW * max(self.limits.values())
        return [dtype for dtype, limit in self.limits.items() if limit >= least or dtype in always]

    def row(self, name: str, operations: float, rates: Sequence[float], digits: int) -> str:
        """A line of a table: the rates in order, and the share. A way named without `fp32` computes in bfloat16."""
        dtype = torch.float32 if "fp32" in name else torch.bfloat16
        row = "  ".join(f"{rate:.{digits}f}" for rate in sorted(rates))
        return f"  {name:<26} {row}  {self.share(operations, rates, dtype)}"

    def share(self, operations: float, rates: Sequence[float], dtype: torch.dtype) -> str:
        """What a way reaches at the median of these rates, of what the machine can do in that precision."""
        reached = operations * statistics.median(rates)
        return f"{reached / 1e9:,.0f} GFLOP/s, {reached / self.limits[dtype]:.0%} of the limit"


def peak_of(device: torch.device, dtype: torch.dtype) -> float:
    """Operations a second of a product of two square matrices: the best of some sizes, up to five times each.

    A CPU that only emulates a precision takes minutes for the larger ones, and is no faster in them.
    """
    best = 0.0
    for width in WIDTHS.get(device.type, CPU_WIDTHS):
        if best and _work(width) / best > SECONDS:
            break
        (rates,) = interleaved({"product": _product(device, dtype, width)}, seconds=SECONDS).values()
        best = max(best, *rates)
    return best


def _product(device: torch.device, dtype: torch.dtype, width: int) -> Way:
    one, other = (torch.randn(width, width, device=device).to(dtype) for _ in range(2))

    def product() -> float:
        for _ in range(PRODUCTS):
            torch.matmul(one, other)
        return _work(width)

    return product


def _work(width: int) -> float:
    """Operations of the products of one timing."""
    return PRODUCTS * 2.0 * width**3


def operations(work: Way) -> float:
    """Operations of a way for each unit of its work. It runs once for that.

    What our own kernel computes, the attention of an exam's later tokens, is not seen and not counted.
    """
    with FlopCounterMode(display=False, custom_mapping=_uncounted()) as counter:
        units = work()
    return counter.get_total_flops() / units


def _uncounted() -> dict[Any, Any]:
    """What torch does not count by itself: products added up in place or by packed weights, the CPU's attention."""
    aten = torch.ops.aten
    found: dict[Any, Any] = {
        aten.addmm_: _added,
        aten._scaled_dot_product_flash_attention_for_cpu: _attention,
        aten._scaled_dot_product_flash_attention_for_cpu_backward: _attention_backward,
    }
    if hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        found[torch.ops.mkldnn._linear_pointwise] = _linear
    return found


def _added(_: Sequence[int], one: Sequence[int], other: Sequence[int], *args: object, **kwargs: object) -> int:
    return 2 * one[0] * one[1] * other[1]


def _linear(x: Sequence[int], weight: Sequence[int], *args: object, out_shape: Sequence[int], **kwargs: object) -> int:
    return 2 * torch.Size(x).numel() * out_shape[-1]


def _attention(query: Sequence[int], key: Sequence[int], *args: object, **kwargs: object) -> int:
    """Scores and their product with the values, as if nothing were masked."""
    return 2 * 2 * torch.Size(query).numel() * key[-2]


def _attention_backward(_: Sequence[int], query: Sequence[int], key: Sequence[int], *args: object, **kw: object) -> int:
    """The scores once more, then the gradients of values, probabilities, queries and keys: five products for two."""
    return _attention(query, key) * 5 // 2
