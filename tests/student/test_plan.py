from hypothesis import given
from hypothesis import strategies as st

from tutelage.records import Problem, TrainingExample
from tutelage.student.plan import lesson_plan


def example(question: int, anchor: str = "a", positives: tuple[str, ...] = (), negatives: tuple[str, ...] = ()):
    return TrainingExample(Problem.of(f"question {question}", "1"), anchor, positives, negatives)


@given(
    questions=st.lists(st.integers(0, 12), min_size=1, max_size=40),
    size=st.integers(1, 8),
    seed=st.integers(0, 3),
)
def test_every_epoch_has_every_example_once_and_no_batch_a_question_twice(questions, size, seed):
    examples = [example(question, str(n)) for n, question in enumerate(questions)]
    for epoch in lesson_plan(examples, epochs=3, batch_size=size, seed=seed):
        assert sorted(row.example for batch in epoch for row in batch) == list(range(len(examples)))
        for batch in epoch:
            asked = [examples[row.example].problem.id for row in batch]
            assert len(set(asked)) == len(asked) <= size


def test_batches_are_full_while_questions_differ():
    plan = lesson_plan([example(n) for n in range(10)], epochs=1, batch_size=4, seed=0)
    assert [len(batch) for batch in plan[0]] == [4, 4, 2]


def test_draws_come_from_the_example_and_change_between_epochs():
    one = example(1, "a", ("p1", "p2", "p3"), ("n1", "n2", "n3"))
    rows = [epoch[0][0] for epoch in lesson_plan([one], epochs=30, batch_size=1, seed=0)]
    assert {row.positive for row in rows} == {"p1", "p2", "p3"}
    assert {row.negative for row in rows} == {"n1", "n2", "n3"}


def test_without_a_positive_or_a_negative_there_is_neither():
    examples = [example(1, "a", ("p",)), example(2, "a", (), ("n",))]
    for batch in lesson_plan(examples, epochs=1, batch_size=2, seed=0)[0]:
        assert all(row.positive is None and row.negative is None for row in batch)


def test_the_seed_decides():
    examples = [example(n) for n in range(20)]
    plans = [lesson_plan(examples, epochs=2, batch_size=4, seed=seed) for seed in (1, 1, 2)]
    assert plans[0] == plans[1] != plans[2]
    assert plans[0][0] != plans[0][1]
