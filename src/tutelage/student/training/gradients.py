"""Separate gradients of L_LM and L_SR, to measure their norms and the angle between them, and to hold that of L_SR.

The figures of a step, before clipping, L_SR unweighted:

    |L_LM|  2.31      |L_SR|  0.87      cosine  -0.12

This costs a second backward pass. If the gradient of L_SR is many times larger, clipping the sum would leave almost
nothing of L_LM; holding it to a share of L_LM's keeps both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from tutelage.student.wide import widened


@dataclass(frozen=True, slots=True)
class GradientFigures:
    """Norms of the step's gradients, before clipping, and their cosine (None if one norm is 0)."""

    lm: float
    reflection: float
    cosine: float | None


class GradientsApart:
    """Back-propagates the two losses of a step one after the other. Holds a second set of gradients until `join`."""

    def __init__(self, model: torch.nn.Module) -> None:
        self.weights = [weight for weight in model.parameters() if weight.requires_grad]
        self.reflection: list[torch.Tensor | None] = [None] * len(self.weights)

    def backward(self, lm_loss: torch.Tensor, reflection_loss: torch.Tensor) -> None:
        """Accumulate the gradients of a micro-batch; those of L_LM in `weight.grad`."""
        if reflection_loss.requires_grad:
            found = torch.autograd.grad(reflection_loss, self.weights, retain_graph=True, allow_unused=True)
            self.reflection = [_added(known, new) for known, new in zip(self.reflection, found, strict=True)]
        lm_loss.backward()

    def backward_in_turn(self, losses: Callable[[], tuple[torch.Tensor, torch.Tensor]]) -> None:
        """The same for weights that are split among ranks: a pass for each loss, since each is back-propagated once.

        Dropout is the same in both passes, as it is in one.
        """
        lm = [weight.grad for weight in self.weights]
        for weight in self.weights:
            weight.grad = None
        device = self.weights[0].device
        with torch.random.fork_rng([] if device.type == "cpu" else [device]):
            _, reflection_loss = losses()
            reflection_loss.backward()
        for n, weight in enumerate(self.weights):
            self.reflection[n] = _added(self.reflection[n], weight.grad)
            weight.grad = lm[n]
        lm_loss, _ = losses()
        lm_loss.backward()

    def add(self, summed: Callable[[Sequence[torch.Tensor | None]], list[torch.Tensor | None]]) -> None:
        """Replace the gradients by sums over several processes."""
        self.reflection = summed(self.reflection)
        for weight, gradient in zip(self.weights, summed([weight.grad for weight in self.weights]), strict=True):
            weight.grad = gradient

    def join(self, reflection_weight: float, share: float | None = None) -> GradientFigures:
        """Put the gradients of the weighted sum of both losses into `weight.grad`.

        With `share`, the weighted gradient of L_SR is scaled down to this part of L_LM's norm.
        """
        lm = [weight.grad for weight in self.weights]
        norm, other = _dot(lm, lm) ** 0.5, _dot(self.reflection, self.reflection) ** 0.5
        cosine = _dot(lm, self.reflection) / (norm * other) if norm and other else None
        if share is not None and reflection_weight * other > share * norm:
            reflection_weight = share * norm / other
        for weight, gradient in zip(self.weights, self.reflection, strict=True):
            if gradient is not None:
                weight.grad = _added(weight.grad, gradient.mul_(reflection_weight))
        return GradientFigures(norm, other, cosine)


def _added(known: torch.Tensor | None, new: torch.Tensor | None) -> torch.Tensor | None:
    if known is None or new is None:
        return new if known is None else known
    return known.add_(new)


def _dot(left: Sequence[torch.Tensor | None], right: Sequence[torch.Tensor | None]) -> float:
    pairs = [(a, b) for a, b in zip(left, right, strict=True) if a is not None and b is not None]
    parts = [as_whole((widened(a) * widened(b)).sum()) for a, b in pairs]
    return float(torch.stack(parts).cpu().double().sum()) if parts else 0.0


def as_whole(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor that may be split among ranks (DTensor), as an ordinary one."""
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor  # pyright: ignore
