"""Which token comes next: the likeliest, or one drawn by noise that belongs to the attempt and the token alone.

    R  rows     V  vocabulary     K  candidates

Drawing is a race (Gumbel-max: Maddison et al. 2014, arXiv 1411.0030): every token's log-probability gets noise of its
own, and the highest wins. In other company a row's logits differ in their last bits; that changes a race only where two
tokens are within those bits of each other, about once in 100,000 tokens. One number a token, looked up in the
cumulated distribution, would let every small shift choose another rare token.

Noise for the whole vocabulary would cost as much as the model's layers. So the likeliest tokens race one by one, and
all others together as one; should they win, which is rare, they race among themselves.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from tutelage.student.wide import widened

CANDIDATES = 256
"""Tokens that race one by one. More cost time; with fewer, the others win more often and must race, too."""

REST = -1
"""The number of no token: that of all tokens but the candidates."""


def stream(seed: int, sample: int, length: int) -> np.ndarray:
    """64-bit keys of one attempt, one a token; counter-based (Philox), so no attempt depends on another."""
    key = np.array([seed % 2**64, sample], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key)).integers(2**63, size=length)


def sample_token(logits_RV: torch.Tensor, key_R: Sequence[int], temperature: float) -> torch.Tensor:
    """The next token of each row: the likeliest at temperature 0, else drawn from the softmax of logits / temperature.

    `key_R` has a row's key for this place of its answer; the same key and logits choose the same token.
    """
    if temperature == 0:
        return logits_RV.argmax(dim=-1)
    if logits_RV.device.type == "mps":  # it has no float64, which the noise needs
        return sample_token(logits_RV.cpu(), key_R, temperature).to(logits_RV.device)
    keys_R1 = torch.tensor(key_R, device=logits_RV.device)[:, None]
    logits_RV = widened(logits_RV) / temperature
    total_R1 = logits_RV.logsumexp(dim=-1, keepdim=True)
    top_RK, token_RK = logits_RV.topk(min(CANDIDATES, logits_RV.shape[-1]), sorted=False)
    share_R1 = 1 - (top_RK - total_R1).exp().sum(dim=-1, keepdim=True)
    if top_RK.shape == logits_RV.shape:
        share_R1 = torch.zeros_like(share_R1)  # the candidates are all there is, whatever rounding has left
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
    """Standard Gumbel noise of tokens under a key, as float64: a hash of both (SplitMix64: Steele et al. 2014)."""
    mixed = key + (token + 2) * -7046029254386353131  # 0x9E3779B97F4A7C15; integers wrap around
    mixed = (mixed ^ _shifted(mixed, 30)) * -4658895280553007687  # 0xBF58476D1CE4E5B9
    mixed = (mixed ^ _shifted(mixed, 27)) * -7723592293110705685  # 0x94D049BB133111EB
    mixed = mixed ^ _shifted(mixed, 31)
    uniform = (_shifted(mixed, 11).double() + 0.5) * 2.0**-53
    return -(-uniform.log()).log()


def _shifted(number: torch.Tensor, bits: int) -> torch.Tensor:
    """A shift to the right that brings in zeros, as of unsigned numbers."""
    return (number >> bits) & ((1 << (64 - bits)) - 1)
