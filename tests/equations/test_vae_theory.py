"""The equations of the chapter on VAE mathematics, in float64: quadrature over one latent, enumeration, or an optimiser."""

import itertools
import math

import pytest
import torch
from scipy.integrate import quad
from scipy.optimize import minimize, minimize_scalar
from torch import Tensor, distributions
from torch.distributions import Normal

from imggen_lib.losses import vae as terms
from imggen_lib.theory import linear_vae
from imggen_lib.theory.linear_vae import LinearVae

F64 = torch.float64
Z = torch.linspace(-9, 9, 6001, dtype=F64)
DZ = (Z[1] - Z[0]).item()


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=F64, generator=torch.Generator().manual_seed(seed))


def _density(mean: float, sigma: float) -> Tensor:
    return Normal(torch.tensor(mean, dtype=F64), sigma).log_prob(Z).exp()


def _arc() -> tuple[Tensor, Tensor, float]:
    """Likelihood and prior along the grid for one point of a bent model, and its log p(x)."""
    drawn = torch.stack([2 * Z.sin(), (1.5 * Z).cos()], 1)
    log_px_z = Normal(drawn, 0.4).log_prob(torch.tensor([0.6, -0.4], dtype=F64)).sum(1)
    log_pz = Normal(torch.zeros((), dtype=F64), 1.0).log_prob(Z)
    return log_px_z.exp(), log_pz.exp(), torch.logsumexp(log_px_z + log_pz + math.log(DZ), 0).item()


def _line() -> tuple[LinearVae, Tensor]:
    """A linear model with one latent and two pixels, and a point."""
    model = LinearVae(torch.tensor([[1.3], [-0.4]], dtype=F64), torch.tensor([0.2, 0.5], dtype=F64), 0.7)
    return model, torch.tensor([[1.1, -0.3]], dtype=F64)


def _likelihood(model: LinearVae, x: Tensor) -> Tensor:
    return Normal(Z[:, None] @ model.weight.T + model.bias, model.sigma).log_prob(x).sum(1).exp()


def test_vae_marginal() -> None:
    """The integral by quadrature against the closed form of a linear model."""
    model, x = _line()
    likelihood, prior = _likelihood(model, x), _density(0.0, 1.0)
    p_x = (likelihood * prior).sum() * DZ  # claim
    assert p_x.log().item() == pytest.approx(model.log_prob(x).item(), abs=1e-9)


def test_vae_posterior() -> None:
    """Along a grid, against the closed form of a linear model."""
    model, x = _line()
    likelihood, prior, p_x = _likelihood(model, x), _density(0.0, 1.0), model.log_prob(x).exp()
    posterior = likelihood * prior / p_x  # claim
    mean, covariance = model.posterior(x)
    torch.testing.assert_close(posterior, _density(mean.item(), covariance.item() ** 0.5), rtol=1e-7, atol=1e-9)


def test_vae_jensen() -> None:
    """By quadrature, against draws and the library's weights, for three guesses and for the exact posterior."""
    likelihood, prior, log_px = _arc()
    joint = likelihood * prior
    for mu, sigma in ((0.7, 0.3), (2.0, 0.8), (-0.5, 1.5)):
        q = _density(mu, sigma).clamp(min=1e-300)
        mean_of_weights = (q * (joint / q)).sum() * DZ  # claim
        elbo = ((q * (joint / q).log()).sum() * DZ).item()  # claim
        assert mean_of_weights.log().item() == pytest.approx(log_px, abs=1e-6)
        assert log_px >= elbo  # claim
        z = mu + sigma * _random(100_000, 1, seed=1)
        drawn = torch.cat([2 * z.sin(), (1.5 * z).cos()], 1)
        log_px_z = Normal(drawn, 0.4).log_prob(torch.tensor([0.6, -0.4], dtype=F64)).sum(1)
        encoder = torch.tensor([mu], dtype=F64), torch.tensor([2 * math.log(sigma)], dtype=F64)
        weights = terms.log_importance_weights(log_px_z, z, *encoder)
        torch.testing.assert_close(terms.log_normal(z, *encoder), Normal(encoder[0], sigma).log_prob(z)[:, 0])
        assert abs(weights.mean().item() - elbo) < 5 * weights.std().item() / 100_000**0.5
    assert (joint / math.exp(log_px) * torch.full_like(Z, log_px)).sum().item() * DZ == pytest.approx(log_px)


