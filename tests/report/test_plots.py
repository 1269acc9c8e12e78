import struct
from dataclasses import replace
from pathlib import Path
from statistics import mean

import numpy as np
import pytest

from tutelage.errors import RunError
from tutelage.report.plots import _validation, plot_names, plot_study

from .figures import NAMES, study

BY_ROUND, BY_REPLIES, BY_USD = "validation-by-round.png", "validation-by-replies.png", "validation-by-usd.png"


def size(path) -> tuple[int, int]:
    """Width and height of a PNG, from its header."""
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", head[16:])


@pytest.mark.parametrize(
    ("figures", "names"),
    [
        (study(NAMES[4:7], 5), ["test.png", BY_ROUND, BY_REPLIES, BY_USD, "mistakes.png"]),
        (study(("full",), 1, usd=0), ["test.png", BY_ROUND, BY_REPLIES, "mistakes.png"]),
        (study(("untrained",), 3), ["test.png"]),
    ],
    ids=["three arms", "one arm, one seed", "nobody taught"],
)
def test_pictures(figures, names, tmp_path):
    assert plot_names(figures) == names
    paths = plot_study(figures, tmp_path / "plots")
    assert paths == [tmp_path / "plots" / name for name in names]
    assert sorted(path.name for path in paths[0].parent.iterdir()) == sorted(names)
    for path in paths:
        width, height = size(path)
        assert width == 1200
        assert (300 if path.name == "test.png" else 750) <= height <= 1000
        assert path.stat().st_size > 10_000


def test_a_curve_is_validation_over_what_its_axis_names():
    figures = study(NAMES[4:6], 3)
    for axis, x in (("teacher replies", lambda row: row.replies), ("rows", lambda row: row.rows)):
        figure = _validation(figures, axis, x)
        (axes,) = figure.axes
        assert figure.get_supxlabel().startswith(axis)
        assert figure.get_supylabel() == "validation accuracy"
        lines = {line.get_label(): line.get_xydata() for line in axes.lines if line.get_label() in figures.arms}
        assert lines.keys() == figures.arms.keys()
        for name, arm in figures.arms.items():
            by_round = list(zip(*(run.rounds for run in arm.runs), strict=True))
            expected = [[mean(map(x, rows)), mean(row.validation for row in rows)] for rows in by_round]
            assert lines[name] == pytest.approx(np.array(expected))


def test_twenty_arms_have_a_frame_each(tmp_path):
    figures = study(NAMES, 2, usd=0, inside=False)
    paths = plot_study(figures, tmp_path)
    assert [path.name for path in paths] == ["test.png", BY_ROUND, BY_REPLIES]
    assert [size(path) for path in paths] == [(1200, 1080), (1200, 1320), (1200, 1320)]


def test_a_run_that_ended_early_and_a_round_of_one_seed(tmp_path):
    figures = study(NAMES[5:7], 2)
    early = figures.arms["full"].runs[0]
    runs = (replace(early, rounds=early.rounds[:2]), figures.arms["full"].runs[1])
    figures = replace(figures, arms={"full": replace(figures.arms["full"], runs=runs)})
    assert len(plot_study(figures, tmp_path)) == 5


def test_a_study_without_arms_has_no_pictures(tmp_path):
    assert plot_study(replace(study(("full",), 1), arms={}), tmp_path) == []


def test_matplotlib_is_left_as_it_was(tmp_path):
    import matplotlib

    before = dict(matplotlib.rcParams)
    plot_study(study(("full",), 1), tmp_path)
    assert dict(matplotlib.rcParams) == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_ends_in_an_error_of_the_users(tmp_path):
    (tmp_path / "test.png").symlink_to("/dev/full")
    with pytest.raises(RunError, match=r"the disk is full: cannot write .*test\.png"):
        plot_study(study(("full",), 1), tmp_path)
