"""The two losses of the method: pure functions, shapes in the names.

    N  targets     B  rows with self-reflection     V  vocabulary     D  width of the hidden state

Source: Wang et al. 2023 (arXiv 2310.13332), section 3.3, with the normalisation of the released code.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  (the field's own name for it)
from torch.autograd.function import once_differentiable

LOGITS_AT_ONCE = 256
"""Rows of logits that exist at once. Fewer are slower, more no faster (measured on two cores: 128 to 960)."""


def weighted_lm_loss(
    hidden_ND: torch.Tensor, head: torch.nn.Linear, token_N: torch.Tensor, weight_N: torch.Tensor
) -> torch.Tensor:
    """Sum of weight * cross-entropy of tokens, in nats, given the last hidden states that predict them; a scalar.

    `weight_N` is 1 for tokens of a rationale, 0.1 for those of a prompt. Divide by the number of tokens predicted, not
    by the sum of the weights. Logits, which for a small model are most of the memory, exist for a few targets at a
    time; their gradient is computed with them, so that they need not be kept or computed again.
    """
    return _ChunkedCrossEntropy.apply(hidden_ND, head.weight, head.bias, token_N, weight_N)  # pyright: ignore


def triplet_loss(
    anchor_BD: torch.Tensor,
    positive_BD: torch.Tensor,
    negative_BD: torch.Tensor,
    margin: float,
) -> torch.Tensor:
    """Sum over the rows of max(0, margin - cos(anchor, positive) + cos(anchor, negative)); a scalar.

    Each is the last layer's hidden state of the last token of a rationale given its prompt. Divide by the number of
    rows of the batch that have both a positive and a negative.
    """
    near_B = F.cosine_similarity(anchor_BD.float(), positive_BD.float(), dim=-1)
    far_B = F.cosine_similarity(anchor_BD.float(), negative_BD.float(), dim=-1)
    return F.relu(margin - near_B + far_B).sum()


class _ChunkedCrossEntropy(torch.autograd.Function):
    """d loss / d logits = weight * (softmax - one-hot), carried to the hidden states and the head chunk by chunk."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden_ND: torch.Tensor,
        head_VD: torch.Tensor,
        bias_V: torch.Tensor | None,
        token_N: torch.Tensor,
        weight_N: torch.Tensor,
    ) -> torch.Tensor:
        """Loss and gradients at once; gradients of the head are summed in float32."""
        wanted_hidden, wanted_head, wanted_bias = ctx.needs_input_grad[:3]
        loss = hidden_ND.new_zeros((), dtype=torch.float32)
        grad_ND = torch.empty_like(hidden_ND) if wanted_hidden else None
        grad_VD = torch.zeros_like(head_VD, dtype=torch.float32) if wanted_head else None
        grad_V = torch.zeros_like(bias_V, dtype=torch.float32) if wanted_bias and bias_V is not None else None
        for start in range(0, len(hidden_ND), LOGITS_AT_ONCE):
            chunk = slice(start, start + LOGITS_AT_ONCE)
            target_C1, weight_C1 = token_N[chunk, None], weight_N[chunk, None]
            logits_CV = F.linear(hidden_ND[chunk], head_VD, bias_V).float()
            lse_C1 = logits_CV.logsumexp(dim=-1, keepdim=True)
            loss += ((lse_C1 - logits_CV.gather(1, target_C1)) * weight_C1).sum()
            slope_CV = logits_CV.sub_(lse_C1).exp_().mul_(weight_C1).scatter_add_(1, target_C1, -weight_C1)
            if grad_V is not None:
                grad_V += slope_CV.sum(dim=0)
            slope_CV = slope_CV.to(head_VD.dtype)
            if grad_ND is not None:
                grad_ND[chunk] = slope_CV @ head_VD
            if grad_VD is not None and slope_CV.dtype == grad_VD.dtype:
                grad_VD.addmm_(slope_CV.T, hidden_ND[chunk])
            elif grad_VD is not None:
                grad_VD += slope_CV.T @ hidden_ND[chunk]
        ctx.gradients = grad_ND, grad_VD, grad_V
        ctx.dtypes = hidden_ND.dtype, head_VD.dtype, None if bias_V is None else bias_V.dtype
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """What forward has computed, times the slope of what was made of the loss."""
        scaled = [
            None if gradient is None else gradient.mul_(slope).to(dtype)
            for gradient, dtype in zip(ctx.gradients, ctx.dtypes, strict=True)
        ]
        ctx.gradients = ()  # used up: they were scaled in place
        return *scaled, None, None
