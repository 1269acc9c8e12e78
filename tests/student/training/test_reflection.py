"""Self-reflection by preference against the slow definition, for every architecture, packed and padded."""

from dataclasses import replace
from functools import cache
from math import log

import pytest
import torch

from tests.student.architectures import CONFIGS, UNPACKABLE, build, tiny
from tests.student.definition import (
    FAMILIES,
    MARGIN,
    PREFIX,
    WEIGHT,
    against_mistakes,
    apart,
    behind,
    gradient,
    slow_losses,
    slow_preference,
)
from tests.student.doubles import EXACT, rounding
from tests.student.steps import changed
from tests.student.training.test_micro_batch import COHERE, GEMMA2, GRANITE, with_adapters
from tutelage.student.training.micro_batch import as_rows, as_tree, last_hidden, log_likelihoods, micro_batch_losses
from tutelage.student.training.packing import ExampleGroup, pack_groups
from tutelage.student.training.reflection import Preference, Triplet, reflection_of

BETA = 0.05
PREFERENCE = Preference(BETA)
ARCHITECTURES = pytest.mark.parametrize("name", CONFIGS)


def questions(prefix=PREFIX):
    return against_mistakes(behind(prefix))


def found(model, micro_batches, reflection=PREFERENCE):
    """Sums of L_LM, L_SR, near and far over the passes."""
    each = [micro_batch_losses(model, micro_batch, reflection) for micro_batch in micro_batches]
    return [sum(getattr(losses, name) for losses in each) for name in ("lm", "reflection", "near", "far")]


def ways(groups, limits=(1, 60, 10_000)):
    """Every way of computing them: packs of a question, of some and of all, and rows in one pass and in two."""
    trees = [[as_tree(pack, WEIGHT) for pack in pack_groups(groups, limit)] for limit in limits]
    rows = [[as_rows(groups, WEIGHT)], [as_rows(groups[:2], WEIGHT), as_rows(groups[2:], WEIGHT)]]
    return trees, rows


@cache
def expected(model, prefix=PREFIX):
    """Value and gradient of each loss by the definition, and near and far."""
    groups = questions(prefix)
    lm, _ = slow_losses(model, behind(prefix))
    preference, near, far = slow_preference(model, groups, BETA)
    return [(loss.item(), gradient(model, loss)) for loss in (lm, preference)], near, far


def assert_is_the_definition(model, prefix, tree=True, limits=(1, 60, 10_000), bound=EXACT):
    right, near, far = expected(model, prefix)
    trees, rows = ways(questions(prefix), limits)
    for micro_batches in (trees if tree else []) + rows:
        lm, preference, *seen = found(model, micro_batches)
        for loss, (value, slope) in zip((lm, preference), right, strict=True):
            assert loss.item() == pytest.approx(value, rel=bound)
            assert apart(gradient(model, loss), slope) < bound
        assert [value.item() for value in seen] == pytest.approx([near, far], rel=bound)
        assert not any(value.requires_grad for value in seen)


@ARCHITECTURES
@pytest.mark.parametrize("prefix", [pytest.param((), marks=pytest.mark.slow), PREFIX], ids=["no prefix", "few-shot"])
def test_preference_and_its_gradient_are_those_of_the_definition_however_it_is_computed(name, prefix):
    assert_is_the_definition(tiny(name), prefix)


def test_in_float32_too_as_near_as_its_sums_let_it():
    model = tiny("llama", torch.float32)
    assert_is_the_definition(model, PREFIX, bound=rounding(model, as_rows(questions(), WEIGHT).tokens))


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_with_adapters_too(name):
    assert_is_the_definition(with_adapters(name), PREFIX, limits=(10_000,))


@pytest.mark.parametrize("config", [GEMMA2, GRANITE, COHERE], ids=lambda config: config.model_type)
def test_and_with_logits_that_are_more_than_the_output_layers(config):
    assert_is_the_definition(build(config), PREFIX, limits=(10_000,))


def test_and_for_a_model_that_cannot_be_packed():
    assert_is_the_definition(build(UNPACKABLE), PREFIX, tree=False)


def test_a_bias_of_the_output_layer_counts():
    model = tiny("llama")
    head = torch.nn.Linear(32, 60, dtype=torch.float64)
    model.set_output_embeddings(head)
    with torch.no_grad():
        head.bias.normal_()
    assert_is_the_definition(model, PREFIX, limits=(10_000,))


def test_prompts_that_weigh_nothing_leave_the_preference_as_it_is():
    model, groups = tiny("llama"), questions()
    loss, near, far = slow_preference(model, groups, BETA)
    for micro_batch in (as_tree(groups, 0.0), as_rows(groups, 0.0)):
        _, *values = found(model, [micro_batch])
        assert [value.item() for value in values] == pytest.approx([loss.item(), near, far], rel=EXACT)


def test_a_student_that_is_its_own_reference_has_gained_nothing():
    model = tiny("llama")
    paired = [group for group in questions() if group.pair]
    values = log_likelihoods(model, as_tree(paired, WEIGHT))
    own = [replace(group, reference=tuple(logp)) for group, logp in zip(paired, values, strict=True)]
    _, loss, near, far = found(model, [as_tree(own, WEIGHT)])
    assert loss.item() == pytest.approx(len(own) * log(2), rel=EXACT)
    assert (near.item(), far.item()) == pytest.approx((0, 0), abs=EXACT)


@pytest.mark.parametrize("make", [as_tree, as_rows])
def test_near_and_far_of_the_triplet_are_the_cosines(make):
    model, paired = tiny("llama"), [group for group in FAMILIES if group.pair]
    losses = micro_batch_losses(model, make(FAMILIES, WEIGHT), Triplet(MARGIN))
    near = far = torch.zeros(())
    for group in paired:
        rows = [as_rows([ExampleGroup(group.prompt, branch, None)], 1.0) for branch in group.branches]
        anchor, positive, negative = (last_hidden(model, row)[-1] for row in rows)
        near = near + torch.cosine_similarity(anchor, positive, dim=0)
        far = far + torch.cosine_similarity(anchor, negative, dim=0)
    assert [losses.near.item(), losses.far.item()] == pytest.approx([near.item(), far.item()], rel=EXACT)
    assert not losses.near.requires_grad
    in_force = len(paired) * MARGIN - near + far  # a margin of 2 keeps every triplet in force
    assert losses.reflection.item() == pytest.approx(in_force.item(), rel=EXACT)


@pytest.mark.parametrize("reflection", [PREFERENCE, Triplet(MARGIN), None])
def test_without_pairs_there_is_nothing_to_compare(reflection):
    alone = [group for group in questions() if group.pair is None]
    for micro_batch in (as_tree(alone, WEIGHT), as_rows(alone, WEIGHT)):
        _, *nothing = found(tiny("llama"), [micro_batch], reflection)
        assert [value.item() for value in nothing] == [0, 0, 0]


def test_the_settings_choose():
    assert reflection_of(changed(margin=0.7)) == Triplet(0.7)
    assert reflection_of(changed(reflection="preference", beta=0.3)) == Preference(0.3)
    assert reflection_of(changed(reflection="none")) is None
    assert reflection_of(changed(reflection_weight=0.0)) is None
    assert reflection_of(changed(reflection="preference", reflection_weight=0.0)) is None
