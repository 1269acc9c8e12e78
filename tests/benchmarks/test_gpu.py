"""The benchmark of a GPU, on the CPU with the tiny student: what it counts, and that it prints what a page takes."""

import json
import sys

import pytest
import torch

from benchmarks import gpu
from tests.student.tiny import tiny_folder

SMALL = ("task.train=4", "task.validation=2", "task.test=2", "exam.max_new_tokens=4", "evaluation.max_new_tokens=4")


def printed(monkeypatch, capsys, tmp_path, *arguments: str) -> dict[str, float]:
    model = tiny_folder(tmp_path / "student")
    monkeypatch.setattr(sys, "argv", ["gpu", *arguments, "--model", str(model), "--repeats", "1", "--device", "cpu"])
    gpu.main()
    *lines, figures = capsys.readouterr().out.splitlines()
    assert "threads" in lines[0]
    return json.loads(figures)


@pytest.mark.parametrize(
    ("arguments", "figures"),
    [
        (["training", "--problems", "3"], {f"training_{name}" for name in ("tokens_per_second", "share_of_peak")}),
        (["exams", "--problems", "2", "--tokens", "4"], {"exam_tokens_per_second"}),
        (["run", *(word for each in SMALL for word in ("--set", each))], {"run_seconds", "run_accuracy_after"}),
    ],
)
def test_each_part_prints_its_figures(arguments, figures, monkeypatch, capsys, tmp_path):
    found = printed(monkeypatch, capsys, tmp_path, *arguments)
    assert figures <= found.keys()
    assert all(value >= 0 for value in found.values())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["gpu", "training"])
    with pytest.raises(SystemExit, match="no GPU here, and nothing was measured"):
        gpu.main()
