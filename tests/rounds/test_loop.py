import pytest

from tutelage.config import RoundsConfig
from tutelage.records import Accuracy, Feedback, RoundResult, TeacherSummary, TrainingSummary, Usage, Verdict
from tutelage.rounds.loop import _spending, best_round, plateau
from tutelage.rounds.stages import Teaching


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


def test_a_reply_that_is_found_again_is_counted_once():
    """In the same round, for a question that two problems share, and in a later one, for the mistake of then."""

    def reply(*keys: str) -> Feedback:
        usage = Usage(len(keys), 100 * len(keys), 10 * len(keys), 0.5 * len(keys))
        return Feedback("p", 0, None, "Text.", Verdict(True, "1", ""), usage, keys)

    counted = set[str]()
    first = _spending(Teaching((reply("a", "b"), reply("c"), reply("c")), (), False), counted)
    assert (first.requests, first.prompt_tokens, first.cost_usd, first.replies_used) == (3, 300, 1.5, 3)
    second = _spending(Teaching((reply("a", "b"),), (reply("d"),), False), counted)
    assert (second.requests, second.completion_tokens, second.cost_usd) == (1, 10, 0.5)
