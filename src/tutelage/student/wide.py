"""Sums need at least float32: bfloat16 is widened to float32, float64 stays."""

import torch


def wide(dtype: torch.dtype) -> torch.dtype:
    """The precision for sums of values in the precision `dtype`."""
    return torch.promote_types(dtype, torch.float32)


def widened(x: torch.Tensor) -> torch.Tensor:
    """The tensor in the precision for sums."""
    return x.to(wide(x.dtype))
