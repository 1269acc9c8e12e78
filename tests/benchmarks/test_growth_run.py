"""The run by which growth is measured has all stages, and each says its seconds and bytes."""

from benchmarks.growth_run import STAGES, measured


def test_every_stage_has_its_figures(tmp_path):
    found = measured(20, tmp_path)
    assert set(found) == {*STAGES, "run"}
    assert all(each["seconds"] > 0 for each in found.values())
