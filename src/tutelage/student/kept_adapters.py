"""The adapters that a student has learnt by LoRA, on disk: those of all rounds beside one base, as one adapter of PEFT.

    adapter_config.json          r: 32, lora_alpha: 64, base_model_name_or_path: …
    adapter_model.safetensors    A and B of each layer: the rows of A, the columns of B of one round after another;
                                 its metadata has {"tutelage": "[[16, 32.0], [16, 32.0]]"}, the rank and alpha of each

A round trains an adapter of its own on what was learnt before. Added one by one, they make the very weights that the
training ended with; PEFT and vLLM add all of them at once, which differs by rounding.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig as PeftLoraConfig
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from transformers.pytorch_utils import Conv1D

from tutelage.config import LoraConfig
from tutelage.errors import StudentError
from tutelage.student.wide import widened

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_OURS = "tutelage"


@dataclass(frozen=True, slots=True)
class Adapter:
    """What a round has learnt: A (rank × in) and B (out × rank) of each layer, by its path; B·A·alpha/rank is added."""

    rank: int
    alpha: float
    layers: dict[str, tuple[torch.Tensor, torch.Tensor]]


@dataclass(frozen=True, slots=True)
class Adapters:
    """The adapters of all rounds, in order, and the name or folder of their base."""

    base: str
    rounds: tuple[Adapter, ...] = ()

    def with_one_more(self, adapter: Adapter) -> Adapters:
        """These and the adapter of a further round, at their alpha/rank: one adapter of PEFT has the same for all."""
        if self.rounds and (scale := self.rounds[0].alpha / self.rounds[0].rank) != adapter.alpha / adapter.rank:
            factor = adapter.alpha / adapter.rank / scale
            layers = {path: (a, b * factor) for path, (a, b) in adapter.layers.items()}
            adapter = Adapter(adapter.rank, scale * adapter.rank, layers)
        return Adapters(self.base, (*self.rounds, adapter))


def holds_adapters(folder: Path) -> bool:
    """Whether a folder holds adapters without their base."""
    return (folder / CONFIG).is_file() and not (folder / "config.json").is_file()


@torch.no_grad()
def taken(adapted: Any, config: LoraConfig, dtype: torch.dtype) -> Adapter:
    """The adapter of a trained PEFT model, on the CPU, as precise as it is kept: `dtype` if that has 16 bits."""
    layers = dict[str, tuple[torch.Tensor, torch.Tensor]]()
    for name, module in adapted.named_modules():
        if hasattr(module, "lora_A") and "default" in module.lora_A:
            a, b = (getattr(module, part)["default"].weight.detach().cpu() for part in ("lora_A", "lora_B"))
            layers[name.removeprefix("base_model.model.")] = _kept(a, dtype), _kept(b, dtype)
    return Adapter(config.rank, config.alpha, layers)


def _kept(weight: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return weight.to(dtype) if dtype.itemsize < 4 else weight.clone()


@torch.no_grad()
def add_to(model: Any, rounds: Sequence[Adapter]) -> None:
    """Add adapters to the weights of a model, in place, one after another; sums are in float32 at least."""
    for path in {path: None for adapter in rounds for path in adapter.layers}:
        module = model.get_submodule(path)
        weight = widened(module.weight.data)
        for adapter in rounds:
            if path in adapter.layers:
                a, b = (part.to(weight.device, weight.dtype) for part in adapter.layers[path])
                delta = (b @ a) * (adapter.alpha / adapter.rank)
                weight = weight + (delta.T if isinstance(module, Conv1D) else delta)
        module.weight.data.copy_(weight)


def write_adapters(adapters: Adapters, folder: Path) -> None:
    """Write the adapters of one round at least into a folder, which must be there."""
    rounds, tensors = adapters.rounds, dict[str, torch.Tensor]()
    paths = sorted({path for adapter in rounds for path in adapter.layers})
    for path in paths:
        some_a, some_b = next(adapter.layers[path] for adapter in rounds if path in adapter.layers)
        parts = [  # one without this layer adds nothing to it
            adapter.layers.get(path)
            or (some_a.new_zeros(adapter.rank, some_a.shape[1]), some_b.new_zeros(some_b.shape[0], adapter.rank))
            for adapter in rounds
        ]
        tensors[f"base_model.model.{path}.lora_A.weight"] = torch.cat([a for a, _ in parts])
        tensors[f"base_model.model.{path}.lora_B.weight"] = torch.cat([b for _, b in parts], dim=1)
    told = json.dumps([[adapter.rank, adapter.alpha] for adapter in rounds])
    save_file(tensors, folder / WEIGHTS, {"format": "pt", _OURS: told})
    # alpha / rank is that of each: see with_one_more.
    rank, alpha = (sum(each) for each in zip(*((adapter.rank, adapter.alpha) for adapter in rounds), strict=True))
    settings = PeftLoraConfig(
        r=rank,
        lora_alpha=int(alpha) if alpha == int(alpha) else alpha,  # pyright: ignore[reportArgumentType]
        target_modules=paths,
        task_type="CAUSAL_LM",
        base_model_name_or_path=adapters.base,
        inference_mode=True,
    )
    settings.save_pretrained(str(folder))


def read_adapters(folder: Path) -> Adapters:
    """The adapters in a folder. Raises StudentError if they were not written here, or are broken."""
    try:
        base = json.loads((folder / CONFIG).read_text(encoding="utf-8"))["base_model_name_or_path"]
        with safe_open(folder / WEIGHTS, "pt") as opened:
            told = (opened.metadata() or {}).get(_OURS)
            tensors: dict[str, torch.Tensor] = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        ranks = [(int(rank), float(alpha)) for rank, alpha in json.loads(told or "null")]
        layers = {name[len("base_model.model.") : -len(".lora_A.weight")] for name in tensors if "lora_A" in name}
        rounds, start = list[Adapter](), 0
        for rank, alpha in ranks:
            end = start + rank
            parts = {
                path: (
                    tensors[f"base_model.model.{path}.lora_A.weight"][start:end],
                    tensors[f"base_model.model.{path}.lora_B.weight"][:, start:end],
                )
                for path in sorted(layers)
            }
            rounds.append(Adapter(rank, alpha, parts))
            start = end
        return Adapters(str(base), tuple(rounds))
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        told = "they are not Tutelage's own" if isinstance(error, TypeError) else str(error)
        raise StudentError(
            f"cannot read the adapters in {str(folder)!r}: {told}; merge them into their base, and name the folder of"
            " the merged model"
        ) from error
