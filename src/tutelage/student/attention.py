"""Our own attention inside a model of Transformers, without touching the model's code.

    R  rows     T  tokens of a row     H  heads     G  heads of keys and values (H / G share one)     d  width of a head

Packed training and shared-prefix decoding both compute tokens whose keys are not simply those before them in the row.
So each brings an object that attends, and Transformers' AttentionInterface hands it every layer's queries, keys and
values, positions already in them. The object travels with the forward pass as a keyword, which models on that interface
pass down to their layers.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import torch
from transformers import AttentionInterface, PreTrainedModel

from tutelage.student.folder import quiet

NAME = "tutelage"


@dataclass(frozen=True, slots=True)
class How:
    """What a layer asks of its attention: the scale of the scores (None: 1 / sqrt(d)), its window, its dropout."""

    scale: float | None
    window: int | None
    dropout: float


class Attend(Protocol):
    """Computes attention for every layer of one forward pass."""

    def __call__(
        self, layer: int, q_RHTd: torch.Tensor, k_RGTd: torch.Tensor, v_RGTd: torch.Tensor, how: How
    ) -> torch.Tensor:
        """What the queries see, out_RHTd."""
        ...


def _attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    attend: Attend,
    scaling: float | None = None,
    **more: Any,
) -> tuple[torch.Tensor, None]:
    """The form of a function of AttentionInterface: heads leave behind the tokens."""
    if more.get("softcap") is not None:
        raise ValueError("attention with a soft cap can't be computed by parts")
    layer: Any = module.layer_idx
    how = How(scaling, more.get("sliding_window"), more.get("dropout", 0.0))
    out_RHTd = attend(layer, query, key, value, how)
    return out_RHTd.transpose(1, 2).contiguous(), None


AttentionInterface.register(NAME, _attention)


@contextmanager
def attending(model: PreTrainedModel, attend: Attend) -> Generator[dict[str, Any]]:
    """While inside, every layer attends by `attend`, if the forward pass is given the keywords that this yields."""
    before = model.config._attn_implementation
    for module in _of_their_own(model):
        module._attn = partial(_attention_of_gptj, module, attend)
    with quiet():
        model.set_attn_implementation(NAME)
    try:
        yield {"attend": attend}
    finally:
        with quiet():
            model.set_attn_implementation(before)
        for module in _of_their_own(model):
            del module._attn


def _of_their_own(model: PreTrainedModel) -> list[Any]:
    """Layers of GPT-J, which is not on the interface: it computes attention in a method of each layer."""
    if model.config.model_type != "gptj":
        return []
    return [module for module in model.modules() if callable(getattr(module, "_attn", None))]


def _attention_of_gptj(
    module: Any,
    attend: Attend,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None = None,
) -> tuple[torch.Tensor, None]:
    dropout = module.attn_dropout.p if module.training else 0.0
    how = How(1 / module.scale_attn, None, dropout)
    return attend(module.layer_idx, query, key, value, how).to(value.dtype), None
