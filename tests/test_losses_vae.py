"""The terms of the ELBO against torch.distributions, enumeration and Monte Carlo, in float64."""

import inspect
import itertools
import math

import pytest
import torch
from torch import distributions

from imggen_lib.losses import vae

F64 = torch.float64


def _random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=F64, generator=torch.Generator().manual_seed(seed))


def test_bernoulli_sums_to_one_over_all_binary_images() -> None:
    every = torch.tensor(list(itertools.product([0.0, 1.0], repeat=6)), dtype=F64)
    logits = _random(1, 6).expand(64, 6) * 3
    assert vae.bernoulli_log_prob(every, logits).exp().sum().item() == pytest.approx(1.0, abs=1e-12)


def test_bernoulli_agrees_with_torch_and_sums_over_pixels() -> None:
    x = (_random(4, 1, 5, 5, seed=1) > 0).to(F64)
    logits = _random(4, 1, 5, 5, seed=2) * 4
    expected = distributions.Bernoulli(logits=logits).log_prob(x).sum((1, 2, 3))
    torch.testing.assert_close(vae.bernoulli_log_prob(x, logits), expected)
    assert torch.isfinite(vae.bernoulli_log_prob(x, logits * 1e6)).all()


def test_gaussian_agrees_with_torch() -> None:
    x, mean = _random(3, 2, 4, 4, seed=1), _random(3, 2, 4, 4, seed=2)
    log_sigma = torch.tensor(-0.7, dtype=F64)
    expected = distributions.Normal(mean, log_sigma.exp()).log_prob(x).sum((1, 2, 3))
    torch.testing.assert_close(vae.gaussian_log_prob(x, mean, log_sigma), expected)


def test_best_sigma_is_the_root_mean_square_error() -> None:
    x, mean = _random(50, 7, seed=1), _random(50, 7, seed=2)
    best = (x - mean).square().mean().sqrt().log().requires_grad_(True)
    (slope,) = torch.autograd.grad(vae.gaussian_log_prob(x, mean, best).mean(), best)
    assert slope.item() == pytest.approx(0, abs=1e-9)


def test_kl_agrees_with_torch_and_is_zero_at_the_prior() -> None:
    mu, logvar = _random(5, 3, seed=3), _random(5, 3, seed=4)
    q = distributions.Normal(mu, (0.5 * logvar).exp())
    expected = distributions.kl_divergence(q, distributions.Normal(torch.zeros_like(mu), torch.ones_like(mu))).sum(1)
    torch.testing.assert_close(vae.standard_normal_kl(mu, logvar), expected)
    assert vae.standard_normal_kl(torch.zeros(2, 3, dtype=F64), torch.zeros(2, 3, dtype=F64)).tolist() == [0, 0]


def test_kl_agrees_with_monte_carlo() -> None:
    mu, logvar = torch.tensor([[0.8, -0.3]], dtype=F64), torch.tensor([[-0.5, 0.4]], dtype=F64)
    z = mu + (0.5 * logvar).exp() * _random(200_000, 2, seed=5)
    ratio = vae.log_normal(z, mu, logvar) - vae.log_normal(z, torch.zeros_like(mu), torch.zeros_like(mu))
    error = ratio.std().item() / 200_000**0.5
    assert abs(ratio.mean().item() - vae.standard_normal_kl(mu, logvar).item()) < 4 * error


@pytest.mark.parametrize("which", ["bernoulli", "gaussian", "kl"])
def test_gradients(which: str) -> None:
    a, b = _random(3, 4, seed=6).requires_grad_(True), _random(3, 4, seed=7).requires_grad_(True)
    x = (_random(3, 4, seed=8) > 0).to(F64)
    if which == "bernoulli":
        assert torch.autograd.gradcheck(lambda t: vae.bernoulli_log_prob(x, t), (a,))
    elif which == "gaussian":
        s = torch.tensor(0.2, dtype=F64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda m, t: vae.gaussian_log_prob(x, m, t), (a, s))
    else:
        assert torch.autograd.gradcheck(vae.standard_normal_kl, (a, b))


