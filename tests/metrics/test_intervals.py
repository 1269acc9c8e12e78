from math import gamma, inf, pi, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.report.figures import study
from tutelage.metrics.intervals import T95, accuracy, mistake_shares, over_seeds, rounds_of
from tutelage.study_records import RoundFigures


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    [
        # Newcombe 1998, table I, method 3 (Wilson's score): 81/263, 15/148, 0/20, 1/29
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_intervals_of_the_literature(correct, n, low, high):
    found = accuracy(correct, n)
    assert (found.low, found.high) == (pytest.approx(low, abs=6e-5), pytest.approx(high, abs=6e-5))
    assert (found.accuracy, found.n) == (correct / n, n)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_share_lies_in_its_interval(case):
    found = accuracy(*case)
    assert 0 <= found.low <= found.accuracy <= found.high <= 1


@pytest.mark.parametrize(("correct", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_no_such_share(correct, n):
    with pytest.raises(ValueError, match="no such share"):
        accuracy(correct, n)


@pytest.mark.parametrize("freedom", range(1, len(T95) + 1))
def test_quantiles_of_t_by_integration(freedom):
    """From 0 to the quantile lies 0.475 of the density; Simpson's rule on 2,000 steps."""
    steps, end = 2000, T95[freedom - 1]
    scale = gamma((freedom + 1) / 2) / (sqrt(freedom * pi) * gamma(freedom / 2))
    density = [scale * (1 + (end * step / steps) ** 2 / freedom) ** (-(freedom + 1) / 2) for step in range(steps + 1)]
    area = end / steps / 3 * (density[0] + 4 * sum(density[1::2]) + 2 * sum(density[2:-1:2]) + density[-1])
    assert area == pytest.approx(0.475, abs=3e-6)


def test_means_over_seeds():
    found = over_seeds([1.0, None, 2.0, 3.0])
    assert (found.mean, found.seeds) == (2.0, 3)
    assert found.half == pytest.approx(T95[1] * 1.0 / sqrt(3))
    assert (found.low, found.high) == (2.0 - found.half, 2.0 + found.half)
    alone = over_seeds([None, 0.25])
    assert (alone.mean, alone.half, alone.low, alone.high, alone.seeds) == (0.25, None, 0.25, 0.25, 1)
    assert over_seeds([None]) is None
    assert 0 < over_seeds([float(value % 2) for value in range(40)]).half < inf


def test_rounds_stand_together_over_the_runs_that_had_them():
    rounds = rounds_of(study(("full",), 3).arms["full"])
    assert [[row.round for row in rows] for rows in rounds] == [[0] * 3, [1] * 3, [2] * 3, [3] * 3]


def test_shares_of_mistakes():
    rows = [
        RoundFigures(1, 0.5, 0, 0.0, 0, 0.0, mistakes=mistakes)
        for mistakes in ({"plan": 3, "calculation": 1}, {"plan": 2}, {}, {"plan": 0})
    ]
    found = mistake_shares(rows)
    assert list(found) == ["calculation", "plan"]
    assert (found["plan"].mean, found["plan"].seeds) == (0.875, 2)
    assert (found["calculation"].mean, found["calculation"].seeds) == (0.125, 2)
    assert mistake_shares(rows[2:]) == {}
