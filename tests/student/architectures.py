"""A tiny real model of every architecture that is packed, and of one that can't be.

Weights are drawn wide: at the usual 0.02 attention hardly shows in what such small models compute, and a wrong mask or
a wrong position would pass for rounding. Models compute in float64 (doubles.py) if no other precision is asked for.
"""

import copy

import torch
from transformers import (
    AutoModelForCausalLM,
    BloomConfig,
    Gemma3TextConfig,
    GPT2Config,
    GPTJConfig,
    GPTNeoXConfig,
    LlamaConfig,
    OPTConfig,
    PreTrainedModel,
    Qwen2Config,
    Qwen3Config,
)

from tests.student.doubles import in_doubles

WIDE = 0.5
SMALL = {"vocab_size": 60, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
HEADS = {"num_key_value_heads": 2, "intermediate_size": 48, "initializer_range": WIDE}
GPT = {"vocab_size": 60, "n_embd": 32, "n_layer": 2, "n_head": 4, "initializer_range": WIDE}
CONFIGS = {
    "llama": LlamaConfig(**SMALL, **HEADS),
    "qwen2": Qwen2Config(**SMALL, **HEADS),
    "qwen3": Qwen3Config(**SMALL, **HEADS, head_dim=8),
    "gemma3": Gemma3TextConfig(
        **SMALL,
        **HEADS,
        head_dim=8,
        sliding_window=6,
        layer_types=["sliding_attention", "full_attention"],
        tie_word_embeddings=False,  # tied, it would say the last token again and again
    ),
    "gpt2": GPT2Config(**GPT),
    "gptj": GPTJConfig(**GPT, rotary_dim=4),
    "neox": GPTNeoXConfig(**SMALL, intermediate_size=48, initializer_range=WIDE),
    "opt": OPTConfig(**SMALL, ffn_dim=48, word_embed_proj_dim=32, init_std=WIDE),
}
UNPACKABLE = BloomConfig(vocab_size=60, hidden_size=32, n_layer=2, n_head=4, initializer_range=WIDE)
"""Bloom takes its positions from the mask (ALiBi), so a tree can't tell it where a token stands."""

PROMPTS = [[7, 8, 9, 10, 11], [12, 13], [14, 15, 16, 17, 18, 19, 20, 21, 22], [23]]
"""Prompts of different lengths that share nothing; the third is longer than Gemma's window."""


def build(config, dtype: torch.dtype = torch.float64, *, shaken: bool = True) -> PreTrainedModel:
    """A model of its own with random weights, without dropout; token 0 begins, ends and pads."""
    torch.manual_seed(4)
    config = copy.deepcopy(config)
    config.pad_token_id = config.eos_token_id = config.bos_token_id = 0
    for name in vars(config):
        if name.endswith(("dropout", "pdrop")):
            setattr(config, name, 0.0)
    model = AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            if shaken and weight.ndim == 1:  # norms and biases begin as ones and zeros, under which much goes unseen
                weight.add_(0.2 * torch.randn_like(weight))
    return in_doubles(model) if dtype == torch.float64 else model.to(dtype)


def tiny(name: str, dtype: torch.dtype = torch.float64) -> PreTrainedModel:
    """The tiny model of an architecture of CONFIGS."""
    return build(CONFIGS[name], dtype)


def unshaken(name: str, dtype: torch.dtype = torch.float64) -> PreTrainedModel:
    """The same with norms and biases as they begin, and weights as small."""
    config = copy.deepcopy(CONFIGS[name])
    for setting in ("initializer_range", "init_std"):
        if hasattr(config, setting):
            setattr(config, setting, 0.02)
    return build(config, dtype, shaken=False)
