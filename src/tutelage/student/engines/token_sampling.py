"""Draws the next token, greedily or by the Gumbel-max trick, independently of the rest of the batch.

    R  rows     V  vocabulary     K  candidates

Gumbel-max sampling (Maddison et al. 2014, arXiv 1411.0030): every token's log-probability gets its own noise, and the
highest sum wins. The noise depends only on the attempt, the place and the token. In another batch, a row's logits
differ in their last bits; this changes the winner only if two sums are that close, about once in 100,000 tokens. The
usual lookup of one random number in the cumulative distribution is much more sensitive to small shifts.

Noise for the whole vocabulary would cost as much as the model's layers. So only the most likely tokens get their own
noise, and all others together count as one. If the others win, which is rare, they get noise one by one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from tutelage.student.wide import widened

CANDIDATES = 256
"""Tokens with their own noise. More cost time; with fewer, the others win more often and need noise, too."""

REST = -1
"""The id, for the noise, of all tokens but the candidates together."""


def stream(seed: int, sample: int, length: int) -> np.ndarray:
    """64-bit keys of one attempt, one per token; counter-based (Philox), so attempts are independent."""
    key = np.array([seed % 2**64, sample], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key)).integers(2**63, size=length)


def sample_token(logits_RV: torch.Tensor, key_R: Sequence[int], temperature: float) -> torch.Tensor:
    """The next token of each row: the likeliest at temperature 0, else drawn from the softmax of logits / temperature.

    `key_R` has the key of each row for its current place; the same key and logits give the same token.
    """
    if temperature == 0:
        return logits_RV.argmax(dim=-1)
    if logits_RV.device.type == "mps":  # no float64, which the noise needs
        return sample_token(logits_RV.cpu(), key_R, temperature).to(logits_RV.device)
    keys_R1 = torch.tensor(key_R, device=logits_RV.device)[:, None]
    logits_RV = widened(logits_RV) / temperature
    total_R1 = logits_RV.logsumexp(dim=-1, keepdim=True)
    top_RK, token_RK = logits_RV.topk(min(CANDIDATES, logits_RV.shape[-1]), sorted=False)
    share_R1 = 1 - (top_RK - total_R1).exp().sum(dim=-1, keepdim=True)
    if top_RK.shape == logits_RV.shape:
        share_R1 = torch.zeros_like(share_R1)  # the candidates are the whole vocabulary; drop the rounding error
    rest_R1 = share_R1.clamp(min=0).log() + total_R1
    racer_RN = torch.cat([token_RK, torch.full_like(keys_R1, REST)], dim=-1)
    score_RN = torch.cat([top_RK, rest_R1], dim=-1).double() + gumbel(keys_R1, racer_RN)
    chosen_R1 = racer_RN.gather(1, score_RN.argmax(dim=-1, keepdim=True))
    for row in (chosen_R1[:, 0] == REST).nonzero()[:, 0].tolist():
        others_V = logits_RV[row].index_fill(0, token_RK[row], -torch.inf).double()
        everybody = torch.arange(len(others_V), device=others_V.device)
        chosen_R1[row] = (others_V + gumbel(keys_R1[row], everybody)).argmax()
    return chosen_R1[:, 0]


def gumbel(key: torch.Tensor, token: torch.Tensor) -> torch.Tensor:
    """Standard Gumbel noise for tokens and a key, in float64, from a hash of both (SplitMix64: Steele et al. 2014)."""
    mixed = key + (token + 2) * -7046029254386353131  # 0x9E3779B97F4A7C15; integers wrap around
    mixed = (mixed ^ _shifted(mixed, 30)) * -4658895280553007687  # 0xBF58476D1CE4E5B9
    mixed = (mixed ^ _shifted(mixed, 27)) * -7723592293110705685  # 0x94D049BB133111EB
    mixed = mixed ^ _shifted(mixed, 31)
    uniform = (_shifted(mixed, 11).double() + 0.5) * 2.0**-53
    return -(-uniform.log()).log()


def _shifted(number: torch.Tensor, bits: int) -> torch.Tensor:
    """A logical (unsigned) right shift."""
    return (number >> bits) & ((1 << (64 - bits)) - 1)