class _Linear:
    """p(z) = N(0, 1), p(x|z) = N(z, s^2): log p(x) is known, so bounds can be seen to be bounds."""

    s2, x = 0.5, 1.3

    def exact(self) -> float:
        return distributions.Normal(0.0, math.sqrt(1 + self.s2)).log_prob(torch.tensor(self.x)).item()

    def log_weights(self, mu: float, logvar: float, k: int, n: int) -> torch.Tensor:
        m, v = torch.tensor([mu], dtype=F64), torch.tensor([logvar], dtype=F64)
        z = m + (0.5 * v).exp() * _random(k, n, 1, seed=9)
        log_px = distributions.Normal(z[..., 0], math.sqrt(self.s2)).log_prob(torch.tensor(self.x, dtype=F64))
        return log_px + vae.log_normal(z, torch.zeros(1, dtype=F64), torch.zeros(1, dtype=F64)) - vae.log_normal(z, m, v)


def test_bound_rises_with_k_towards_the_exact_value_and_never_passes_it() -> None:
    model = _Linear()
    weights = model.log_weights(0.0, 0.0, 64, 20_000)  # a poor q: the prior
    bounds = [vae.iwae_bound(weights[:k]).mean().item() for k in (1, 4, 16, 64)]
    assert all(b > a + 0.02 for a, b in itertools.pairwise(bounds))
    assert bounds[-1] < model.exact() and bounds[-1] == pytest.approx(model.exact(), abs=0.03)


def test_bound_is_exact_for_the_exact_posterior() -> None:
    model = _Linear()
    mu, logvar = model.x / (1 + model.s2), math.log(model.s2 / (1 + model.s2))
    bound = vae.iwae_bound(model.log_weights(mu, logvar, 3, 5))
    torch.testing.assert_close(bound, torch.full((5,), model.exact(), dtype=F64))


def test_elbo_is_the_one_sample_bound_in_the_mean() -> None:
    model, mu, logvar, n = _Linear(), 0.4, -0.3, 200_000
    m, v = torch.tensor([[mu]], dtype=F64), torch.tensor([[logvar]], dtype=F64)
    z = m + (0.5 * v).exp() * _random(n, 1, seed=10)
    log_px = distributions.Normal(z[:, 0], math.sqrt(model.s2)).log_prob(torch.tensor(model.x, dtype=F64))
    elbo = vae.elbo(log_px, vae.standard_normal_kl(m, v).expand(n))
    one = vae.iwae_bound(model.log_weights(mu, logvar, 1, n))
    assert elbo.mean().item() == pytest.approx(one.mean().item(), abs=0.01)
    assert vae.elbo(log_px, torch.ones(n, dtype=F64), beta=2.0)[0].item() == pytest.approx(log_px[0].item() - 2)


def test_mistakes_are_refused() -> None:
    x = torch.zeros(2, 3)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        vae.bernoulli_log_prob(x - 1, x)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        vae.bernoulli_log_prob(x * float("nan"), x)
    for beta in (-1.0, float("nan")):
        with pytest.raises(ValueError, match="beta"):
            vae.elbo(torch.zeros(2), torch.zeros(2), beta)
    for plain, arguments in (
        (vae.bernoulli_log_prob, (x, torch.zeros(2, 4))),
        (vae.gaussian_log_prob, (x, torch.zeros(1, 3), torch.zeros(()))),
        (vae.standard_normal_kl, (x, torch.zeros(3))),
        (vae.elbo, (torch.zeros(3), torch.zeros(3, 1))),
    ):
        with pytest.raises(ValueError, match="must agree"):
            inspect.unwrap(plain)(*arguments)
    with pytest.raises(ValueError, match="k >= 1"):
        vae.iwae_bound(torch.zeros(0, 3))
