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


LEVELS = torch.arange(256, dtype=F64) / 127.5 - 1


@pytest.mark.parametrize("mean", [-1.4, -1.0, 0.013, 0.99, 30.0])
@pytest.mark.parametrize("log_scale", [-8.0, -3.0, 0.0, 4.0])
def test_discretized_logistic_sums_to_one_over_the_levels(mean: float, log_scale: float) -> None:
    means, scale = torch.full((256, 1), mean, dtype=F64), torch.tensor(log_scale, dtype=F64)
    log_p = vae.discretized_logistic_log_prob(LEVELS[:, None], means, scale)
    assert torch.isfinite(log_p).all() and (log_p <= 0).all()
    assert log_p.exp().sum().item() == pytest.approx(1.0, abs=1e-9)


def test_discretized_logistic_is_the_logistic_s_mass_in_each_bin() -> None:
    from scipy.stats import logistic

    x, mean, scale = LEVELS[[0, 1, 100, 254, 255]], 0.31, 0.2
    edges = [(-math.inf, -1 + 1 / 255), *[(v - 1 / 255, v + 1 / 255) for v in x[1:4].tolist()], (1 - 1 / 255, math.inf)]
    expected = [logistic.cdf(b, mean, scale) - logistic.cdf(a, mean, scale) for a, b in edges]
    means, log_scale = torch.full((5, 1), mean, dtype=F64), torch.tensor(math.log(scale), dtype=F64)
    got = vae.discretized_logistic_log_prob(x[:, None], means, log_scale)
    torch.testing.assert_close(got.exp(), torch.tensor(expected, dtype=F64))


def test_discretized_logistic_in_single_precision_is_stable_and_sums_over_pixels() -> None:
    levels = LEVELS.float()
    x = levels[torch.randint(256, (3, 1, 4, 4), generator=torch.Generator().manual_seed(0))]
    mean = _random(3, 1, 4, 4, seed=1).float()
    for log_scale in (-7.0, -1.0, 3.0):
        scale = torch.tensor(log_scale)
        mean.requires_grad_(True)
        single = vae.discretized_logistic_log_prob(x, mean, scale)
        double = vae.discretized_logistic_log_prob(x.double(), mean.double(), scale.double())
        assert single.shape == (3,)
        torch.testing.assert_close(single.double(), double, rtol=1e-3, atol=1e-3)
        (slope,) = torch.autograd.grad(single.sum(), mean)
        assert torch.isfinite(slope).all() and (slope != 0).any()


def test_kl_per_dimension_adds_up() -> None:
    mu, logvar = _random(5, 3, seed=3), _random(5, 3, seed=4)
    torch.testing.assert_close(vae.kl_per_dimension(mu, logvar).sum(1), vae.standard_normal_kl(mu, logvar))
    alone = vae.standard_normal_kl(mu[:, 1:2], logvar[:, 1:2])
    torch.testing.assert_close(vae.kl_per_dimension(mu, logvar)[:, 1], alone)


def test_free_bits_cost_nothing_and_push_nothing() -> None:
    mu = torch.tensor([[2.0, 0.1], [1.0, -0.1]], dtype=F64, requires_grad=True)
    kl = vae.kl_per_dimension(mu, torch.zeros_like(mu))  # means 1.25 and 0.005
    assert vae.free_bits_kl(kl, 0.0).item() == pytest.approx(1.255)
    priced = vae.free_bits_kl(kl, 0.3)
    assert priced.item() == pytest.approx(1.25 + 0.3)
    (slope,) = torch.autograd.grad(priced, mu)
    torch.testing.assert_close(slope, torch.tensor([[1.0, 0.0], [0.5, 0.0]], dtype=F64))
    spread = vae.free_bits_kl(torch.tensor([[0.0], [1.0]], dtype=F64), 0.4)  # the mean first, the maximum after it
    assert spread.item() == pytest.approx(0.5)


def test_importance_weights_average_to_the_probability() -> None:
    model = _Linear()
    mu, logvar, n = torch.tensor([0.9], dtype=F64), torch.tensor([-0.5], dtype=F64), 400_000
    z = mu + (0.5 * logvar).exp() * _random(n, 1, seed=11)
    log_px = distributions.Normal(z[..., 0], math.sqrt(model.s2)).log_prob(torch.tensor(model.x, dtype=F64))
    weights = vae.log_importance_weights(log_px, z, mu, logvar).exp()
    error = weights.std().item() / n**0.5
    assert abs(weights.mean().item() - math.exp(model.exact())) < 4 * error < 0.01


def test_new_mistakes_are_refused() -> None:
    scale = torch.zeros(())
    for x in (torch.full((2, 3), 0.001), torch.full((2, 3), 1 + 2 / 255), torch.full((2, 3), float("nan"))):
        with pytest.raises(ValueError, match="grey levels"):
            vae.discretized_logistic_log_prob(x, torch.zeros(2, 3), scale)
    with pytest.raises(ValueError, match="must agree"):
        inspect.unwrap(vae.discretized_logistic_log_prob)(torch.ones(2, 3), torch.ones(2, 4), scale)
    with pytest.raises(ValueError, match="must agree"):
        inspect.unwrap(vae.kl_per_dimension)(torch.ones(2, 3), torch.ones(2, 1))
    for floor in (-0.1, float("inf")):
        with pytest.raises(ValueError, match="free bits"):
            vae.free_bits_kl(torch.ones(2, 3), floor)
