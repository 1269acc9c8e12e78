"""Compares arms: test accuracy over seeds and problems, and the paired difference of two arms.

    compare({0: "1101", 1: "0101"}, {0: "1000", 1: "0101"}, ("full", "one-round"))
    Comparison(a="full", b="one-round", seeds=2, difference=0.25, low=0.0, high=0.75, p=0.5, only_a=2, only_b=0)

All seeds answer the same problems, so seeds and problems are resampled independently, and the drawn problems are used
for all drawn seeds (the pigeonhole bootstrap, Owen 2007). The draws depend only on the numbers of seeds and problems.
So the same answers give the same figures, and `compare(b, a)` is `compare(a, b)` with the sign changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import comb
from typing import TYPE_CHECKING

from tutelage.metrics.intervals import accuracy
from tutelage.study_records import Comparison, Interval

if TYPE_CHECKING:
    from numpy import int8, int16
    from numpy.typing import NDArray

RESAMPLES = 10_000
BLOCK = 500
"""Resamples computed at once, so that thousands of problems don't take gigabytes."""
_DRAWN_SINGLY = 2000
"""Problems of a pair that are drawn one by one: what is drawn is kept, 20 kB a problem."""


def interval(rights: Sequence[str]) -> Interval:
    """Mean test accuracy with its 95 % percentile-bootstrap interval; a string of 1 and 0 for each seed.

    Seeds and problems are resampled; with one seed, problems alone. If all answers are right, or all wrong, resamples
    can't differ; the interval is then Wilson's over the problems of one seed.

    Raises:
        ValueError: there is no answer, the strings differ in length, or have characters other than 1 and 0.
    """
    answers = _answers(rights)
    if answers.min() == answers.max():
        problems = answers.shape[1]
        same = accuracy(problems * int(answers[0, 0]), problems)
        return Interval(same.accuracy, same.low, same.high)
    return _bootstrap(answers)


def compare(a: Mapping[int, str], b: Mapping[int, str], names: tuple[str, str]) -> Comparison:
    """Arm `a` less arm `b`, over common seeds and all problems; each arm has a string of 1 and 0 per seed.

    The 95 % percentile-bootstrap interval of the difference is too narrow for two or three seeds that differ much
    (docs/method.md). If the arms differ in no answer or in all, resamples can't differ; the interval is then as wide as
    Wilson's for 0 of all problems. `p` is McNemar's over the answers of all seeds. It treats them as independent, but
    answers of several seeds to one problem are not: with many seeds, trust the interval.

    Raises:
        ValueError: there is no common seed, the strings differ in length, or have characters other than 1 and 0.
    """
    seeds = sorted(a.keys() & b.keys())
    if not seeds:
        raise ValueError(f"{names[0]} has the seeds {sorted(a)}, {names[1]} {sorted(b)}: none is shared")
    both = _answers([*(a[seed] for seed in seeds), *(b[seed] for seed in seeds)])
    difference = both[: len(seeds)] - both[len(seeds) :]
    found = _everywhere(difference) if difference.min() == difference.max() else _bootstrap(difference)
    only_a, only_b = int((difference == 1).sum()), int((difference == -1).sum())
    p = mcnemar(only_a, only_b)
    return Comparison(*names, len(seeds), found.mean, found.low, found.high, p, only_a, only_b)


def paired(a: str, b: str, names: tuple[str, str]) -> Comparison:
    """`compare` for one seed, with any number of problems: of many, those that differ are drawn by their counts alone.

    Raises:
        ValueError: as `compare`.
    """
    if len(a) <= _DRAWN_SINGLY or len(a) != len(b):
        return compare({0: a}, {0: b}, names)
    import numpy as np

    both = list(zip(a, b, strict=True))
    only_a, only_b, problems = both.count(("1", "0")), both.count(("0", "1")), len(both)
    if only_a + only_b > 0 and problems not in (only_a, only_b):
        odds = only_a / problems, only_b / problems, 1 - (only_a + only_b) / problems
        drawn = np.random.default_rng([2, problems]).multinomial(problems, odds, size=RESAMPLES)
        sums, tail = np.sort(drawn[:, 0] - drawn[:, 1]), RESAMPLES // 40
        found = Interval((only_a - only_b) / problems, float(sums[tail - 1]) / problems, float(sums[-tail]) / problems)
    else:
        found = _everywhere(np.array([[(only_a - only_b) // problems] * problems], dtype=np.int8))
    return Comparison(*names, 1, found.mean, found.low, found.high, mcnemar(only_a, only_b), only_a, only_b)


def _everywhere(difference: NDArray[int8]) -> Interval:
    same, unseen = float(difference[0, 0]), accuracy(0, difference.shape[1]).high
    return Interval(same, max(-1.0, same - unseen), min(1.0, same + unseen))


def mcnemar(only_a: int, only_b: int) -> float:
    """The two-sided p of McNemar's exact test; `only_a` and `only_b` count answers that only one arm has right."""
    discordant = only_a + only_b
    tail = sum(comb(discordant, count) for count in range(min(only_a, only_b) + 1))
    return min(1.0, 2 * tail / 2**discordant)


def _answers(rights: Sequence[str]) -> NDArray[int8]:
    """Seeds × problems."""
    import numpy as np

    lengths = {len(right) for right in rights}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(f"answers to {sorted(lengths)} test problems: every seed answers the same ones, at least one")
    if strange := set("".join(rights)) - {"0", "1"}:
        raise ValueError(f"{min(strange)!r} among the answers: a right one is 1, a wrong one 0")
    return np.array([[int(digit) for digit in right] for right in rights], dtype=np.int8)


def _bootstrap(values: NDArray[int8]) -> Interval:
    """The bootstrap of the mean over seeds × problems of -1, 0 or 1. Sums are integers below 2^24, exact in float32."""
    import numpy as np

    seeds, problems = values.shape
    by_problem = values.T.astype(np.float32)
    blocks = zip(_draws(problems, stream=0), _draws(seeds, stream=1), strict=True)
    sums = np.sort(np.concatenate([((drawn @ by_problem) * of_seeds).sum(axis=1) for drawn, of_seeds in blocks]))
    tail = RESAMPLES // 40
    low, high = float(sums[tail - 1]), float(sums[-tail])
    return Interval(int(values.sum()) / values.size, low / values.size, high / values.size)


@lru_cache(maxsize=4)
def _draws(units: int, stream: int) -> list[NDArray[int16]]:
    """Blocks of resamples × units: how often each unit is drawn. Cached, since all pairs of arms use the same."""
    import numpy as np

    random, share = np.random.default_rng([stream, units]), np.full(units, 1 / units)
    return [random.multinomial(units, share, size=BLOCK).astype(np.int16) for _ in range(RESAMPLES // BLOCK)]
