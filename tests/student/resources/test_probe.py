"""The precision that a student computes in is measured, where it is left to us."""

import json
import math
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from threading import Barrier
from typing import Any

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from tests.student.tiny import tiny_student
from tutelage.config import StudentConfig
from tutelage.student.model import precision_of
from tutelage.student.resources import probe
from tutelage.student.resources.probe import Speeds, choose, chosen_unmeasured, layer_shapes, measure

CPU = torch.device("cpu")
AUTO = StudentConfig(device="cpu")


@pytest.fixture
def model(monkeypatch, tmp_path):
    """A model that counts as large enough, and a cache of its own for the figures."""
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path))
    monkeypatch.setattr(probe, "SMALL", 0)
    return tiny_student().model


def measured(monkeypatch, model, **speeds):
    """Let a measurement find these speeds."""
    monkeypatch.setattr(probe, "measure", lambda shapes, device: Speeds(**speeds))
    return choose(AUTO, model, CPU)


def test_it_times_the_products_of_the_students_own_layers(model):
    speeds, before = measure(layer_shapes(model), CPU), torch.get_float32_matmul_precision()
    assert all(math.isfinite(speed) and speed > 0 for speed in (speeds.float32, speeds.rounded, speeds.bfloat16))
    assert torch.get_float32_matmul_precision() == before


@pytest.mark.parametrize("precision", ["bf16", "tf32", "ieee"])
@pytest.mark.parametrize("setting", ["", "mkldnn", "mkldnn.matmul"])
def test_settings_of_the_process_are_no_fault_and_stay(model, setting, precision):
    """torch refuses to read its older, common setting where the newer ones, one for each backend, differ."""
    found: Any = reduce(getattr, filter(None, setting.split(".")), torch.backends)
    products: Any = getattr(torch.backends.mkldnn, "matmul", None)
    if not hasattr(products, "fp32_precision"):
        pytest.skip("this torch has the common setting alone")
    before = found.fp32_precision
    found.fp32_precision = precision
    try:
        of_products = products.fp32_precision
        assert measure(layer_shapes(model), CPU).ratio > 0
        assert (found.fp32_precision, products.fp32_precision) == (precision, of_products)
    finally:
        products.fp32_precision = found.fp32_precision = before


@pytest.mark.parametrize(("device", "backend"), [("cpu", "mkldnn"), ("cuda", "cuda")])
def test_a_setting_that_is_inherited_still_follows_the_one_above(device, backend):
    products: Any = getattr(getattr(torch.backends, backend), "matmul", None)
    if not hasattr(products, "fp32_precision"):
        pytest.skip("this torch has the common setting alone")
    above: Any = torch.backends
    before, before_above = products.fp32_precision, above.fp32_precision
    try:
        products.fp32_precision, above.fp32_precision = "none", "tf32"
        with probe._rounding(torch.device(device)) as rounds:
            rounds(True)
        assert products.fp32_precision == "tf32"
        above.fp32_precision = "ieee"
        assert products.fp32_precision == "ieee"
    finally:
        products.fp32_precision, above.fp32_precision = before, before_above


def test_wide_products_are_timed_narrower_and_slow_ones_twice(monkeypatch):
    timed, seconds = [], probe._seconds

    def noted(factors, device):
        timed.append([w.shape for _, w, _ in factors])
        return seconds(factors, device)

    monkeypatch.setattr(probe, "_seconds", noted)
    monkeypatch.setattr(probe, "WIDEST", 64)
    monkeypatch.setattr(probe, "SECONDS_IF_CLOSE", 0)
    measure(frozenset({(96, 32), (128, 32), (32, 96)}), CPU)
    assert timed == 2 * 3 * [[(32, 64), (64, 32)]], "two turns of three ways to compute"


def test_shapes_are_those_of_the_linear_layers_whatever_holds_their_weights(model):
    config = model.config
    kept = config.num_key_value_heads * config.head_dim
    wide, hidden = config.hidden_size, config.intermediate_size
    assert layer_shapes(model) == {(wide, wide), (kept, wide), (hidden, wide), (wide, hidden)}
    transposed = GPT2LMHeadModel(GPT2Config(n_layer=1, n_head=2, n_embd=8, vocab_size=16, n_positions=16))
    assert layer_shapes(transposed) == {(24, 8), (8, 8), (32, 8), (8, 32)}


@pytest.mark.parametrize(("bfloat16", "expected"), [(129.0, "float32"), (130.0, "bfloat16"), (60.0, "float32")])
def test_bfloat16_is_taken_only_where_it_is_much_faster(monkeypatch, model, bfloat16, expected):
    chosen = measured(monkeypatch, model, float32=100.0, rounded=110.0, bfloat16=bfloat16)
    assert chosen.dtype == expected
    times = f"{bfloat16 / 100} times as fast"  # in hundredths: 1.29, which is not enough, is not told as 1.3
    why = {"bfloat16": f"bfloat16: {times} as float32", "float32": f"float32: bfloat16 is {times}"}[expected]
    assert str(chosen) == f"{why} ({bfloat16:.0f} GFLOP/s; float32 100, and 110 with its factors rounded)"


