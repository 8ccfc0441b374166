"""The mixture of Gaussians: against torch.distributions, autograd and Monte Carlo."""

import inspect
import math

import pytest
import torch
from torch import distributions

from imggen_lib.theory import mixture as module
from imggen_lib.theory.mixture import Mixture, diffuse_back, fit, keep_schedule

F64 = torch.float64


def _noise(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _random(k: int = 3, d: int = 2, seed: int = 0) -> tuple[Mixture, torch.Tensor]:
    """A mixture and its covariances."""
    g = _noise(seed)
    roots = torch.randn(k, d, d, dtype=F64, generator=g)
    covariances = roots @ roots.mT + 0.1 * torch.eye(d, dtype=F64)
    values, vectors = torch.linalg.eigh(covariances)
    weights = torch.rand(k, dtype=F64, generator=g) + 0.2
    return Mixture(weights / weights.sum(), 2 * torch.randn(k, d, dtype=F64, generator=g), values, vectors), covariances


def _reference(m: Mixture, covariances: torch.Tensor) -> distributions.MixtureSameFamily:
    parts = distributions.MultivariateNormal(m.means, covariance_matrix=covariances)
    return distributions.MixtureSameFamily(distributions.Categorical(m.weights), parts)


def test_log_density_agrees_with_torch_and_the_score_with_autograd() -> None:
    m, covariances = _random(d=3)
    x = torch.randn(20, 3, dtype=F64, generator=_noise(1)).requires_grad_()
    expected = _reference(m, covariances).log_prob(x)
    torch.testing.assert_close(m.log_prob(x), expected)
    (gradient,) = torch.autograd.grad(expected.sum(), x)
    torch.testing.assert_close(m.score(x.detach()), gradient)


def test_samples_have_the_moments() -> None:
    m, covariances = _random()
    n = 100_000
    x = m.sample(n, _noise(2))
    mean = m.weights @ m.means
    centred = m.means - mean
    covariance = torch.einsum("k,kde->de", m.weights, covariances + centred[:, :, None] * centred[:, None, :])
    assert ((x.mean(0) - mean).abs() / (covariance.diagonal() / n).sqrt()).max() < 5
    torch.testing.assert_close(torch.cov(x.T), covariance, rtol=0.05, atol=0.05)
    torch.testing.assert_close(m.sample(5, _noise(2)), m.sample(5, _noise(2)))


def test_noise_widens_every_component() -> None:
    m, covariances = _random()
    noisy = m.noised(0.3)
    expected = 0.3 * covariances + 0.7 * torch.eye(2, dtype=F64)
    torch.testing.assert_close(noisy.vectors @ torch.diag_embed(noisy.values) @ noisy.vectors.mT, expected)
    torch.testing.assert_close(noisy.means, m.means * math.sqrt(0.3))
    torch.testing.assert_close(m.noised(1.0).values, m.values)
    for keep in (0.0, -1.0, 1.5):
        with pytest.raises(ValueError, match="must lie in"):
            m.noised(keep)


def test_the_schedule_falls_from_one_to_zero() -> None:
    keep = keep_schedule(torch.tensor([0.0, 0.5, 1.0]))
    torch.testing.assert_close(keep, torch.tensor([1.0, 0.5, 0.0]))


def test_going_back_turns_noise_into_the_mixture() -> None:
    m, _ = _random()
    times = torch.linspace(0.995, 0.005, 100, dtype=F64)
    path = diffuse_back(m, torch.randn(4000, 2, dtype=F64, generator=_noise(3)), times)
    assert len(path) == 101
    exact = m.sample(4000, _noise(4))
    for f in (torch.sin, torch.tanh, torch.abs):
        a, b = f(path[-1]), f(exact)
        error = ((a.var(0) + b.var(0)) / 4000).sqrt()
        assert ((a.mean(0) - b.mean(0)).abs() < 5 * error + 0.02).all()


def test_going_back_is_exact_for_one_gaussian_in_the_limit() -> None:
    m = Mixture(torch.ones(1, dtype=F64), *(torch.full((1, 1), v, dtype=F64) for v in (2.0, 0.25)), torch.ones(1, 1, 1, dtype=F64))
    z = torch.tensor([[-1.0], [0.0], [1.5]], dtype=F64)
    errors = []
    for steps in (50, 100, 200):
        path = diffuse_back(m, z, torch.linspace(1 - 1e-6, 1e-6, steps, dtype=F64))
        errors.append((path[-1] - (2 + 0.5 * z)).abs().max().item())  # the map that keeps the order
    assert errors[0] > errors[1] > errors[2] and errors[2] < 0.02


@pytest.mark.parametrize("times", [[], [0.2, 0.5], [1.0, 0.5], [0.5, 0.0]])
def test_times_must_fall(times: list[float]) -> None:
    with pytest.raises(ValueError, match="must fall"):
        inspect.unwrap(diffuse_back)(_random()[0], torch.zeros(2, 2, dtype=F64), torch.tensor(times))


def test_fit_finds_two_clouds() -> None:
    weights, means = torch.tensor([0.25, 0.75], dtype=F64), torch.tensor([[-4.0, 0.0], [4.0, 1.0]], dtype=F64)
    values = torch.tensor([[0.3, 0.5], [0.2, 1.0]], dtype=F64)
    true = Mixture(weights, means, values, torch.eye(2, dtype=F64).repeat(2, 1, 1))
    x = true.sample(4000, _noise(5))
    found = fit(x, 2)
    order = found.means[:, 0].argsort()
    torch.testing.assert_close(found.weights[order], weights, rtol=0.1, atol=0)
    torch.testing.assert_close(found.means[order], means, rtol=0, atol=0.15)
    torch.testing.assert_close(found.values[order], values, rtol=0.15, atol=0)


def test_each_step_raises_the_likelihood_and_values_have_a_floor() -> None:
    x = _random(k=4, d=3)[0].sample(1500, _noise(6))
    likelihoods = [fit(x, 6, steps=steps, floor=1e-6).log_prob(x).mean().item() for steps in range(5)]
    assert likelihoods == sorted(likelihoods) and likelihoods[-1] > likelihoods[0]
    flat = torch.cat([x[:, :2], torch.zeros(1500, 1, dtype=F64)], 1)
    assert fit(flat, 2, floor=0.01).values.min().item() == pytest.approx(0.01)
    one = fit(x, 1)
    torch.testing.assert_close(one.means[0], x.mean(0))


def test_fit_refuses_what_cannot_be() -> None:
    for k in (0, 11):
        with pytest.raises(ValueError, match="components"):
            fit(torch.zeros(10, 2), k)


def test_a_component_without_points_stays() -> None:
    before = torch.tensor([[1.0], [7.0]])
    shares = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    means = module._means(torch.tensor([[2.0], [4.0]]), shares, before)
    assert means.tolist() == [[3.0], [7.0]]
