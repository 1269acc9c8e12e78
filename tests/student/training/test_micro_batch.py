"""The two losses of a pass against the slow definition, for every architecture, packed and padded."""

import dataclasses
import warnings
from functools import cache
from math import exp, log

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import Cohere2Config, Gemma2Config, GraniteConfig

from tests.student.architectures import CONFIGS, HEADS, SMALL, UNPACKABLE, build, tiny
from tests.student.definition import (
    FAMILIES,
    MARGIN,
    PREFIX,
    PROMPT_ONLY,
    WEIGHT,
    apart,
    behind,
    gradient,
    slow_losses,
)
from tests.student.doubles import EXACT, rounding
from tests.student.tiny import tiny_student
from tutelage.student.training.micro_batch import (
    as_rows,
    as_tree,
    has_plain_logits,
    last_hidden,
    micro_batch_losses,
    packs_right,
)
from tutelage.student.training.packing import ExampleGroup, Segment, pack_groups
from tutelage.student.training.reflection import Triplet

SLOW = pytest.mark.slow
PREFIXES = pytest.mark.parametrize("prefix", [(), PREFIX], ids=["no prefix", "few-shot"])
ARCHITECTURES = pytest.mark.parametrize("name", CONFIGS)


def packed_losses(model, groups, limit=10_000):
    micro_batches = [as_tree(pack, WEIGHT) for pack in pack_groups(groups, limit)]
    lm, reflection = zip(*(losses(model, micro_batch) for micro_batch in micro_batches), strict=True)
    return sum(lm), sum(reflection)


def padded_losses(model, groups):
    return losses(model, as_rows(groups, WEIGHT))


def losses(model, micro_batch, margin=MARGIN):
    found = micro_batch_losses(model, micro_batch, Triplet(margin))
    return found.lm, found.reflection


def with_adapters(name):
    """The tiny model with LoRA; its second half is random, or the first would have no gradient."""
    model = tiny(name)
    settings = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", fan_in_fan_out=name == "gpt2")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)  # peft's own
        adapted = get_peft_model(model, settings)
    torch.manual_seed(5)
    with torch.no_grad():
        for weight in adapted.parameters():
            if weight.requires_grad:
                weight.copy_(0.2 * torch.randn_like(weight))
    return model


@cache
def expected(name, prefix, lora):
    """A model, and value and gradient of each loss by the definition; L_LM would drown what is wrong with L_SR."""
    model = with_adapters(name) if lora else tiny(name)
    return model, [(loss.item(), gradient(model, loss)) for loss in slow_losses(model, behind(prefix))]


def assert_equal(model, found, right, bound=EXACT):
    for loss, (value, slope) in zip(found, right, strict=True):
        assert loss.item() == pytest.approx(value, rel=bound)
        assert apart(gradient(model, loss), slope) < bound


@ARCHITECTURES
@PREFIXES
@pytest.mark.parametrize("limit", [pytest.param(1, marks=SLOW), 30, 10_000])
def test_packed_losses_and_gradients_are_those_of_the_definition(name, prefix, limit):
    model, right = expected(name, prefix, False)
    assert_equal(model, packed_losses(model, behind(prefix), limit), right)


@ARCHITECTURES
def test_in_float32_they_are_as_near_as_its_sums_let_them(name):
    model, (_, exact) = tiny(name, torch.float32), expected(name, PREFIX, False)
    bound = rounding(model, as_rows(behind(PREFIX), WEIGHT).tokens)
    assert_equal(model, packed_losses(model, behind(PREFIX)), exact, bound)
    assert_equal(model, padded_losses(model, behind(PREFIX)), exact, bound)


@ARCHITECTURES
@PREFIXES
def test_padded_losses_and_gradients_are_those_of_the_definition(name, prefix):
    model, right = expected(name, prefix, False)
    assert_equal(model, padded_losses(model, behind(prefix)), right)


