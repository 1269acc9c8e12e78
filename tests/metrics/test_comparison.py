import random
from itertools import product
from math import comb
from statistics import NormalDist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutelage.metrics.comparison import compare, interval, mcnemar
from tutelage.metrics.intervals import accuracy
from tutelage.study_records import Comparison


def answers(chance, seeds, problems, luck=0) -> dict[int, str]:
    """Problems differ in how hard they are, so that seeds agree more than chance would have it."""
    draw = random.Random(luck)
    ease = [draw.choice((0.5, 1.5)) for _ in range(problems)]
    return {seed: "".join(str(int(draw.random() < chance * easy)) for easy in ease) for seed in range(seeds)}


@st.composite
def arms(draw):
    problems = draw(st.integers(1, 12))
    right = st.text("01", min_size=problems, max_size=problems)
    seeds = st.dictionaries(st.integers(0, 3), right, min_size=1)
    a, b = draw(seeds), draw(seeds)
    return a, {**b, min(a): draw(right)}


def obvious_bootstrap(rows, resamples, draw) -> tuple[float, float]:
    """Seeds drawn, problems drawn, the mean taken: nothing clever."""
    means = []
    for _ in range(resamples):
        seeds = draw.choices(rows, k=len(rows))
        problems = draw.choices(range(len(rows[0])), k=len(rows[0]))
        means.append(sum(row[at] for row in seeds for at in problems) / (len(seeds) * len(problems)))
    means.sort()
    return means[resamples // 40 - 1], means[-(resamples // 40)]


def test_the_interval_is_that_of_the_obvious_bootstrap():
    a, b = answers(0.5, 4, 40, luck=1), answers(0.35, 4, 40, luck=2)
    rows = [[int(x) - int(y) for x, y in zip(a[seed], b[seed], strict=True)] for seed in a]
    low, high = obvious_bootstrap(rows, 4000, random.Random(0))
    found = compare(a, b, ("a", "b"))
    assert (found.low, found.high) == (pytest.approx(low, abs=0.015), pytest.approx(high, abs=0.015))
    rows = [[int(x) for x in right] for right in a.values()]
    low, high = obvious_bootstrap(rows, 4000, random.Random(0))
    found = interval(list(a.values()))
    assert (found.low, found.high) == (pytest.approx(low, abs=0.015), pytest.approx(high, abs=0.015))


def test_one_seed_gives_the_normal_interval_of_a_share():
    right = "1" * 200 + "0" * 300
    half = NormalDist().inv_cdf(0.975) * (0.4 * 0.6 / 500) ** 0.5
    found = interval([right])
    assert (found.mean, found.low) == (0.4, pytest.approx(0.4 - half, abs=0.004))
    assert found.high == pytest.approx(0.4 + half, abs=0.004)


def test_seeds_and_problems_both_widen_the_interval():
    seeds = ["1" * 300, "0" * 300] * 3  # all problems alike: what varies is seeds
    found = interval(seeds)
    counts = [comb(6, k) / 2**6 for k in range(7)]
    assert counts[0] < 0.025 < counts[0] + counts[1]  # so the 2.5 % quantile is one right seed of six
    assert (found.low, found.high) == (pytest.approx(1 / 6), pytest.approx(5 / 6))
    problems = ["1" * 150 + "0" * 150] * 6  # all seeds alike: what varies is problems
    assert interval(problems) == interval(problems[:1])


@pytest.mark.parametrize("right", ["0" * 40, "1" * 40])
def test_where_a_resample_cannot_differ_the_interval_is_wilsons(right):
    wilson = accuracy(right.count("1"), 40)
    found = interval([right, right])
    assert (found.mean, found.low, found.high) == (wilson.accuracy, wilson.low, wilson.high)


def test_arms_that_differ_everywhere_have_an_interval_too():
    found, unseen = compare({0: "1" * 40}, {0: "0" * 40}, ("a", "b")), accuracy(0, 40).high
    assert (found.difference, found.low, found.high) == (1.0, pytest.approx(1 - unseen), 1.0)


@given(arms())
@settings(max_examples=50)
def test_the_interval_holds_the_mean(case):
    a, b = case
    alone = interval(list(a.values()))
    assert 0 <= alone.low <= alone.mean <= alone.high <= 1
    assert alone.mean == sum(right.count("1") for right in a.values()) / sum(map(len, a.values()))
    found = compare(a, b, ("a", "b"))
    assert -1 <= found.low <= found.difference <= found.high <= 1


@given(arms())
@settings(max_examples=50)
def test_turned_round_only_the_sign_changes(case):
    there, back = compare(*case, ("a", "b")), compare(*reversed(case), ("b", "a"))
    assert back == Comparison(
        "b", "a", there.seeds, -there.difference, -there.high, -there.low, there.p, there.only_b, there.only_a
    )


@given(arms())
@settings(max_examples=20)
def test_an_arm_is_like_itself(case):
    unseen = accuracy(0, len(next(iter(case[0].values())))).high
    assert compare(case[0], case[0], ("a", "a")) == Comparison("a", "a", len(case[0]), 0.0, -unseen, unseen, 1.0, 0, 0)


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_is_the_exact_binomial(only_a, only_b):
    """The sum of all splits that are no likelier than the one found."""
    n = only_a + only_b
    likelier = comb(n, only_a)
    assert mcnemar(only_a, only_b) == pytest.approx(
        sum(comb(n, k) for k in range(n + 1) if comb(n, k) <= likelier) / 2**n
    )


def test_mcnemar_of_very_many_answers():
    assert 0 < mcnemar(1400, 2600) < 1e-70
    assert mcnemar(2000, 2000) == 1.0


def test_a_clear_difference_is_found_over_the_seeds_that_both_have():
    a, b = answers(0.6, 5, 200, luck=3), answers(0.4, 3, 200, luck=4)
    found = compare(a, {**b, 9: "1" * 200}, ("full", "one-round"))
    assert (found.a, found.b, found.seeds) == ("full", "one-round", 3)
    rights = sum(a[seed].count("1") - b[seed].count("1") for seed in range(3))
    assert found.difference == rights / 600 == (found.only_a - found.only_b) / 600
    assert found.low > 0
    assert found.p < 0.001


def test_with_five_seeds_that_differ_intervals_cover_the_truth():
    """Seeds differ by 8 points (standard deviation), problems in how hard they are; the arms are alike."""
    draw, inside = random.Random(0), 0

    def arm(ease):
        luck = {seed: draw.gauss(0, 0.08) for seed in range(5)}
        return {seed: "".join(str(int(draw.random() < easy + by)) for easy in ease) for seed, by in luck.items()}

    for _ in range(100):
        ease = [draw.choice((0.3, 0.5, 0.8)) for _ in range(100)]
        found = compare(arm(ease), arm(ease), ("a", "b"))
        inside += found.low <= 0 <= found.high
    assert 88 <= inside <= 99


def test_intervals_cover_the_truth():
    """Of 200 studies, 95 % or nearly so."""
    draw = random.Random(0)
    inside = 0
    for _ in range(200):
        a = {0: "".join(str(int(draw.random() < 0.5)) for _ in range(100))}
        b = {0: "".join(str(int(draw.random() < 0.4)) for _ in range(100))}
        found = compare(a, b, ("a", "b"))
        inside += found.low <= 0.1 <= found.high
    assert 180 <= inside <= 199


@pytest.mark.parametrize(
    ("a", "b", "what"),
    [
        ({0: "1"}, {1: "1"}, r"full has the seeds \[0\], star \[1\]: none is shared"),
        ({}, {}, "none is shared"),
        ({0: "11"}, {0: "1"}, r"answers to \[1, 2\] test problems"),
        ({0: ""}, {0: ""}, r"answers to \[0\] test problems"),
        ({0: "1x"}, {0: "11"}, "'x' among the answers"),
    ],
)
def test_what_cannot_be_compared(a, b, what):
    with pytest.raises(ValueError, match=what):
        compare(a, b, ("full", "star"))


def test_no_answers_have_no_interval():
    for rights in ([], [""], ["10", "1"]):
        with pytest.raises(ValueError, match="test problems"):
            interval(rights)


def test_as_many_seeds_as_problems_are_drawn_apart():
    """All 27 × 27 draws; were the problems drawn as the seeds are, no draw would miss all right answers."""
    draws = list(product(range(3), repeat=3))
    means = sorted(sum(seed == problem for seed in a for problem in b) / 9 for a in draws for b in draws)
    tail = len(means) // 40
    found = interval(["100", "010", "001"])
    assert (found.low, found.high) == (means[tail], means[-tail - 1])
    assert found.low == 0
