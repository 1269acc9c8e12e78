"""What a second process brings, measured with the tiny student: two processes, as torchrun starts them."""

import json
import subprocess
import sys

import pytest

from tests.processes import ONE_THREAD
from tests.student.tiny import tiny_folder

pytestmark = pytest.mark.slow


def test_it_measures_training_and_exams_in_one_process_and_in_two(tmp_path):
    model = tiny_folder(tmp_path / "student")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    measured = subprocess.run(
        [
            *torchrun,
            "-m",
            "benchmarks.scaling",
            "--model",
            str(model),
            "--problems",
            "3",
            "--exam",
            "2",
            "--repeats",
            "1",
        ],
        env=ONE_THREAD,
        capture_output=True,
        text=True,
        check=False,
    )
    assert measured.returncode == 0, measured.stderr
    *lines, figures = measured.stdout.splitlines()
    found = json.loads(figures)
    assert found["processes"] == 2
    assert all(found[name] > 0 for name in ("training", "exam", "training_by_processor", "exam_by_processor"))
    assert sum("tokens a second" in line or "attempts a second" in line for line in lines) == 8
