"""Builds the kernel of decode_attention.cpp for this machine: once, in the user's cache, where a compiler is.

    ~/.cache/tutelage/kernels/KEY-CONTENT.so   the kernel: built, and tried against the definition
    ~/.cache/tutelage/kernels/KEY.failed       why it can't be built; it is tried again a day later

KEY stands for the source, torch, the CPU and the compiler, CONTENT for the bytes of the file. Nothing depends on the
kernel: without it, an exam takes PyTorch's attention. It is built in a process of its own (`python -m
tutelage.student.engines.compiled FOLDER`), so that no fault of a compiler or of its output reaches this one.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from contextlib import suppress
from itertools import product
from pathlib import Path

import torch
from filelock import FileLock

from tutelage.runs.files import digest
from tutelage.runs.seals import content_of
from tutelage.student.attention import AttentionArgs
from tutelage.student.engines.decode_attention import TYPES, DecodeAttention, Shelves
from tutelage.student.resources.hardware import capabilities
from tutelage.student.resources.probe import SMALL
from tutelage.student.sampler import Say
from tutelage.user_cache import user_cache

SOURCE = Path(__file__).with_name("decode_attention.cpp")
FLAGS = ("-O3", "-march=native", "-fopenmp", "-fno-math-errno", "-fno-trapping-math")
KERNEL = "kernel.so"
WIDTHS = (64, 128, 48)
"""Of heads: both that the kernel is unrolled for, and another one."""
PATIENCE = 120
"""Seconds after which a build is given up; it takes five."""
NO_END = 124
"""What `timeout` of the shell exits with."""
A_DAY = 24 * 3600
"""Seconds after which a failed build is tried again: a full disk or a busy machine passes."""


def decode_attention(model: torch.nn.Module, say: Say) -> DecodeAttention | None:
    """The kernel for the exams of a model; None where there is none, or nothing to be won."""
    weights = sum(weight.numel() for weight in model.parameters())
    on_cpu = all(weight.device.type == "cpu" for weight in model.parameters())
    return kernel_in(user_cache() / "kernels", say) if on_cpu and weights >= SMALL else None


def kernel_in(folder: Path, say: Say) -> DecodeAttention | None:
    """The kernel that is kept in a folder; it is built if it can be."""
    compiler, cpu = _compiler(), capabilities()
    if compiler is None or not cpu:
        return None
    key = digest(SOURCE.read_text(encoding="utf-8"), FLAGS, torch.__version__, cpu, *compiler)
    with suppress(OSError, NotImplementedError):  # no room, no right to write, another builds for too long, no locks
        if _kept(folder, key) is None and not _failed(folder, key):
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / f"{key}.lock", timeout=PATIENCE):  # of two processes, one builds
                if _kept(folder, key) is None and not _failed(folder, key):
                    say("the exam's attention is compiled for this machine, once")
                    _build(folder, key)
        library = _kept(folder, key)
        return None if library is None else DecodeAttention(library)
    return None


def _kept(folder: Path, key: str) -> Path | None:
    """The kernel of a key, as it was built: a library that a full disk has cut short would end the process."""
    return next((each for each in folder.glob(f"{key}-*.so") if each.stem == f"{key}-{content_of(each)}"), None)


def _failed(folder: Path, key: str) -> bool:
    """Whether the last build failed, and that is not long ago."""
    record = folder / f"{key}.failed"
    return record.exists() and time.time() - record.stat().st_mtime < A_DAY


def _compiler() -> tuple[str, int] | None:
    """The compiler that torch would call, and when it was installed; None without one, and where it isn't Linux."""
    found = shutil.which(os.environ.get("CXX", "c++").partition(" ")[0])
    return None if found is None or sys.platform != "linux" else (found, Path(found).stat().st_mtime_ns)


def _build(folder: Path, key: str) -> None:
    scratch = folder / f"{key}.part"
    shutil.rmtree(scratch, ignore_errors=True)  # of a build that was killed
    scratch.mkdir()
    tools = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])  # ninja may be there
    modules = os.pathsep.join([str(Path(__file__).parents[3]), *filter(None, sys.path)])  # as found here
    said = scratch / "said"
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__, str(scratch)],
            env={**os.environ, "PATH": tools, "PYTHONPATH": modules, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        code = process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        code = NO_END
    finally:  # with all that it has started
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if code == 0:
        built = scratch / KERNEL
        built.replace(folder / f"{key}-{content_of(built)}.so")
    elif code > 0:  # not where a signal ended it
        why = said.read_text(encoding="utf-8", errors="replace")
        (folder / f"{key}.failed").write_text(f"{code}\n{why}", encoding="utf-8")
    shutil.rmtree(scratch, ignore_errors=True)


def _try_out(kernel: DecodeAttention, dtype: torch.dtype, d: int) -> None:
    """Compare with the definition on two rows of one question: 3 tokens, of which the first answer adds 2, then 1."""
    rows, groups, m, room = 2, 2, 3, 5
    torch.manual_seed(0)
    q, k, v = torch.randn(rows, groups, m, d), *torch.randn(2, rows, groups, d)
    question, answer = torch.randn(2, 1, groups, room, d), torch.randn(2, rows, groups, room, d)
    q, k, v, question, answer = (each.to(dtype) for each in (q, k, v, question, answer))
    shelves = Shelves(torch.arange(rows), torch.tensor([3]), torch.tensor([2, 1]), rows, 0)
    blocks = (question[0], question[1]), (answer[0], answer[1])
    out = kernel(q, (k, v), *blocks, None, None, shelves, AttentionArgs(None, None, 0.0)).double()
    for row, said in enumerate((3, 2)):
        seen_k, seen_v = (torch.cat([question[n, 0, :, :3], answer[n, row, :, :said]], dim=1).double() for n in (0, 1))
        right = (q[row].double() @ seen_k.transpose(1, 2) * d**-0.5).softmax(-1) @ seen_v
        torch.testing.assert_close(out[row], right, rtol=0, atol=1e-2 if dtype == torch.bfloat16 else 1e-5)


def main(folder: str) -> None:
    """Compile into a folder and try the result."""
    from torch.utils.cpp_extension import load

    load(Path(KERNEL).stem, [str(SOURCE)], extra_cflags=list(FLAGS), build_directory=folder, is_python_module=False)
    for dtype, width in product(TYPES, WIDTHS):
        _try_out(DecodeAttention(Path(folder) / KERNEL), dtype, width)


if __name__ == "__main__":
    main(sys.argv[1])
