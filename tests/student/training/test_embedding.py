"""The gradient of the token embedding in bfloat16 is a sum in float32; where it is frozen, nothing is done."""

import copy
import random

import pytest
import torch

from tests.student.architectures import CONFIGS, HEADS, SMALL, UNPACKABLE, build, tiny
from tests.student.definition import WEIGHT, apart
from tutelage.student.training.embedding import embedding_summed_wide
from tutelage.student.training.micro_batch import as_rows, as_tree, micro_batch_losses
from tutelage.student.training.packing import ExampleGroup

PAD, OFTEN, SELDOM, TIMES = 0, 7, 8, 4096
NARROW = torch.bfloat16


def embedded(model, ids_RT):
    with embedding_summed_wide(model):
        return model.get_input_embeddings()(ids_RT)


def hooks(model):
    embedding = model.get_input_embeddings()
    return len(embedding._forward_hooks) + len(embedding._forward_pre_hooks)


@pytest.mark.parametrize("config", [*CONFIGS.values(), UNPACKABLE], ids=[*CONFIGS, "bloom"])
def test_a_frequent_token_gets_the_sum_of_all_its_places(config):
    model = build(config, NARROW)
    embedding = model.get_input_embeddings()
    ids_RT = torch.tensor([[OFTEN] * TIMES, [SELDOM] + [PAD] * (TIMES - 1)])
    out_RTD = embedded(model, ids_RT)
    assert torch.equal(out_RTD, embedding(ids_RT))  # a scale is kept, too
    out_RTD.sum().backward()
    slope_VD = embedding.weight.grad
    scale = float(getattr(embedding, "embed_scale", torch.ones(())).to(NARROW))
    assert (slope_VD[SELDOM] == scale).all()
    assert (slope_VD[OFTEN] == TIMES * scale).all()
    assert (slope_VD[PAD] == (0 if embedding.padding_idx == PAD else TIMES * scale)).all()
    assert (slope_VD[SELDOM + 1 :] == 0).all()


def test_pytorch_by_itself_stops_at_256():
    """What the sum in float32 is there for. If this fails, embedding.py has no use any more."""
    model = tiny("llama", NARROW)
    embedding = model.get_input_embeddings()
    embedding(torch.full((1, TIMES), OFTEN)).sum().backward()
    assert (embedding.weight.grad[OFTEN] == 256).all()


def skewed(tokens):
    """Questions of so many tokens in all; a few tokens are most of them, as in any text."""
    draw = random.Random(0)
    often = [1 / rank**1.2 for rank in range(1, SMALL["vocab_size"] - 1)]

    def some(count):
        return tuple(draw.choices(range(2, SMALL["vocab_size"]), often, k=count))

    return [ExampleGroup(some(20), some(30), (some(25), some(25))) for _ in range(tokens // 100)]


@pytest.mark.parametrize("make", [as_tree, as_rows])
@pytest.mark.parametrize("tied", [True, False])
def test_the_gradient_of_a_pass_is_near_that_in_float32(tied, make):
    config = type(CONFIGS["llama"])(**SMALL, **(HEADS | {"initializer_range": 0.1}), tie_word_embeddings=tied)
    narrow = build(config, NARROW)
    exact = copy.deepcopy(narrow).float()
    micro_batch = make(skewed(4200), WEIGHT)
    for model in (narrow, exact):
        micro_batch_losses(model, micro_batch, None).lm.backward()
    found, right = (model.get_input_embeddings().weight.grad.float() for model in (narrow, exact))
    assert apart(found, right) < 0.01
    assert hooks(narrow) == 0


@pytest.mark.parametrize("case", ["frozen", "float32", "float64", "no gradient"])
def test_nothing_is_done_where_nothing_is_to_be_gained(case):
    model = tiny("llama", getattr(torch, case, NARROW))
    model.get_input_embeddings().weight.requires_grad_(case != "frozen")
    with torch.set_grad_enabled(case != "no gradient"), embedding_summed_wide(model):
        assert hooks(model) == 0


def test_the_model_is_as_before_when_a_pass_fails():
    model = tiny("llama", NARROW)
    with pytest.raises(IndexError):
        embedded(model, torch.tensor([[SMALL["vocab_size"]]]))
    assert hooks(model) == 0
