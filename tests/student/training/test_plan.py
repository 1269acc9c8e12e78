from hypothesis import given
from hypothesis import strategies as st

from tests.work import calls
from tutelage.records import Problem, TrainingExample
from tutelage.student.training.plan import _distinct_batches, training_plan
from tutelage.student.training.reflection import Preference, Triplet


def example(question: int, anchor: str = "a", positives: tuple[str, ...] = (), negatives: tuple[str, ...] = ()):
    return TrainingExample(Problem.of(f"question {question}", "1"), anchor, positives, negatives)


@given(
    questions=st.lists(st.integers(0, 12), min_size=1, max_size=40),
    size=st.integers(1, 8),
    seed=st.integers(0, 3),
)
def test_every_epoch_has_every_example_once_and_no_batch_a_question_twice(questions, size, seed):
    examples = [example(question, str(n)) for n, question in enumerate(questions)]
    for epoch in training_plan(examples, epochs=3, batch_size=size, seed=seed):
        assert sorted(row.example for batch in epoch for row in batch) == list(range(len(examples)))
        for batch in epoch:
            asked = [examples[row.example].problem.id for row in batch]
            assert len(set(asked)) == len(asked) <= size


def batches_one_by_one(examples, order, size):
    """The definition: what does not fit waits at the end of the queue, which is gone through again for every batch."""
    batches, waiting = [], list(order)
    while waiting:
        batch, passed, seen = [], [], 0
        for index in waiting:
            if len(batch) == size:
                break
            seen += 1
            taken = examples[index].problem.id in {examples[other].problem.id for other in batch}
            (passed if taken else batch).append(index)
        batches.append(batch)
        waiting = waiting[seen:] + passed
    return batches


@given(questions=st.lists(st.integers(0, 6), max_size=60), size=st.integers(1, 8), data=st.data())
def test_batches_are_those_of_the_definition(questions, size, data):
    examples = [example(question, str(n)) for n, question in enumerate(questions)]
    order = data.draw(st.permutations(range(len(examples))))
    assert _distinct_batches(examples, order, size) == batches_one_by_one(examples, order, size)


def test_thousands_of_rows_of_one_question_take_no_longer_each():
    def work(rows):
        examples = [example(n % 2, str(n)) for n in range(rows)]
        return calls(lambda: training_plan(examples, epochs=1, batch_size=16, seed=0))

    assert work(4000) < 4.5 * work(1000)


def test_batches_are_full_while_questions_differ():
    plan = training_plan([example(n) for n in range(10)], epochs=1, batch_size=4, seed=0)
    assert [len(batch) for batch in plan[0]] == [4, 4, 2]


def test_draws_come_from_the_example_and_change_between_epochs():
    one = example(1, "a", ("p1", "p2", "p3"), ("n1", "n2", "n3"))
    plan = training_plan([one], epochs=30, batch_size=1, seed=0, draw=Triplet(1.0).draw)
    positives, negatives = zip(*(epoch[0][0].compared for epoch in plan), strict=True)
    assert set(positives) == {"p1", "p2", "p3"}
    assert set(negatives) == {"n1", "n2", "n3"}
    plan = training_plan([one], epochs=30, batch_size=1, seed=0, draw=Preference(0.1).draw)
    assert {epoch[0][0].compared for epoch in plan} == {("n1",), ("n2",), ("n3",)}


def test_what_a_row_lacks_for_a_comparison():
    examples = [example(1, "a", ("p",)), example(2, "a", (), ("n",)), example(3, "a", ("p",), ("n",))]

    def compared(draw):
        (batch,) = training_plan(examples, epochs=1, batch_size=3, seed=0, draw=draw)[0]
        return {row.example: row.compared for row in batch}

    assert compared(Triplet(1.0).draw) == {0: (), 1: (), 2: ("p", "n")}
    assert compared(Preference(0.1).draw) == {0: (), 1: ("n",), 2: ("n",)}  # a mistake is enough
    assert compared(None) == {0: (), 1: (), 2: ()}


@given(examples=st.integers(1, 12), rows=st.integers(1, 40), size=st.integers(1, 5))
def test_rows_are_cut_in_the_last_pass(examples, rows, size):
    asked = [example(n) for n in range(examples)]
    plan = training_plan(asked, epochs=99, batch_size=size, seed=0, rows=rows)
    micro_batches = [[row.example for batch in each for row in batch] for each in plan]
    assert sum(map(len, micro_batches)) == rows
    assert all(sorted(each) == list(range(examples)) for each in micro_batches[:-1])
    assert 0 < len(set(micro_batches[-1])) == len(micro_batches[-1]) <= examples
    assert training_plan(asked, epochs=2, batch_size=size, seed=0) == training_plan(
        asked, epochs=1, batch_size=size, seed=0, rows=2 * examples
    )


def test_the_seed_decides():
    examples = [example(n) for n in range(20)]
    plans = [training_plan(examples, epochs=2, batch_size=4, seed=seed) for seed in (1, 1, 2)]
    assert plans[0] == plans[1] != plans[2]
    assert plans[0][0] != plans[0][1]
