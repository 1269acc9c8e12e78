"""The losses by hand, and the gradients of the chunked cross-entropies against those of autograd, in float64."""

from math import exp, log, sqrt

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from tests.student.definition import apart
from tests.student.doubles import EXACT
from tutelage.student.training.losses import (
    LOGITS_AT_ONCE,
    preference_loss,
    token_losses,
    triplet_loss,
    weighted_lm_loss,
)

pytestmark = pytest.mark.usefixtures("float64")
MANY = 2 * LOGITS_AT_ONCE + 5


def head_of(weight_VD, bias_V=None):
    head = torch.nn.Linear(weight_VD.shape[1], len(weight_VD), bias=bias_V is not None)
    with torch.no_grad():
        head.weight.copy_(weight_VD)
        if bias_V is not None:
            head.bias.copy_(bias_V)
    return head


def test_lm_loss_of_hand_made_logits():
    # A vocabulary of 2: the logit of token 1 is the hidden state, that of token 0 is 0.
    head = head_of(torch.tensor([[0.0], [1.0]]))
    hidden_ND = torch.tensor([[1.0], [-2.0], [0.5]])
    loss = weighted_lm_loss(hidden_ND, head, torch.tensor([1, 0, 0]), torch.tensor([0.1, 1.0, 1.0]))
    by_hand = 0.1 * -log(exp(1) / (1 + exp(1))) + 1.0 * -log(1 / (1 + exp(-2))) + 1.0 * -log(1 / (1 + exp(0.5)))
    assert loss.item() == pytest.approx(by_hand, rel=EXACT)


def test_lm_loss_of_uniform_logits_is_log_of_vocabulary():
    loss = weighted_lm_loss(torch.randn(3, 4), head_of(torch.zeros(7, 4)), torch.tensor([1, 2, 4]), torch.ones(3))
    assert loss.item() == pytest.approx(3 * log(7), rel=EXACT)


def test_states_finer_than_the_head_are_rounded_to_it():
    """Mamba's last norm gives float32, whatever the weights are."""
    torch.manual_seed(0)
    head, fine_ND = head_of(torch.randn(30, 8)).bfloat16(), torch.randn(20, 8, dtype=torch.float32).requires_grad_()
    rounded_ND, token_N = fine_ND.detach().bfloat16(), torch.randint(30, (20,))
    weight_N = torch.ones(20, dtype=torch.float32)
    loss = weighted_lm_loss(fine_ND, head, token_N, weight_N)
    assert loss == weighted_lm_loss(rounded_ND, head, token_N, weight_N)
    assert torch.autograd.grad(loss, fine_ND)[0].dtype == torch.float32
    assert torch.equal(token_losses(fine_ND, head, token_N), token_losses(rounded_ND, head, token_N))


@pytest.mark.parametrize("targets", [1, LOGITS_AT_ONCE, MANY])
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("trained", ["all", "hidden", "head"])
def test_lm_loss_and_its_gradients_are_those_of_cross_entropy_whatever_the_chunks(targets, biased, trained):
    torch.manual_seed(targets)
    head = head_of(torch.randn(30, 8), torch.randn(30) if biased else None).requires_grad_(trained != "hidden")
    hidden_ND = torch.randn(targets, 8, requires_grad=trained != "head")
    token_N, weight_N = torch.randint(30, (targets,)), torch.rand(targets)
    expected = (F.cross_entropy(head(hidden_ND), token_N, reduction="none") * weight_N).sum()
    loss = weighted_lm_loss(hidden_ND, head, token_N, weight_N)
    assert loss.item() == pytest.approx(expected.item(), rel=EXACT)
    wanted = [tensor for tensor in (hidden_ND, *head.parameters()) if tensor.requires_grad]
    for found, right in zip(
        torch.autograd.grad(3 * loss / 7, wanted), torch.autograd.grad(3 * expected / 7, wanted), strict=True
    ):
        assert apart(found, right) < EXACT


@pytest.mark.parametrize("loss", [weighted_lm_loss, lambda h, head, t, w: (token_losses(h, head, t) * w).sum()])
def test_in_float32_losses_are_as_near_as_their_sums_let_them(loss):
    """A sum of n numbers is off by n * 2**-24 of their sizes: here over the width, the vocabulary and the targets."""
    torch.manual_seed(0)
    vocabulary, width = 30, 8
    head, hidden_ND = head_of(torch.randn(vocabulary, width)), torch.randn(MANY, width)
    token_N, weight_N = torch.randint(vocabulary, (MANY,)), torch.rand(MANY)

    def computed(dtype):
        inputs = hidden_ND.to(dtype).requires_grad_(), head.to(dtype)
        value = loss(*inputs, token_N, weight_N.to(dtype))
        assert value.dtype == dtype
        return value.detach()[None], *torch.autograd.grad(value, [inputs[0], inputs[1].weight])

    exact = computed(torch.float64)
    for rounded, right in zip(computed(torch.float32), exact, strict=True):
        assert apart(rounded.double(), right) < (width + vocabulary + MANY) * 2.0**-24