def test_vae_gap() -> None:
    """The two sums and log p(x), each by quadrature."""
    likelihood, prior, log_px = _arc()
    log_joint = likelihood.log() + prior.log()
    for mu, sigma in ((0.7, 0.3), (2.0, 0.8), (0.1, 0.5)):
        q = _density(mu, sigma).clamp(min=1e-300)
        elbo = (q * (log_joint - q.log())).sum() * DZ  # claim
        kl = (q * (q.log() - (log_joint - log_px))).sum() * DZ  # claim
        total = elbo + kl  # claim
        assert total.item() == pytest.approx(log_px, abs=1e-7)


def test_vae_divergence() -> None:
    """Against PyTorch for Gaussians; the sign over random distributions on five points."""
    q, p = _density(0.4, 0.6), _density(-0.5, 1.3)
    kl = (q.clamp(min=1e-300) * (q.clamp(min=1e-300) / p).log()).sum() * DZ  # claim
    expected = distributions.kl_divergence(Normal(0.4, 0.6), Normal(-0.5, 1.3))
    assert kl.item() == pytest.approx(expected.item(), rel=1e-6)
    for seed in range(20):
        a, b = _random(2, 5, seed=seed).softmax(1)
        divergence = (a * (a / b).log()).sum()
        assert divergence >= 0  # claim
        assert divergence > 1e-6
        assert (a * (a / a).log()).sum() == 0


def test_vae_elbo_terms() -> None:
    """The difference of the terms against the mean of log p(x,z) - log q(z), by quadrature, for three guesses."""
    likelihood, prior, _ = _arc()
    for mu, sigma in ((0.7, 0.3), (2.0, 0.8), (-0.5, 0.5)):
        q = _density(mu, sigma).clamp(min=1e-300)
        reconstruction = ((q * likelihood.log()).sum() * DZ).item()
        kl = terms.standard_normal_kl(torch.tensor([[mu]]), torch.tensor([[2 * math.log(sigma)]])).item()
        elbo = reconstruction - kl  # claim
        assert elbo == pytest.approx(((q * (likelihood * prior / q).log()).sum() * DZ).item(), rel=1e-5)
        assert terms.elbo(torch.tensor([reconstruction]), torch.tensor([kl])).item() == pytest.approx(elbo, rel=1e-5)


def test_vae_score_function() -> None:
    """Against finite differences of the expectation, in the mean and in the width; the score by autograd."""
    f = (1.3 * Z).sin() + 0.2 * Z**2

    def expectation(mu: float, sigma: float) -> float:
        return ((_density(mu, sigma) * f).sum() * DZ).item()

    mu, sigma, h = 0.6, 0.8, 1e-5
    parameters = torch.tensor([mu, sigma], dtype=F64)
    scores = torch.autograd.functional.jacobian(lambda t: Normal(t[0], t[1]).log_prob(Z), parameters)
    q = _density(mu, sigma)
    in_mu = (expectation(mu + h, sigma) - expectation(mu - h, sigma)) / (2 * h)
    in_sigma = (expectation(mu, sigma + h) - expectation(mu, sigma - h)) / (2 * h)
    for j, slope in enumerate((in_mu, in_sigma)):
        estimate = (q * f * scores[:, j]).sum() * DZ  # claim
        assert estimate.item() == pytest.approx(slope, rel=1e-6)


def test_vae_reparameterisation() -> None:
    """Against autograd through the density of q, for a function with a known derivative."""
    parameters = torch.tensor([0.6, 0.8], dtype=F64, requires_grad=True)
    expectation = (Normal(parameters[0], parameters[1]).log_prob(Z).exp() * ((1.3 * Z).sin() + 0.2 * Z**2)).sum() * DZ
    (slopes,) = torch.autograd.grad(expectation, parameters)
    mu, sigma, eps, noise = 0.6, 0.8, Z, _density(0.0, 1.0)

    def f_prime(z: Tensor) -> Tensor:
        return 1.3 * (1.3 * z).cos() + 0.4 * z

    in_mu = (noise * f_prime(mu + sigma * eps)).sum() * DZ  # claim
    in_sigma = (noise * eps * f_prime(mu + sigma * eps)).sum() * DZ  # claim
    torch.testing.assert_close(torch.stack([in_mu, in_sigma]), slopes, rtol=1e-8, atol=0)


