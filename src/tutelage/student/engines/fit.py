"""The number of answers sampled at once, chosen to fit the available memory.

Where memory is short, the number is rounded down to a power of two. So a resumed run usually gets the same batches,
even if the free memory is slightly different.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel

from tutelage.student.encoding import Tokens, shared_prefix
from tutelage.student.fitness import vocabulary_of
from tutelage.student.resources.available import available_memory
from tutelage.student.resources.memory import (
    gigabytes,
    kv_bytes_per_token,
    power_of_two,
    refuse,
    sampling_memory,
)
from tutelage.student.sampler import SamplingSettings, Say


def fit_rows(
    model: PreTrainedModel, prompts: Sequence[Tokens], settings: SamplingSettings, say: Say, *, sharing: bool = True
) -> int:
    """How many answers fit in memory at once; an engine that shares the prompts' prefix needs less.

    Raises StudentError if the samples of one problem don't fit.
    """
    if not prompts:
        return settings.samples
    shared, available = shared_prefix(prompts) if sharing else 0, available_memory(model.device)
    memory = sampling_memory(
        kv_bytes_per_token(model.config, torch.finfo(model.dtype).bits // 8),
        vocabulary_of(model),
        prompt_tokens=max(map(len, prompts)) - shared,
        max_new_tokens=settings.max_new_tokens,
        prefix_tokens=shared,
    )
    wanted = min(max(settings.rows, settings.samples), len(prompts) * settings.samples)
    fitting = memory.rows_that_fit(available)
    if fitting < settings.samples:
        raise refuse(
            f"sampling {settings.samples} answers at once",
            memory.parts(settings.samples),
            available,
            "lower exam.samples or max_new_tokens, or take a smaller student",
        )
    if fitting < wanted:
        wanted = max(settings.samples, power_of_two(fitting))
        say(f"{wanted} answers are sampled at once: {gigabytes(available)} of memory are available")
    return wanted
