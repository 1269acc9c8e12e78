"""What the tests of both torch engines share: asking one, and what Transformers writes for each prompt alone."""

from functools import cache

import pytest
import torch

from tests.student.architectures import PROMPTS, tiny
from tests.student.definition import PREFIX
from tests.student.tiny import tiny_tokenizer
from tutelage.student.engines.generate import GenerateSampler
from tutelage.student.engines.shared_prefix import SharedPrefixSampler
from tutelage.student.sampler import SamplingSettings, StopCriteria

ENGINES = pytest.mark.parametrize("engine", [SharedPrefixSampler, GenerateSampler])
SEEDS = [1, 2, 3, 4]
NEVER = StopCriteria(tiny_tokenizer(), frozenset())
SOON = StopCriteria(tiny_tokenizer(), frozenset(range(6)))
"""A tenth of the vocabulary ends a row: rows end at different times."""
NEW_TOKENS = 10


def asked(prefixed: bool) -> list[tuple[int, ...]]:
    """Four prompts, behind a few-shot prefix or sharing nothing."""
    return [(*PREFIX, *prompt) if prefixed else tuple(prompt) for prompt in PROMPTS]


def answers(sampler, prompts, settings, seeds=None):
    """All samples of every prompt in order; each prompt is handed over once."""
    found = {}

    def deliver(place, rows):
        assert place not in found
        found[place] = rows

    cost = sampler.sample(prompts, SEEDS[: len(prompts)] if seeds is None else seeds, settings, deliver)
    assert sorted(found) == list(range(len(prompts)))
    assert all(len(rows) == settings.samples for rows in found.values())
    return [found[place] for place in range(len(prompts))], cost


def greedy(rows: int = 256) -> SamplingSettings:
    """The likeliest answer of NEW_TOKENS tokens."""
    return SamplingSettings(max_new_tokens=NEW_TOKENS, rows=rows)


@cache
def alone(name: str, prefixed: bool) -> list[list[int]]:
    """What Transformers' `generate` writes greedily for each prompt alone."""
    model = tiny(name)
    model.generation_config.eos_token_id = None  # so that it goes on to the end
    rows = []
    for prompt in asked(prefixed):
        ids = torch.tensor([prompt])
        output = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=NEW_TOKENS, do_sample=False)
        rows.append(output[0, len(prompt) :].tolist())
    return rows
