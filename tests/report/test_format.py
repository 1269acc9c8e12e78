from dataclasses import replace

from tutelage.metrics.intervals import accuracy
from tutelage.report.format import clock, counted, markdown_table, p_value, percent, points, share
from tutelage.study_records import Interval

from .figures import CENTRAL


def test_shares_come_with_their_interval():
    assert share(accuracy(0, 80)) == "0.0% (0.0% to 4.6%, n = 80)"
    assert percent(Interval(0.41, 0.36, 0.46)) == "41.0% (36.0% to 46.0%)"


def test_differences_that_leave_out_0_are_marked_from_five_seeds_on():
    assert points(replace(CENTRAL, seeds=4)) == "+9.6 (+4.1 to +15.0)"
    assert points(CENTRAL) == "**+9.6 (+4.1 to +15.0)**"
    assert points(replace(CENTRAL, low=-0.0004)) == "+9.6 (+0.0 to +15.0)"
    assert points(replace(CENTRAL, difference=-0.1, low=-0.2, high=-0.05)) == "**-10.0 (-20.0 to -5.0)**"


def test_small_figures():
    assert [p_value(0.0004), p_value(0.001), p_value(1.0)] == ["< 0.001", "0.001", "1.000"]
    assert [clock(59.4), clock(60), clock(3671)] == ["59 s", "1 min 00 s", "61 min 11 s"]
    assert [counted(1, "seed"), counted(0, "seed"), counted(1200, "problem")] == ["1 seed", "0 seeds", "1,200 problems"]


def test_cells_stay_cells():
    assert markdown_table(("a", "b"), [("x|y", "two\nlines")]) == "| a | b |\n| --- | --- |\n| x\\|y | two lines |"
