"""A student whose weights, gradients and optimizer are split among all ranks while it is trained: FSDP2 of PyTorch.

    layer            a shard on every rank; gathered for its forward and its backward pass, then let go
    all the rest     embeddings, last norm, output layer: gathered for a pass

The float32 weights are the shards; a pass computes with bfloat16 copies of them where the run does. Gradients are
summed in float32. Checkpoints and the trained student are whole, in the form of one process: any number reads them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.optim import AdamW

from tutelage.errors import StudentError
from tutelage.student.ranks.group import Ranks
from tutelage.student.training.checkpointing import layers_of
from tutelage.student.training.micro_batch import MicroBatch, MicroBatchLosses, micro_batch_losses
from tutelage.student.training.precision import FullPrecision, MixedAdamW, other_precision
from tutelage.student.training.reflection import Reflection
from tutelage.student.training.repair import RepairLoss


class _Pass(torch.nn.Module):
    """One forward pass with its losses, as a module: inside it, all weights are whole."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, micro_batch: MicroBatch, beside: Reflection | RepairLoss | None) -> tuple[torch.Tensor, ...]:
        losses = micro_batch_losses(self.model, micro_batch, beside)
        return losses.lm, losses.reflection, losses.near, losses.far


class Sharded:
    """Splits the weights of `model` (with its adapters, if it has any) among the ranks, in place."""

    def __init__(self, model: Any, ranks: Ranks, dtype: torch.dtype) -> None:
        self.model, self.ranks, self.dtype = model, ranks, dtype
        self.mixed = dtype == torch.bfloat16
        inner = model.get_base_model() if hasattr(model, "get_base_model") else model
        mesh = init_device_mesh(inner.device.type, (ranks.size,))
        policy = MixedPrecisionPolicy(dtype, torch.float32) if self.mixed else MixedPrecisionPolicy()
        if not (layers := layers_of(inner)):
            kind = inner.config.model_type
            raise StudentError(f"a model of type {kind!r} names no layers to split; set training.parallel to ddp")
        for layer in layers:
            fully_shard(layer, mesh=mesh, mp_policy=policy)
        self._root: Any = fully_shard(_Pass(inner), mesh=mesh, mp_policy=policy)
        for module in self._root.modules():
            if isinstance(module, FSDPModule):  # a sum, not the mean
                module.set_gradient_divide_factor(1.0)
                module.set_force_sum_reduction_for_comms(True)

    def losses(self, micro_batch: MicroBatch, beside: Reflection | RepairLoss | None) -> MicroBatchLosses:
        """See micro_batch_losses; every rank must call it, and back-propagate the result, as often as the others."""
        return MicroBatchLosses(*self._root(micro_batch, beside))

    def state(self) -> dict[str, torch.Tensor]:
        """The whole weights as a single process would save them, on the CPU of rank 0; the others get none of them."""
        found: dict[int, torch.Tensor] = {}  # tied weights are one tensor
        names = self.model.state_dict(keep_vars=True)
        if hasattr(self.model, "get_base_model"):  # of adapters, they alone are saved
            names = {name: weight for name, weight in names.items() if weight.requires_grad}
        for weight in names.values():
            if id(weight) not in found:
                gathered = whole(weight, self.ranks)
                narrow = self.mixed and self.ranks.first and isinstance(weight, torch.nn.Parameter)
                found[id(weight)] = gathered.to(self.dtype) if narrow else gathered
        return {name: found[id(weight)] for name, weight in names.items()} if self.ranks.first else {}

    def load(self, checkpoint: Path) -> None:
        """Load the weights that a checkpoint of any number of processes holds; in bfloat16 the optimizer has them."""
        if self.mixed:
            return
        trained = {name: weight for name, weight in self.model.named_parameters() if weight.requires_grad}
        left = {name.replace(".default.", "."): weight for name, weight in trained.items()}  # as peft saves adapters
        for file in sorted(checkpoint.glob("*.safetensors")):
            with safe_open(file, framework="pt") as saved:
                for name in left.keys() & set(saved.keys()):
                    put(left.pop(name), saved.get_tensor(name))
        if left:
            raise StudentError(f"{checkpoint} lacks the weights {', '.join(sorted(left)[:3])}; remove it to start anew")

    @torch.no_grad()
    def restore(self) -> None:
        """Make the model of rank 0 whole again, on the CPU, to be saved; that of the others is of no use any more."""
        made: dict[Any, Any] = {}  # tied weights are one tensor
        for module in self.model.modules():
            for name, weight in module._parameters.items():
                if isinstance(weight, DTensor):
                    if weight not in made:  # on every rank: it gathers
                        found = whole(weight, self.ranks)
                        made[weight] = weight if found is None else torch.nn.Parameter(found, weight.requires_grad)
                    module._parameters[name] = made[weight]


class ShardedAdamW(MixedAdamW):
    """MixedAdamW on shards. Its state is whole when it is saved, and the same as that of one process."""

    def __init__(self, full: FullPrecision, sharded: Sharded, learning_rate: float, weight_decay: float) -> None:
        self._sharded = sharded
        super().__init__(full, learning_rate, weight_decay)

    def state_dict(self) -> dict[str, Any]:
        """The whole state, on the CPU of rank 0. Every rank must call it."""
        ranks, found = self._sharded.ranks, super().state_dict()
        state = {n: {key: whole(value, ranks) for key, value in each.items()} for n, each in found["state"].items()}
        copies = [whole(weight, ranks) for weight, _ in self._pairs] if self._sharded.mixed else []
        return {**found, "state": state, "copies": copies}

    @torch.no_grad()
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take this rank's part of a whole state."""
        if self._sharded.mixed != bool(state_dict["copies"]):
            raise other_precision(state_dict["copies"])
        for (weight, _), saved in zip(self._pairs, state_dict["copies"], strict=False):
            if saved is not None:  # accelerate puts the state back as it has just been given
                put(weight, saved)
        weights = [weight for group in self.param_groups for weight in group["params"]]
        state = {
            n: {key: _like(weights[n], value) for key, value in each.items()} for n, each in state_dict["state"].items()
        }
        AdamW.load_state_dict(self, {"state": state, "param_groups": state_dict["param_groups"]})


def whole(value: Any, ranks: Ranks) -> Any:
    """A tensor that is split among the ranks as a whole one on the CPU of rank 0; the others keep nothing of it."""
    if isinstance(value, DTensor):
        gathered = value.full_tensor().detach()
        return gathered.cpu() if ranks.first else None
    return value.detach() if isinstance(value, torch.Tensor) else value


@torch.no_grad()
def put(weight: Any, value: torch.Tensor) -> None:
    """Write a whole tensor into a weight that may be split."""
    weight.copy_(_like(weight, value.to(weight.dtype)))


def _like(weight: Any, value: Any) -> Any:
    """This rank's part of a whole tensor, split as the weight is."""
    if not isinstance(weight, DTensor) or not isinstance(value, torch.Tensor) or value.shape != weight.shape:
        return value
    value = value.to(weight.device)
    return distribute_tensor(value, weight.device_mesh, weight.placements, src_data_rank=None)
