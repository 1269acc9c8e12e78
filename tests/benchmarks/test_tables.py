"""The benchmarks of training and of exams, run whole with the tiny student: a line for each way, then the figures."""

import json
import sys

import pytest

from benchmarks import peak, sampling, training
from tests.student.tiny import tiny_folder

TRAINING = ("reference fp32", "ours fp32", "reference autocast", "ours bf16")
EXAMS = ("generate, fp32, 16 rows", "generate, bf16, 64 rows", "ours, fp32", "ours, bf16")


@pytest.mark.parametrize(
    ("benchmark", "options", "ways", "figure"),
    [
        (training, ["--problems", "2", "--prefix", "60"], TRAINING, "training_speedup_fp32_fewshot"),
        (sampling, ["--tokens", "2", "--prefix", "60"], EXAMS, "sampling_speedup_generate16_fp32"),
    ],
)
def test_every_way_has_its_line(benchmark, options, ways, figure, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(peak, "CPU_WIDTHS", (64,))  # the limit itself is of no interest here
    model = tiny_folder(tmp_path / "student")
    monkeypatch.setattr(sys, "argv", ["benchmark", "--model", str(model), "--repeats", "1", *options])
    benchmark.main()
    *lines, figures = capsys.readouterr().out.splitlines()
    for way in ways:
        assert any(line.startswith(f"  {way} ") and line.endswith("% of the limit") for line in lines)
    assert json.loads(figures)[figure] > 0