def test_vae_kl() -> None:
    """Against quadrature in two dimensions, one after the other, and the library, summed and not."""
    mu, sigma = torch.tensor([0.7, -1.1], dtype=F64), torch.tensor([0.4, 1.3], dtype=F64)
    p = Normal(torch.zeros((), dtype=F64), 1.0).log_prob(Z)
    by_quadrature = []
    for m, s in zip(mu, sigma, strict=True):
        log_q = Normal(m, s).log_prob(Z)
        by_quadrature.append((log_q.exp() * (log_q - p)).sum() * DZ)
    each = 0.5 * (mu**2 + sigma**2 - (sigma**2).log() - 1)  # claim
    torch.testing.assert_close(torch.stack(by_quadrature), each, rtol=1e-6, atol=0)
    arguments = mu[None], 2 * sigma.log()[None]
    torch.testing.assert_close(terms.kl_per_dimension(*arguments)[0], each)
    total = each.sum()  # claim
    assert terms.standard_normal_kl(*arguments).item() == pytest.approx(total.item())


def test_vae_bernoulli() -> None:
    """Both forms against PyTorch and the library; over all images of four pixels the probabilities sum to 1."""
    every = torch.tensor(list(itertools.product([0.0, 1.0], repeat=4)), dtype=F64)
    logits = torch.tensor([0.3, -1.2, 2.0, 0.7], dtype=F64).expand(16, 4)
    x, l, white = every, logits, torch.sigmoid(logits)  # noqa: E741
    first = (x * white.log() + (1 - x) * (1 - white).log()).sum(1)  # claim
    second = (x * l - (1 + l.exp()).log()).sum(1)  # claim
    assert first.exp().sum().item() == pytest.approx(1.0)
    expected = distributions.Bernoulli(logits=logits).log_prob(every).sum(1)
    for value in (first, second):
        torch.testing.assert_close(value, expected)
    torch.testing.assert_close(terms.bernoulli_log_prob(every, logits), expected)


def test_vae_gaussian() -> None:
    """Against PyTorch and the library at five pixels."""
    x, m, sigma, d = _random(5, seed=1), _random(5, seed=2), 0.6, 5
    log_p = -1 / (2 * sigma**2) * ((x - m) ** 2).sum() - d * math.log(sigma) - d / 2 * math.log(2 * math.pi)  # claim
    assert log_p.item() == pytest.approx(Normal(m, sigma).log_prob(x).sum().item(), rel=1e-10)
    library = terms.gaussian_log_prob(x[None], m[None], torch.tensor(math.log(sigma), dtype=F64))
    assert library.item() == pytest.approx(log_p.item(), rel=1e-10)


def test_vae_optimal_sigma() -> None:
    """Against a search for the sigma with the highest log-probability."""
    x, m, d = _random(40, 7, seed=1), _random(40, 7, seed=2), 7
    found = minimize_scalar(lambda t: -terms.gaussian_log_prob(x, m, torch.tensor(t, dtype=F64)).mean().item(), (-1, 1), tol=1e-10)
    best = 1 / d * ((x - m) ** 2).sum(1).mean()  # claim
    assert math.exp(2 * found.x) == pytest.approx(best.item(), rel=1e-5)


def test_vae_logistic() -> None:
    """Against the integral of the logistic density over each bin and both tails; the 256 levels sum to 1; and the library."""
    m, s, sigmoid = 0.31, 0.2, torch.sigmoid

    def mass(a: float, b: float) -> float:
        return quad(lambda t: math.exp(-(t - m) / s) / s / (1 + math.exp(-(t - m) / s)) ** 2, a, b, epsabs=1e-13)[0]

    levels = torch.arange(256, dtype=F64) / 127.5 - 1
    x = levels[1:-1]
    p = sigmoid((x + 1 / 255 - m) / s) - sigmoid((x - 1 / 255 - m) / s)  # claim
    darkest = sigmoid((torch.tensor(-1, dtype=F64) + 1 / 255 - m) / s)  # claim
    lightest = 1 - sigmoid((torch.tensor(1, dtype=F64) - 1 / 255 - m) / s)  # claim
    for k in (0, 40, 170, 253):
        assert p[k].item() == pytest.approx(mass(x[k].item() - 1 / 255, x[k].item() + 1 / 255), rel=1e-8)
    assert darkest.item() == pytest.approx(mass(-20, -1 + 1 / 255), rel=1e-6)
    assert lightest.item() == pytest.approx(mass(1 - 1 / 255, 20), rel=1e-6)
    every = torch.cat([darkest[None], p, lightest[None]])
    assert every.sum().item() == pytest.approx(1.0, abs=1e-12)
    log_scale = torch.tensor(math.log(s), dtype=F64)
    library = terms.discretized_logistic_log_prob(levels[:, None], torch.full((256, 1), m, dtype=F64), log_scale)
    torch.testing.assert_close(library.exp(), every)
    two = terms.discretized_logistic_log_prob(levels[None, [3, 255]], torch.full((1, 2), m, dtype=F64), log_scale)
    torch.testing.assert_close(two[0], every[[3, 255]].log().sum())


