"""Draws the next token, greedily or by the Gumbel-max trick, independently of the rest of the batch.

    R  rows     V  vocabulary     C  chunks of it     K  tokens of a chunk

Gumbel-max sampling (Maddison et al. 2014, arXiv 1411.0030): every choice's log-probability gets its own noise, and the
highest sum wins. The noise depends only on the attempt, the place and the choice. In another batch, a row's logits
differ in their last bits; this changes the winner only if two sums are that close, about once in 100,000 tokens. The
usual lookup of one random number in the cumulative distribution is much more sensitive to small shifts.

Noise for the whole vocabulary would cost as much as the model's layers. So there are two draws: of a chunk of the
vocabulary, by the sum of its probabilities, and of a token of that chunk.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from tutelage.student.wide import widened

CHUNK = 256
"""Tokens of a chunk: the square root of usual vocabularies, so that both draws have about as many choices."""

AT_ONCE = 2**18
"""Logits that are widened at once on the CPU: a mebibyte stays in its cache."""


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
    key_R1 = torch.tensor(key_R, device=logits_RV.device)[:, None]
    total_RC = _chunk_totals(logits_RV, temperature)
    chunk_1C = torch.arange(total_RC.shape[1], device=logits_RV.device)[None]
    chosen_R1 = (total_RC.double() + gumbel(key_R1, -1 - chunk_1C)).argmax(dim=-1, keepdim=True)
    vocabulary = logits_RV.shape[1]
    token_RK = chosen_R1 * CHUNK + torch.arange(min(CHUNK, vocabulary), device=logits_RV.device)
    logit_RK = logits_RV.gather(1, token_RK.clamp(max=vocabulary - 1)).double() / temperature
    logit_RK = logit_RK.masked_fill(token_RK >= vocabulary, -torch.inf)
    best_R1 = (logit_RK + gumbel(key_R1, token_RK)).argmax(dim=-1, keepdim=True)
    return token_RK.gather(1, best_R1)[:, 0]


def _chunk_totals(logits_RV: torch.Tensor, temperature: float) -> torch.Tensor:
    """The log-sum-exp of logits / temperature for every chunk, [R, C]; the last chunk may be shorter."""
    rows, vocabulary = logits_RV.shape
    whole = vocabulary // CHUNK * CHUNK
    at_once = max(1, AT_ONCE // vocabulary) if logits_RV.device.type == "cpu" else rows
    totals: list[torch.Tensor] = []
    for narrow_RV in logits_RV.split(at_once):
        part_RV = widened(narrow_RV) if temperature == 1 else widened(narrow_RV) / temperature
        total_RC = part_RV[:, :whole].unflatten(1, (-1, CHUNK)).logsumexp(dim=-1) if whole else part_RV[:, :0]
        if whole < vocabulary:
            total_RC = torch.cat([total_RC, part_RV[:, whole:].logsumexp(dim=-1, keepdim=True)], dim=-1)
        totals.append(total_RC)
    return torch.cat(totals)


def gumbel(key: torch.Tensor, choice: torch.Tensor) -> torch.Tensor:
    """Standard Gumbel noise for choices and a key, in float64, from a hash of both (SplitMix64: Steele et al. 2014)."""
    mixed = key + (choice + 2) * -7046029254386353131  # 0x9E3779B97F4A7C15; integers wrap around
    mixed = (mixed ^ _shifted(mixed, 30)) * -4658895280553007687  # 0xBF58476D1CE4E5B9
    mixed = (mixed ^ _shifted(mixed, 27)) * -7723592293110705685  # 0x94D049BB133111EB
    mixed = mixed ^ _shifted(mixed, 31)
    uniform = (_shifted(mixed, 11).double() + 0.5) * 2.0**-53
    return -(-uniform.log()).log()


def _shifted(number: torch.Tensor, bits: int) -> torch.Tensor:
    """A logical (unsigned) right shift."""
    return (number >> bits) & ((1 << (64 - bits)) - 1)
