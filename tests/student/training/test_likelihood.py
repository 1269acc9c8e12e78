"""How likely the student finds rationales: each against the slow definition, however it is computed."""

import pytest

from tests.student.definition import slow_log_likelihood
from tests.student.doubles import EXACT, rounding
from tests.student.lesson import EXAMPLES, changed, lessons_of
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
        student, None, True, rounding(student.model, lessons_of(student, PREFERENCE, MORE).row_tokens)
    )


def assert_is_the_students_own(student, limit, tree, bound):
    lessons = lessons_of(student, PREFERENCE.model_copy(update={"pass_tokens": limit}), MORE)
    lessons.tree = tree
    found = reference(student.model, lessons)
    assert len(found) == 4 + 6  # anchors with a mistake, and all their mistakes, each once behind its question
    for (prompt, rationale), logp in found.items():
        assert logp == pytest.approx(slow_log_likelihood(student.model, prompt, rationale).item(), rel=bound)
    lessons.references = found
    paired = [family for step in lessons.steps() for family in step if family.pair]
    assert all(family.reference == tuple(found[family.prompt, b] for b in family.branches) for family in paired)
    assert len({family.pair for family in paired}) == 6


def test_a_loss_without_likelihoods_needs_no_reference(student):
    assert reference(student.model, lessons_of(student)) == {}
    assert reference(student.model, lessons_of(student, changed(reflection="none"))) == {}
    assert reference(student.model, lessons_of(student, PREFERENCE, EXAMPLES[1:2])) == {}  # nobody made a mistake


def test_dropout_has_no_part_in_it(student):
    lessons = lessons_of(student)
    rows = [(row.prompt, row.completion) for _, row in lessons.anchors]
    for layer in student.model.model.layers:
        layer.self_attn.attention_dropout = 0.9
    expected = likelihoods(student.model.eval(), lessons, rows)
    assert likelihoods(student.model.train(), lessons, rows) == expected
    assert student.model.training
