"""Sampling by Transformers' `generate`, for models that our own engine does not support.

    R  rows     V  vocabulary     T  tokens of a row so far

`generate` draws all rows from one random stream, so an answer would depend on its batch. Here each row has its own
stream: a logits processor draws the token and masks all others, and `generate` decodes greedily.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from transformers import (
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    PreTrainedModel,
    StoppingCriteria,
    StoppingCriteriaList,
)

from tutelage.student.encoding import Tokens
from tutelage.student.engines.packed_weights import packed
from tutelage.student.engines.token_sampling import sample_token, stream
from tutelage.student.folder import quiet
from tutelage.student.sampler import Deliver, Sampled, SamplingSettings, StopCriteria


class GenerateSampler:
    """Samples in batches of at most `rows` rows, with prompts of similar length together."""

    def __init__(self, model: PreTrainedModel, ends: StopCriteria, rows: int) -> None:
        self.model, self.ends, self.rows = model, ends, rows

    @torch.inference_mode()
    def sample(
        self, prompts: Sequence[Tokens], seeds: Sequence[int], settings: SamplingSettings, deliver: Deliver
    ) -> Sampled:
        """See Sampler."""
        self.model.eval()
        order = sorted(range(len(prompts)), key=lambda n: len(prompts[n]), reverse=True)
        width = max(1, self.rows // settings.samples)
        computed = padded = 0
        for start in range(0, len(order), width):
            batch = order[start : start + width]
            with packed(self.model):
                rows, steps = self._batch([prompts[n] for n in batch], [seeds[n] for n in batch], settings)
            for n, index in enumerate(batch):
                deliver(index, rows[n * settings.samples : (n + 1) * settings.samples])
            asked = sum(len(prompts[n]) for n in batch) * settings.samples + sum(map(len, rows))
            computed += asked
            padded += len(rows) * (len(prompts[batch[0]]) + steps) - asked
        return Sampled(computed, padded)

    def _batch(
        self, prompts: Sequence[Tokens], seeds: Sequence[int], settings: SamplingSettings
    ) -> tuple[list[list[int]], int]:
        """The answers of a batch, each cut at its end, and the number of steps."""
        longest, samples, limit = max(map(len, prompts)), settings.samples, settings.max_new_tokens
        tokens = [[*[0] * (longest - len(prompt)), *prompt] for prompt in prompts for _ in range(samples)]
        mask = [[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts for _ in range(samples)]
        key_RT = np.stack([stream(seed, sample, limit) for seed in seeds for sample in range(samples)])
        with quiet(), _only_these_settings(self.model, max_new_tokens=limit, do_sample=False, pad_token_id=0):
            output_RT = self.model.generate(  # pyright: ignore[reportCallIssue]
                torch.tensor(tokens, device=self.model.device),
                attention_mask=torch.tensor(mask, device=self.model.device),
                logits_processor=LogitsProcessorList([_OwnStreams(key_RT, longest, settings.temperature)]),
                stopping_criteria=StoppingCriteriaList([_Over(self.ends, longest)]),
            )
        new = output_RT[:, longest:].tolist()
        return [_upto(row, self.ends) for row in new], len(new[0])


@contextmanager
def _only_these_settings(model: PreTrainedModel, **settings: object) -> Generator[None]:
    """Replace the model's generation settings: `generate` would take missing ones, such as end tokens, from them."""
    own, model.generation_config = model.generation_config, GenerationConfig(**settings)
    try:
        yield
    finally:
        model.generation_config = own


class _OwnStreams(LogitsProcessor):
    """Draws each row's token from the row's own stream and masks all others."""

    def __init__(self, key_RT: np.ndarray, prompt: int, temperature: float) -> None:
        self.key_RT, self.prompt, self.temperature = key_RT, prompt, temperature

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """See LogitsProcessor: scores_RV in and out."""
        keys = self.key_RT[:, input_ids.shape[1] - self.prompt].tolist()
        chosen_R = sample_token(scores, keys, self.temperature)
        only = torch.full_like(scores, -torch.inf)
        return only.scatter(1, chosen_R[:, None], 0.0)  # pyright: ignore[reportReturnType]


class _Over(StoppingCriteria):
    """Stops rows whose answer has ended."""

    def __init__(self, ends: Callable[[Sequence[int]], bool], prompt: int) -> None:
        self.ends, self.prompt = ends, prompt
        self.over: set[int] = set()

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor, **kwargs: object) -> torch.BoolTensor:
        """See StoppingCriteria: True for every row that has ended."""
        rows = input_ids[:, self.prompt :].tolist()
        self.over |= {r for r, row in enumerate(rows) if r not in self.over and self.ends(row)}
        over_R = torch.tensor([r in self.over for r in range(len(rows))], device=input_ids.device)
        return over_R  # pyright: ignore[reportReturnType]


def _upto(row: list[int], ends: Callable[[Sequence[int]], bool]) -> list[int]:
    """A row without the tokens after its end."""
    return next((row[:n] for n in range(1, len(row) + 1) if ends(row[:n])), row)
