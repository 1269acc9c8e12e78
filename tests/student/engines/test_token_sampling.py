"""Drawing a token: keys of an attempt, noise of a key and a token, and the distribution that comes of it."""

import numpy as np
import pytest
import torch

from tutelage.student.engines.token_sampling import CHUNK, gumbel, sample_token, stream

pytestmark = pytest.mark.usefixtures("float64")
ROWS = 3000
KEYS = stream(3, 0, ROWS)


def drawn(logits_V: torch.Tensor, temperature: float = 1.0, keys: np.ndarray = KEYS) -> torch.Tensor:
    """A token for each key."""
    return sample_token(logits_V.expand(len(keys), -1), keys.tolist(), temperature)


def assert_follows(tokens_R: torch.Tensor, probability_V: torch.Tensor):
    """Pearson's chi-squared over the tokens, rare ones together, within 5 standard deviations of its mean."""
    count_V = torch.bincount(tokens_R, minlength=len(probability_V)).double()
    expected_V = probability_V.double() * len(tokens_R)
    rare = expected_V < 5
    count_N = torch.cat([count_V[~rare], count_V[rare].sum()[None]])
    expected_N = torch.cat([expected_V[~rare], expected_V[rare].sum()[None]]).clamp(min=1e-9)
    assert count_N[-1] == 0 or expected_N[-1] > 0.1
    freedom = len(count_N) - 1
    assert ((count_N - expected_N) ** 2 / expected_N)[expected_N > 1].sum() < freedom + 5 * (2 * freedom) ** 0.5


def test_streams_are_their_own_and_longer_ones_begin_alike():
    assert (stream(7, 0, 5) == stream(7, 0, 9)[:5]).all()
    assert (stream(7, 0, 5) != stream(7, 1, 5)).all()
    assert (stream(7, 0, 5) != stream(8, 0, 5)).all()
    assert len(set(stream(1, 2, 4000).tolist())) == 4000


def test_seeds_of_any_size_have_streams():
    assert (stream(2**64 + 7, 0, 5) == stream(7, 0, 5)).all()
    assert (stream(2**63, 0, 5) != stream(7, 0, 5)).all()


def test_noise_is_gumbels_over_keys_and_over_tokens():
    keys_R1 = torch.tensor(KEYS.tolist())[:, None]
    noise_RV = gumbel(keys_R1, torch.arange(50)[None])
    assert torch.isfinite(noise_RV).all()
    for each in (noise_RV[:, 7], noise_RV[11], noise_RV):  # mean: Euler's constant, variance: pi squared over 6
        error = 1.2825 / len(each.flatten()) ** 0.5
        assert each.mean().item() == pytest.approx(0.5772, abs=4 * error)
    assert noise_RV.var().item() == pytest.approx(np.pi**2 / 6, rel=0.02)
    neighbours = torch.corrcoef(torch.stack([noise_RV[:, :-1].flatten(), noise_RV[:, 1:].flatten()]))[0, 1]
    assert abs(neighbours.item()) < 0.01


def test_temperature_0_takes_the_likeliest_whatever_the_keys():
    logits_RV = torch.tensor([[0.0, 1.0, 2.0, -torch.inf], [3.0, 0.0, 0.0, 0.0]])
    assert sample_token(logits_RV, KEYS[:2].tolist(), 0.0).tolist() == [2, 0]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("size", [4, CHUNK, CHUNK + 1, 1000])
def test_tokens_follow_the_softmax(size, temperature):
    torch.manual_seed(size)
    logits_V = 2 * torch.randn(size)
    tokens_R = drawn(logits_V, temperature)
    assert_follows(tokens_R, (logits_V / temperature).softmax(-1))


def test_tokens_of_every_chunk_are_drawn_as_often_as_they_should():
    """Of 1,000 equally likely tokens, those of the shorter chunk at the end have no advantage over all the others."""
    tokens_R = drawn(torch.zeros(1000))
    assert_follows(tokens_R // 10, torch.full((100,), 1e-2))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("size", [50, 1000])
def test_what_has_no_probability_is_never_drawn(size, dtype):
    logits_V = torch.full((size,), -torch.inf, dtype=dtype)
    logits_V[[10, 20]] = 0.0
    tokens_R = drawn(logits_V)
    assert set(tokens_R.tolist()) == {10, 20}
    assert 0.45 < (tokens_R == 10).double().mean() < 0.55


@pytest.mark.parametrize("size", [60, 500])
def test_the_last_bits_of_logits_hardly_ever_change_a_token(size):
    """Two that differ by d in their logits change places about once in 1 / d tokens: never here, or once in float32."""
    torch.manual_seed(size)
    logits_V, bits_V = torch.randn(size), torch.randn(size)
    assert torch.equal(drawn(logits_V), drawn(logits_V + 1e-15 * bits_V))
    rounded_V = logits_V.float()
    assert (drawn(rounded_V) != drawn(rounded_V + 1e-7 * bits_V.float())).sum() <= 1
    assert (drawn(rounded_V) != drawn(logits_V)).sum() <= 1


def test_rows_are_drawn_apart():
    torch.manual_seed(0)
    logits_RV = torch.randn(20, 500)
    together = sample_token(logits_RV, KEYS[:20].tolist(), 1.5).tolist()
    assert together == [sample_token(logits_RV[n : n + 1], [int(KEYS[n])], 1.5).item() for n in range(20)]


def test_a_constant_added_to_all_logits_changes_nothing():
    torch.manual_seed(0)
    logits_V = torch.randn(500)
    assert (drawn(logits_V) == drawn(logits_V + 3)).double().mean() > 0.999
