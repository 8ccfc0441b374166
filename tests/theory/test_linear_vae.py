"""The linear-Gaussian VAE against quadrature, torch.distributions and optimisation, in float64."""

import inspect
import math

import pytest
import torch
from torch import distributions

from imggen_lib.theory.linear_vae import LinearVae, fit, gaussian_kl, gaussian_log_prob, rate_distortion, spectrum

F64 = torch.float64


def _random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=F64, generator=torch.Generator().manual_seed(seed))


def _model(d: int = 4, k: int = 2, sigma: float = 0.6) -> LinearVae:
    return LinearVae(_random(d, k, seed=1), _random(d, seed=2), sigma)


def test_marginal_agrees_with_torch_and_with_quadrature() -> None:
    model, x = _model(3, 1), _random(5, 3, seed=3)
    expected = distributions.MultivariateNormal(model.bias, model.covariance()).log_prob(x)
    torch.testing.assert_close(model.log_prob(x), expected)
    z = torch.linspace(-9, 9, 4001, dtype=F64)[:, None]
    log_px = distributions.Normal(z @ model.weight.T + model.bias, model.sigma).log_prob(x[:, None]).sum(-1)  # (5, 4001)
    prior = distributions.Normal(0.0, 1.0).log_prob(z[:, 0])
    by_hand = torch.logsumexp(log_px + prior, 1) + math.log(18 / 4000)
    torch.testing.assert_close(model.log_prob(x), by_hand)


def test_posterior_is_bayes_rule() -> None:
    model, x, z = _model(), _random(5, 4, seed=3), _random(5, 2, seed=4)
    mean, covariance = model.posterior(x)
    posterior = distributions.MultivariateNormal(mean, covariance).log_prob(z)
    log_px = distributions.Normal(z @ model.weight.T + model.bias, model.sigma).log_prob(x).sum(1)
    prior = distributions.Normal(torch.zeros(2, dtype=F64), 1.0).log_prob(z).sum(1)
    torch.testing.assert_close(posterior, log_px + prior - model.log_prob(x))


def test_elbo_is_tight_for_the_posterior_and_the_gap_is_the_kl() -> None:
    model, x = _model(), _random(5, 4, seed=3)
    mean, covariance = model.posterior(x)
    torch.testing.assert_close(model.elbo(x, mean, covariance), model.log_prob(x))
    other, spread = mean + 0.3, torch.diag(torch.tensor([0.4, 0.9], dtype=F64))
    gap = distributions.kl_divergence(
        distributions.MultivariateNormal(other, spread), distributions.MultivariateNormal(mean, covariance)
    )
    torch.testing.assert_close(model.log_prob(x) - model.elbo(x, other, spread), gap)


def test_elbo_agrees_with_monte_carlo_and_takes_a_covariance_a_point() -> None:
    model, x, n = _model(), _random(2, 4, seed=3), 200_000
    mean = _random(2, 2, seed=5)
    spread = torch.stack([torch.diag(torch.tensor(v, dtype=F64)) for v in ((0.3, 1.2), (0.8, 0.1))])
    q = distributions.MultivariateNormal(mean, spread)
    z = mean + torch.einsum("nij,snj->sni", torch.linalg.cholesky(spread), _random(n, 2, 2, seed=6))
    log_px = distributions.Normal(z @ model.weight.T + model.bias, model.sigma).log_prob(x).sum(-1)
    terms = log_px + distributions.Normal(torch.zeros(2, dtype=F64), 1.0).log_prob(z).sum(-1) - q.log_prob(z)
    error = terms.std(0) / n**0.5
    assert ((terms.mean(0) - model.elbo(x, mean, spread)).abs() < 4 * error).all() and error.max() < 0.02


def test_kl_agrees_with_torch() -> None:
    mean, root = _random(3, 2, seed=1), torch.tril(_random(2, 2, seed=2)) + 2 * torch.eye(2, dtype=F64)
    covariance = root @ root.T
    prior = distributions.MultivariateNormal(torch.zeros(2, dtype=F64), torch.eye(2, dtype=F64))
    expected = distributions.kl_divergence(distributions.MultivariateNormal(mean, covariance), prior)
    torch.testing.assert_close(gaussian_kl(mean, covariance), expected)


