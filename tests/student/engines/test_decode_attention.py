"""The compiled attention against float64 and beside PyTorch's kernels. Skips where no compiler builds it."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig

from tests.once import made_once
from tests.student.architectures import HEADS, SMALL, build
from tests.student.engines.sampled import NEVER, SOON, answers, asked, greedy
from tutelage.student.attention import AttentionArgs
from tutelage.student.engines.compiled import SOURCE, kernel_in
from tutelage.student.engines.decode_attention import DecodeAttention
from tutelage.student.engines.kv_cache import SHORT, KVCache
from tutelage.student.engines.shared_prefix import SharedPrefixSampler
from tutelage.student.sampler import SamplingSettings

GROUPS, M = 2, 3
LENGTHS = (3, 1, 6)
STEPS = 4
MODEL = LlamaConfig(**SMALL, **HEADS, head_dim=16)


def by_two_at_once(folder: Path) -> None:
    """Two processes that need the kernel at the same time; one of them builds it."""
    told: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: kernel_in(folder, told.append), range(2)))
    (folder / "told").write_text("\n".join(told), encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return made_once(tmp_path_factory, "kernel", by_two_at_once)


@pytest.fixture(scope="module")
def kernel(folder) -> DecodeAttention:
    found = kernel_in(folder, pytest.fail)
    if found is None:
        why = [each.read_text(encoding="utf-8") for each in folder.glob("*.failed")]
        pytest.skip(f"the kernel is not built here: {why or 'no compiler'}")
    return found


def seen(kernel, numbers, computed, width, args, prefix, rows=(0, 1, 2)):
    """Attention of these questions' answers, two each, at every step: [steps, rows, H, d], in float64.

    The same random numbers each time, rounded to the precision `numbers`.
    """
    torch.manual_seed(5)

    def draw(count: int, tokens: int, of: list[int]) -> list[torch.Tensor]:
        drawn = (torch.randn(count, heads, tokens, width) for heads in (GROUPS * M, GROUPS, GROUPS))
        return [each.to(numbers).to(computed)[of] for each in drawn]

    own = [2 * n + sample for n in rows for sample in range(2)]
    cache = KVCache(8, 2, question_tokens=6, answer_tokens=9, device=torch.device("cpu"), kernel=kernel)
    first = draw(1, SHORT + 8, [0])
    if prefix:
        cache.begin_prefix(prefix)
        cache(0, *(each[:, :, :prefix] for each in first), args)
    cache.begin_questions([LENGTHS[n] for n in rows], 0, 0)
    longest = max(LENGTHS[n] for n in rows)
    cache(0, *(each[:, :, :longest] for each in draw(len(LENGTHS), max(LENGTHS), list(rows))), args)
    out = []
    for _ in range(STEPS):
        cache.begin_step(len(own), len(rows))
        out.append(cache(0, *draw(2 * len(LENGTHS), 1, own), args)[:, :, 0].double())
    return torch.stack(out)


@pytest.mark.parametrize("prefix", [0, 7, SHORT + 8])
@pytest.mark.parametrize("width", [16, 64, 128])
@pytest.mark.parametrize("args", [AttentionArgs(None, None, 0.0), AttentionArgs(0.4, 5, 0.0)], ids=["whole", "window"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_both_paths_are_as_near_to_float64_as_their_sums_let_them(kernel, dtype, args, width, prefix):
    """Sums of n numbers in float32, over the width and twice over the tokens; a bfloat16 is off by 2**-9 of itself.

    A long prefix's part is rounded to bfloat16 once more. In float64 it is PyTorch's path, held to the definition in
    test_kv_cache.py.
    """
    exact = seen(kernel, dtype, torch.float64, width, args, prefix)
    tokens = prefix + max(LENGTHS) + STEPS
    bound = (width + 2 * tokens) * 2.0**-24 if dtype == torch.float32 else 2 * 2.0**-8
    for path in (kernel, None):
        found = seen(path, dtype, dtype, width, args, prefix)
        assert ((found - exact).norm(dim=-1) / exact.norm(dim=-1)).max() < bound


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_row_is_the_same_bits_in_any_company(kernel, dtype):
    args = AttentionArgs(None, None, 0.0)
    together = seen(kernel, dtype, dtype, 64, args, 7)
    for n in range(3):
        assert torch.equal(seen(kernel, dtype, dtype, 64, args, 7, (n,)), together[:, 2 * n : 2 * n + 2])
    turned = seen(kernel, dtype, dtype, 64, args, 7, (2, 0))
    assert torch.equal(turned, together[:, [4, 5, 0, 1]])


@pytest.mark.parametrize("prefixed", [False, True], ids=["no prefix", "few-shot"])
def test_an_exam_has_the_same_attempts_with_it_in_any_company(kernel, prefixed):
    model, drawn = build(MODEL, torch.float32), SamplingSettings(samples=3, temperature=1.0, max_new_tokens=16)
    together, _ = answers(SharedPrefixSampler(model, SOON, 64, kernel), asked(prefixed), drawn)
    assert len({len(row) for rows in together for row in rows}) > 2  # so rows move on the way
    assert answers(SharedPrefixSampler(model, SOON, 4, kernel), asked(prefixed), drawn)[0] == together
    assert answers(SharedPrefixSampler(model, SOON, 64), asked(prefixed), drawn)[0] == together
    assert (
        answers(SharedPrefixSampler(model, NEVER, 64, kernel), asked(prefixed), greedy())[0]
        == answers(SharedPrefixSampler(model, NEVER, 64), asked(prefixed), greedy())[0]
    )


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_other_precisions_and_widths_are_left_to_pytorch(kernel, dtype):
    assert not kernel.takes(torch.zeros(1, 1, 1, 64, dtype=dtype))
    assert not kernel.takes(torch.zeros(1, 1, 1, 8))
    assert kernel.takes(torch.zeros(1, 1, 1, 64))


@pytest.mark.parametrize("like", [{"dtype": torch.bfloat16}, {"size": (1, 1, 1, 32)}])
def test_queries_unlike_keys_or_values_are_left_to_pytorch(kernel, like):
    """The kernel reads bare memory: of values half as wide it would read beyond the end."""
    q = torch.zeros(1, 1, 1, 64)
    other = torch.zeros(**{"size": (1, 1, 1, 64), **like})
    assert kernel.takes(q, q, q)
    assert not kernel.takes(q, other, q)
    assert not kernel.takes(q, q, other)


def test_of_two_at_once_one_builds_and_says_so(kernel, folder):
    assert (folder / "told").read_text(encoding="utf-8") == "the exam's attention is compiled for this machine, once"
    assert len(list(folder.glob("*.so"))) == 1
    assert not list(folder.glob("*.part"))


def test_without_a_compiler_there_is_none_and_nothing_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", str(tmp_path / "none"))
    assert kernel_in(tmp_path / "cache", pytest.fail) is None
    assert not (tmp_path / "cache").exists()


def test_a_broken_compiler_is_tried_once_a_day(tmp_path, monkeypatch):
    compiler = tmp_path / "broken"
    compiler.write_text("#!/bin/sh\necho broken >&2; exit 1\n", encoding="utf-8")
    compiler.chmod(0o755)
    monkeypatch.setenv("CXX", str(compiler))
    monkeypatch.delenv("PYTHONPATH", raising=False)  # as in a notebook that has put a checkout on sys.path
    told: list[str] = []
    for _ in range(2):
        assert kernel_in(tmp_path / "cache", told.append) is None
    assert len(told) == 1
    (failed,) = (tmp_path / "cache").glob("*.failed")
    assert "broken" in failed.read_text(encoding="utf-8")
    assert str(SOURCE.with_name("compiled.py")) in failed.read_text(encoding="utf-8"), "this code built it, no other"
    os.utime(failed, (0, 0))  # what passes, such as a full disk, must not be held against a machine for ever
    assert kernel_in(tmp_path / "cache", told.append) is None
    assert len(told) == 2


def test_a_cache_on_a_disk_without_locks_is_done_without(tmp_path, monkeypatch):
    def refused(*_):
        raise NotImplementedError("this file system has no flock")

    monkeypatch.setattr("filelock.FileLock.acquire", refused)
    assert kernel_in(tmp_path, pytest.fail) is None


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path):
    (tmp_path / "file").touch()
    assert kernel_in(tmp_path / "file" / "cache", pytest.fail) is None


def test_a_library_that_is_cut_short_is_built_anew(kernel, folder, tmp_path):
    (built,) = folder.glob("*.so")
    torn = tmp_path / built.name
    torn.write_bytes(built.read_bytes()[:1000])  # loading it would be a bus error
    told: list[str] = []
    assert kernel_in(tmp_path, told.append) is not None
    assert len(told) == 1
    assert torn.read_bytes() == built.read_bytes()
