"""Measures in which precision this device multiplies the matrices of a student fastest.

No list of features decides that: bfloat16 is twice as fast on one CPU with `avx512_bf16`, and slower on another one.
So the products of a training step are timed, with the shapes of the student's own layers:

    forward         x @ w.T         x [ROWS, in]     w [out, in]
    backward        g @ w, g.T @ x  g [ROWS, out]

The precisions are timed in turn and the best time of each counts, so that a busy neighbour slows all alike. float32 is
timed in full precision and with its factors rounded, whatever the process has set. The figures are kept in the user's
cache, by device and shapes, and measured once more by the next process: the neighbour may be gone.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from transformers.pytorch_utils import Conv1D

from tutelage.config import StudentConfig
from tutelage.errors import RunError
from tutelage.run_records import Precision
from tutelage.runs.files import digest, read_json, write_json
from tutelage.student.resources.hardware import capabilities, hardware
from tutelage.user_cache import user_cache

Shapes = frozenset[tuple[int, int]]

WORTHWHILE = 1.3
"""bfloat16 is taken where it is at least so many times as fast as float32: it has 8 bits where that has 24."""
SMALL = 10**7
"""Below so many weights a student computes in float32: there is no time to be won."""
CONFIGURED = "as configured"
ROWS = 256
SECONDS, SECONDS_IF_CLOSE = 0.1, 1.0
"""How long is measured; the longer time where the ratio is within a fifth of WORTHWHILE."""
PATIENCE = 10
"""Seconds to wait for another process that writes down what it has measured."""
WIDEST = 1536
"""A CPU is as fast in larger products, which take seconds. GPUs multiply them whole: small ones show the launches."""


@dataclass(frozen=True, slots=True)
class Speeds:
    """10^9 floating-point operations a second. `rounded` is float32 whose factors are rounded as they are multiplied:
    `torch.set_float32_matmul_precision("medium")`."""

    float32: float
    rounded: float
    bfloat16: float

    @property
    def ratio(self) -> float:
        """How many times as fast as float32 bfloat16 is."""
        return self.bfloat16 / self.float32

    @property
    def is_worthwhile(self) -> bool:
        """Whether bfloat16 is so much faster that it is taken."""
        return self.ratio >= WORTHWHILE


@dataclass(frozen=True, slots=True)
class _Kept:
    """The best speeds of all measurements, and the process that measured last; None: two have chosen alike."""

    speeds: Speeds
    process: int | None


def choose(config: StudentConfig, model: torch.nn.Module, device: torch.device) -> Precision:
    """The precision for `dtype: auto` on a device; only the shapes of the model's weights are looked at."""
    chosen_for = (config.model, hardware(), device.type)
    if device.type == "mps":
        return Precision("float32", "MPS computes some operations in float32 alone", *chosen_for)
    shapes = layer_shapes(model)
    if not shapes or sum(weight.numel() for weight in model.parameters()) < SMALL:
        return Precision("float32", "the student is too small to gain by another", *chosen_for)
    speeds = _speeds(shapes, device)
    times = f"{math.floor(100 * speeds.ratio) / 100} times as fast"  # 1.299 is less than WORTHWHILE, and says so
    figures = (
        f"({speeds.bfloat16:,.0f} GFLOP/s; float32 {speeds.float32:,.0f},"
        f" and {speeds.rounded:,.0f} with its factors rounded)"
    )
    if speeds.is_worthwhile:
        return Precision("bfloat16", f"{times} as float32 {figures}", *chosen_for)
    return Precision("float32", f"bfloat16 is {times} {figures}", *chosen_for)


def speeds_of(model: torch.nn.Module, device: torch.device) -> Speeds | None:
    """How fast a device multiplies the matrices of a model; None if it has no linear layer."""
    shapes = layer_shapes(model)
    return _speeds(shapes, device) if shapes else None


def _speeds(shapes: Shapes, device: torch.device) -> Speeds:
    kept = _kept(shapes, device)
    if kept is not None and kept.process in (None, os.getpid()):
        return kept.speeds
    return _keep(measure(shapes, device), shapes, device, confirms=kept is not None)


def chosen_unmeasured(config: StudentConfig, device: torch.device) -> Precision:
    """The choice of version 0.1: bfloat16 on CPUs with AMX and on GPUs from Ampere on."""
    amx = device.type == "cpu" and torch.cpu._is_amx_tile_supported()
    fast = torch.cuda.get_device_capability(device) >= (8, 0) if device.type == "cuda" else amx
    return Precision("bfloat16" if fast else "float32", "as it began", config.model, hardware())


def layer_shapes(model: torch.nn.Module) -> Shapes:
    """(out, in) of the linear layers, without the one that gives the logits."""
    base: Any = getattr(model, "base_model", model)
    layers = [layer for layer in base.modules() if isinstance(layer, torch.nn.Linear | Conv1D)]
    return frozenset(
        (layer.weight.shape[0], layer.weight.shape[1])
        if isinstance(layer, torch.nn.Linear)
        else (layer.weight.shape[1], layer.weight.shape[0])
        for layer in layers
    )


