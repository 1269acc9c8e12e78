"""Every question once and in one split; what is held out or drawn follows from content and seed alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.config import TaskConfig
from tutelage.errors import ConfigError, DataError
from tutelage.records import SPLITS, Problem
from tutelage.tasks.splits import Source, build_task, deduplicate, divide, without_leaks


def problem(number, answer=None):
    return Problem.of(f"What is {number} + 0?", str(number if answer is None else answer))


def build(rows, asked, held=None, **settings):
    config = TaskConfig(name="sums", **settings)
    return build_task(config, "number", (), Source(rows, asked, held), origin="here.jsonl")


TRAIN = [problem(number) for number in range(100)]
TEST = [problem(number) for number in range(100, 130)]


def test_validation_is_held_out_of_train_in_file_order():
    task = build(TRAIN, TEST, validation=10)
    train, validation = task.problems("train"), task.problems("validation")
    assert (len(train), len(validation), len(task.problems("test"))) == (90, 10, 30)
    assert sorted([*train, *validation], key=TRAIN.index) == TRAIN
    assert list(train) == sorted(train, key=TRAIN.index)
    assert build(TRAIN, TEST, validation=0.1).problems("validation") == validation
    assert build(TRAIN, TEST, validation=10.0).problems("validation") == validation
    assert build(TRAIN, TEST, validation=10, seed=1).problems("validation") != validation


def test_a_new_row_moves_at_most_itself():
    before = set(build(TRAIN, TEST, validation=10).problems("validation"))
    after = set(build([problem(999), *reversed(TRAIN)], TEST, validation=10).problems("validation"))
    assert len(before - after) <= 1


def test_limits_draw_subsets_and_leave_the_other_splits_alone():
    whole, few = build(TRAIN, TEST, validation=10), build(TRAIN, TEST, validation=10, train=20, test=5)
    assert few.problems("validation") == whole.problems("validation")
    for split, size in (("train", 20), ("test", 5)):
        drawn = few.problems(split)
        assert len(drawn) == size
        assert [p for p in whole.problems(split) if p in drawn] == list(drawn)
    more = build(TRAIN, TEST, validation=10, train=30)
    assert set(few.problems("train")) < set(more.problems("train"))


def test_repeats_conflicts_and_leaks_are_dropped_and_told():
    train = [problem(1), problem(2), problem(1), problem(2, answer=7), problem(3), problem(4), problem(100), problem(5)]
    test = [problem(100), problem(101), problem(100)]
    task = build(train, test, held=[problem(4), problem(101), problem(6)])
    assert [p.answer for p in task.problems("train")] == ["1", "2", "3", "5"]
    assert [p.answer for p in task.problems("validation")] == ["4", "6"]
    assert [p.answer for p in task.problems("test")] == ["100", "101"]
    report = task.report
    assert report.read == {"train": 8, "validation": 3, "test": 3}
    assert report.repeats == {"train": 2, "validation": 0, "test": 1}
    assert report.leaks == 3
    assert [(conflict.kept, conflict.dropped) for conflict in report.conflicts] == [("2", "7")]
    dropped = "questions left out: 3 repeated, 3 that a later split asks, too"
    assert report.told == (f"{dropped}; 1 came with another answer, and the first stays",)
    assert build(TRAIN, TEST, validation=10).report.told == ()
    assert build([*TRAIN, TRAIN[0]], TEST, validation=10).report.told == ("questions left out: 1 repeated",)


def test_white_space_does_not_make_a_question_another():
    same = [Problem.of("How  many? ", "1"), Problem.of(" How many?", "1")]
    assert len(deduplicate(same)[0]) == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"validation": 100}, r"validation takes 100 of 100 training problems, so nothing is left to train"),
        ({"validation": 0.999}, r"validation takes 100 of 100"),
        ({"validation": 10, "train": 91}, r"91 train problems are asked for, but there are 90"),
        ({"test": 31}, r"31 test problems are asked for, but there are 30"),
    ],
)
def test_sizes_that_cannot_be_had_are_data_errors(settings, message):
    with pytest.raises(DataError, match=f"here.jsonl: {message}"):
        build(TRAIN, TEST, **settings)


@pytest.mark.parametrize(
    ("train", "test", "validation", "message"),
    [
        ([], TEST, None, "the train split is empty"),
        (TRAIN, [], None, "the test split is empty"),
        (TRAIN, TEST, [TEST[0]], "the validation split is empty"),
        (TEST, TEST, None, "nothing is left to train"),
    ],
)
def test_empty_splits_are_data_errors(train, test, validation, message):
    with pytest.raises(DataError, match=message):
        build(train, test, validation)


def test_half_a_problem_is_a_config_error():
    with pytest.raises(ConfigError, match="give a number of problems such as 100, or a share below 1"):
        build(TRAIN, TEST, validation=2.5)


def test_a_given_validation_split_is_kept_or_drawn_from():
    given_split = [problem(number) for number in range(200, 240)]
    assert build(TRAIN, TEST, given_split, validation=0.1).problems("validation") == tuple(given_split)
    assert len(build(TRAIN, TEST, given_split, validation=7).problems("validation")) == 7
    with pytest.raises(DataError, match="50 validation problems are asked for, but there are 40"):
        build(TRAIN, TEST, given_split, validation=50)


def test_an_unknown_split_is_a_config_error():
    with pytest.raises(ConfigError, match="unknown split 'dev'; the splits are train, validation, test"):
        build(TRAIN, TEST).problems("dev")


NUMBERS = st.lists(st.integers(0, 40), max_size=40)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_no_question_is_lost_or_stands_twice(train, validation, test):
    parts = {
        name: deduplicate([problem(number) for number in numbers])[0]
        for name, numbers in zip(SPLITS, (train, validation, test), strict=True)
    }
    kept = without_leaks(parts)
    everywhere = [p.answer for split in SPLITS for p in kept[split]]
    assert sorted(everywhere) == sorted({str(number) for number in (*train, *validation, *test)})
    assert kept["test"] == parts["test"]


@given(st.integers(0, 100), st.text(max_size=10))
def test_dividing_keeps_all_and_their_order(count, salt):
    rest, drawn = divide(TRAIN, count, salt)
    assert len(drawn) == count
    assert sorted([*rest, *drawn], key=TRAIN.index) == TRAIN
