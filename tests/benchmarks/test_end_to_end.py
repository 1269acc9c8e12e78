"""The whole run both ways, with the tiny student: the reference's student does all that a run asks of one."""

import json
import sys

from benchmarks import end_to_end
from tests.student.tiny import tiny_folder

SMALL = (
    "task.train=6",
    "task.validation=2",
    "task.test=2",
    "teacher.seed_problems=4",
    "teacher.replies_per_round=2",
    "exam.max_new_tokens=4",
    "evaluation.max_new_tokens=4",
    "rounds.max=1",
)


def test_both_ways_end_with_figures(monkeypatch, capsys, tmp_path):
    settings = [f"student.model={tiny_folder(tmp_path / 'student')}", "student.dtype=float32", *SMALL]
    monkeypatch.setattr(sys, "argv", ["end_to_end", *(word for each in settings for word in ("--set", each))])
    end_to_end.main()
    *lines, figures = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("seed 0: ours ")
    found = json.loads(figures)
    assert found["end_to_end_speedup"] > 0
    assert 0 <= found["accuracy_reference"] <= 1