def test_lm_loss_in_bfloat16_is_summed_in_float32():
    torch.manual_seed(0)
    head, hidden_ND = head_of(torch.randn(30, 8)).bfloat16(), torch.randn(2000, 8).bfloat16().requires_grad_()
    token_N, weight_N = torch.randint(30, (2000,)), torch.ones(2000, dtype=torch.float32)
    loss = weighted_lm_loss(hidden_ND, head, token_N, weight_N)
    found = torch.autograd.grad(loss, [hidden_ND, head.weight])
    assert loss.dtype == torch.float32
    exact_ND, exact = hidden_ND.detach().double().requires_grad_(), head_of(head.weight.double())
    expected = F.cross_entropy(exact(exact_ND), token_N, reduction="sum")
    assert loss.item() == pytest.approx(expected.item(), rel=5e-3)
    for gradient, right in zip(found, torch.autograd.grad(expected, [exact_ND, exact.weight]), strict=True):
        assert gradient.dtype == torch.bfloat16
        assert apart(gradient.double(), right) < 0.02


@pytest.mark.parametrize("targets", [1, LOGITS_AT_ONCE, MANY])
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("trained", ["all", "hidden", "head"])
def test_token_losses_and_their_gradients_are_those_of_cross_entropy_whatever_is_made_of_them(targets, biased, trained):
    torch.manual_seed(targets)
    head = head_of(torch.randn(30, 8), torch.randn(30) if biased else None).requires_grad_(trained != "hidden")
    hidden_ND = torch.randn(targets, 8, requires_grad=trained != "head")
    token_N = torch.randint(30, (targets,))
    expected_N = F.cross_entropy(head(hidden_ND), token_N, reduction="none")
    loss_N = token_losses(hidden_ND, head, token_N)
    assert torch.allclose(loss_N, expected_N, rtol=EXACT, atol=EXACT)
    wanted = [tensor for tensor in (hidden_ND, *head.parameters()) if tensor.requires_grad]
    for _ in range(2):  # two losses are made of them, and each is differentiated
        found, right = (
            torch.autograd.grad(each.mean().square() + each[0].exp(), wanted, retain_graph=True)
            for each in (loss_N, expected_N)
        )
        for slope, exact in zip(found, right, strict=True):
            assert apart(slope, exact) < EXACT


def test_triplet_loss_by_hand():
    near, far = torch.tensor([1.0, 1 / sqrt(2), 1.0]), torch.tensor([0.0, 1 / sqrt(2), -1.0])
    # with margin 1: 0, 1, and max(0, 1 - 1 - 1) = 0; with margin 1.5: 0.5, 1.5, 0
    assert triplet_loss(near, far, 1.0).item() == pytest.approx(0 + 1 + 0, abs=EXACT)
    assert triplet_loss(near, far, 1.5).item() == pytest.approx(2.0, abs=EXACT)


def test_preference_loss_by_hand():
    near, far = torch.tensor([0.0, 3.0, -1.0]), torch.tensor([0.0, -1.0, 1.0])
    # beta 0.5: log 2 where nothing has been gained, log(1 + e^-2) and log(1 + e^1)
    by_hand = log(2) + log(1 + exp(-2)) + log(1 + exp(1))
    assert preference_loss(near, far, 0.5).item() == pytest.approx(by_hand, rel=EXACT)
    assert preference_loss(near, far, 1e-9).item() == pytest.approx(3 * log(2), rel=EXACT)
    assert preference_loss(torch.tensor([-900.0]), torch.tensor([0.0]), 1.0).item() == 900  # where exp has no value


def test_preference_pushes_most_where_the_mistake_is_preferred():
    near, far = torch.tensor([-2.0, 0.0, 2.0], requires_grad=True), torch.zeros(3)
    preference_loss(near, far, 1.0).backward()
    assert near.grad is not None
    assert near.grad.tolist() == pytest.approx([-1 / (1 + exp(-2)), -0.5, -1 / (1 + exp(2))], rel=EXACT)