@pytest.mark.parametrize("beta", [0.5, 3.0])
def test_the_beta_posterior_is_the_best_encoder(beta: float) -> None:
    model, x = _model(), _random(5, 4, seed=3)
    mean, covariance = model.posterior(x, beta)
    best = model.elbo(x, mean, covariance, beta).mean()
    for seed in range(5):
        other = mean + 0.1 * _random(5, 2, seed=seed)
        root = torch.linalg.cholesky(covariance) + 0.05 * torch.tril(_random(2, 2, seed=seed))
        assert model.elbo(x, other, root @ root.T, beta).mean() < best


def test_fit_finds_the_maximum_of_the_likelihood() -> None:
    x = _random(200, 5, seed=3) @ _random(5, 5, seed=4) + 1
    best = fit(x, 2)
    weight, bias = best.weight.clone().requires_grad_(True), best.bias.clone().requires_grad_(True)
    sigma = torch.tensor(best.sigma, dtype=F64, requires_grad=True)
    covariance = weight @ weight.T + sigma**2 * torch.eye(5, dtype=F64)
    slopes = torch.autograd.grad(gaussian_log_prob(x, bias, covariance).mean(), (weight, bias, sigma))
    assert all(s.abs().max() < 1e-9 for s in slopes)
    value = best.log_prob(x).mean()
    for seed in range(5):
        near = LinearVae(best.weight + 0.1 * _random(5, 2, seed=seed), best.bias, best.sigma)
        assert near.log_prob(x).mean() < value
    turn = torch.linalg.qr(_random(2, 2, seed=9))[0]
    torch.testing.assert_close(LinearVae(best.weight @ turn, best.bias, best.sigma).log_prob(x), best.log_prob(x))


def test_fit_recovers_the_model_and_collapses_at_too_large_a_sigma() -> None:
    truth = _model(6, 2, 0.5)
    x = truth.sample(40_000, torch.Generator().manual_seed(0))
    found = fit(x, 2)
    torch.testing.assert_close(found.covariance(), truth.covariance(), rtol=0.05, atol=0.1)
    assert found.sigma == pytest.approx(0.5, rel=0.02)
    values, vectors = spectrum(x)
    torch.testing.assert_close(torch.cov(x.T, correction=0), vectors @ torch.diag(values) @ vectors.T)
    between = fit(x, 2, sigma=float((values[0] * values[1]) ** 0.25))
    assert between.weight.norm(dim=0)[0] > 0 and between.weight.norm(dim=0)[1] == 0


def test_rate_and_distortion_are_those_of_the_best_beta_vae() -> None:
    x, beta, sigma = _random(500, 5, seed=3) @ _random(5, 5, seed=4), 2.5, 0.4
    values, _ = spectrum(x)
    level = beta * sigma**2
    best = fit(x, 4, sigma=math.sqrt(level))  # the maximum of the beta-ELBO has this W
    model = LinearVae(best.weight, best.bias, sigma)
    mean, covariance = model.posterior(x, beta)
    rate, distortion = rate_distortion(values, level)
    assert gaussian_kl(mean, covariance).mean().item() == pytest.approx(rate, rel=1e-9)
    squares = (x - mean @ model.weight.T - model.bias).square().sum(1).mean() + (model.weight @ covariance @ model.weight.T).trace()
    assert squares.item() == pytest.approx(distortion, rel=1e-9)
    above, below = rate_distortion(values, level * 1.0001), rate_distortion(values, level / 1.0001)
    slope = (above[1] - below[1]) / (above[0] - below[0])
    assert slope == pytest.approx(-2 * level, rel=1e-3)


def test_mistakes_are_refused() -> None:
    with pytest.raises(ValueError, match="float64"):
        LinearVae(torch.ones(3, 1), torch.ones(3), 1.0)
    with pytest.raises(ValueError, match="sigma"):
        LinearVae(torch.ones(3, 1, dtype=F64), torch.ones(3, dtype=F64), 0.0)
    for k in (0, 3):
        with pytest.raises(ValueError, match="latent dimensions"):
            inspect.unwrap(fit)(torch.ones(5, 3, dtype=F64), k)
    with pytest.raises(ValueError, match="water level"):
        rate_distortion(torch.ones(2), 0.0)
