"""Charts: well-formed for any figures and labels, with the same figures as a table."""

import math
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.view.charts import accuracies, bar, flows, lines, scatter, stacked, whisker
from tutelage.view.charts.base import ticks
from tutelage.view.facts import Flow

LABEL = st.text(alphabet=st.characters(codec=None), max_size=12)
NUMBER = st.floats(allow_nan=True, allow_infinity=True, width=32)
SHARE = st.floats(0, 1)
STATE = st.sampled_from(["right", "sometimes", "wrong"])


def numbers_of(chart):
    """Every coordinate of a chart; it is well-formed, named, and without a style or a script."""
    root = ElementTree.fromstring(str(chart.svg))
    assert root.find("title") is not None
    assert root.find("desc") is not None
    found = []
    for element in root.iter():
        assert element.tag in {"svg", "title", "desc", "line", "text", "polyline", "path", "rect", "circle"}
        for name, value in element.attrib.items():
            assert name != "style"
            assert not name.startswith("on")
            if name in {"x", "y", "x1", "x2", "y1", "y2", "width", "height", "cx", "cy"}:
                found.append(float(value))
    assert all(map(math.isfinite, found))
    return found


@given(st.lists(st.tuples(LABEL, SHARE, SHARE, SHARE), max_size=12))
def test_accuracies(points):
    chart = accuracies("right", points)
    assert numbers_of(chart) is not None
    assert len(chart.rows) == len(points)


@given(st.lists(st.tuples(LABEL, st.lists(st.tuples(NUMBER, NUMBER), max_size=30)), max_size=4))
def test_lines(curves):
    for from_zero in (True, False):
        assert min(numbers_of(lines("losses", curves, "step", from_zero=from_zero)), default=0) > -1000


@given(st.lists(st.tuples(LABEL, st.dictionaries(LABEL, st.integers(0, 10**6), max_size=10)), max_size=6))
def test_stacked(columns):
    assert min(numbers_of(stacked("kinds", columns)), default=0) >= -1


@given(st.lists(st.tuples(LABEL, st.floats(0, 1e9), SHARE, SHARE, SHARE), max_size=9))
def test_scatter(points):
    numbers_of(scatter("arms", points, "replies"))


@given(st.lists(st.lists(st.builds(Flow, STATE, STATE, st.integers(0, 1000)), max_size=9), min_size=1, max_size=5))
def test_flows(between):
    exams = [f"exam {place + 1}" for place in range(len(between) + 1)]
    chart = flows("flow", exams, between)
    assert max(numbers_of(chart)) < 5000
    assert sum(int(row[3].replace(",", "")) for row in chart.rows) == sum(
        link.problems for links in between for link in links
    )


@given(NUMBER, NUMBER, NUMBER)
def test_cells(value, low, high):
    for drawn in (bar(min(max(value, 0), 1)), whisker(*(min(max(each, -1), 1) for each in (value, low, high)), -1, 1)):
        ElementTree.fromstring(str(drawn))
    assert 'width="40"' in bar(0.4)


@pytest.mark.parametrize(
    ("low", "high", "marks"),
    [
        (0, 1, [0, 0.25, 0.5, 0.75, 1]),
        (0, 0.3, [0, 0.1, 0.2, 0.3]),
        (-3, 7, [-5, -2.5, 0, 2.5, 5, 7.5]),
        (0, 0, [0, 1]),
    ],
)
def test_marks_are_round_numbers_around_all_values(low, high, marks):
    found = ticks(low, high)
    assert found[0] <= low
    assert found[-1] >= high
    assert found[: len(marks)] == marks or low == high


def test_the_table_has_the_figures_of_the_chart():
    chart = accuracies("Right in validation", [("0", 0.125, 0.077, 0.196), ("1", 0.25, 0.17, 0.35)])
    assert chart.rows == [("0", "12.5 %", "7.7 % to 19.6 %"), ("1", "25.0 %", "17.0 % to 35.0 %")]
    assert "1 25.0 %" in chart.description
    assert str(chart.svg).count("<path") == 2
