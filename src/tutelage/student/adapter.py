"""A student that was trained with LoRA as an adapter of its base model, in PEFT's form.

A run merges the adapters of every round into the weights, so what it has learnt is a difference of low rank: as many
times the rank of an adapter as there were rounds. It is taken apart again by a singular value decomposition.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig as PeftLoraConfig
from safetensors.torch import save_file
from transformers.pytorch_utils import Conv1D

from tutelage.config import StudentConfig
from tutelage.errors import StudentError
from tutelage.student.model import load_student, model_folder

_SPARE, _PASSES = 8, 4
"""Further directions and passes of the randomised decomposition (Halko et al. 2011)."""
_LEFT = 1e-2
"""The most of a difference, as a share of its norm, that an adapter may leave out."""


def write_adapter(base: StudentConfig, name: str, student: Path, rank: int, folder: Path) -> list[str]:
    """Write the adapter of `student` to `base`, which others find as `name`; returns the names of the files.

    `rank` is the most that the difference can have. Raises StudentError: other weights have changed as well, or the
    difference has a higher rank.
    """
    before: Any = load_student(base.model_copy(update={"device": "cpu"}), model_folder(base.model)).model
    after: Any = load_student(base.model_copy(update={"device": "cpu"}), student).model
    tensors, targets, transposed = dict[str, torch.Tensor](), list[str](), False
    learnt = dict(after.named_modules())
    changed = {key for key, weight in after.state_dict().items() if not torch.equal(weight, before.state_dict()[key])}
    for path, module in before.named_modules():
        if f"{path}.weight" not in changed or not isinstance(module, torch.nn.Linear | Conv1D):
            continue
        changed.discard(f"{path}.weight")
        delta: Any = learnt[path].weight.detach() - module.weight.detach()
        transposed |= isinstance(module, Conv1D)
        a, b = _taken_apart(delta.T if isinstance(module, Conv1D) else delta, rank, path)
        tensors |= {f"base_model.model.{path}.lora_A.weight": a, f"base_model.model.{path}.lora_B.weight": b}
        targets.append(path)
    if changed or not targets:
        told = f"{sorted(changed)[0]} has changed, too" if changed else "nothing has changed"
        raise StudentError(f"the student {str(student)!r} is no adapter of {name}: {told}; push its weights instead")
    folder.mkdir(parents=True, exist_ok=True)
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, folder / "adapter_model.safetensors")
    settings = PeftLoraConfig(
        r=rank,
        lora_alpha=rank,  # the scale of what was taken apart is 1
        target_modules=targets,
        task_type="CAUSAL_LM",
        base_model_name_or_path=name,
        inference_mode=True,
        fan_in_fan_out=transposed,
    )
    settings.save_pretrained(str(folder))
    return ["adapter_config.json", "adapter_model.safetensors"]


def _taken_apart(delta: torch.Tensor, rank: int, path: str) -> tuple[torch.Tensor, torch.Tensor]:
    """A (rank × in) and B (out × rank) with B·A = delta. Raises StudentError if there are none."""
    torch.manual_seed(0)
    most = min(delta.shape)
    u, s, v = torch.svd_lowrank(delta.float(), q=min(rank + _SPARE, most), niter=_PASSES)
    kept = min(rank, most)
    root = s[:kept].sqrt()
    a, b = torch.zeros(rank, delta.shape[1]), torch.zeros(delta.shape[0], rank)
    a[:kept], b[:, :kept] = (v[:, :kept] * root).T, u[:, :kept] * root
    if float(torch.linalg.norm(delta - b @ a)) > _LEFT * float(torch.linalg.norm(delta)):
        raise StudentError(f"the change of {path} has a higher rank than {rank}; push the student's weights instead")
    return a, b
