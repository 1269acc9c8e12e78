"""The losses: L_LM (SFT: cross-entropy, i.e. NLL), triplet and DPO. Pure functions, shapes in the names.

    N  targets     S  questions with a pair     V  vocabulary     D  width of the hidden state     C  rows of a chunk

Sources: Wang et al. 2023 (arXiv 2310.13332), section 3.3, with the normalisation of the released code, for L_LM and the
triplet; Rafailov et al. 2023 (arXiv 2305.18290), equation 7, for the preference (DPO); Welleck et al. 2020 (arXiv
1908.04319) for unlikelihood, bounded here.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  (the field's own name for it)
from torch.autograd.function import once_differentiable

from tutelage.student.wide import wide, widened

LOGITS_AT_ONCE = 256
"""Rows of logits computed at once. Fewer are slower, more are no faster (measured on two cores: 128 to 960)."""

HEAD_AT_ONCE = 4096
"""Rows of the head whose gradient is added at once on the CPU: each time a wider copy is made, which fits its cache."""

LEAST_UNLIKELY = 0.01
"""The probability that is left to all other tokens in the unlikelihood of a certain one: bounds it at 4.6 nats."""


def weighted_lm_loss(
    hidden_ND: torch.Tensor, head: torch.nn.Linear, token_N: torch.Tensor, weight_N: torch.Tensor
) -> torch.Tensor:
    """Sum of weight * cross-entropy over target tokens, in nats, from the hidden states that predict them; a scalar.

    `weight_N` is 1 for tokens of a rationale, 0.1 for tokens of a prompt. Divide by the number of targets, not by the
    sum of the weights. Logits take most of the memory of a small model, so they are computed in chunks. Their gradient
    is computed in the same pass, so they are neither kept nor computed again.
    """
    hidden_ND = hidden_ND.to(head.weight.dtype)  # some models, such as Mamba, give float32 in bfloat16, too
    return _WeightedCrossEntropy.apply(hidden_ND, head.weight, head.bias, token_N, weight_N)  # pyright: ignore


def token_losses(hidden_ND: torch.Tensor, head: torch.nn.Linear, token_N: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of each token, in nats, [N]: for a loss that is not a weighted sum of them, such as DPO.

    The gradient of such a loss is known only after all tokens are computed. So the logits, again in chunks, are
    computed a second time in the backward pass: a third more work than `weighted_lm_loss`.
    """
    hidden_ND = hidden_ND.to(head.weight.dtype)
    return _TokenCrossEntropy.apply(hidden_ND, head.weight, head.bias, token_N)  # pyright: ignore


def triplet_loss(near_S: torch.Tensor, far_S: torch.Tensor, margin: float) -> torch.Tensor:
    """Sum of max(0, margin - near + far) over the pairs; a scalar.

    `near` and `far` are the cosines of the anchor's last hidden state to the positive's and to the negative's.
    """
    return F.relu(margin - near_S + far_S).sum()


def preference_loss(near_S: torch.Tensor, far_S: torch.Tensor, beta: float) -> torch.Tensor:
    """Sum of -log sigmoid(beta * (near - far)) over the pairs; a scalar.

    `near` and `far` are the nats by which the log-likelihoods of anchor and mistake exceed those under the reference.
    """
    return -F.logsigmoid(beta * (near_S - far_S)).sum()


def unlikelihood_loss(loss_N: torch.Tensor, weight_N: torch.Tensor) -> torch.Tensor:
    """Sum of weight * -log(1 - (1 - LEAST_UNLIKELY) * p) over tokens of probability p = exp(-loss); a scalar.

    It grows with p, from 0 to a bound, and so does its slope against a logit, up to p = 0.9.
    """
    return -(weight_N * torch.log1p(-(1 - LEAST_UNLIKELY) * torch.exp(-loss_N))).sum()


