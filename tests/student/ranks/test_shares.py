import random

import pytest

from tests.student.steps import dataset_of
from tutelage.records import Problem
from tutelage.student.ranks.orders import share
from tutelage.student.training.shares import Share, deal


def test_rows_are_dealt_out_by_tokens():
    assert deal([7, 5, 4, 2, 1], 2) == [[0, 3, 4], [1, 2]]
    assert deal([3], 3) == [[0], [], []]
    assert deal([], 2) == [[], []]


@pytest.mark.parametrize("ranks", [1, 2, 3, 8])
def test_each_row_is_computed_once_and_no_rank_has_much_more_than_another(ranks):
    sizes = [random.Random(ranks).randrange(1, 300) for _ in range(101)]
    dealt = deal(sizes, ranks)
    assert sorted(n for own in dealt for n in own) == list(range(101))
    loads = [sum(sizes[n] for n in own) for own in dealt]
    assert max(loads) - min(loads) <= max(sizes)


@pytest.mark.parametrize("size", [2, 3, 7])
def test_all_shares_of_a_step_are_the_step(student, size):
    dataset = dataset_of(student)
    dataset.micro_batch_tokens = 150
    whole = dataset[0]
    parts = []
    for rank in range(size):
        dataset.share = Share(rank, size)
        parts.append(dataset[0])
    for count in ("questions", "targets", "pairs"):
        assert {getattr(part, count) for part in parts} == {getattr(whole, count)}, "counts are the whole batch's"
    assert sum(len(micro.loss_positions.pairs) for part in parts for micro in part.micro_batches) == whole.pairs
    assert weight_of(*parts) == pytest.approx(weight_of(whole))
    assert all(not part.idle for part in parts)


def weight_of(*steps) -> float:
    """Of all that is predicted; a prefix that rows share is predicted once, with the weight of all of them."""
    passes = [micro for step in steps for micro in step.micro_batches]
    return sum(weight for micro in passes for _, _, weight in micro.loss_positions.targets)


@pytest.mark.parametrize("size", [2, 3, 7])
def test_where_passes_must_be_as_many_everywhere_some_are_idle(student, size):
    dataset = dataset_of(student)
    dataset.micro_batch_tokens = 1
    counts = []
    for rank in range(size):
        dataset.share = Share(rank, size, even=True)
        counts.append((len(dataset[0].micro_batches), len(dataset[0].idle)))
    assert sum(own for own, _ in counts) == 4
    assert len({own + idle for own, idle in counts}) == 1


def test_problems_are_dealt_out_once_each():
    problems = [Problem.of("x" * (1 + n * 7 % 13), "1") for n in range(11)]
    shares = [share(problems, rank, 3) for rank in range(3)]
    assert sorted(place for own in shares for place in own) == list(range(11))
    lengths = [sum(len(problems[place].text) for place in own) for own in shares]
    assert max(lengths) - min(lengths) <= 13