def test_vae_beta_objective() -> None:
    """On a linear model: beta = 1 gives the exact ELBO, its slope in beta is -KL, it is a bound for 3 and none for 0.02."""
    model, x = _line()
    mean, covariance = torch.tensor([[0.4]], dtype=F64), torch.tensor([[0.3]], dtype=F64)
    width, zero = torch.tensor(0.3, dtype=F64).sqrt(), torch.zeros((), dtype=F64)
    log_q = Normal(zero + 0.4, width).log_prob(Z)
    reconstruction = ((log_q.exp() * _likelihood(model, x).log()).sum() * DZ).item()
    kl = distributions.kl_divergence(Normal(zero + 0.4, width), Normal(zero, zero + 1)).item()

    def objective(beta: float) -> float:
        return reconstruction - beta * kl  # claim

    exact = model.elbo(x, mean, covariance).item()
    assert objective(1.0) == pytest.approx(exact, rel=1e-8)
    log_q_grid = log_q.exp() * (Normal(zero, zero + 1).log_prob(Z) - log_q)
    assert objective(3.0) - objective(1.0) == pytest.approx(2 * log_q_grid.sum().item() * DZ, rel=1e-5)
    posterior, spread = model.posterior(x, 0.02)
    no_bound = model.reconstruction(x, posterior, spread) - 0.02 * linear_vae.gaussian_kl(posterior, spread)
    assert objective(3.0) < exact < model.log_prob(x).item() < no_bound.item()
    library = terms.elbo(torch.tensor([reconstruction], dtype=F64), torch.tensor([kl], dtype=F64), 3.0)
    assert library.item() == pytest.approx(objective(3.0)) == pytest.approx(model.elbo(x, mean, covariance, 3.0).item())


def test_vae_hidden_beta() -> None:
    """The gradient of the program with two means is that of the beta-ELBO, up to one factor."""
    pixels, latents, n = 12, 5, 8
    x = (_random(n, pixels, seed=1) > 0).to(F64)
    w, v = _random(latents, pixels, seed=2), _random(pixels, 2 * latents, seed=3) / 4
    v.requires_grad_(True)

    def both() -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = (x @ v).chunk(2, 1)
        logits = (mu + (0.5 * logvar).exp() * _random(n, latents, seed=4)) @ w
        return logits, mu, logvar

    logits, mu, logvar = both()
    bce = torch.nn.functional.binary_cross_entropy_with_logits(logits, x)
    kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).mean()
    (theirs,) = torch.autograd.grad(bce + kl, v)
    beta = pixels / latents  # claim
    logits, mu, logvar = both()
    loss = -terms.elbo(terms.bernoulli_log_prob(x, logits), terms.standard_normal_kl(mu, logvar), beta).mean()
    (ours,) = torch.autograd.grad(loss, v)
    torch.testing.assert_close(pixels * theirs, ours)


