import numpy as np
import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    Gemma3TextConfig,
    GPT2Config,
    GPTJConfig,
    GPTNeoXConfig,
    LlamaConfig,
    OPTConfig,
    Qwen2Config,
    Qwen3Config,
)

from tutelage.student.decoding import SamplingSettings, decode, stream

SMALL = {"vocab_size": 60, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
HEADS = {"num_key_value_heads": 2, "intermediate_size": 48}
CONFIGS = {
    "llama": LlamaConfig(**SMALL, **HEADS),
    "qwen2": Qwen2Config(**SMALL, **HEADS),
    "qwen3": Qwen3Config(**SMALL, **HEADS, head_dim=8),
    "gemma3": Gemma3TextConfig(
        **SMALL, **HEADS, head_dim=8, sliding_window=6, layer_types=["sliding_attention", "full_attention"]
    ),
    "gpt2": GPT2Config(vocab_size=60, n_embd=32, n_layer=2, n_head=4),
    "gptj": GPTJConfig(vocab_size=60, n_embd=32, n_layer=2, n_head=4, rotary_dim=4),
    "neox": GPTNeoXConfig(**SMALL, intermediate_size=48),
    "opt": OPTConfig(**SMALL, ffn_dim=48, word_embed_proj_dim=32),
}
PROMPTS = [[7, 8, 9, 10, 11], [12, 13], [14, 15, 16, 17, 18, 19, 20, 21, 22], [23]]


def tiny(name: str):
    torch.manual_seed(3)
    config = CONFIGS[name]
    config.pad_token_id = config.eos_token_id = config.bos_token_id = 0
    return AutoModelForCausalLM.from_config(config).eval()


def never(tokens):
    return False


@pytest.mark.parametrize("name", CONFIGS)
def test_greedy_is_what_transformers_writes_for_each_prompt_alone(name):
    model = tiny(name)
    model.generation_config.eos_token_id = None  # so that generate goes on to the end
    rows = decode(model, PROMPTS, [0] * 4, SamplingSettings(max_new_tokens=12), frozenset(), never)
    for prompt, row in zip(PROMPTS, rows, strict=True):
        ids = torch.tensor([prompt])
        alone = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False)
        assert row == alone[0, len(prompt) :].tolist()


def test_an_attempt_does_not_depend_on_its_neighbours():
    model, settings = tiny("llama"), SamplingSettings(samples=3, temperature=1.0, max_new_tokens=16)
    ends = frozenset(range(5))  # rows end at different times, so the batch is compacted on the way
    together = decode(model, PROMPTS, [1, 2, 3, 4], settings, ends, never)
    alone = [
        row
        for prompt, seed in zip(PROMPTS, [1, 2, 3, 4], strict=True)
        for row in decode(model, [prompt], [seed], settings, ends, never)
    ]
    assert together == alone
    assert len({tuple(row) for row in together}) > 6
    assert len({len(row) for row in together}) > 2


def test_rows_end_with_their_end_token_and_stop_when_told():
    model = tiny("llama")
    free = decode(model, PROMPTS, [0] * 4, SamplingSettings(max_new_tokens=10), frozenset(), never)
    end = free[0][4]
    ended = decode(model, PROMPTS, [0] * 4, SamplingSettings(max_new_tokens=10), frozenset([end]), never)
    for row, longer in zip(ended, free, strict=True):
        assert row == longer[: longer.index(end) + 1 if end in longer else 10]
    stopped = decode(
        model, PROMPTS, [0] * 4, SamplingSettings(max_new_tokens=10), frozenset(), lambda row: len(row) == 3
    )
    assert stopped == [row[:3] for row in free]


def test_samples_follow_the_models_distribution():
    model = tiny("llama")
    settings = SamplingSettings(samples=4000, temperature=0.7, max_new_tokens=1)
    drawn = decode(model, [PROMPTS[0]], [5], settings, frozenset(), never)
    counts = np.bincount([row[0] for row in drawn], minlength=60) / 4000
    with torch.inference_mode():
        expected = (model(torch.tensor([PROMPTS[0]])).logits[0, -1] / 0.7).softmax(-1).numpy()
    assert np.abs(counts - expected).max() < 4 * np.sqrt(expected.max() / 4000)


def test_streams_are_uniform_and_their_own():
    assert (stream(7, 0, 5) == stream(7, 0, 9)[:5]).all()
    assert (stream(7, 0, 5) != stream(7, 1, 5)).all()
    assert (stream(7, 0, 5) != stream(8, 0, 5)).all()
    assert 0.45 < stream(1, 2, 4000).mean() < 0.55
