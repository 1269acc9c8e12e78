"""Memory: what there is, what was used, what is needed. Sizes are held against real allocations and real caches."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import torch
from torch.utils.checkpoint import checkpoint
from transformers import DynamicCache

from tests.student.architectures import CONFIGS, tiny
from tutelage.errors import StudentError
from tutelage.launched import hidden
from tutelage.student.resources.available import available_memory, cgroup_room
from tutelage.student.resources.memory import (
    SamplingMemory,
    TrainingMemory,
    gigabytes,
    kv_bytes_per_token,
    logit_bytes,
    refuse,
    sampling_memory,
    saved_bytes,
)
from tutelage.student.resources.peak import PeakMemory

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
MB, GB = 10**6, 10**9
on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
on_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


def group(folder: Path, limit: str, used: int, idle: int | None = None, *, v1: bool = False) -> None:
    """Write one control group's files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ("memory.limit_in_bytes" if v1 else "memory.max")).write_text(f"{limit}\n")
    (folder / ("memory.usage_in_bytes" if v1 else "memory.current")).write_text(f"{used}\n")
    if idle is not None:
        own, total = ("inactive_file 1\n", f"total_inactive_file {idle}\n") if v1 else ("", f"inactive_file {idle}\n")
        (folder / "memory.stat").write_text(f"anon 12345\n{own}active_file 77\n{total}")


def member(root: Path, *lines: str) -> Path:
    """Write which groups the process is in; returns where the groups are mounted."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text("".join(f"{line}\n" for line in lines))
    return root / "sys/fs/cgroup"


def run_alone(code: str) -> dict[str, float]:
    """The JSON that a fresh process prints: its heap has no history."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_tightest_group_on_the_way_up_counts(tmp_path):
    mount = member(tmp_path, "0::/user.slice/job/step")
    group(mount / "user.slice", "max", 9000)
    group(mount / "user.slice/job", "5000", 4500, idle=300)
    group(mount / "user.slice/job/step", "4000", 1000)
    assert cgroup_room(tmp_path) == 800
    assert available_memory(CPU, tmp_path) - 800 < psutil.Process().memory_info().rss  # and what lies free in the heap
    (mount / "user.slice/job/memory.current").write_text("5400")
    assert cgroup_room(tmp_path) == 0


def test_version_1_beside_an_empty_version_2(tmp_path):
    mount = member(tmp_path, "9:name=systemd:/", "4:cpu,memory:/docker/abc", "1:cpu:/", "0::/")
    group(mount / "memory", "9223372036854771712", 50, v1=True)
    group(mount / "memory/docker/abc", "7000", 6000, idle=500, v1=True)
    assert cgroup_room(tmp_path) == 1500


@pytest.mark.parametrize("path", ["/kubepods/of/the/host", "/../sibling", "/"])
def test_in_a_container_the_mount_is_the_group(tmp_path, path):
    mount = member(tmp_path, f"0::{path}")
    group(mount, "3000", 1000)
    group(mount.parent / "sibling", "10", 10)
    assert cgroup_room(tmp_path) == 2000


def test_without_a_limit_the_machine_counts(tmp_path):
    assert cgroup_room(tmp_path) is None
    group(member(tmp_path, "0::/"), "max", 50)
    assert cgroup_room(tmp_path) is None
    assert 0 < available_memory(CPU, tmp_path) < psutil.virtual_memory().total
    assert available_memory(CPU) > 0


@pytest.mark.parametrize("name", ["LOCAL_WORLD_SIZE", "MPI_LOCALNRANKS", "OMPI_COMM_WORLD_LOCAL_SIZE"])
def test_processes_of_one_machine_share_its_memory_whoever_started_them(tmp_path, monkeypatch, name):
    group(member(tmp_path, "0::/"), str(10**15), 0)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=64 * GB))
    monkeypatch.setattr("tutelage.student.resources.available.free_heap", lambda: 5)
    monkeypatch.setenv(name, "4")
    assert available_memory(CPU, tmp_path) == 16 * GB + 5
    with hidden():  # as during a training
        assert available_memory(CPU, tmp_path) == 16 * GB + 5


