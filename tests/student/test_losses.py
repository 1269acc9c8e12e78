from math import exp, log, sqrt

import pytest
import torch

from tutelage.student.losses import IGNORE, triplet_loss, weighted_lm_loss


def test_lm_loss_of_hand_made_logits():
    # Two rows over a vocabulary of 2; the logit of token 1 is x, that of token 0 is 0.
    x = torch.tensor([[1.0, -2.0, 5.0], [0.5, 9.0, 9.0]])
    logits_BLV = torch.stack([torch.zeros_like(x), x], dim=-1)
    tokens_BL = torch.tensor([[0, 1, 0], [1, 0, IGNORE]])
    weights_BL = torch.tensor([[0.1, 0.1, 1.0], [0.1, 1.0, 0.0]])
    by_hand = 0.1 * -log(exp(1) / (1 + exp(1))) + 1.0 * -log(1 / (1 + exp(-2))) + 1.0 * -log(1 / (1 + exp(0.5)))
    assert weighted_lm_loss(logits_BLV, tokens_BL, weights_BL).item() == pytest.approx(by_hand, rel=1e-6)


def test_lm_loss_of_uniform_logits_is_log_of_vocabulary():
    tokens_BL = torch.tensor([[3, 1, 2, 4]])
    loss = weighted_lm_loss(torch.zeros(1, 4, 7), tokens_BL, torch.ones(1, 4))
    assert loss.item() == pytest.approx(3 * log(7), rel=1e-6)


def test_the_first_token_is_no_target():
    tokens_BL = torch.tensor([[3, 1]])
    logits_BLV = torch.randn(1, 2, 7)
    heavy_first = weighted_lm_loss(logits_BLV, tokens_BL, torch.tensor([[100.0, 1.0]]))
    assert heavy_first == weighted_lm_loss(logits_BLV, tokens_BL, torch.tensor([[0.0, 1.0]]))


def test_triplet_loss_by_hand():
    anchor = torch.tensor([[1.0, 0.0], [1.0, 1.0], [2.0, 0.0]])
    positive = torch.tensor([[3.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    negative = torch.tensor([[0.0, 2.0], [0.0, 1.0], [-4.0, 0.0]])
    # cosines: (1, 0), (1/√2, 1/√2), (1, -1); with margin 1: 0, 1, and max(0, 1 - 1 - 1) = 0
    assert triplet_loss(anchor, positive, negative, 1.0).item() == pytest.approx(0 + 1 + 0, abs=1e-6)
    # with margin 1.5: 0.5, 1.5, 0
    assert triplet_loss(anchor, positive, negative, 1.5).item() == pytest.approx(2.0, abs=1e-6)
    assert 1 / sqrt(2) == pytest.approx(torch.cosine_similarity(anchor[1], positive[1], dim=0).item())


def test_triplet_loss_pulls_towards_the_positive():
    anchor = torch.tensor([[1.0, 1.0]], requires_grad=True)
    triplet_loss(anchor, torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]), 1.0).backward()
    assert anchor.grad is not None
    assert anchor.grad[0, 0] < 0 < anchor.grad[0, 1]  # a step down the gradient turns it to the positive
