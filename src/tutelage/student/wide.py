"""Sums are taken in float32 at least: bfloat16 is widened, and what is wider than float32 stays so."""

import torch


def wide(dtype: torch.dtype) -> torch.dtype:
    """The precision in which values of a precision are summed."""
    return torch.promote_types(dtype, torch.float32)


def widened(x: torch.Tensor) -> torch.Tensor:
    """The tensor in the precision of its sums."""
    return x.to(wide(x.dtype))
