"""Models in float64, all of them: where Transformers computes in float32 whatever the weights are, it is told not to.

Two ways to the same figure then differ by float64's rounding alone, on any CPU, and a bound that rounding can't reach
tells a wrong way from a right one. What float32 may lose is bounded by what it adds up.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch.overrides import TorchFunctionMode

from tutelage.student import model, student

EXACT = 1e-9
"""Float64 comes nowhere near it: a few hundred sums of 1e-16 each, in models whose every step is of size 1."""


class _Doubles(TorchFunctionMode):
    """Norms, rotary positions and softmax ask for float32; they get float64."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is torch.Tensor.float:
            func = torch.Tensor.double
        args = [torch.float64 if value is torch.float32 else value for value in args]
        kwargs = {name: torch.float64 if v is torch.float32 else v for name, v in (kwargs or {}).items()}
        return func(*args, **kwargs)


def in_doubles(model):
    """The model, its weights and all that its forward pass computes in float64, until it is cast to another."""
    mode = _Doubles()

    def enter(module, *_):
        if module.dtype == torch.float64:
            mode.__enter__()

    def leave(module, *_):
        if module.dtype == torch.float64:
            mode.__exit__(None, None, None)

    model.base_model.register_forward_pre_hook(enter)
    model.base_model.register_forward_hook(leave, always_call=True)
    return model.double()


@contextmanager
def students_in_doubles() -> Iterator[None]:
    """Every student that is loaded in here answers, learns and is saved in float64."""

    def load(config, folder=None, dtype=None):
        loaded = model.load_student(config, folder, torch.float64)
        return model.LoadedModel(in_doubles(loaded.model), loaded.tokenizer)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(student, "load_student", load)
        patch.setattr(student.Student, "dtype", torch.float64)
        yield


def rounding(model, tokens: int) -> float:
    """How far from float64 a figure of the model in float32 may be, relative to it.

    A sum of n numbers in float32 is off by n * 2**-24 of the sum of their sizes (Higham 2002, section 4.2). A value
    goes through sums over the columns of every matrix and over the tokens it attends to; a gradient goes back
    through as many.
    """
    layers = [module for module in model.modules() if not isinstance(module, torch.nn.Embedding)]
    weights = [weight for layer in layers for weight in layer.parameters(recurse=False)]
    widths = sum(max(weight.shape) for weight in weights if weight.ndim > 1)
    return 2 * (widths + tokens) * 2.0**-24