def test_vae_sigma_beta() -> None:
    """The gradient with a fixed sigma is that of the beta-ELBO at the best sigma, up to one factor."""
    x, w = _random(30, 6, seed=1), _random(3, 6, seed=2)
    v = (_random(6, 6, seed=3) / 4).requires_grad_(True)
    sigma = 0.9

    def both() -> tuple[Tensor, Tensor]:
        mu, logvar = (x @ v).chunk(2, 1)
        return (mu + (0.5 * logvar).exp() * _random(30, 3, seed=4)) @ w, terms.standard_normal_kl(mu, logvar)

    def slopes(width: float, beta: float) -> Tensor:
        mean, kl = both()
        log_px = terms.gaussian_log_prob(x, mean, torch.tensor(math.log(width), dtype=F64))
        return torch.autograd.grad(terms.elbo(log_px, kl, beta).mean(), v)[0]

    best = (x - both()[0]).square().mean().sqrt().item()
    beta = sigma**2 / best**2  # claim
    fixed, weighted = slopes(sigma, 1.0), slopes(best, beta)
    cosine = torch.nn.functional.cosine_similarity(fixed.flatten(), weighted.flatten(), dim=0)
    assert cosine.item() == pytest.approx(1.0, abs=1e-12)


def test_vae_linear_marginal() -> None:
    """The integral over one latent by quadrature, at four points, against the Gaussian with the stated covariance."""
    model, _ = _line()
    weight, bias, sigma = model.weight, model.bias, 0.7
    covariance = weight @ weight.T + sigma**2 * torch.eye(2, dtype=F64)  # claim
    points = _random(4, 2, seed=5)
    stated = distributions.MultivariateNormal(bias, covariance).log_prob(points)
    by_quadrature = torch.stack([(_likelihood(model, x[None]) * _density(0.0, 1.0)).sum() * DZ for x in points]).log()
    torch.testing.assert_close(stated, by_quadrature)
    torch.testing.assert_close(model.log_prob(points), stated)
    torch.testing.assert_close(linear_vae.gaussian_log_prob(points, bias, covariance), stated)


def test_vae_linear_posterior() -> None:
    """Against Bayes' rule at five latents, for two latents and four pixels; and the library."""
    model = LinearVae(_random(4, 2, seed=1), _random(4, seed=2), 0.6)
    x, z = _random(4, seed=3), _random(5, 2, seed=4)
    weight, bias, sigma = model.weight, model.bias, 0.6
    m = weight.T @ weight + sigma**2 * torch.eye(2, dtype=F64)  # claim
    mean = torch.linalg.inv(m) @ weight.T @ (x - bias)  # claim
    covariance = sigma**2 * torch.linalg.inv(m)  # claim
    stated = distributions.MultivariateNormal(mean, covariance).log_prob(z)
    likelihood = Normal(z @ weight.T + bias, sigma).log_prob(x).sum(1)
    prior = Normal(torch.zeros(2, dtype=F64), 1.0).log_prob(z).sum(1)
    torch.testing.assert_close(stated, likelihood + prior - model.log_prob(x[None]))
    library = model.posterior(x[None])
    torch.testing.assert_close(library[0][0], mean)
    torch.testing.assert_close(library[1], covariance)
    prior_2 = distributions.MultivariateNormal(torch.zeros(2, dtype=F64), torch.eye(2, dtype=F64))
    expected = distributions.kl_divergence(distributions.MultivariateNormal(z, covariance), prior_2)
    torch.testing.assert_close(linear_vae.gaussian_kl(z, covariance), expected)


def test_vae_ppca() -> None:
    """The slope of the log-likelihood is zero there, every neighbour is worse, and a fixed large sigma leaves a column empty."""
    d, k = 5, 2
    x = _random(300, d, seed=3) @ _random(d, d, seed=4) + 1
    values, vectors = torch.linalg.eigh(torch.cov(x.T, correction=0))
    values, vectors = values.flip(0), vectors.flip(1)
    rotation = torch.linalg.qr(_random(k, k, seed=5))[0]
    noise = 1 / (d - k) * values[k:].sum()  # claim
    weight = vectors[:, :k] @ torch.diag((values[:k] - noise).clamp(min=0) ** 0.5) @ rotation  # claim
    at = weight.clone().requires_grad_(True), noise.clone().requires_grad_(True)
    value = linear_vae.gaussian_log_prob(x, x.mean(0), at[0] @ at[0].T + at[1] * torch.eye(d, dtype=F64)).mean()
    assert all(slope.abs().max() < 1e-9 for slope in torch.autograd.grad(value, at))
    for seed in range(5):
        near = weight + 0.2 * _random(d, k, seed=seed)
        assert linear_vae.gaussian_log_prob(x, x.mean(0), near @ near.T + noise * torch.eye(d, dtype=F64)).mean() < value
    library = linear_vae.fit(x, k)
    torch.testing.assert_close(library.covariance(), weight @ weight.T + noise * torch.eye(d, dtype=F64))
    torch.testing.assert_close(library.bias, x.mean(0))
    torch.testing.assert_close(linear_vae.spectrum(x)[0], values)
    between = linear_vae.fit(x, k, sigma=math.sqrt((values[0] + values[1]).item() / 2))
    torch.testing.assert_close(between.weight.norm(dim=0), torch.stack([((values[0] - values[1]) / 2).sqrt(), 0 * noise]))