def test_what_was_measured_is_kept_by_machine_settings_and_shapes(monkeypatch, model):
    assert measured(monkeypatch, model, float32=100.0, rounded=1.0, bfloat16=200.0).dtype == "bfloat16"
    monkeypatch.setattr(probe, "measure", None)
    assert choose(AUTO, model, CPU).dtype == "bfloat16"
    other = tiny_student(width=64).model
    assert measured(monkeypatch, other, float32=100.0, rounded=1.0, bfloat16=50.0).dtype == "float32"
    with monkeypatch.context() as limited:
        limited.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
        assert measured(monkeypatch, model, float32=100.0, rounded=1.0, bfloat16=50.0).dtype == "float32"
    assert choose(AUTO, model, CPU).dtype == "bfloat16"
    monkeypatch.setattr(probe, "hardware", lambda: "another machine")
    assert measured(monkeypatch, model, float32=100.0, rounded=1.0, bfloat16=50.0).dtype == "float32"


def test_a_busy_neighbour_does_not_decide_for_good(monkeypatch, model):
    """The next process measures again, and the best of both counts, until two have found them alike."""
    quiet = {"float32": 100.0, "rounded": 100.0, "bfloat16": 300.0}
    seen = [
        (1, {"float32": 50.0, "rounded": 50.0, "bfloat16": 50.0}, "float32"),
        (1, quiet, "float32"),  # the same process: as it has found
        (2, quiet, "bfloat16"),
        (3, {"float32": 90.0, "rounded": 50.0, "bfloat16": 50.0}, "bfloat16"),
        (4, {"float32": 900.0, "rounded": 900.0, "bfloat16": 900.0}, "bfloat16"),  # settled by process 3
    ]
    for process, speeds, expected in seen:
        monkeypatch.setattr(probe.os, "getpid", lambda process=process: process)
        chosen = measured(monkeypatch, model, **speeds)
        assert chosen.dtype == expected
    assert "(300 GFLOP/s; float32 100, and 100" in str(chosen)


def test_processes_that_measure_at_once_do_not_confirm_one_another(model):
    """They slow one another, and the next process measures again."""
    shapes = layer_shapes(model)
    for _ in range(2):
        probe._keep(Speeds(1.0, 1.0, 1.0), shapes, CPU, confirms=False)
    assert probe._kept(shapes, CPU).process is not None
    probe._keep(Speeds(1.0, 1.0, 1.0), shapes, CPU, confirms=True)
    assert probe._kept(shapes, CPU).process is None


def test_processes_that_measure_at_once_keep_what_each_has_found(model):
    begin, shapes = Barrier(8), [frozenset({(n, n)}) for n in range(8)]

    def keep(each):
        begin.wait()
        probe._keep(Speeds(1.0, 1.0, 1.0), each, CPU, confirms=False)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(keep, shapes))
    assert all(probe._kept(each, CPU) for each in shapes)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}'])
def test_a_broken_cache_is_measured_again(monkeypatch, model, tmp_path, text):
    measured(monkeypatch, model, float32=100.0, rounded=1.0, bfloat16=200.0)
    (tmp_path / "tutelage" / "precision.json").write_text(text)
    assert measured(monkeypatch, model, float32=100.0, rounded=1.0, bfloat16=50.0).dtype == "float32"


@pytest.mark.parametrize("speed", [0.0, -1.0, 5e-324, "200", None, True, [200.0]])
def test_speeds_that_are_none_are_measured_again(monkeypatch, model, tmp_path, speed):
    measured(monkeypatch, model, float32=100.0, rounded=1.0, bfloat16=200.0)
    file = tmp_path / "tutelage" / "precision.json"
    file.write_text(json.dumps({key: kept | {"float32": speed} for key, kept in json.loads(file.read_text()).items()}))
    assert measured(monkeypatch, model, float32=100.0, rounded=1.0, bfloat16=50.0).dtype == "float32"
    monkeypatch.setattr(probe, "measure", None)
    assert choose(AUTO, model, CPU).dtype == "float32", "what was broken is replaced"


def test_a_cache_that_cannot_be_looked_into_is_measured_again(monkeypatch, model):
    monkeypatch.setenv("TUTELAGE_CACHE", "n" * 256)  # refused for root, too, unlike a folder without the right to enter
    assert measured(monkeypatch, model, float32=100.0, rounded=1.0, bfloat16=50.0).dtype == "float32"


def test_a_cache_that_cannot_be_written_is_no_fault(monkeypatch, model, tmp_path):
    (tmp_path / "tutelage").write_text("a file where the folder should be")
    assert measured(monkeypatch, model, float32=100.0, rounded=1.0, bfloat16=200.0).dtype == "bfloat16"


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_is_configured_is_not_measured(monkeypatch, dtype):
    monkeypatch.setattr(probe, "measure", None)
    assert precision_of(AUTO.model_copy(update={"dtype": dtype})).dtype == dtype


def test_small_students_and_mps_compute_in_float32(monkeypatch):
    monkeypatch.setattr(probe, "measure", None)
    assert choose(AUTO, tiny_student().model, CPU).dtype == "float32"
    assert choose(AUTO, tiny_student().model, torch.device("mps")).dtype == "float32"


@pytest.mark.parametrize(("units", "expected"), [(True, "bfloat16"), (False, "float32")])
def test_runs_of_before_chose_by_the_matrix_units(monkeypatch, units, expected):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: units)
    assert chosen_unmeasured(AUTO, CPU).dtype == expected
