"""The benchmark of a GPU, on the CPU with the tiny student: what it counts, and that it prints what a page takes."""

import json
import sys

import pytest
import torch

from benchmarks import gpu
from tests.student.steps import dataset_of
from tests.student.tiny import tiny_folder, tiny_student

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


def test_the_work_of_a_step_is_that_of_its_products():
    """Counted by torch: the products of the layers and of the logits, forward and backward, without attention."""
    from torch.utils.flop_counter import FlopCounterMode

    from tutelage.student.training.micro_batch import micro_batch_losses

    student, head = tiny_student(), 258 * 32
    step = dataset_of(student)[0]
    with FlopCounterMode(display=False) as counter:
        for micro_batch in step.micro_batches:
            micro_batch_losses(student.model, micro_batch, None).lm.backward()
    products = (torch.ops.aten.mm, torch.ops.aten.addmm)
    counted = sum(counter.get_flop_counts()["Global"].get(name, 0) for name in products)
    counted += 2 * head * step.targets  # the head's gradient is added up in place, which torch does not count
    assert gpu.operations(student, step) == pytest.approx(counted, rel=0.02)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["gpu", "training"])
    with pytest.raises(SystemExit, match="no GPU here, and nothing was measured"):
        gpu.main()
