"""QLoRA needs a GPU: here, that it is refused elsewhere, and that weights of few bits stay what they are."""

import importlib.util

import pytest
import torch

from tests.student.tiny import tiny_folder
from tutelage.config import StudentConfig
from tutelage.config.file import parse_config
from tutelage.errors import ConfigError, StudentError
from tutelage.student.model import precision_of
from tutelage.student.quantised import check_qlora, load_quantised
from tutelage.student.training.precision import FullPrecision

GPU = torch.cuda.is_available()


@pytest.mark.skipif(GPU, reason="there is a GPU")
def test_without_a_gpu_it_is_refused_in_a_line(tmp_path):
    config = StudentConfig(model=str(tiny_folder(tmp_path / "tiny")), weights="qlora")
    for refused in (check_qlora, lambda: load_quantised(config, None, tmp_path / "tiny")):
        with pytest.raises(StudentError, match="needs a GPU, and torch finds none; set it to 'lora'") as caught:
            refused()
        assert "\n" not in str(caught.value)


def test_without_bitsandbytes_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr("tutelage.student.quantised.find_spec", lambda name: None)
    with pytest.raises(StudentError, match=r"pip install \"tutelage\[qlora\]\""):
        check_qlora()


def test_it_computes_in_bfloat16(tmp_path):
    config = StudentConfig(model=str(tiny_folder(tmp_path / "tiny")), weights="qlora")
    assert precision_of(config).dtype == "bfloat16"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"student": {"weights": "qlora", "dtype": "float32"}}, "'qlora' computes in bfloat16"),
        ({"student": {"weights": "qlora"}, "training": {"parallel": "fsdp"}}, "can't split the weights"),
        ({"student": {"weights": "qlora", "lora": {"targets": []}}}, "student.lora.targets is empty"),
    ],
)
def test_what_does_not_go_with_it_is_refused(settings, told):
    with pytest.raises(ConfigError, match=told):
        parse_config({"task": {"name": "leg_counting"}, **settings})


def test_weights_of_four_bits_stay_what_they_are():
    model = torch.nn.Linear(4, 4)
    model.packed = torch.nn.Parameter(torch.arange(8, dtype=torch.uint8), requires_grad=False)
    full = FullPrecision(model, torch.bfloat16)
    assert model.packed.dtype == torch.uint8
    assert model.weight.dtype == torch.bfloat16
    full.restore()
    assert model.weight.dtype == torch.float32


@pytest.mark.skipif(not GPU or importlib.util.find_spec("bitsandbytes") is None, reason="no GPU, or no bitsandbytes")
@pytest.mark.filterwarnings("ignore")
def test_a_round_on_a_gpu(tmp_path):
    from tests.student.test_kept_adapters import learnt, student_of, weights_of

    student = student_of(tiny_folder(tmp_path / "tiny", width=64), weights="qlora", dtype="auto", device="cuda")
    first = learnt(student, tmp_path / "first")
    second = learnt(first, tmp_path / "second")
    assert {path.name for path in second.folder.iterdir()} == {"adapter_config.json", "adapter_model.safetensors"}
    before, after = weights_of(first, torch.bfloat16), weights_of(second, torch.bfloat16)
    assert any(not torch.equal(weight, after[name]) for name, weight in before.items())
