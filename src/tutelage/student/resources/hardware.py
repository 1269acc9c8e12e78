"""The hardware: its description, for published figures, and how much of it is used."""

from __future__ import annotations

import os
import platform
from typing import Any

import torch

from tutelage.text.printable import printable

SETTINGS = (
    *("ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS"),
    *("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"),
    *("ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE"),
)
"""Variables that change how fast a machine multiplies, up to 60 times."""


def capabilities() -> dict[str, Any]:
    """The features of the CPU as torch knows them; empty before torch 2.8."""
    return dict(getattr(torch.cpu, "get_capabilities", dict)())


def hardware() -> str:
    """CPU, cores, bfloat16 units, GPU, torch version, threads and those of the SETTINGS that are set, in one line."""
    found = capabilities()
    units = [name for name in ("avx512_bf16", "amx_bf16") if found.get(name)]
    return ", ".join(
        [
            f"{found.get('cpu_name') or platform.processor() or platform.machine()}",
            f"{found.get('num_physical_cores') or os.cpu_count()} cores",
            f"bf16 units: {' and '.join(units) or 'none'}",
            torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU",
            f"torch {torch.__version__} with {torch.get_num_threads()} threads",
            *(f"{name}={printable(value)}" for name in SETTINGS if (value := os.environ.get(name))),
        ]
    )


def limit_threads(threads: int) -> None:
    """Compute with so many threads in this process, whatever OMP_NUM_THREADS was when it began."""
    torch.set_num_threads(threads)
