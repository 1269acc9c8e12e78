"""Decode a batch of prompts token by token: each prompt computed once, finished rows leave the batch.

    P  prompts     R  rows = P * samples     L  tokens of a prompt     T  tokens so far     V  vocabulary

Each row draws its tokens from a random stream of its own (inverse transform sampling, one uniform number a token), so
an attempt does not depend on its neighbours in the batch.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from transformers import DynamicCache, PreTrainedModel

COMPACT_BELOW = 0.8
"""Finished rows are dropped from the cache when fewer than this share of its rows is alive: copying it has a price."""

Stopped = Callable[[list[int]], bool]
"""Whether the tokens of a row already hold a stop string."""


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """How completions are drawn; temperature 0 is greedy decoding. `batch_size` counts rows, not prompts."""

    samples: int = 1
    temperature: float = 0.0
    max_new_tokens: int = 256
    batch_size: int = 64


@dataclass(slots=True)
class _Row:
    """One answer in the making."""

    tokens: list[int]
    uniform: np.ndarray
    finished: bool = False


def stream(seed: int, sample: int, length: int) -> np.ndarray:
    """The uniform numbers in [0, 1) of one attempt; counter-based (Philox), so no attempt depends on another."""
    key = np.array([seed % 2**64, sample], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key)).random(length)


@torch.inference_mode()
def decode(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    seeds: Sequence[int],
    settings: SamplingSettings,
    end_tokens: frozenset[int],
    stopped: Stopped,
) -> list[list[int]]:
    """Generated tokens of every row, the samples of one prompt together, end token included where there is one.

    `prompts` are token ids, `seeds` one number a prompt (they don't count in greedy decoding).
    """
    samples, limit = settings.samples, settings.max_new_tokens
    rows = [_Row([], stream(seed, sample, limit)) for seed in seeds for sample in range(samples)]
    alive = list(range(len(rows)))
    step = _Stepper(model, prompts, samples, limit)
    logits_RV = step.logits_RV
    for position in range(limit):
        next_R = _choose(logits_RV, [rows[r] for r in alive], position, settings.temperature)
        for r, token in zip(alive, next_R.tolist(), strict=True):
            row = rows[r]
            if not row.finished:
                row.tokens.append(token)
                row.finished = token in end_tokens or stopped(row.tokens)
        keep = [i for i, r in enumerate(alive) if not rows[r].finished]
        if not keep or position + 1 == limit:
            break
        if len(keep) < COMPACT_BELOW * len(alive):
            alive = [alive[i] for i in keep]
            next_R = step.keep(keep, next_R)
        logits_RV = step(next_R)
    return [row.tokens for row in rows]


def _choose(logits_RV: torch.Tensor, rows: list[_Row], position: int, temperature: float) -> torch.Tensor:
    """The next token of each row: the likeliest, or the one at which the row's uniform number falls in the CDF."""
    if temperature == 0:
        return logits_RV.argmax(dim=-1)
    uniform_R1 = torch.tensor([[row.uniform[position]] for row in rows], dtype=torch.float32)
    cdf_RV = (logits_RV.float() / temperature).softmax(dim=-1).cumsum(dim=-1)
    total_R1 = cdf_RV[:, -1:]
    draw_R1 = torch.minimum(uniform_R1.to(total_R1.device) * total_R1, torch.nextafter(total_R1, 0 * total_R1))
    return torch.searchsorted(cdf_RV, draw_R1, right=True).squeeze(-1)


class _Stepper:
    """The model with its cache: prompts in once, then one token a row and call."""

    def __init__(
        self, model: PreTrainedModel, prompts: Sequence[Sequence[int]], samples: int, max_new_tokens: int
    ) -> None:
        accepted = inspect.signature(model.forward).parameters
        self.model, self.cache = model, DynamicCache(config=model.config)
        self.positioned = "position_ids" in accepted
        self.last_only: dict[str, Any] = {"logits_to_keep": 1} if "logits_to_keep" in accepted else {}
        longest = max(len(prompt) for prompt in prompts)
        input_PL = torch.zeros(len(prompts), longest, dtype=torch.long)
        self.mask_RT = torch.zeros(len(prompts), longest + max_new_tokens, dtype=torch.long)
        for p, prompt in enumerate(prompts):
            input_PL[p, longest - len(prompt) :] = torch.tensor(prompt)
            self.mask_RT[p, longest - len(prompt) :] = 1
        self.mask_RT, self.length = self.mask_RT.to(model.device), longest
        logits_PV = self._forward(input_PL.to(model.device))
        self.logits_RV = logits_PV.repeat_interleave(samples, dim=0)
        self.mask_RT = self.mask_RT.repeat_interleave(samples, dim=0)
        if samples > 1:
            self.cache.batch_repeat_interleave(samples)

    def __call__(self, next_R: torch.Tensor) -> torch.Tensor:
        """Append a token to every row; returns logits_RV of the next."""
        self.length += 1
        return self._forward(next_R[:, None])

    def keep(self, rows: list[int], next_R: torch.Tensor) -> torch.Tensor:
        """Forget all rows but these; returns their part of `next_R`."""
        index = torch.tensor(rows, device=next_R.device)
        self.cache.batch_select_indices(index)
        self.mask_RT = self.mask_RT[index]
        return next_R[index]

    def _forward(self, input_RL: torch.Tensor) -> torch.Tensor:
        mask_RT = self.mask_RT[:, : self.length]
        inputs: dict[str, Any] = {"input_ids": input_RL, "attention_mask": mask_RT, **self.last_only}
        if self.positioned:
            inputs["position_ids"] = (mask_RT.cumsum(dim=-1) - 1).clamp(min=0)[:, -input_RL.shape[1] :]
        return self.model(**inputs, past_key_values=self.cache, use_cache=True).logits[:, -1]
