"""The equations of the chapter on what it is to generate, each against an independent route."""

import heapq
import itertools
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, distributions

from imggen_lib.losses.gan import minimax
from imggen_lib.losses.vae import bernoulli_log_prob
from imggen_lib.theory.mixture import Mixture

F64 = torch.float64


def _noise(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _two_humps() -> Mixture:
    """0.3 N(-1.5, 0.4^2) + 0.7 N(1, 0.6^2)."""
    weights, means = torch.tensor([0.3, 0.7], dtype=F64), torch.tensor([[-1.5], [1.0]], dtype=F64)
    return Mixture(weights, means, torch.tensor([[0.16], [0.36]], dtype=F64), torch.ones(2, 1, 1, dtype=F64))


def test_gen_standard_error() -> None:
    """All samples of three dice throws, enumerated."""
    f = torch.tensor([1.0, 4.0, 9.0, 2.0, 7.0, 0.5], dtype=F64)
    n = 3
    averages = torch.tensor([sum(s) / n for s in itertools.product(f.tolist(), repeat=n)], dtype=F64)
    error = (averages - f.mean()).square().mean().sqrt().item()
    sigma = f.std(correction=0).item()
    formula = sigma / math.sqrt(n)  # claim
    assert error == pytest.approx(formula)


def test_gen_likelihood_kl() -> None:
    """The cross-entropy of two Gaussians by quadrature, entropy and divergence in closed form from torch.distributions."""
    p, model = distributions.Normal(0.3, 0.8), distributions.Normal(-0.4, 1.3)
    x = torch.linspace(-9, 9, 20_001, dtype=F64)
    mean_log_likelihood = torch.trapezoid(p.log_prob(x).exp() * model.log_prob(x), x).item()
    entropy, divergence = p.entropy().item(), distributions.kl_divergence(p, model).item()
    formula = -entropy - divergence  # claim
    assert mean_log_likelihood == pytest.approx(formula, rel=1e-5)
    assert distributions.kl_divergence(p, p).item() == 0 < divergence


def test_gen_bits() -> None:
    """The mean length of a Huffman code for blocks of three symbols: optimal, and exact if all probabilities are powers of 1/2."""
    p = {"a": 1 / 2, "b": 1 / 4, "c": 1 / 8, "d": 1 / 8}
    blocks = [math.prod(p[s] for s in block) for block in itertools.product(p, repeat=3)]
    heap, length = list(blocks), 0.0
    heapq.heapify(heap)
    while len(heap) > 1:
        joined = heapq.heappop(heap) + heapq.heappop(heap)
        length += joined  # every block below this node gets one bit longer
        heapq.heappush(heap, joined)
    mean_log_p, d = sum(q * math.log(q) for q in blocks), 3
    assert length / d == pytest.approx(-mean_log_p / (d * math.log(2)))  # claim


def test_gen_mean_image() -> None:
    """Gradient ascent on the library's log-likelihood in float64 ends at the mean."""
    x = torch.bernoulli(torch.tensor([0.2, 0.5, 0.9], dtype=F64).expand(40, 3), generator=_noise(0))
    logits = torch.zeros(3, dtype=F64, requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], max_iter=100, tolerance_grad=1e-10, tolerance_change=1e-14)

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = -bernoulli_log_prob(x, logits.expand_as(x)).sum()
        value.backward()
        return value

    optimizer.step(loss)
    formula = x.sum(0) / len(x)  # claim
    torch.testing.assert_close(logits.detach().sigmoid(), formula, atol=1e-6, rtol=0)


def test_gen_gaussian_sample() -> None:
    """Mean and covariance of many samples within five standard errors; whitening by Cholesky gives the noise's norm back."""
    mean = torch.tensor([1.0, -2.0, 0.5], dtype=F64)
    root = torch.tensor([[1.0, 0.0, 0.0], [0.8, 0.5, 0.0], [-0.3, 0.4, 2.0]], dtype=F64)
    covariance = root @ root.T
    values, u = torch.linalg.eigh(covariance)
    n = 100_000
    z = torch.randn(n, 3, dtype=F64, generator=_noise(1))
    x = mean + (z * values.sqrt()) @ u.T  # claim
    errors = (x.mean(0) - mean).abs() / (covariance.diagonal() / n).sqrt()
    assert errors.max() < 5
    products = covariance.diagonal()[:, None] * covariance.diagonal() + covariance**2
    assert ((torch.cov(x.T) - covariance).abs() / (products / n).sqrt()).max() < 5
    white = torch.linalg.solve_triangular(root, (x - mean).T, upper=False)
    torch.testing.assert_close(white.norm(dim=0), z.norm(dim=1))
    along = torch.einsum("nd,de->ne", x - mean, u)  # and the first coordinate moves with the first noise
    assert (torch.sign(along) == torch.sign(z)).all()


