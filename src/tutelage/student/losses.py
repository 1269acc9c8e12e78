"""The two losses of the method: pure functions, shapes in the names.

    B  rows of a batch     L  tokens of a row     V  vocabulary     D  width of the hidden state

Source: Wang et al. 2023 (arXiv 2310.13332), section 3.3, with the normalisation of the released code.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  (the field's own name for it)

IGNORE = -100
"""Marks a target that does not exist: padding, and the first token of a row."""


def weighted_lm_loss(logits_BLV: torch.Tensor, tokens_BL: torch.Tensor, weights_BL: torch.Tensor) -> torch.Tensor:
    """Sum over the batch of weight * cross-entropy of every token given those before it, in nats; a scalar.

    `tokens_BL` holds IGNORE where there is no token; `weights_BL` weighs each token as a *target* (1 for a rationale,
    0.1 for a prompt). Divide by the number of tokens predicted, L - 1 a row, not by the sum of the weights.
    """
    targets_N = tokens_BL[:, 1:].reshape(-1)
    logits_NV = logits_BLV[:, :-1].reshape(targets_N.shape[0], -1)
    losses_N = F.cross_entropy(logits_NV.float(), targets_N, ignore_index=IGNORE, reduction="none")
    return (losses_N * weights_BL[:, 1:].reshape(-1)).sum()


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