def measure(shapes: Shapes, device: torch.device) -> Speeds:
    """Time the products of these shapes, on CPUs at most WIDEST wide, in each precision, in turn."""
    if device.type == "cpu":
        shapes = frozenset((min(out, WIDEST), min(width, WIDEST)) for out, width in shapes)
    work = sum(3 * 2 * ROWS * out * width for out, width in shapes) / 1e9
    steps = {"float32": torch.float32, "rounded": torch.float32, "bfloat16": torch.bfloat16}
    factors = {dtype: [_factors(shape, dtype, device) for shape in sorted(shapes)] for dtype in {*steps.values()}}
    best, began, turns = dict.fromkeys(steps, float("inf")), time.perf_counter(), 0
    with _rounding(device) as turn_rounding:
        while True:
            for name, dtype in steps.items():
                turn_rounding(name == "rounded")
                seconds = _seconds(factors[dtype], device)
                best[name] = min(best[name], seconds) if turns else best[name]  # the first turn warms up
            turns += 1
            spent, ratio = time.perf_counter() - began, best["float32"] / best["bfloat16"] if turns > 1 else WORTHWHILE
            close = abs(ratio / WORTHWHILE - 1) < 0.2
            if turns > 1 and (spent > SECONDS_IF_CLOSE or (turns > 3 and spent > SECONDS and not close)):
                return Speeds(**{name: work / seconds for name, seconds in best.items()})


@contextmanager
def _rounding(device: torch.device) -> Generator[Callable[[bool], None]]:
    """A switch for whether the factors of float32 products are rounded. In the end they are as the process has set.

    torch 2.9 has a setting for each backend, and refuses to read the older, common one where they differ.
    """
    on_gpu = device.type == "cuda"
    found: Any = getattr(torch.backends.cuda if on_gpu else torch.backends.mkldnn, "matmul", None)
    if hasattr(found, "fp32_precision"):
        before, rounded = found.fp32_precision, "tf32" if on_gpu else "bf16"
        try:
            yield lambda on: setattr(found, "fp32_precision", rounded if on else "ieee")
        finally:
            found.fp32_precision = "none"  # what it inherits it goes on inheriting
            if found.fp32_precision != before:
                found.fp32_precision = before
    else:
        before = torch.get_float32_matmul_precision()
        try:
            yield lambda on: torch.set_float32_matmul_precision("medium" if on else "highest")
        finally:
            torch.set_float32_matmul_precision(before)


def _factors(shape: tuple[int, int], dtype: torch.dtype, device: torch.device) -> tuple[torch.Tensor, ...]:
    out, width = shape
    return tuple(torch.randn(size, device=device).to(dtype) for size in ((ROWS, width), shape, (ROWS, out)))


@torch.no_grad()
def _seconds(factors: list[tuple[torch.Tensor, ...]], device: torch.device) -> float:
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    wait()
    began = time.perf_counter()
    for x, w, g in factors:
        torch.mm(x, w.T)
        torch.mm(g, w)
        torch.mm(g.T, x)
    wait()
    return time.perf_counter() - began


def kept_speeds() -> Path:
    """The file with what was measured. Without it, all is measured again. Raises ConfigError."""
    return user_cache() / "precision.json"


def _key(shapes: Shapes, device: torch.device) -> str:
    return digest(hardware(), capabilities(), str(device), *sorted(shapes))


def _kept(shapes: Shapes, device: torch.device) -> _Kept | None:
    with suppress(RunError, OSError, TypeError, KeyError):
        if kept_speeds().is_file():
            found = read_json(kept_speeds())[_key(shapes, device)]
            speeds = Speeds(*(found[name] for name in ("float32", "rounded", "bfloat16")))
            are_speeds = all(isinstance(speed, float) and speed > 0 for speed in asdict(speeds).values())
            if are_speeds and math.isfinite(speeds.ratio):
                return _Kept(speeds, found.get("process", 0))
    return None


def _keep(measured: Speeds, shapes: Shapes, device: torch.device, *, confirms: bool) -> Speeds:
    """The best of what was measured now and before. What was measured at once with another `confirms` nothing."""
    best = measured
    with suppress(RunError, OSError, NotImplementedError):  # without a cache, or locks, it is measured again
        kept_speeds().parent.mkdir(parents=True, exist_ok=True)
        with FileLock(kept_speeds().with_suffix(".lock"), timeout=PATIENCE):
            known = _kept(shapes, device)
            if known is not None:
                best = Speeds(*map(max, zip(astuple(known.speeds), astuple(measured), strict=True)))
            settled = confirms and known is not None and best.is_worthwhile == known.speeds.is_worthwhile
            before: dict[str, Any] = {}
            with suppress(RunError):  # a broken one is replaced
                before = read_json(kept_speeds())
            kept = asdict(best) | {"process": None if settled else os.getpid()}
            write_json(kept_speeds(), {**before, _key(shapes, device): kept})
    return best
