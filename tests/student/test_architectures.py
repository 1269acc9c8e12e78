"""The tiny models show what they are there for: order, distance and the window plainly change what they compute."""

import copy

import pytest
import torch

from tests.student.architectures import CONFIGS, build, tiny
from tests.student.definition import apart

ROW = torch.tensor([[7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]])


@torch.no_grad()
def last(model, row=ROW):
    return model(row, output_hidden_states=True).hidden_states[-1][0, -1]


@pytest.mark.parametrize("name", CONFIGS)
def test_the_last_state_depends_on_the_first_token_and_on_the_order(name):
    model = tiny(name)
    other_first, swapped = ROW.clone(), ROW.clone()
    other_first[0, 0] = 40
    swapped[0, [3, 9]] = ROW[0, [9, 3]]
    for row in (other_first, swapped):
        assert apart(last(model, row), last(model)) > 0.01


def test_gemma_has_a_window_that_shows():
    wide = copy.deepcopy(CONFIGS["gemma3"])
    wide.sliding_window = 100
    model, without = build(CONFIGS["gemma3"]), build(wide)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), without.parameters(), strict=True))
    assert apart(last(model), last(without)) > 0.01


@pytest.mark.parametrize("name", CONFIGS)
def test_logits_are_not_those_of_a_few_tokens(name):
    with torch.no_grad():
        probability = tiny(name)(ROW).logits[0].softmax(-1)
    assert len(set(probability.argmax(-1).tolist())) > 1