class _WeightedCrossEntropy(torch.autograd.Function):
    """The weighted sum, with its gradients computed in the forward pass."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden_ND: torch.Tensor,
        head_VD: torch.Tensor,
        bias_V: torch.Tensor | None,
        token_N: torch.Tensor,
        weight_N: torch.Tensor,
    ) -> torch.Tensor:
        """The loss; keeps the gradients for `backward`, which scales them."""
        wanted = ctx.needs_input_grad[:3]
        loss_N, ctx.gradients = _cross_entropy(hidden_ND, head_VD, bias_V, token_N, weight_N, wanted)
        ctx.dtypes = hidden_ND.dtype, head_VD.dtype, None if bias_V is None else bias_V.dtype
        return (loss_N * weight_N).sum()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """The gradients of `forward`, scaled by the incoming gradient."""
        scaled = [
            None if gradient is None else gradient.mul_(slope).to(dtype)
            for gradient, dtype in zip(ctx.gradients, ctx.dtypes, strict=True)
        ]
        ctx.gradients = ()  # scaled in place, so not usable again
        return *scaled, None, None


class _TokenCrossEntropy(torch.autograd.Function):
    """The loss of each target; the backward pass computes the logits again."""

    @staticmethod
    def forward(
        ctx: Any, hidden_ND: torch.Tensor, head_VD: torch.Tensor, bias_V: torch.Tensor | None, token_N: torch.Tensor
    ) -> torch.Tensor:
        """The losses, without gradients."""
        ctx.save_for_backward(hidden_ND, head_VD, bias_V, token_N)
        return _cross_entropy(hidden_ND, head_VD, bias_V, token_N)[0]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope_N: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """The gradients of the sum of slope * loss, with the incoming gradient as slope."""
        inputs = ctx.saved_tensors
        _, gradients = _cross_entropy(*inputs, slope_N, ctx.needs_input_grad[:3])  # pyright: ignore[reportCallIssue]
        cast = [None if g is None else g.to(of.dtype) for g, of in zip(gradients, inputs[:3], strict=True)]
        return *cast, None


_Gradients = tuple[torch.Tensor | None, torch.Tensor | None, torch.Tensor | None]


def _cross_entropy(
    hidden_ND: torch.Tensor,
    head_VD: torch.Tensor,
    bias_V: torch.Tensor | None,
    token_N: torch.Tensor,
    weight_N: torch.Tensor | None = None,
    wanted: tuple[bool, ...] = (False, False, False),
) -> tuple[torch.Tensor, _Gradients]:
    """The loss of each target and the requested gradients of their weighted sum, chunk by chunk.

    d loss / d logits = weight * (softmax - one-hot); losses and gradients of the head are summed in
    float32 at least.
    """
    loss_N = hidden_ND.new_empty(len(hidden_ND), dtype=wide(hidden_ND.dtype))
    grad_ND = torch.empty_like(hidden_ND) if wanted[0] else None
    grad_VD = torch.zeros_like(head_VD, dtype=wide(head_VD.dtype)) if wanted[1] else None
    grad_V = torch.zeros_like(bias_V, dtype=wide(bias_V.dtype)) if wanted[2] and bias_V is not None else None
    for start in range(0, len(hidden_ND), LOGITS_AT_ONCE):
        chunk = slice(start, start + LOGITS_AT_ONCE)
        target_C1 = token_N[chunk, None]
        logp_CV = F.log_softmax(widened(F.linear(hidden_ND[chunk], head_VD, bias_V)), dim=-1)
        loss_N[chunk] = -logp_CV.gather(1, target_C1).squeeze(1)
        if weight_N is None:
            continue
        weight_C1 = weight_N[chunk, None]
        slope_CV = logp_CV.exp_().mul_(weight_C1).scatter_add_(1, target_C1, -weight_C1)
        if grad_V is not None:
            grad_V += slope_CV.sum(dim=0)
        slope_CV = slope_CV.to(head_VD.dtype)
        if grad_ND is not None:
            grad_ND[chunk] = slope_CV @ head_VD
        if grad_VD is not None and slope_CV.dtype == grad_VD.dtype:
            grad_VD.addmm_(slope_CV.T, hidden_ND[chunk])
        elif grad_VD is not None:
            at_once = HEAD_AT_ONCE if grad_VD.device.type == "cpu" else len(grad_VD)
            for rows_VD, part_CV in zip(grad_VD.split(at_once), slope_CV.split(at_once, dim=1), strict=True):
                rows_VD.add_(part_CV.T @ hidden_ND[chunk])
    return loss_N, (grad_ND, grad_VD, grad_V)
