"""The gradients of both losses apart: their figures by hand, and that nothing is lost when they are joined."""

import pytest
import torch

from tests.student.doubles import EXACT
from tutelage.student.training.gradients import GradientsApart

pytestmark = pytest.mark.usefixtures("float64")


class Two(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = torch.nn.Parameter(torch.tensor([1.0, 2.0])), torch.nn.Parameter(torch.tensor([3.0]))
        self.frozen = torch.nn.Parameter(torch.ones(1), requires_grad=False)


def test_figures_by_hand_over_two_passes():
    model = Two()
    apart = GradientsApart(model)
    apart.backward((model.a * torch.tensor([1.0, 0.0])).sum(), 2 * model.b.sum())
    apart.backward((model.a * torch.tensor([2.0, 4.0])).sum(), (model.a * torch.tensor([0.0, 1.0])).sum())
    figures = apart.join(0.5)  # L_LM: (3, 4) and nothing; L_SR: (0, 1) and 2
    assert (figures.lm, figures.reflection) == pytest.approx((5, 5**0.5), rel=EXACT)
    assert figures.cosine == pytest.approx(4 / (5 * 5**0.5), rel=EXACT)
    assert model.a.grad is not None
    assert model.b.grad is not None
    assert model.a.grad.tolist() == [3.0, 4.5]
    assert model.b.grad.tolist() == [1.0]  # a weight that L_LM does not reach
    assert model.frozen.grad is None


def test_held_to_a_share_of_the_other_neither_drowns():
    model = Two()
    apart = GradientsApart(model)
    apart.backward((model.a * torch.tensor([3.0, 4.0])).sum(), 40 * model.b.sum())
    figures = apart.join(0.5, share=0.1)
    assert (figures.lm, figures.reflection) == pytest.approx((5, 40), rel=EXACT)  # as they were
    assert model.a.grad is not None
    assert model.b.grad is not None
    assert model.a.grad.tolist() == pytest.approx([3, 4], rel=EXACT)
    assert model.b.grad.tolist() == pytest.approx([0.5], rel=EXACT)


def test_what_is_small_is_not_scaled_up():
    model = Two()
    apart = GradientsApart(model)
    apart.backward(0.1 * model.a.sum(), 0.2 * model.b.sum())
    apart.join(1.0, share=2.0)
    assert model.a.grad is not None
    assert model.b.grad is not None
    assert model.a.grad.tolist() == pytest.approx([0.1, 0.1], rel=EXACT)
    assert model.b.grad.tolist() == pytest.approx([0.2], rel=EXACT)


def test_a_pass_without_pairs_adds_to_one_of_them_and_nothing_has_no_direction():
    model = Two()
    apart = GradientsApart(model)
    apart.backward(model.a.sum(), torch.zeros(()))
    figures = apart.join(0.5)
    assert (figures.lm, figures.reflection, figures.cosine) == (pytest.approx(2**0.5, rel=EXACT), 0, None)


def test_float32_is_summed_as_precisely_as_it_can():
    """Norms are sums of two products: off by 2 * 2**-24 of themselves, and 2**-24 for each product and root."""
    model = Two().float()
    apart = GradientsApart(model)
    lm, reflection = torch.tensor([0.1, 0.7], dtype=torch.float32), torch.tensor([0.3, 0.2], dtype=torch.float32)
    apart.backward((model.a * lm).sum(), (model.a * reflection).sum())
    figures = apart.join(0.5)
    expected = lm.double().norm().item(), reflection.double().norm().item()
    assert (figures.lm, figures.reflection) == pytest.approx(expected, rel=4 * 2.0**-24)


def test_two_passes_in_turn_are_one_under_dropout():
    """As for weights that are split among ranks."""
    found = []
    for in_turn in (False, True):
        torch.manual_seed(1)
        model = Two()

        def losses(model=model):
            dropped = torch.nn.functional.dropout(model.a.repeat(50), 0.5)
            return dropped.sum(), 2 * dropped.sum() + model.b.sum()

        apart = GradientsApart(model)
        for _ in range(2):  # passes differ, and add up
            apart.backward_in_turn(losses) if in_turn else apart.backward(*losses())
        figures = apart.join(0.5)
        assert figures.cosine is not None
        found.append((figures, model.a.grad))
    (one, of_one), (two, of_two) = found
    assert (two.lm, two.reflection, two.cosine) == pytest.approx((one.lm, one.reflection, one.cosine), rel=EXACT)
    assert torch.equal(of_one, of_two)
