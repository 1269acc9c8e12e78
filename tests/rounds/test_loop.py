import pytest

from tutelage.config import RoundsConfig, TrainingConfig
from tutelage.records import Attempt, Exam, Feedback, Verdict
from tutelage.rounds.asking import Teaching
from tutelage.rounds.loop import _nothing_to_teach, best_round, has_something_new, plateau
from tutelage.run_records import Accuracy, RoundResult, TeacherSummary, TrainingSummary


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
        ((0.5, 0.6, 0.5), 2, 0.0, False),
        ((0.5, 0.55), 1, 0.1, True),
        ((0.5, 0.65), 1, 0.1, False),
    ],
)
def test_a_plateau(shares, patience, gain, stops):
    assert plateau(results(*shares), RoundsConfig(patience=patience, min_gain=gain)) is stops


def test_the_best_round_is_the_earliest_of_equals():
    assert best_round(results(0.2, 0.6, 0.4, 0.6)) == 1


RIGHT, WRONG = Verdict(True, "1", ""), Verdict(False, "2", "2 is not 1")


@pytest.mark.parametrize(
    ("replies", "attempts", "rejection_sampling", "expected"),
    [
        ([RIGHT, WRONG], [], "none", True),
        ([WRONG], [], "train", False),  # round 0
        ([WRONG], [(RIGHT, "stop")], "none", False),
        ([WRONG], [(RIGHT, "stop")], "positives", False),
        ([WRONG], [(RIGHT, "stop")], "train", True),
        ([], [(WRONG, "stop"), (RIGHT, "stop")], "train", True),
        ([], [(WRONG, "stop"), (RIGHT, "length")], "train", False),  # it has no end to be learnt
    ],
)
def test_a_round_goes_on_where_there_is_something_new_to_learn(replies, attempts, rejection_sampling, expected):
    teaching = Teaching(tuple(Feedback("p", n, None, "Text.", verdict) for n, verdict in enumerate(replies)), (), False)
    exam = Exam(tuple(Attempt("p", n, "Text.", *found, 3) for n, found in enumerate(attempts)))
    config = TrainingConfig(rejection_sampling=rejection_sampling)
    assert has_something_new(teaching, exam if attempts else None, config) is expected


def test_why_there_was_nothing_to_learn_is_said():
    lost = Feedback("p", 0, None, "", Verdict(False, None, "no reply: 500"), failure="server error")
    assert _nothing_to_teach(1, Teaching((), (lost,), False)).endswith("replies can be used (the first: no reply: 500)")
    assert _nothing_to_teach(1, Teaching((), (), True)) == "the teacher's budget is spent"
    assert _nothing_to_teach(1, Teaching((), (), False)) == "no problem is left to ask about"
