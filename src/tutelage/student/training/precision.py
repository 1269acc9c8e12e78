"""Mixed precision: the student computes in bfloat16 where that is fast, and the optimizer updates float32 weights.

Small updates would be lost in bfloat16 weights, so training keeps a float32 copy (Micikevicius et al. 2018, arXiv
1710.03740). Which precision is fast is measured in resources/probe.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.optim import AdamW

from tutelage.errors import StudentError


def compute_in(model: torch.nn.Module, dtype: torch.dtype) -> None:
    """Cast the weights in place. Buffers stay: the frequencies of rotary positions would lose precision."""
    for weight in model.parameters():
        if weight.is_floating_point():  # those of 4 bits stay what they are
            weight.data = weight.data.to(dtype)


class FullPrecision:
    """The float32 weights of a model that computes in another precision; `restore` writes them back after training."""

    def __init__(self, model: torch.nn.Module, dtype: torch.dtype) -> None:
        self.model, self.dtype = model, dtype
        self.weights = {
            weight: weight.detach()
            for weight in model.parameters()
            if weight.dtype != dtype and weight.is_floating_point()
        }
        compute_in(model, dtype)

    def restore(self) -> None:
        """Replace the model's weights by the trained float32 weights."""
        for weight, full in self.weights.items():
            weight.data = full.data


class MixedAdamW(AdamW):
    """AdamW (Loshchilov & Hutter 2019) on the float32 copies of a model's weights; each step updates the model, too.

    The optimizer's state includes the copies, so a training resumed from a checkpoint continues exactly.
    """

    def __init__(self, full: FullPrecision, learning_rate: float, weight_decay: float) -> None:
        self._dtype = full.dtype
        self._pairs = [
            (weight, full.weights.get(weight, weight)) for weight in full.model.parameters() if weight.requires_grad
        ]
        groups = [
            {"params": [copy for _, copy in self._pairs if copy.ndim > 1], "weight_decay": weight_decay},
            {"params": [copy for _, copy in self._pairs if copy.ndim <= 1], "weight_decay": 0.0},
        ]
        super().__init__([group for group in groups if group["params"]], lr=learning_rate, fused=True)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One update from the gradients of the model's weights."""
        for weight, copy in self._pairs:
            if weight is not copy:
                copy.grad = None if weight.grad is None else weight.grad.to(copy.dtype)
        result = super().step(closure)
        for weight, copy in self._pairs:
            if weight is not copy:
                weight.copy_(copy)
                copy.grad = None
        return result

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients of the model's weights."""
        for weight, _ in self._pairs:
            weight.grad = None

    def state_dict(self) -> dict[str, Any]:
        """The state, with the float32 copies."""
        return {**super().state_dict(), "copies": [copy for weight, copy in self._pairs if weight is not copy]}

    @torch.no_grad()
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load a saved state, with the copies."""
        pairs = [(weight, copy) for weight, copy in self._pairs if weight is not copy]
        if len(pairs) != len(state_dict["copies"]):
            raise other_precision(state_dict["copies"])
        for (weight, copy), saved in zip(pairs, state_dict["copies"], strict=True):
            copy.copy_(saved)
            weight.data = copy.to(self._dtype)
        super().load_state_dict({key: value for key, value in state_dict.items() if key != "copies"})


def other_precision(copies: Sequence[torch.Tensor]) -> StudentError:
    """The error for a checkpoint of another precision than the student's; `copies` are its float32 weights."""
    return StudentError(
        "this round's training was stopped in another precision; set student.dtype to"
        f" {'bfloat16' if copies else 'float32'}, or remove its checkpoints to repeat it"
    )