@ARCHITECTURES
@pytest.mark.parametrize("limit", [pytest.param(30, marks=SLOW), 10_000])
def test_with_adapters_too(name, limit):
    model, right = expected(name, PREFIX, True)
    assert right[1][1].norm() > 0
    assert_equal(model, packed_losses(model, behind(PREFIX), limit), right)
    assert_equal(model, padded_losses(model, behind(PREFIX)), right)


@ARCHITECTURES
def test_the_triplet_reaches_the_prompt(name):
    model = tiny(name)
    model.get_input_embeddings().weight.requires_grad_()
    model.get_output_embeddings().weight = torch.nn.Parameter(model.get_output_embeddings().weight.detach().clone())
    _, reflection = packed_losses(model, FAMILIES)
    (slope_VD,) = torch.autograd.grad(reflection, model.get_input_embeddings().weight)
    assert slope_VD[FAMILIES[0].anchor[0]].abs().sum() > 0
    assert slope_VD[PROMPT_ONLY].abs().sum() > 0


def test_questions_without_a_pair_have_no_reflection_loss():
    model = tiny("llama")
    alone = [group for group in FAMILIES if group.pair is None]
    lm, reflection = packed_losses(model, alone)
    assert lm.item() == pytest.approx(slow_losses(model, alone)[0].item(), rel=EXACT)
    assert reflection.item() == 0
    (lm + 0.5 * reflection).backward()  # a loss that is nowhere is still part of the sum


def test_a_single_question_needs_no_neighbours_and_a_prompt_no_second_token():
    model = tiny("llama")
    for alone in (FAMILIES[0], FAMILIES[1], ExampleGroup((46,), (47, 1), ((48, 49, 1), (50, 1)))):
        right = [(loss.item(), gradient(model, loss)) for loss in slow_losses(model, [alone]) if loss.requires_grad]
        for found in (packed_losses(model, [alone]), padded_losses(model, [alone])):
            assert_equal(model, found[: len(right)], right)


@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0])
def test_the_weight_of_the_prompt(weight):
    model = tiny("llama")
    groups = behind(PREFIX)[:4]  # 4 × 0.25: the prefix's tokens weigh as much as a rationale's
    rows, tree = (losses(model, make(groups, weight))[0].item() for make in (as_rows, as_tree))
    assert tree == pytest.approx(rows, rel=EXACT)


@pytest.mark.parametrize("bias", [None, 9.0])
def test_lm_loss_by_hand(bias):
    """With an output layer of zeros all tokens are as likely; a bias makes one of them likelier."""
    model = tiny("llama")
    size, favoured = 60, 30
    head = torch.nn.Linear(32, size, bias=bias is not None, dtype=torch.float64)
    model.set_output_embeddings(head)
    with torch.no_grad():
        for weight in head.parameters():
            weight.zero_()
        if bias is not None:
            head.bias[favoured] = bias
    total = log(size) if bias is None else log(exp(bias) + size - 1)
    (prompt, anchor) = (12, 13, favoured), (favoured, 31, 1)
    logits = {token: (bias or 0.0) if token == favoured else 0.0 for token in prompt + anchor}
    each = [total - logits[token] for token in (prompt + anchor)[1:]]  # nothing predicts the first token
    expected = WEIGHT * sum(each[:2]) + sum(each[2:])
    for make in (as_tree, as_rows):
        loss, _ = losses(model, make([ExampleGroup(prompt, anchor, None)], WEIGHT))
        assert loss.item() == pytest.approx(expected, rel=EXACT)


def test_a_margin_is_kept():
    model, (group, *_) = tiny("llama"), FAMILIES
    micro_batch = as_tree([group], WEIGHT)
    wide, narrow = (losses(model, micro_batch, margin)[1].item() for margin in (2.0, 1.5))
    assert wide - narrow == pytest.approx(0.5, abs=EXACT)