@on_linux
def test_memory_that_the_process_keeps_is_available_if_it_was_ever_touched():
    seen = run_alone("""
import json, torch
from tutelage.student.resources.malloc import keep_freed_memory
from tutelage.student.resources.malloc import free_heap
kept, before = keep_freed_memory(), free_heap()
touched = torch.ones(25_000_000)
used = free_heap()
del touched
freed = free_heap()
untouched = torch.empty(75_000_000)
del untouched
print(json.dumps({"kept": kept, "before": before, "used": used, "freed": freed, "after": free_heap()}))
""")
    if not seen["kept"]:
        pytest.skip("no glibc")
    assert seen["used"] - seen["before"] < 5 * MB
    assert seen["freed"] - seen["before"] == pytest.approx(100 * MB, abs=5 * MB)
    assert seen["after"] == pytest.approx(seen["freed"], abs=5 * MB)


@on_linux
def test_the_peak_is_that_of_its_own_stage():
    """Though the heap keeps what the first stage has freed."""
    seen = run_alone("""
import json, psutil, torch
from tutelage.student.resources.malloc import keep_freed_memory
from tutelage.student.resources.peak import PeakMemory
cpu = torch.device("cpu")
keep_freed_memory()
start = psutil.Process().memory_info().rss
with PeakMemory(cpu) as large:
    torch.ones(50_000_000)
with PeakMemory(cpu) as small:
    torch.ones(5_000_000)
print(json.dumps({"large": large.bytes - start, "small": small.bytes - start, "since_start": large.since_start}))
""")
    assert 195 * MB < seen["large"] < 230 * MB
    if seen["since_start"]:
        pytest.skip("the system does not let the high-water mark be reset")
    assert 15 * MB < seen["small"] < 50 * MB


def test_a_peak_that_cannot_be_reset_says_so(monkeypatch):
    """As on macOS, where there is no /proc: the maximum since the start is left."""
    monkeypatch.setattr("tutelage.student.resources.peak._high_water_mark", lambda: None)
    with PeakMemory(CPU) as peak:
        block = torch.ones(5_000_000)
    assert peak.since_start
    assert block.nbytes < peak.bytes < psutil.virtual_memory().total
    assert peak.bytes > 0.9 * psutil.Process().memory_info().rss


@on_cuda
def test_cuda_is_measured_by_torchs_allocator():
    with PeakMemory(CUDA) as large:
        torch.ones(50_000_000, device=CUDA)
    with PeakMemory(CUDA) as small:
        torch.ones(5_000_000, device=CUDA)
    assert large.bytes - small.bytes == pytest.approx(180 * MB, rel=0.05)
    free, total = torch.cuda.mem_get_info()
    assert free <= available_memory(CUDA) <= total


def test_saved_bytes_by_hand():
    """d(a*b) keeps a and b, d exp keeps its result, and sum keeps nothing."""
    a, b = (torch.ones(100, 10, requires_grad=True) for _ in "ab")
    assert saved_bytes(lambda: torch.exp(a * b)) == 3 * 4000
    assert saved_bytes(lambda: torch.exp(a * b), [a]) == 2 * 4000
    assert saved_bytes(lambda: torch.exp(a * b), [a, b]) == 4000
    assert saved_bytes(lambda: (a * b).exp().sum().log()) == 3 * 4000 + 4
    assert saved_bytes(lambda: a * a.detach()) == 4000  # one storage, saved twice
    assert saved_bytes(lambda: a[:5] * b[:5]) == 2 * 4000  # a view keeps its whole storage
    assert saved_bytes(lambda: a.detach() * b.detach()) == 0


def test_a_graph_that_is_dropped_on_the_way_keeps_nothing():
    a = torch.ones(100, 10, requires_grad=True)

    def run() -> torch.Tensor:
        dropped = a.exp().sum().detach()
        return a[:5].exp() + dropped

    assert saved_bytes(run) == 200


def test_saved_bytes_work_without_memory():
    a = torch.ones(10**9, 10, device="meta", requires_grad=True)
    assert saved_bytes(lambda: (a * 2).sin().cos()) == 2 * 40 * GB


