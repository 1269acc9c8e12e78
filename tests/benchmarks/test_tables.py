"""The benchmarks of training and of exams, run whole with the tiny student: a line for each way, then the figures."""

import json
import math
import sys

import pytest

from benchmarks import fixed_costs, peak, sampling, training
from tests.student.tiny import tiny_folder

TRAINING = ("reference fp32", "ours fp32", "reference autocast", "ours bf16")
EXAMS = ("generate, fp32, 16 rows", "generate, bf16, 64 rows", "ours, fp32", "ours, bf16")


@pytest.mark.parametrize("too_slow", [0.0, math.inf])
@pytest.mark.parametrize(
    ("benchmark", "options", "ways", "figure"),
    [
        (training, ["--problems", "2", "--prefix", "60"], TRAINING, "training_speedup_fp32_fewshot"),
        (sampling, ["--tokens", "2", "--prefix", "60"], EXAMS, "sampling_speedup_generate16_fp32"),
    ],
)
def test_every_way_that_is_timed_has_its_line(
    benchmark, options, ways, figure, too_slow, monkeypatch, capsys, tmp_path
):
    monkeypatch.setattr(peak, "CPU_WIDTHS", (64,))  # the limit itself is of no interest here
    monkeypatch.setattr(peak, "TOO_SLOW", too_slow)
    model = tiny_folder(tmp_path / "student")
    monkeypatch.setattr(sys, "argv", ["benchmark", "--model", str(model), "--repeats", "1", *options])
    benchmark.main()
    *lines, figures = capsys.readouterr().out.splitlines()
    suits = {training: "ours fp32", sampling: "ours, fp32"}[benchmark]
    assert any(line.startswith(f"what suits this machine is {suits};") for line in lines), "so small a student's own"
    for way in ways:
        timed = not too_slow or "fp32" in way
        assert any(line.startswith(f"  {way} ") and line.endswith("% of the limit") for line in lines) == timed
    assert json.loads(figures)[figure] > 0
    assert any("bf16" in name or "autocast" in name for name in json.loads(figures)) == (not too_slow)


def test_fixed_costs_are_those_of_the_named_student(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(fixed_costs, "TOUCHED", 4)
    model = tiny_folder(tmp_path / "student")
    monkeypatch.setattr(sys, "argv", ["benchmark", "--model", str(model), "--repeats", "1", "--problems", "2"])
    fixed_costs.main()
    first, *tables = capsys.readouterr().out.splitlines()
    assert first.endswith("computes in torch.float32"), "so small a student's own"
    assert sum(line.startswith("| a step |") for line in tables) == 1