def test_gen_inverse_cdf() -> None:
    """A distribution with atoms and a continuous one, over a fine grid of u."""
    u = (torch.arange(100_000, dtype=F64) + 0.5) / 100_000
    atoms, masses = torch.tensor([-1.0, 0.5, 2.0]), torch.tensor([0.2, 0.5, 0.3], dtype=F64)
    x = atoms[torch.searchsorted(masses.cumsum(0), u)]  # the smallest atom at which F reaches u
    for value, share in ((-1.0, 0.2), (0.5, 0.7), (1.9, 0.7), (2.0, 1.0)):
        at_most = (x <= value).double().mean().item()  # claim
        assert at_most == pytest.approx(share, abs=1e-4)
    target, line = _two_humps(), torch.linspace(-5, 5, 4001, dtype=F64)
    cdf = torch.cumulative_trapezoid(target.log_prob(line[:, None]).exp(), line)
    x = line[torch.searchsorted(cdf, u).clamp(max=len(cdf) - 1) + 1]
    normal = distributions.Normal(0.0, 1.0)
    for at in (-2.0, -1.0, 0.0, 1.5):
        exact = sum(w * normal.cdf(torch.tensor((at - m) / s)) for w, m, s in ((0.3, -1.5, 0.4), (0.7, 1.0, 0.6)))
        assert (x < at).double().mean().item() == pytest.approx(float(exact), abs=2e-3)


def test_gen_change_of_variables() -> None:
    """An expectation under a bent two-dimensional Gaussian: by quadrature over z, and over x with the density of the formula."""

    def bend(z: Tensor) -> Tensor:
        return torch.stack([torch.sinh(z[0]), 0.7 * z[1] + 0.5 * z[0] ** 2])

    line = torch.linspace(-6, 6, 301, dtype=F64)
    z = torch.cartesian_prod(line, line)
    p_z = torch.exp(-0.5 * z.square().sum(1)) / (2 * math.pi)
    x = torch.func.vmap(bend)(z)
    over_z = (p_z * torch.exp(-((x[:, 0] - 0.4) ** 2) - (x[:, 1] - 0.2) ** 2)).sum() * (line[1] - line[0]) ** 2

    plain = torch.linspace(-5, 5, 501, dtype=F64)
    x = torch.cartesian_prod(plain, plain)
    back = torch.asinh(x[:, 0])
    z = torch.stack([back, (x[:, 1] - 0.5 * back**2) / 0.7], 1)
    p_z = torch.exp(-0.5 * z.square().sum(1)) / (2 * math.pi)
    jacobian = torch.func.vmap(torch.func.jacrev(bend))(z)
    p_x = p_z * torch.linalg.det(jacobian).abs() ** (-1)  # claim
    over_x = (p_x * torch.exp(-((x[:, 0] - 0.4) ** 2) - (x[:, 1] - 0.2) ** 2)).sum() * (plain[1] - plain[0]) ** 2
    assert over_x.item() == pytest.approx(over_z.item(), rel=1e-4)


def test_gen_chain_rule() -> None:
    """A random table of the probabilities of all 16 images of four pixels; conditionals by counting."""
    table = torch.rand(2, 2, 2, 2, dtype=F64, generator=_noise(2))
    table /= table.sum()

    def begins(pixels: tuple[int, ...]) -> float:
        return table[pixels].sum().item()

    for x in itertools.product((0, 1), repeat=4):
        conditionals = [begins(x[: d + 1]) / begins(x[:d]) for d in range(4)]
        others = [begins((*x[:d], 1 - x[d])) / begins(x[:d]) for d in range(4)]
        assert [a + b for a, b in zip(conditionals, others, strict=True)] == pytest.approx([1] * 4)
        formula = math.log(conditionals[0]) + math.log(conditionals[1] * conditionals[2] * conditionals[3])  # claim
        assert math.log(table[x].item()) == pytest.approx(formula)