def test_vae_beta_posterior() -> None:
    """Against an optimiser over all distributions on seven latents; and the library's for the linear model."""
    prior, likelihood, beta = _random(7, seed=1).softmax(0), (2 * _random(7, seed=2)).exp(), 2.5
    t = torch.zeros(7, dtype=F64, requires_grad=True)
    optimizer = torch.optim.LBFGS([t], max_iter=500, tolerance_grad=1e-12, tolerance_change=1e-15, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        q = t.softmax(0)
        loss = -(q * likelihood.log()).sum() + beta * (q * (q / prior).log()).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    stated = prior * likelihood ** (1 / beta)  # claim
    torch.testing.assert_close(t.detach().softmax(0), stated / stated.sum(), rtol=1e-4, atol=1e-6)
    model, x = _line()
    mean, covariance = model.posterior(x, beta)
    stated = _density(0.0, 1.0) * _likelihood(model, x) ** (1 / beta)
    torch.testing.assert_close(_density(mean.item(), covariance.item() ** 0.5), stated / stated.sum() / DZ, rtol=1e-7, atol=1e-9)


def test_vae_slope() -> None:
    """By enumeration: the best of 300 random models for every pair of ten betas."""
    rate, distortion = (3 * _random(2, 300, seed=1)).exp()
    betas = [0.03 * 2.5**j for j in range(10)]
    best = [int((distortion + beta * rate).argmin()) for beta in betas]
    tried = 0
    for i, j in itertools.combinations(range(10), 2):
        beta_1, beta_2, r_1, r_2 = betas[i], betas[j], rate[best[i]], rate[best[j]]
        d_1, d_2 = distortion[best[i]], distortion[best[j]]
        if best[i] != best[j]:
            assert r_1 > r_2
            assert beta_1 <= (d_2 - d_1) / (r_1 - r_2) <= beta_2  # claim
            tried += 1
    assert tried > 5


def test_vae_rate() -> None:
    """Four images with one latent: the rate by the library's KL, the two parts by quadrature, the information by entropies."""
    mu, sigma = torch.tensor([-1.2, 0.1, 0.9, 2.0], dtype=F64), torch.tensor([0.3, 0.5, 0.8, 0.4], dtype=F64)
    log_q = Normal(mu[:, None], sigma[:, None]).log_prob(Z)  # (4, grid)
    mixture = log_q.exp().mean(0)
    prior = Normal(torch.zeros((), dtype=F64), 1.0).log_prob(Z)
    information = ((log_q.exp() * (log_q - mixture.log())).sum(1) * DZ).mean()  # claim
    mismatch = (mixture * (mixture.log() - prior)).sum() * DZ  # claim
    rate = information + mismatch  # claim
    assert terms.standard_normal_kl(mu[:, None], 2 * sigma.log()[:, None]).mean().item() == pytest.approx(rate.item(), rel=1e-6)
    entropy = -(mixture * mixture.log()).sum() * DZ
    own = (0.5 * (2 * math.pi * math.e * sigma**2).log()).mean()
    assert information.item() == pytest.approx((entropy - own).item(), rel=1e-6)


def test_vae_water_filling() -> None:
    """Each direction of a linear beta-VAE is optimised numerically: decoder, encoder and width; then summed."""
    values, beta, sigma = [3.0, 1.1, 0.7, 0.2], 2.5, 0.6
    level = beta * sigma**2
    rates, errors = [], []
    for value in values:

        def terms_of(t: list[float], value: float = value) -> tuple[float, float]:
            w, a, log_s2 = t
            error = (1 - w * a) ** 2 * value + w**2 * math.exp(log_s2)
            return error, 0.5 * (a**2 * value + math.exp(log_s2) - log_s2 - 1)

        def objective(t: list[float]) -> float:
            error, kl = terms_of(t)
            return error / (2 * sigma**2) + beta * kl

        found = minimize(objective, [0.5, 0.5, -0.5], method="BFGS", options={"gtol": 1e-9})
        error, kl = terms_of(found.x)
        rates.append(kl)
        errors.append(error)
    each = torch.tensor(values, dtype=F64)
    rate = (1 / 2 * (each / each.clamp(max=level)).log()).sum()  # claim
    distortion = each.clamp(max=level).sum()  # claim
    assert sum(rates) == pytest.approx(rate.item(), abs=1e-5)
    assert sum(errors) == pytest.approx(distortion.item(), abs=1e-5)
    assert linear_vae.rate_distortion(each, level) == pytest.approx((rate.item(), distortion.item()))


def test_vae_free_bits() -> None:
    """Against the library by autograd: dimensions below the floor push nothing, the others like the plain ELBO."""
    mu = torch.linspace(-1, 1.3, 6, dtype=F64)[:, None] * torch.tensor([1.5, 0.1, 0.9, 0.02], dtype=F64)
    logvar = torch.full((6, 4), -0.1, dtype=F64)
    mu.requires_grad_(True)
    log_px, floor, n = -3 * (mu - 0.2).square().sum(1), 0.15, 6
    kl = terms.kl_per_dimension(mu, logvar)
    price = sum(torch.clamp(1 / n * kl[:, j].sum(), min=floor) for j in range(4))
    objective = 1 / n * log_px.sum() - price  # claim
    plain = terms.elbo(log_px, terms.standard_normal_kl(mu, logvar)).mean()
    above = kl.mean(0) > floor
    assert above.tolist() == [True, False, True, False]
    free, ordinary, reconstruction = (torch.autograd.grad(v, mu, retain_graph=True)[0] for v in (objective, plain, log_px.mean()))
    torch.testing.assert_close(free[:, above], ordinary[:, above])
    torch.testing.assert_close(free[:, ~above], reconstruction[:, ~above])
    torch.testing.assert_close(log_px.mean() - terms.free_bits_kl(kl, floor), objective)
    assert objective < plain


def test_vae_iwae() -> None:
    """By enumeration of all k-tuples of draws from three latents, for k up to four; and the library on the same weights."""
    joint, q = torch.tensor([0.05, 0.02, 0.11], dtype=F64), torch.tensor([0.5, 0.3, 0.2], dtype=F64)
    w = joint / q

    def bound(k: int) -> float:
        total = 0.0
        for draws in itertools.product(range(3), repeat=k):
            value = (1 / k * w[list(draws)].sum()).log()  # claim
            total += (q[list(draws)].prod() * value).item()
            library = terms.iwae_bound(w[list(draws)].log()[:, None])
            assert library.item() == pytest.approx(value.item(), rel=1e-10)
        return total

    elbo = (q * (joint / q).log()).sum().item()
    assert bound(1) == pytest.approx(elbo)
    assert elbo < bound(2) < bound(3) < bound(4) < math.log(joint.sum().item())  # claim


def test_vae_snr() -> None:
    """Measured with the library's bound and autograd on one latent: the slope of log SNR against log k, for 16 and 64 draws."""

    def ratios(k: int, n: int = 120_000) -> tuple[float, float]:
        eps = torch.randn(k, n, generator=torch.Generator().manual_seed(k))
        mu, w = torch.full((n,), 0.3, requires_grad=True), torch.full((n,), 1.0, requires_grad=True)
        z = mu + eps
        log_w = -0.5 * (2 - w * z) ** 2 - 0.5 * z**2 + 0.5 * (z - mu) ** 2
        slopes = torch.autograd.grad(terms.iwae_bound(log_w).sum(), (mu, w))
        return tuple((g.mean().abs() / g.std()).item() for g in slopes)  # type: ignore[return-value]

    few, many = ratios(16), ratios(64)
    encoder, decoder = (math.log(b / a) / math.log(4) for a, b in zip(few, many, strict=True))
    stated_encoder = -1 / 2  # claim
    stated_decoder = 1 / 2  # claim
    assert encoder == pytest.approx(stated_encoder, abs=0.1)
    assert decoder == pytest.approx(stated_decoder, abs=0.1)
