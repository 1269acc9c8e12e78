"""Computing in bfloat16 with float32 copies: no update is lost, and nothing of it shows on the outside."""

import copy

import pytest
import torch
from torch.optim import AdamW

from tests.student.doubles import EXACT
from tests.student.tiny import tiny_student
from tutelage.student.training.precision import FullPrecision, MixedAdamW, compute_in

CPU = torch.device("cpu")
RATE, DECAY = 1e-4, 0.1


def give_gradients(model, seed, dtype):
    """The same gradients to every model, whatever it computes in."""
    torch.manual_seed(seed)
    for weight in model.parameters():
        gradient = (1e-3 * torch.randn(weight.shape)).bfloat16()
        if weight.requires_grad:
            weight.grad = gradient.to(dtype)


def plain_adamw(model):
    weights = list(model.parameters())
    return AdamW(
        [
            {"params": [w for w in weights if w.ndim > 1], "weight_decay": DECAY},
            {"params": [w for w in weights if w.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=RATE,
    )


def mixed(dtype=torch.bfloat16, full=torch.float32):
    model = tiny_student(dtype=full).model
    full = FullPrecision(model, dtype)
    return model, full, MixedAdamW(full, RATE, DECAY)


def steps(model, optimizer, seeds, dtype=torch.bfloat16):
    for seed in seeds:
        give_gradients(model, seed, dtype)
        optimizer.step()
        optimizer.zero_grad()
        assert all(weight.grad is None for weight in model.parameters())


OFF = {torch.float64: (EXACT, EXACT), torch.float32: (2 * 60 * 2.0**-24, 2 * 20 * RATE * 10 * 2.0**-24)}
"""Of 20 steps, computed in two ways: three roundings of the weight in each step, and ten of the step itself."""


@pytest.mark.parametrize("wide", OFF, ids=str)
def test_small_updates_add_up_as_in_the_full_precision(wide):
    plain, (rtol, atol) = tiny_student(dtype=wide).model, OFF[wide]
    start = copy.deepcopy(plain.state_dict())
    optimizer = plain_adamw(plain)
    for seed in range(20):
        give_gradients(plain, seed, wide)
        optimizer.step()
    model, full, optimizer = mixed(full=wide)
    steps(model, optimizer, range(20))
    for (name, weight), expected in zip(model.named_parameters(), plain.parameters(), strict=True):
        assert weight.dtype == torch.bfloat16
        assert torch.allclose(full.weights[weight], expected, rtol=rtol, atol=atol), name
        assert torch.equal(weight, full.weights[weight].bfloat16()), name  # the model follows its copies
    full.restore()
    for name, weight in model.state_dict().items():
        assert torch.allclose(weight, plain.state_dict()[name], rtol=rtol, atol=atol)
    lost = [name for name, weight in model.named_parameters() if torch.equal(weight, start[name])]
    assert lost == []


def test_without_copies_such_updates_are_lost():
    """What the copies are there for: a bfloat16 weight of 1 can't grow by 1e-4."""
    model = tiny_student().model.to(torch.bfloat16)
    optimizer = plain_adamw(model)
    norms = [weight for weight in model.parameters() if weight.ndim == 1]
    steps(model, optimizer, range(5))
    assert all((weight == 1).all() for weight in norms)
    model, full, optimizer = mixed()
    steps(model, optimizer, range(5))
    full.restore()
    assert all((weight != 1).any() for weight in model.parameters() if weight.ndim == 1)


@pytest.mark.parametrize("wide", OFF, ids=str)
def test_in_the_full_precision_there_are_no_copies(wide):
    model, full, optimizer = mixed(wide, wide)
    assert full.weights == {}
    plain, (rtol, atol) = tiny_student(dtype=wide).model, OFF[wide]
    other = plain_adamw(plain)
    steps(model, optimizer, range(3), wide)
    steps(plain, other, range(3), wide)
    for weight, expected in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(weight, expected, rtol=rtol, atol=atol)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_a_state_that_was_saved_goes_on_bit_by_bit(tmp_path, dtype):
    model, full, optimizer = mixed(dtype)
    steps(model, optimizer, range(4), dtype)
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "state")
    steps(model, optimizer, range(4, 8), dtype)
    full.restore()

    saved = torch.load(tmp_path / "state", weights_only=True)  # as Trainer reads it
    again, full_again, other = mixed(dtype)
    again.load_state_dict(saved["model"])
    other.load_state_dict(saved["optimizer"])
    steps(again, other, range(4, 8), dtype)
    full_again.restore()
    for weight, expected in zip(again.parameters(), model.parameters(), strict=True):
        assert weight.dtype == torch.float32
        assert torch.equal(weight, expected)


def test_weights_without_a_gradient_stay():
    model, _, optimizer = mixed()
    frozen = model.get_input_embeddings().weight
    before = frozen.clone()
    give_gradients(model, 0, torch.bfloat16)
    frozen.grad = None
    optimizer.step()
    assert torch.equal(frozen, before)


def test_frozen_weights_are_restored_to_the_bit():
    plain, model = tiny_student().model, tiny_student().model
    for weight in model.parameters():
        weight.requires_grad_(weight.ndim == 1)
    full = FullPrecision(model, torch.bfloat16)
    optimizer = MixedAdamW(full, RATE, DECAY)
    steps(model, optimizer, range(3))
    full.restore()
    for weight, expected in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.equal(weight, expected) is (weight.ndim > 1)


def test_tied_weights_stay_tied():
    model, full, _ = mixed()
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    full.restore()
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight


def test_buffers_keep_their_precision():
    model = tiny_student().model
    before = {name: buffer.dtype for name, buffer in model.named_buffers()}
    compute_in(model, torch.bfloat16)
    assert {weight.dtype for weight in model.parameters()} == {torch.bfloat16}
    assert {name: buffer.dtype for name, buffer in model.named_buffers()} == before
    assert torch.float32 in before.values()  # the frequencies of rotary positions
