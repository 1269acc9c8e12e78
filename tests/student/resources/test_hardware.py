"""What figures were measured on."""

import os

import torch

from tutelage.student.resources.hardware import hardware


def test_it_names_cores_and_torch():
    assert f"torch {torch.__version__} with {torch.get_num_threads()} threads" in hardware()


def test_an_older_torch_that_tells_less_is_enough(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert f"{os.cpu_count()} cores, bf16 units: none" in hardware()
