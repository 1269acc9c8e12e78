"""Estimates of the memory for a training or an exam, in bytes.

A job is sized before it starts: TrainingMemory or SamplingMemory is compared with `available_memory`. A job that can't
be made small enough is refused with figures (`refuse`). The activations for the backward pass are measured on a small
pack (`saved_bytes`, used by training/fit.py), so no architecture needs a formula.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

import torch

from tutelage.errors import StudentError
from tutelage.student.training.losses import LOGITS_AT_ONCE


class _Kept:
    """A tensor saved by autograd; it lives exactly as long as the graph needs it."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor


def saved_bytes(run: Callable[[], torch.Tensor], leave_out: Iterable[torch.Tensor] = ()) -> int:
    """Bytes that the graph of `run()` saves for its backward pass: whole storages, each counted once.

    Storages of `leave_out` (a model's parameters and buffers) do not count. Tensors that a custom autograd function
    stores as attributes of its context are missed.
    """
    kept: WeakSet[_Kept] = WeakSet()

    def pack(tensor: torch.Tensor) -> _Kept:
        kept.add(holder := _Kept(tensor.detach()))  # not detached, an output would keep itself alive
        return holder

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(pack, lambda holder: holder.tensor):
        output = run()
    known = {_storage(tensor)[0] for tensor in leave_out}
    sizes = dict(_storage(holder.tensor) for holder in kept)
    del output  # until here it held the graph and so the counted tensors
    return sum(size for address, size in sizes.items() if address not in known)


def _storage(tensor: torch.Tensor) -> tuple[int, int]:
    """The id and bytes of a tensor's storage. Not data_ptr, which is 0 for all tensors on device meta."""
    storage = tensor.untyped_storage()
    return storage._cdata, storage.nbytes()


@dataclass(frozen=True, slots=True)
class TrainingMemory:
    """Memory of a training step beside the loaded weights; `per_token` counts for every token of a micro-batch."""

    gradients: int
    optimizer: int
    per_token: int
    fixed: int

    def split(self, shards: int, gathered: int) -> TrainingMemory:
        """The same where gradients and optimizer are split; `gathered` bytes of weights are whole at a time."""
        gradients = self.gradients // shards + 2 * gathered
        return TrainingMemory(gradients, self.optimizer // shards, self.per_token, self.fixed)

    def needs(self, tokens: int) -> int:
        """Bytes for a micro-batch of `tokens` tokens."""
        return sum(self.parts(tokens).values())

    def tokens_that_fit(self, available: int) -> int:
        """Tokens of the largest micro-batch that fits; 0 if not even gradients and optimizer fit."""
        return max(0, available - self.needs(0)) // max(1, self.per_token)

    def parts(self, tokens: int) -> dict[str, int]:
        """The parts by name, for `refuse`."""
        return {
            "gradients": self.gradients,
            "optimiser": self.optimizer,
            "activations": self.per_token * tokens,
            "logits": self.fixed,
        }


def logit_bytes(vocabulary: int, head_gradient: int = 0) -> int:
    """The `fixed` part of a step: float32 logits of one chunk with their gradient, and `head_gradient` bytes.

    `head_gradient` is the size of the output layer's gradient, which each chunk computes before it is added to the sum;
    0 if that layer is not trained.
    """
    return 2 * 4 * LOGITS_AT_ONCE * vocabulary + head_gradient


@dataclass(frozen=True, slots=True)
class SamplingMemory:
    """Memory of an exam beside the loaded weights: the shared prefix once, the rest for every row."""

    prefix: int
    keys_values: int
    probabilities: int

    def needs(self, rows: int) -> int:
        """Bytes for `rows` rows at once."""
        return sum(self.parts(rows).values())

    def rows_that_fit(self, available: int) -> int:
        """The most rows that fit at once; 0 if none fits."""
        return max(0, available - self.prefix) // max(1, self.keys_values + self.probabilities)

    def parts(self, rows: int) -> dict[str, int]:
        """The parts by name, for `refuse`."""
        return {
            "prefix": self.prefix,
            "keys and values": self.keys_values * rows,
            "probabilities": self.probabilities * rows,
        }


def sampling_memory(
    kv_bytes: int, vocabulary: int, *, prompt_tokens: int, max_new_tokens: int, prefix_tokens: int = 0
) -> SamplingMemory:
    """The memory for rows of at most `prompt_tokens` (without the shared prefix) and `max_new_tokens`.

    `kv_bytes` is the size of one token's keys and values. A row has three float32 copies of its logits: raw, divided by
    the temperature, and inside the logsumexp.
    """
    row = kv_bytes * (prompt_tokens + max_new_tokens)
    return SamplingMemory(prefix=kv_bytes * prefix_tokens, keys_values=row, probabilities=3 * 4 * vocabulary)


def kv_bytes_per_token(config: Any, itemsize: int) -> int:
    """Bytes of one token's keys and values in all layers, by a Transformers configuration; 0 without attention.

    Layers with a sliding window count like the others, although they keep fewer tokens.
    """
    text = config.get_text_config()
    heads = getattr(text, "num_attention_heads", None)
    if not heads:
        return 0
    width = getattr(text, "head_dim", None) or text.hidden_size // heads
    return 2 * text.num_hidden_layers * (getattr(text, "num_key_value_heads", None) or heads) * width * itemsize


def gigabytes(size: int) -> str:
    """A size for people, such as "3.2 GB" or "0.085 GB"; a GB is 10**9 bytes."""
    return f"{size / 1e9:.{1 if size >= 1e9 else 3}f} GB"


def refuse(what: str, needed: Mapping[str, int], available: int, remedy: str) -> StudentError:
    """The error for a job that does not fit, with all figures; the caller raises it. `remedy` says what to set."""
    parts = ", ".join(f"{name} {gigabytes(size)}" for name, size in needed.items() if size)
    total = gigabytes(sum(needed.values()))
    return StudentError(f"{what} needs {total} ({parts}), but only {gigabytes(available)} is available; {remedy}")


def power_of_two(number: int) -> int:
    """The largest power of two that is not above the number."""
    return 1 << (number.bit_length() - 1)