def test_gen_elbo() -> None:
    """The evidence by enumeration over a latent of five values; a bound for random q, tight at the posterior alone."""
    joint = torch.rand(5, dtype=F64, generator=_noise(3)) * 0.1  # p(x, z) at one x
    evidence, posterior = joint.sum().log().item(), joint / joint.sum()

    def bound(q: Tensor) -> float:
        return (q * (joint.log() - q.log())).sum().item()  # claim

    assert bound(posterior) == pytest.approx(evidence, abs=1e-12)
    for seed in range(50):
        q = torch.rand(5, dtype=F64, generator=_noise(seed)).softmax(0)
        gap = distributions.kl_divergence(distributions.Categorical(q), distributions.Categorical(posterior)).item()
        assert bound(q) == pytest.approx(evidence - gap) and gap > 1e-3


def test_gen_game_at_half() -> None:
    """The critic that is best against a perfect generator, found by an optimiser on a distribution over four images."""
    p = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=F64)
    logits = torch.tensor([2.0, -1.0, 0.5, -3.0], dtype=F64, requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], max_iter=200, tolerance_grad=1e-12, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = -(p * torch.log(logits.sigmoid())).sum() - (p * torch.log(1 - logits.sigmoid())).sum()
        value.backward()
        return value

    optimizer.step(loss)
    best = logits.detach().sigmoid()
    value = (p * best.log()).sum() + (p * (1 - best).log()).sum()
    formula = -2 * math.log(2)  # claim
    assert value.item() == pytest.approx(formula, abs=1e-9)
    torch.testing.assert_close(best, torch.full((4,), 0.5, dtype=F64), atol=1e-4, rtol=0)
    assert -minimax.critic(torch.zeros(3), torch.zeros(3)).item() == pytest.approx(formula)


def test_gen_noised() -> None:
    """Thirty small steps, one by one, against one large step whose noise is the sum of theirs; then the library's mixture."""
    betas = torch.linspace(0.01, 0.2, 30, dtype=F64).tolist()
    draws = torch.randn(30, 1000, dtype=F64, generator=_noise(4))
    start = torch.full((1000,), 2.5, dtype=F64)
    x, from_noise = start, torch.zeros(1000, dtype=F64)
    for beta, eps in zip(betas, draws, strict=True):
        x = math.sqrt(1 - beta) * x + math.sqrt(beta) * eps
        from_noise = math.sqrt(1 - beta) * from_noise + math.sqrt(beta) * eps
    keep = math.exp(sum(math.log(1 - beta) for beta in betas))  # claim
    eps = from_noise / math.sqrt(1 - keep)
    assert eps.mean().abs() < 5 / math.sqrt(1000) and (eps.var() - 1).abs() < 5 * math.sqrt(2 / 1000)
    noisy = math.sqrt(keep) * start + math.sqrt(1 - keep) * eps  # claim
    torch.testing.assert_close(noisy, x)

    clean, keep = _two_humps().sample(200_000, _noise(5)), 0.37
    noisy = math.sqrt(keep) * clean + math.sqrt(1 - keep) * torch.randn(200_000, 1, dtype=F64, generator=_noise(6))
    direct = _two_humps().noised(keep).sample(200_000, _noise(7))
    for f in (torch.sin, torch.cos, torch.tanh):
        error = math.sqrt((f(noisy).var() + f(direct).var()).item() / 200_000)
        assert abs(f(noisy).mean() - f(direct).mean()).item() < 5 * error


def _clean_by_quadrature(keep: float) -> Callable[[float], tuple[float, float]]:
    """E[x_0 | x_t] and log p_t(x_t), by integrating over x_0."""
    x0 = torch.linspace(-6, 6, 4001, dtype=F64)
    prior = _two_humps().log_prob(x0[:, None])

    def at(x: float) -> tuple[float, float]:
        joint = (prior + distributions.Normal(math.sqrt(keep) * x0, math.sqrt(1 - keep)).log_prob(torch.tensor(x, dtype=F64))).exp()
        total = torch.trapezoid(joint, x0)
        return (torch.trapezoid(x0 * joint, x0) / total).item(), total.log().item()

    return at


def test_gen_denoised() -> None:
    """The mean of the clean image by quadrature over it; the score by differences of the log-density, which is an integral too."""
    mixture = _two_humps()
    for keep in (0.2, 0.75):
        at = _clean_by_quadrature(keep)
        for x in (-1.3, 0.2, 0.9):
            clean, _ = at(x)
            score = (at(x + 1e-4)[1] - at(x - 1e-4)[1]) / 2e-4
            formula = (x + (1 - keep) * score) / math.sqrt(keep)  # claim
            assert clean == pytest.approx(formula, rel=1e-5)
            point = torch.tensor([[x]], dtype=F64)
            assert mixture.noised(keep).score(point).item() == pytest.approx(score, rel=1e-5)
            assert mixture.denoised(point, keep).item() == pytest.approx(clean, rel=1e-6)
