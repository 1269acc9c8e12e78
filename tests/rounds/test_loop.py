import pytest

from tutelage.config import RoundsConfig
from tutelage.records import Accuracy, RoundResult, TeacherSummary, TrainingSummary
from tutelage.rounds.loop import best_round, plateau


def results(*shares: float) -> list[RoundResult]:
    training = TrainingSummary(1, 0, 1, 1, 0, 1.0, 1.0, 0.0)
    teacher = TeacherSummary(0, 0, 0, 0, 0.0)
    return [
        RoundResult(n, Accuracy(share, 0, 1, 9), None, teacher, training, {}, 1.0) for n, share in enumerate(shares)
    ]


@pytest.mark.parametrize(
    ("shares", "patience", "gain", "stops"),
    [
        ((0.5,), 1, 0.0, False),
        ((0.5, 0.6), 1, 0.0, False),
        ((0.5, 0.5), 1, 0.0, True),
        ((0.5, 0.4), 2, 0.0, False),
        ((0.5, 0.4, 0.5), 2, 0.0, True),
        ((0.5, 0.4, 0.6), 2, 0.0, False),
        ((0.5, 0.55), 1, 0.1, True),
        ((0.5, 0.65), 1, 0.1, False),
    ],
)
def test_a_plateau(shares, patience, gain, stops):
    assert plateau(results(*shares), RoundsConfig(patience=patience, min_gain=gain)) is stops


def test_the_best_round_is_the_earliest_of_equals():
    assert best_round(results(0.2, 0.6, 0.4, 0.6)) == 1
