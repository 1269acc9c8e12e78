"""A device that is not the CPU, with real numbers: what would fail on a GPU because a tensor lies elsewhere fails here.

Its tensors are wrappers round tensors of the CPU that say they lie on `gpu:0`, the name of torch's place for backends
of others. An operation that mixes them with tensors of the CPU is refused, as CUDA does; a number (a tensor without
dimensions) and an index may lie on the CPU. To be used in a process of its own: torch keeps the name for good.
"""

import warnings
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_map_only
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

CPU = torch.device("cpu")
_MOVES = {"aten.to", "aten._to_copy", "aten.copy_", "aten.lift_fresh", "aten._local_scalar_dense"}
_INDEXING = {"aten.index", "aten.index_put", "aten.index_put_", "aten._index_put_impl_"}


class OnGpu(torch.Tensor):
    """A tensor that says it is on the GPU."""

    inner: torch.Tensor

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> "OnGpu":
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            inner.size(),
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=torch.device("gpu:0"),
            requires_grad=False,
        )
        made.inner = inner
        return made

    def __init__(self, inner: torch.Tensor) -> None:
        pass

    def tolist(self) -> Any:
        return self.inner.tolist()

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return f"OnGpu({self.inner})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return compute(func, args, kwargs or {})


class Factories(TorchDispatchMode):
    """Makes new tensors of the GPU, and those that are moved to it or away from it."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return compute(func, args, kwargs or {})


def compute(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """The operation on the CPU, its result where it belongs."""
    name = str(func).removesuffix(f".{func._overloadname}")
    found: list[torch.Tensor] = []
    tree_map_only(torch.Tensor, found.append, (args, kwargs))
    ours = [each for each in found if isinstance(each, OnGpu)]
    to: list[torch.device] = []
    args, kwargs = tree_map_only(torch.device, lambda named: to.append(named) or CPU, (args, kwargs))
    if ours and name not in _MOVES:
        strangers = [each for each in found if not isinstance(each, OnGpu) and each.ndim]
        if strangers and not (name in _INDEXING and isinstance(args[0], OnGpu)):
            raise RuntimeError(f"Expected all tensors to be on the same device, but {func} got some of gpu:0 and cpu")
    there = to[0].type == "gpu" if to else bool(ours)
    if name == "aten.copy_":
        there = isinstance(args[0], OnGpu)
    plain_args, plain = tree_map_only(OnGpu, lambda each: each.inner, (args, kwargs))
    out = func(*plain_args, **plain)
    if there:
        out = tree_map_only(torch.Tensor, lambda each: each if isinstance(each, OnGpu) else OnGpu(each), out)
    return return_and_correct_aliasing(func, args, kwargs, out) if ours and there else out


def start() -> TorchDispatchMode:
    """Give torch the device; enter what is returned."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _setup_privateuseone_for_python_backend("gpu")
    torch._C._set_only_lift_cpu_tensors(True)  # torch.tensor(…, device=…) makes one on the CPU and moves it
    return Factories()


def moved(model: torch.nn.Module) -> torch.nn.Module:
    """The model with its weights and buffers on the GPU; tied weights stay tied."""
    known: dict[int, torch.nn.Parameter] = {}
    for module in model.modules():
        for name, weight in module._parameters.items():
            if weight is not None:
                made = known.setdefault(id(weight), torch.nn.Parameter(OnGpu(weight.detach().clone())))
                module._parameters[name] = made
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = OnGpu(buffer.clone())
    return model
