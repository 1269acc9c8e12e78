"""Custom attention inside a model of Transformers, without changes to the model's code.

    R  rows     T  tokens of a row     H  heads     G  heads of keys and values (H / G share one)     d  width of a head

In packed training and in shared-prefix decoding, the keys of a token are not simply the tokens before it in the row. So
each has its own attention function. Transformers' AttentionInterface calls it in every layer with queries, keys and
values (rotary positions already applied). The function is a keyword of the forward pass; models that support the
interface pass it down to their layers.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import torch
from transformers import AttentionInterface, PreTrainedModel

from tutelage.student.folder import quiet

NAME = "tutelage"


@dataclass(frozen=True, slots=True)
class AttentionArgs:
    """Settings of a layer's attention: scale of the scores (None: 1 / sqrt(d)), sliding window, dropout."""

    scale: float | None
    window: int | None
    dropout: float


class AttentionFn(Protocol):
    """Computes attention for every layer of one forward pass."""

    def __call__(
        self, layer: int, q_RHTd: torch.Tensor, k_RGTd: torch.Tensor, v_RGTd: torch.Tensor, args: AttentionArgs
    ) -> torch.Tensor:
        """The attention output, out_RHTd."""
        ...


def _attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    attention_fn: AttentionFn,
    scaling: float | None = None,
    **more: Any,
) -> tuple[torch.Tensor, None]:
    """Adapter to AttentionInterface, whose output has tokens before heads."""
    if more.get("softcap") is not None:
        raise ValueError("attention with a soft cap can't be computed by parts")
    layer: Any = module.layer_idx
    args = AttentionArgs(scaling, more.get("sliding_window"), more.get("dropout", 0.0))
    out_RHTd = attention_fn(layer, query, key, value, args)
    return out_RHTd.transpose(1, 2).contiguous(), None


AttentionInterface.register(NAME, _attention)


@contextmanager
def attending(model: PreTrainedModel, attention_fn: AttentionFn) -> Generator[dict[str, Any]]:
    """Make every layer use `attention_fn` inside the `with` block. Pass the yielded keywords to the forward pass."""
    before = model.config._attn_implementation
    for module in _of_their_own(model):
        module._attn = partial(_attention_of_gptj, module, attention_fn)
    with quiet():
        model.set_attn_implementation(NAME)
    try:
        yield {"attention_fn": attention_fn}
    finally:
        with quiet():
            model.set_attn_implementation(before)  # pyright: ignore[reportArgumentType]
        for module in _of_their_own(model):
            del module._attn


def as_now(model: PreTrainedModel) -> AbstractContextManager[None]:
    """A block, for later, in which the model's attention is what it is now: its layers are then computed again."""
    config = model.config
    now, own = config._attn_implementation, [(module, module.__dict__.get("_attn")) for module in _of_their_own(model)]

    @contextmanager
    def later() -> Generator[None]:
        then, others = config._attn_implementation, [module.__dict__.get("_attn") for module, _ in own]
        _put(config, now, own)
        try:
            yield
        finally:
            _put(config, then, [(module, other) for (module, _), other in zip(own, others, strict=True)])

    return later()


def _put(config: Any, implementation: str | None, own: Sequence[tuple[Any, Any]]) -> None:
    config._attn_implementation = implementation
    for module, attention in own:
        module.__dict__.pop("_attn", None)
        if attention is not None:
            module._attn = attention


def _of_their_own(model: PreTrainedModel) -> list[Any]:
    """Layers of GPT-J. It does not use the interface: each layer computes attention in a method."""
    if model.config.model_type != "gptj":
        return []
    return [module for module in model.modules() if callable(getattr(module, "_attn", None))]


def _attention_of_gptj(
    module: Any,
    attention_fn: AttentionFn,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None = None,
) -> tuple[torch.Tensor, None]:
    dropout = module.attn_dropout.p if module.training else 0.0
    args = AttentionArgs(1 / module.scale_attn, None, dropout)
    return attention_fn(module.layer_idx, query, key, value, args).to(value.dtype), None
