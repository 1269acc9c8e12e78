"""What figures were measured on."""

import os

import pytest
import torch

from tutelage.student.resources.hardware import SETTINGS, hardware


def test_it_names_cores_and_torch():
    assert f"torch {torch.__version__} with {torch.get_num_threads()} threads" in hardware()


def test_an_older_torch_that_tells_less_is_enough(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert f"{os.cpu_count()} cores, bf16 units: none" in hardware()


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_change_the_speed_make_another_machine(monkeypatch, name):
    for each in SETTINGS:
        monkeypatch.delenv(each, raising=False)
    plain = hardware()
    monkeypatch.setenv(name, "AVX2")
    assert hardware() == f"{plain}, {name}=AVX2"
    monkeypatch.setenv(name, "")
    assert hardware() == plain
