"""The triplet at the tokens that differ, in a middle layer: against the slow definition, packed and padded."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.student.architectures import CONFIGS, UNPACKABLE, tiny
from tests.student.definition import FAMILIES, MARGIN, PREFIX, WEIGHT, apart, behind, gradient, triplet
from tests.student.doubles import EXACT
from tutelage.config import TrainingConfig
from tutelage.student.training.differences import unshared
from tutelage.student.training.micro_batch import as_rows, as_tree, micro_batch_losses
from tutelage.student.training.packing import ExampleGroup, pack_groups
from tutelage.student.training.reflection import Triplet, reflection_of

DIFFERENT = [
    ExampleGroup((7, 8, 9), (20, 21, 22, 23, 1), ((20, 24, 22, 23, 1), (20, 21, 25, 26, 1))),
    *FAMILIES[:2],
]


def test_tokens_that_the_other_has_not():
    right, wrong = (3, 4, 12, 2, 5, 10, 1), (3, 4, 13, 2, 5, 11, 9, 1)
    assert unshared(right, wrong) == [2, 5]
    assert unshared(wrong, right) == [2, 5, 6]
    assert unshared((3, 4, 1), (3, 4, 5, 1)) == [2], "nothing differs here: the end stands for it"


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.lists(st.integers(0, 3), min_size=1, max_size=12))
def test_what_is_shared_stands_in_the_other_in_this_order(one, other):
    apart_from = unshared(tuple(one), tuple(other))
    assert apart_from
    assert apart_from == sorted(set(apart_from))
    rest = iter(other)
    assert all(token in rest for place, token in enumerate(one) if place not in apart_from)


def slow(model, groups, looking):
    """The loss, one row at a time."""

    def state(prompt, rationale, places):
        output = model(torch.tensor([prompt + rationale]), output_hidden_states=True)
        layers = len(output.hidden_states) - 1
        hidden_TD = output.hidden_states[-1 if looking.layer == 1 else max(1, round(looking.layer * layers))][0]
        return sum(hidden_TD[len(prompt) + place] for place in places) / len(places)

    loss = torch.zeros(())
    for group in groups:
        if group.pair:
            *right, wrong = group.branches
            if looking.at == "end":
                places = [[len(branch) - 1] for branch in group.branches]
            else:
                places = [*(unshared(branch, wrong) for branch in right), unshared(wrong, right[0])]
            states = [state(group.prompt, *each) for each in zip(group.branches, places, strict=True)]
            loss = loss + triplet(*states, MARGIN)
    return loss


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("looking", [Triplet(MARGIN, "differences", 0.5), Triplet(MARGIN, "end", 0.5)], ids=str)
def test_loss_and_gradient_are_those_of_the_definition(name, looking):
    model, groups = tiny(name), behind(PREFIX, DIFFERENT)
    expected = slow(model, groups, looking)
    slope = gradient(model, expected)
    trees = (
        [] if name in UNPACKABLE else [[as_tree(p, WEIGHT) for p in pack_groups(groups, limit)] for limit in (1, 999)]
    )
    for micro_batches in [*trees, [as_rows(groups, WEIGHT)]]:
        found = sum(micro_batch_losses(model, each, looking).reflection for each in micro_batches)
        assert found.item() == pytest.approx(expected.item(), rel=EXACT)
        assert apart(gradient(model, found), slope) < EXACT


def test_in_the_last_layer_the_differences_are_another_loss_than_the_ends():
    model, groups = tiny("llama"), behind(PREFIX, DIFFERENT)
    ends, differences = (Triplet(MARGIN, at) for at in ("end", "differences"))
    assert slow(model, groups, differences).item() != pytest.approx(slow(model, groups, ends).item())
    found = micro_batch_losses(model, as_tree(groups, WEIGHT), differences).reflection
    assert found.item() == pytest.approx(slow(model, groups, differences).item(), rel=EXACT)


def test_the_settings_name_it_and_its_key():
    assert reflection_of(TrainingConfig()) == Triplet(1.0)
    assert Triplet(1.0).key == "triplet 1"
    named = reflection_of(TrainingConfig(triplet_at="differences", triplet_layer=0.5))
    assert named == Triplet(1.0, "differences", 0.5)
    assert named.key == "triplet 1 at differences in 0.5"
