"""The benchmark of the page runs through on a small run."""

import sys

from benchmarks import view


def test_it_measures_a_small_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["view", "--small", "--run", str(tmp_path / "run")])
    view.main()
    said = capsys.readouterr().out
    assert "rows a CPU second" in said
    assert "A new row is found after" in said
