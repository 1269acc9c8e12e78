"""How likely the student finds rationales: each against the slow definition, however it is computed."""

import pytest

from tests.student.definition import slow_log_likelihood
from tests.student.doubles import EXACT, rounding
from tests.student.steps import EXAMPLES, changed, dataset_of
from tutelage.records import Problem, TrainingExample
from tutelage.student.training.likelihood import likelihoods, reference

MORE = [
    *EXAMPLES,
    TrainingExample(Problem.of("7?", "7"), "Seven.", (), ("Six.", "Sixty.", "Seventeen of them.")),
    TrainingExample(EXAMPLES[0].problem, "3, of course.", (), ("1 + 2 = 4.", "12.")),
]
PREFERENCE = changed(reflection="preference", epochs=12, batch_size=3)


@pytest.mark.parametrize("tree", [True, False], ids=["packed", "padded"])
@pytest.mark.parametrize("limit", [1, 120, None])
def test_the_reference_is_the_students_own_before_its_first_step(exact, limit, tree):
    assert_is_the_students_own(exact, limit, tree, EXACT)


def test_in_float32_too_as_near_as_its_sums_let_it(student):
    assert_is_the_students_own(
        student, None, True, rounding(student.model, dataset_of(student, PREFERENCE, MORE).row_tokens)
    )


def assert_is_the_students_own(student, limit, tree, bound):
    dataset = dataset_of(student, PREFERENCE.model_copy(update={"micro_batch_tokens": limit}), MORE)
    dataset.tree = tree
    found = reference(student.model, dataset)
    assert len(found) == 4 + 6  # anchors with a mistake, and all their mistakes, each once behind its question
    for (prompt, rationale), logp in found.items():
        assert logp == pytest.approx(slow_log_likelihood(student.model, prompt, rationale).item(), rel=bound)
    dataset.references = found
    paired = [group for step in dataset.steps() for group in step if group.pair]
    assert all(group.reference == tuple(found[group.prompt, b] for b in group.branches) for group in paired)
    assert len({group.pair for group in paired}) == 6


@pytest.mark.parametrize("tree", [True, False], ids=["packed", "padded"])
def test_a_question_with_many_rationales_takes_no_more_tokens_at_once_than_a_step(student, monkeypatch, tree):
    limit, computed = 100, []
    dataset = dataset_of(student, PREFERENCE.model_copy(update={"micro_batch_tokens": limit}), MORE)
    dataset.tree = tree
    prompt, micro_batch = next(row.prompt for _, row in dataset.anchors), dataset.micro_batch

    def noted(packed):
        computed.append(micro_batch(packed))
        return computed[-1]

    monkeypatch.setattr(dataset, "micro_batch", noted)
    rows = [(prompt, (20 + n, 50, 51)) for n in range(60)]
    found = likelihoods(student.model, dataset, rows)
    assert {*found} == {*rows}
    assert max(each.tokens for each in computed) <= limit
    assert found[rows[-1]] == pytest.approx(slow_log_likelihood(student.model, *rows[-1]).item(), rel=1e-4)


def test_a_loss_without_likelihoods_needs_no_reference(student):
    assert reference(student.model, dataset_of(student)) == {}
    assert reference(student.model, dataset_of(student, changed(reflection="none"))) == {}
    assert reference(student.model, dataset_of(student, PREFERENCE, EXAMPLES[1:2])) == {}  # nobody made a mistake


def test_dropout_has_no_part_in_it(student):
    dataset = dataset_of(student)
    rows = [(row.prompt, row.completion) for _, row in dataset.anchors]
    for layer in student.model.model.layers:
        layer.self_attn.attention_dropout = 0.9
    expected = likelihoods(student.model.eval(), dataset, rows)
    assert likelihoods(student.model.train(), dataset, rows) == expected
    assert student.model.training
