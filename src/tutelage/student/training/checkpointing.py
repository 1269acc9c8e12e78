"""Gradient checkpointing (Chen et al. 2016, arXiv 1604.06174): activations of a layer are computed again, not kept.

Between two layers one hidden state is kept; the backward pass computes a layer's activations from it once more. Memory
falls by about the number of layers, time rises by about a third.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch

from tutelage.errors import StudentError
from tutelage.student.attention import as_now


def layers_of(model: Any) -> list[torch.nn.Module]:
    """The layers that a model of Transformers names as those not to be split; none if it names none."""
    names = set(getattr(model, "_no_split_modules", None) or ())
    return [module for module in model.modules() if type(module).__name__.removeprefix("FSDP") in names]


@contextmanager
def checkpointed(model: Any) -> Generator[None]:
    """Compute activations again in each backward pass inside the block. Raises StudentError if the model can't."""
    if not getattr(model, "supports_gradient_checkpointing", False):
        kind = model.config.model_type
        raise StudentError(
            f"a model of type {kind!r} has no gradient checkpointing; set training.checkpointing to false"
        )
    name = "activation" if hasattr(model, "activation_checkpointing_enable") else "gradient"  # its name before 5.23
    settings = {"use_reentrant": False, "context_fn": lambda: (nullcontext(), as_now(model))}
    getattr(model, f"{name}_checkpointing_enable")(settings)
    try:
        yield
    finally:
        getattr(model, f"{name}_checkpointing_disable")()
