"""Packed weights: the same products, and weights that are afterwards what they were."""

import pytest
import torch

from tests.student.architectures import CONFIGS, tiny
from tests.student.engines.sampled import SOON, answers, asked
from tutelage.student.engines import shared_prefix
from tutelage.student.engines.packed_weights import packed
from tutelage.student.engines.shared_prefix import SharedPrefixSampler
from tutelage.student.sampler import SamplingSettings

DRAWN = SamplingSettings(samples=3, temperature=1.0, max_new_tokens=16)


def changed(model) -> int:
    return sum("forward" in module.__dict__ for module in model.modules())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", CONFIGS)
def test_logits_are_those_of_plain_weights_and_weights_come_back(name, dtype):
    model = tiny(name, dtype)
    before = {key: weight.clone() for key, weight in model.state_dict().items()}
    ids = torch.tensor([[7, 8, 9, 10]])
    is_known = dtype == torch.float32 or torch.ops.mkldnn._is_mkldnn_bf16_supported()  # not on CPUs before AVX-512
    with torch.inference_mode():
        plain = model(ids).logits.double()
        with packed(model, 0):
            plain_layers = sum(type(module) is torch.nn.Linear for module in model.modules())
            assert changed(model) == (plain_layers if is_known else 0)
            inside = model(ids).logits.double()
    bound = 1e-5 if dtype == torch.float32 else 2.0**-6
    assert (inside - plain).norm() < bound * plain.norm()
    assert changed(model) == 0
    for key, weight in model.state_dict().items():
        assert torch.equal(weight, before[key])


def test_weights_are_not_kept_twice_but_those_that_others_use():
    model = tiny("llama", torch.float32)
    model.tie_weights()
    with packed(model, 0):
        sizes = {name: weight.numel() for name, weight in model.named_parameters()}
        assert sizes["model.layers.0.mlp.up_proj.weight"] == 0
        assert sizes["model.embed_tokens.weight"] > 0
        assert model.dtype == torch.float32


def test_a_model_can_be_trained_after_an_exam_and_after_one_that_failed():
    model = tiny("llama", torch.float32)
    with pytest.raises(ZeroDivisionError), torch.inference_mode(), packed(model, 0):
        raise ZeroDivisionError
    assert changed(model) == 0
    model(torch.tensor([[7, 8, 9]])).logits.sum().backward()
    assert all(weight.grad is not None and weight.grad.shape == weight.shape for weight in model.parameters())
    with packed(model, 0):  # between two steps, beside gradients
        pass
    model(torch.tensor([[7, 8, 9]])).logits.sum().backward()


def test_an_exam_during_a_training_leaves_its_random_numbers_alone():
    model, before = tiny("llama", torch.float32), torch.get_rng_state()
    with packed(model, 0):
        pass
    assert torch.equal(torch.get_rng_state(), before)


def test_small_models_other_precisions_and_weights_elsewhere_stay_as_they_are():
    for model, least in ((tiny("llama", torch.float32), 10**7), (tiny("llama"), 0), (tiny("llama").to("meta"), 0)):
        with packed(model, least):
            assert changed(model) == 0


def test_attempts_are_the_same_in_any_company(monkeypatch):
    model = tiny("llama", torch.float32)
    plain, _ = answers(SharedPrefixSampler(model, SOON, 64), asked(True), DRAWN)
    monkeypatch.setattr(shared_prefix, "packed", lambda model: packed(model, 0))
    assert answers(SharedPrefixSampler(model, SOON, 64), asked(True), DRAWN)[0] == plain
    assert answers(SharedPrefixSampler(model, SOON, 3), asked(True), DRAWN)[0] == plain