def test_saved_bytes_know_gradient_checkpoints():
    """Only the input of the part that is computed again is kept."""
    a = torch.ones(100, 10, requires_grad=True)
    again = saved_bytes(lambda: checkpoint(lambda x: x.exp().sin().cos().exp(), a * 2, use_reentrant=False))
    assert again == 4000


@pytest.mark.parametrize("name", CONFIGS)
def test_every_row_of_a_model_keeps_the_same(name):
    model = tiny(name).train()
    leave_out = [*model.parameters(), *model.buffers()]

    def measure(rows: int) -> int:
        ids = torch.arange(24)[None].repeat(rows, 1)
        return saved_bytes(lambda: model(ids, attention_mask=torch.ones_like(ids)).logits, leave_out)

    one, two, five = measure(1), measure(2), measure(5)
    assert five - two == 3 * (two - one)
    # Two layers keep at least the inputs of attention and feed-forward, 24 tokens of 32 numbers in float32.
    assert two - one > 2 * 2 * 24 * 32 * 4


def test_llama_keeps_the_same_for_every_token():
    model = tiny("llama").train()

    def measure(tokens: int) -> int:
        ids = torch.arange(tokens)[None] % 60
        return saved_bytes(lambda: model(ids).logits, model.parameters())

    per_token = (measure(200) - measure(100)) / 100
    assert per_token == (measure(1100) - measure(100)) / 1000
    # Two layers: at least the inputs of all projections and the queries, keys and values, in float32.
    assert per_token > 2 * 4 * (32 + 32 + 32 + 48 + 32 + 2 * 16)


def test_frozen_weights_under_adapters_keep_less():
    model = tiny("llama").train()
    ids = torch.arange(50)[None]
    full = saved_bytes(lambda: model(ids).logits, model.parameters())
    model.requires_grad_(False)
    model.model.layers[1].self_attn.q_proj.weight.requires_grad_(True)
    assert 0 < saved_bytes(lambda: model(ids).logits, model.parameters()) < full / 2


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_keys_and_values_are_as_large_as_the_real_cache(name, dtype):
    model, cache = tiny(name).to(dtype), DynamicCache()  # without a configuration no layer slides
    with torch.inference_mode():
        model(torch.arange(10)[None].repeat(3, 1), past_key_values=cache, use_cache=True)
    real = sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)
    assert kv_bytes_per_token(model.config, dtype.itemsize) * 30 == real


def test_a_training_in_figures():
    memory = TrainingMemory(gradients=4000, optimizer=8000, per_token=50, fixed=700)
    assert memory.needs(10) == 12_000 + 500 + 700
    assert memory.tokens_that_fit(13_200) == 10
    assert memory.tokens_that_fit(13_199) == 9
    assert memory.tokens_that_fit(1000) == 0
    assert logit_bytes(1000) == 2 * 256 * 1000 * 4
    assert logit_bytes(1000, head_gradient=32_000) == logit_bytes(1000) + 32_000


def test_an_exam_in_figures():
    exam = sampling_memory(100, 50, prompt_tokens=20, max_new_tokens=30, prefix_tokens=40)
    assert exam == SamplingMemory(prefix=4000, keys_values=5000, probabilities=600)
    assert exam.needs(3) == 4000 + 3 * 5600
    assert exam.rows_that_fit(20_800) == 3
    assert exam.rows_that_fit(20_799) == 2
    assert exam.rows_that_fit(3999) == 0


def test_a_refusal_has_all_figures():
    parts = TrainingMemory(gradients=6 * GB, optimizer=12 * GB, per_token=MB, fixed=0).parts(2000)
    error = refuse("training", parts, 3 * GB + 200 * MB, "set student.weights to lora")
    assert isinstance(error, StudentError)
    assert str(error) == (
        "training needs 20.0 GB (gradients 6.0 GB, optimiser 12.0 GB, activations 2.0 GB),"
        " but only 3.2 GB is available; set student.weights to lora"
    )
    assert gigabytes(85 * MB) == "0.085 GB"