@ARCHITECTURES
def test_these_tests_would_see_a_wrong_path_and_a_wrong_position(name):
    """With weights as they usually begin, both errors would hide below the last digits."""
    model, micro_batch = tiny(name), as_tree(FAMILIES[:1], WEIGHT)
    right = last_hidden(model, micro_batch).detach()
    tree = micro_batch.tree
    assert tree is not None
    *before, last = tree.segments
    tree.segments[-1] = Segment(last.start, last.end, len(before) - 1)  # the negative behind the positive
    assert apart(last_hidden(model, micro_batch)[-1], right[-1]) > 0.01
    tree.segments[-1] = last
    tree.positions[last.start :] = [n + 3 for n in tree.positions[last.start :]]
    assert apart(last_hidden(model, micro_batch)[-1], right[-1]) > 0.01


def test_tokens_are_counted_without_padding():
    tree, rows = as_tree(behind(PREFIX), WEIGHT), as_rows(FAMILIES, WEIGHT)
    assert tree.tokens == tree.input_RT.numel() == len(PREFIX) + sum(group.tree_tokens for group in FAMILIES)
    assert rows.tokens == sum(len(group.prompt) + len(row) for group in FAMILIES for row in group.branches)
    assert rows.input_RT.numel() == 11 * 13 > rows.tokens  # the longest row: 8 + 5 tokens


def test_padded_rows_by_hand():
    micro_batch = as_rows([ExampleGroup((5, 6), (7, 1), ((8, 1), (9, 8, 1))), ExampleGroup((4,), (3, 1), None)], 0.5)
    assert micro_batch.input_RT.tolist() == [[5, 6, 7, 1, 0], [5, 6, 8, 1, 0], [5, 6, 9, 8, 1], [4, 3, 1, 0, 0]]
    assert micro_batch.mask_RT is not None
    assert micro_batch.mask_RT.tolist() == [[1, 1, 1, 1, 0], [1, 1, 1, 1, 0], [1] * 5, [1, 1, 1, 0, 0]]
    assert micro_batch.loss_positions.targets == [(0, 6, 0.5), (1, 7, 1.0), (2, 1, 1.0), (15, 3, 1.0), (16, 1, 1.0)]
    assert micro_batch.loss_positions.ends == [(3, 8, 14)]


@ARCHITECTURES
def test_every_architecture_of_the_list_is_packed(name):
    model = tiny(name)
    assert packs_right(model)
    assert has_plain_logits(model)
    assert packs_right(model.to(torch.bfloat16))


def test_a_model_that_cannot_be_packed_is_found_out_and_left_as_it_was():
    model = build(UNPACKABLE).train()
    before = model.config._attn_implementation
    assert not packs_right(model)
    assert model.training
    assert model.config._attn_implementation == before
    assert_equal(
        model,
        padded_losses(model.eval(), behind(PREFIX)),
        [(loss.item(), gradient(model, loss)) for loss in slow_losses(model, behind(PREFIX))],
    )


GEMMA2 = Gemma2Config(**SMALL, **HEADS, head_dim=8, final_logit_softcapping=2.0, attn_logit_softcapping=None)
GRANITE = GraniteConfig(**SMALL, **HEADS, logits_scaling=3.0)
COHERE = Cohere2Config(**SMALL, **HEADS, logit_scale=0.25)


@pytest.mark.parametrize("config", [GEMMA2, GRANITE, COHERE], ids=lambda config: config.model_type)
def test_logits_that_are_more_than_the_output_layers_are_the_models_own(config):
    model = build(config)
    assert not has_plain_logits(model)
    assert packs_right(model)
    right = [(loss.item(), gradient(model, loss)) for loss in slow_losses(model, behind(PREFIX))]
    assert_equal(model, packed_losses(model, behind(PREFIX)), right)


def test_bfloat16_gradients_are_a_few_per_cent_from_float32():
    model = tiny_student().model
    right = [gradient(model, loss) for loss in packed_losses(model, behind(PREFIX))]
    model.to(torch.bfloat16)
    for part, slope in enumerate(right):
        found = gradient(model, packed_losses(model, behind(PREFIX))[part]).float()
        assert 1e-4 < apart(found, slope) < 0.05


def test_a_pass_is_plain_data():
    micro_batch = as_tree(FAMILIES, WEIGHT)
    with pytest.raises(dataclasses.FrozenInstanceError):
        micro_batch.tree = None  # pyright: ignore[reportAttributeAccessIssue]
