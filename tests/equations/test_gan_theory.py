"""The equations of GAN mathematics. Distributions are probabilities on a finite set, so expectations are exact sums."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.optimize import linprog
from scipy.stats import wasserstein_distance
from torch import Tensor

from imggen_lib.losses import gan as losses
from imggen_lib.theory import dirac
from imggen_lib.theory import divergences as div

F64 = torch.float64
sigma = torch.sigmoid


def _pair(k: int = 7, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Two unlike distributions on k points, all probabilities positive."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, k, dtype=F64, generator=generator)
    p, q = torch.softmax(1.5 * logits, 1)
    return p, q


def _normals(mean: float = 0.8, width: float = 0.7) -> tuple[Tensor, Tensor, Tensor]:
    x = torch.linspace(-6, 6, 2001, dtype=F64)
    return x, div.normal_on(x, -0.5, 1.1), div.normal_on(x, mean, width)


def _maximised(value: Callable[[Tensor], Tensor], size: int, steps: int = 60) -> tuple[Tensor, float]:
    """The argument and the maximum of a smooth concave function of `size` numbers, by L-BFGS in float64."""
    t = torch.zeros(size, dtype=F64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [t], max_iter=steps * 20, tolerance_grad=1e-12, tolerance_change=1e-15, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = -value(t)
        loss.backward()
        return loss

    optimizer.step(closure)
    return t.detach(), value(t).item()


def _entropy(p: Tensor) -> Tensor:
    return -torch.xlogy(p, p).sum()


def _game(p: Tensor, q: Tensor) -> Callable[[Tensor], Tensor]:
    """The value of the game as a function of the critic's logits."""
    return lambda t: (p * torch.nn.functional.logsigmoid(t)).sum() + (q * torch.nn.functional.logsigmoid(-t)).sum()


def test_gan_game() -> None:
    """By enumeration: a data set of ten points and ten latents, against the library's critic loss on all of them."""
    logits = torch.tensor([0.3, -1.2, 0.9, 2.0], dtype=F64)
    data = torch.tensor([0, 1, 1, 2, 2, 2, 3, 3, 3, 3])
    generated = torch.tensor([0, 0, 0, 0, 0, 1, 1, 3, 3, 2])  # G(z) for z = 0, ..., 9, all equally likely
    d = sigma(logits)
    value = d[data].log().mean() + (1 - d[generated]).log().mean()  # claim
    assert losses.minimax.critic(logits[data], logits[generated]).item() == pytest.approx(-value.item(), rel=1e-12)
    p, q = torch.bincount(data) / 10, torch.bincount(generated) / 10
    assert _game(p.double(), q.double())(logits).item() == pytest.approx(value.item(), rel=1e-6)


def test_gan_optimal_discriminator() -> None:
    """The critic's values are found by an optimiser, one free logit a point."""
    p, q = _pair()
    found, _ = _maximised(_game(p, q), len(p))
    formula = p / (p + q)  # claim
    assert torch.allclose(sigma(found), formula, atol=1e-6)
    assert torch.allclose(div.optimal_discriminator(p, q), formula, rtol=1e-12)


def test_gan_logit() -> None:
    """The logits that an optimiser finds; for Gaussians of one width a straight line, found by logistic regression."""
    p, q = _pair(seed=1)
    found, _ = _maximised(_game(p, q), len(p))
    formula = p.log() - q.log()  # claim
    assert torch.allclose(found, formula, atol=1e-5)


def test_gan_logit_line() -> None:
    """Logistic regression on two Gaussians of one width, expectations by quadrature."""
    x = torch.linspace(-9, 9, 4001, dtype=F64)
    m, n, s = 1.3, -0.4, 0.9
    p, q = div.normal_on(x, m, s), div.normal_on(x, n, s)
    (slope, offset), _ = _maximised(lambda ab: _game(p, q)(ab[0] * x + ab[1]), 2)
    formula = (m - n) / s**2 * (x - (m + n) / 2)  # claim
    assert torch.allclose(slope * x + offset, formula, atol=1e-4)


def test_gan_js() -> None:
    """Against the entropy of the mixture minus the mean entropy."""
    p, q = _pair(seed=2)
    m = (p + q) / 2  # claim
    formula = (div.kl(p, m) + div.kl(q, m)) / 2  # claim
    truth = _entropy((p + q) * 0.5) - 0.5 * (_entropy(p) + _entropy(q))
    assert formula.item() == pytest.approx(truth.item(), rel=1e-10)
    assert div.js(p, q).item() == pytest.approx(truth.item(), rel=1e-10)


def test_gan_value_js() -> None:
    """The game's value at the critic that an optimiser finds."""
    for seed in range(3):
        p, q = _pair(seed=seed)
        _, value = _maximised(_game(p, q), len(p))
        js = (_entropy((p + q) * 0.5) - 0.5 * (_entropy(p) + _entropy(q))).item()
        formula = 2 * js - 2 * math.log(2)  # claim
        assert value == pytest.approx(formula, rel=1e-8)


def test_gan_point_masses() -> None:
    """Point masses on a grid, the distance by SciPy, the divergence from entropies."""
    for theta in (-2.0, -0.25, 0.5, 3.0):
        p, q = torch.tensor([1.0, 0.0], dtype=F64), torch.tensor([0.0, 1.0], dtype=F64)
        js_formula = math.log(2)  # claim
        w_formula = max(theta, -theta)  # claim
        assert (_entropy((p + q) / 2) - (_entropy(p) + _entropy(q)) / 2).item() == pytest.approx(js_formula)
        assert div.js(p, q).item() == pytest.approx(js_formula)
        assert wasserstein_distance([0.0], [theta]) == pytest.approx(w_formula)
        ordered = torch.tensor(sorted([0.0, theta]), dtype=F64)
        assert div.wasserstein_1(ordered, p, q).item() == pytest.approx(w_formula)


def test_gan_saturation() -> None:
    """Automatic differentiation of the library's two generator losses."""
    for value in (-6.0, -1.0, 0.0, 2.5):
        b = torch.tensor([value], dtype=F64, requires_grad=True)
        real = torch.zeros(1, dtype=F64)
        (minimax,) = torch.autograd.grad(losses.minimax.generator(real, b), b)
        (non_saturating,) = torch.autograd.grad(losses.non_saturating.generator(real, b), b)
        s = 1.0 / (1.0 + math.exp(-value))
        minimax_formula = -s  # claim
        non_saturating_formula = -(1 - s)  # claim
        assert minimax.item() == pytest.approx(minimax_formula, rel=1e-10)
        assert non_saturating.item() == pytest.approx(non_saturating_formula, rel=1e-10)


def test_gan_nonsaturating_divergence() -> None:
    """Both gradients by automatic differentiation and quadrature, the critic held fixed on the left."""
    x, p, _ = _normals()
    for mean, log_width in ((0.9, -0.3), (-1.0, 0.2)):
        theta = torch.tensor([mean, log_width], dtype=F64, requires_grad=True)
        q = torch.softmax(-0.5 * ((x - theta[0]) / theta[1].exp()) ** 2, 0)
        critic = (p / (p + q)).detach()
        (left,) = torch.autograd.grad(-(q * critic.log()).sum(), theta, retain_graph=True)
        divergence = div.kl(q, p) - 2 * div.js(p, q)  # claim
        mixture = (p + q.detach()) / 2
        assert divergence.item() == pytest.approx(2 * div.kl(mixture, p).item(), rel=1e-9)
        (right,) = torch.autograd.grad(divergence, theta)
        assert torch.allclose(left, right, rtol=1e-6)


def test_gan_f_divergence() -> None:
    """Against each divergence's own definition, written without f."""
    p, q = _pair(seed=3)
    own = {
        "KL(p‖q)": torch.nn.functional.kl_div(q.log(), p, reduction="sum"),
        "KL(q‖p)": torch.nn.functional.kl_div(p.log(), q, reduction="sum"),
        "Pearson χ²": (p.square() / q).sum() - 1,
        "squared Hellinger": (p.sqrt() - q.sqrt()).norm() ** 2,
        "2 JS": 2 * _entropy((p + q) / 2) - _entropy(p) - _entropy(q),
    }
    for divergence in div.F_DIVERGENCES:
        formula = (q * divergence.f(p / q)).sum()  # claim
        assert formula.item() == pytest.approx(own[divergence.name].item(), rel=1e-9), divergence.name
        assert divergence(p, q).item() == pytest.approx(own[divergence.name].item(), rel=1e-9)


def test_gan_f_bound() -> None:
    """The conjugate by a search over a grid; random critics stay below, the critic f'(p/q) reaches the divergence."""
    p, q = _pair(k=4, seed=4)
    u = torch.logspace(-6, 4, 60_001, dtype=F64)
    for divergence in div.F_DIVERGENCES:
        truth = divergence(p, q).item()
        ratio = (p / q).requires_grad_(True)
        (best,) = torch.autograd.grad(divergence.f(ratio).sum(), ratio)
        assert torch.allclose(divergence.slope(p / q), best)

        def reached(t: Tensor, f: Callable[[Tensor], Tensor] = divergence.f) -> float:
            conjugate = torch.stack([(u * one - f(u)).max() for one in t])
            return ((p * t).sum() - (q * conjugate).sum()).item()  # claim

        assert reached(best) == pytest.approx(truth, abs=1e-5), divergence.name
        assert divergence.bound(best, p, q).item() == pytest.approx(truth, rel=1e-9)
        for seed in range(3):
            other = divergence.slope(p / q * torch.exp(torch.randn(4, dtype=F64, generator=torch.Generator().manual_seed(seed))))
            assert reached(other) < truth - 1e-4
            assert divergence.bound(other, p, q).item() == pytest.approx(reached(other), abs=1e-5)


def test_gan_f_js() -> None:
    """Against the Jensen-Shannon divergence from entropies."""
    p, q = _pair(seed=5)
    u = p / q
    f = u * u.log() - (u + 1) * ((u + 1) / 2).log()  # claim
    js = _entropy((p + q) / 2) - 0.5 * (_entropy(p) + _entropy(q))
    assert (q * f).sum().item() == pytest.approx(2 * js.item(), rel=1e-9)
    assert torch.allclose(div.gan.f(u), f)


def test_gan_wasserstein_dual() -> None:
    """Two linear programs: the cheapest plan of transport, and the best 1-Lipschitz critic."""
    p, q = (t.numpy() for t in _pair(k=5, seed=6))
    x = np.array([-1.0, 0.3, 0.5, 2.0, 3.5])
    cost = np.abs(x[:, None] - x[None])
    rows, columns = np.kron(np.eye(5), np.ones(5)), np.kron(np.ones(5), np.eye(5))
    plan = linprog(cost.ravel(), A_eq=np.vstack([rows, columns]), b_eq=np.hstack([p, q]))
    i, j = np.nonzero(~np.eye(5, dtype=bool))
    differences = np.eye(5)[i] - np.eye(5)[j]
    value = p - q  # claim
    critic = linprog(-value, A_ub=differences, b_ub=cost[i, j], bounds=[(0, 0)] + [(None, None)] * 4)
    assert -critic.fun == pytest.approx(plan.fun, rel=1e-8)
    assert plan.fun == pytest.approx(wasserstein_distance(x, x, p, q), rel=1e-8)


def test_gan_wasserstein_line() -> None:
    """Against SciPy, on an uneven grid."""
    p, q = _pair(k=6, seed=7)
    x = torch.tensor([-2.0, -1.5, 0.0, 0.1, 1.0, 4.0], dtype=F64)
    gap = (p.cumsum(0) - q.cumsum(0))[:-1]  # claim
    formula = (gap.abs() * x.diff()).sum()  # claim
    truth = wasserstein_distance(x.numpy(), x.numpy(), p.numpy(), q.numpy())
    assert formula.item() == pytest.approx(truth, rel=1e-9)
    assert div.wasserstein_1(x, p, q).item() == pytest.approx(truth, rel=1e-9)


def _quadratic(seed: int, side: int = 2) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """A symmetric matrix and the critic whose gradient at x is that matrix times x."""
    a = torch.randn(side**2, side**2, dtype=F64, generator=torch.Generator().manual_seed(seed))
    a = a + a.T
    return a, lambda x: 0.5 * torch.einsum("ni,ij,nj->n", x.flatten(1), a, x.flatten(1))


def test_gan_gradient_penalty() -> None:
    """A quadratic critic, whose gradient is known, against the library."""
    a, critic = _quadratic(0)
    generator = torch.Generator().manual_seed(1)
    x, y = torch.randn(2, 5, 1, 2, 2, dtype=F64, generator=generator)
    t = torch.rand(5, dtype=F64, generator=generator)
    weight = t.view(-1, 1)
    between = weight * x.flatten(1) + (1 - weight) * y.flatten(1)  # claim
    formula = (((between @ a).norm(dim=1) - 1) ** 2).mean()  # claim
    assert losses.gradient_penalty(critic, x, y, t).item() == pytest.approx(formula.item(), rel=1e-10)


def test_gan_soft_penalty() -> None:
    """Straight critics of every slope on two clouds a distance apart, with the library's loss and penalty, by search."""
    x = torch.tensor([0.0, 0.4, 1.0], dtype=F64).view(3, 1, 1, 1)
    w, weight = 1.7, 6.0
    y = x + w
    slopes = torch.linspace(0.5, 2.0, 15_001, dtype=F64)
    gains = -losses.wasserstein.critic(-x.flatten(), -y.flatten()) * slopes  # the loss is linear in the slope
    penalties = torch.stack([losses.gradient_penalty(lambda at, s=s: -s * at.flatten(), x, y, x.flatten()) for s in slopes[::100]])
    assert torch.allclose(penalties, (slopes[::100] - 1) ** 2)
    best = slopes[(gains - weight * (slopes - 1) ** 2).argmax()].item()
    formula = 1 + w / (2 * weight)  # claim
    assert best == pytest.approx(formula, abs=2e-4)


def test_gan_zero_centred() -> None:
    """A quadratic critic, whose gradient is known, against the library."""
    a, critic = _quadratic(2)
    x, y = torch.randn(2, 6, 1, 2, 2, dtype=F64, generator=torch.Generator().manual_seed(3))
    gamma = 0.7
    r1 = gamma / 2 * ((x.flatten(1) @ a).norm(dim=1) ** 2).mean()  # claim
    r2 = gamma / 2 * ((y.flatten(1) @ a).norm(dim=1) ** 2).mean()  # claim
    for formula, images in ((r1, x), (r2, y)):
        library = losses.zero_centred_penalty(critic, images) * (gamma * 0.5)
        assert library.item() == pytest.approx(formula.item(), rel=1e-10)


def test_gan_hinge_value() -> None:
    """The best logit of each point by a search over a fine grid of logits, with the library's loss on weighted copies."""
    counts_p, counts_q = torch.tensor([1, 5, 2]), torch.tensor([4, 1, 3])
    p, q = (c.double() / 8 for c in (counts_p, counts_q))
    t = torch.linspace(-3, 3, 6001, dtype=F64)
    each = p[:, None] * (1 - t).clamp(min=0) + q[:, None] * (1 + t).clamp(min=0)
    tv = (p - q).clamp(min=0).sum().item()  # total variation: the mass that would have to move
    formula = 2 - 2 * tv  # claim
    assert each.min(1).values.sum().item() == pytest.approx(formula, abs=1e-9)
    best = t[each.argmin(1)]
    library = losses.hinge.critic(best.repeat_interleave(counts_p), best.repeat_interleave(counts_q))
    assert library.item() == pytest.approx(formula, abs=1e-9)
    assert div.total_variation(p, q).item() == pytest.approx(tv)


def test_gan_least_squares_value() -> None:
    """The critic's values are found by an optimiser; the library's loss on weighted copies has the same minimum."""
    counts_p, counts_q = torch.tensor([1, 5, 2]), torch.tensor([4, 1, 3])
    p, q = (c.double() / 8 for c in (counts_p, counts_q))

    def loss(c: Tensor) -> Tensor:
        return losses.least_squares.critic(c.repeat_interleave(counts_p), c.repeat_interleave(counts_q))

    _, value = _maximised(lambda c: -loss(c), 3)
    formula = (p * q / (p + q)).sum() / 2  # claim
    assert -value == pytest.approx(formula.item(), rel=1e-8)


def test_gan_relativistic() -> None:
    """A logistic variable between the two logits: its probabilities, by SciPy, against the library."""
    from scipy.stats import logistic

    a, b = torch.tensor([0.4, 2.0, -1.0], dtype=F64), torch.tensor([1.1, -0.3, -0.5], dtype=F64)
    critic = -sigma(a - b).log().mean()  # claim
    generator = -sigma(b - a).log().mean()  # claim
    assert losses.relativistic.critic(a, b).item() == pytest.approx(critic.item(), rel=1e-10)
    assert losses.relativistic.generator(a, b).item() == pytest.approx(generator.item(), rel=1e-10)
    assert -np.log(logistic.cdf((a - b).numpy())).mean() == pytest.approx(critic.item(), rel=1e-10)


def test_gan_relativistic_optimum() -> None:
    """An optimiser over all critics on five points, the expectation over all pairs exact."""
    p, q = _pair(k=5, seed=8)
    pairs = p[:, None] * q[None]
    found, _ = _maximised(lambda c: (pairs * torch.nn.functional.logsigmoid(c[:, None] - c[None])).sum(), 5)
    px, py, qx, qy = p[:, None], p[None], q[:, None], q[None]
    formula = px * qy / (px * qy + py * qx)  # claim
    assert torch.allclose(sigma(found[:, None] - found[None]), formula, atol=1e-5)


def test_gan_landscape() -> None:
    """The best critic by an optimiser, kept within logits of 30, for each of the generator's positions."""
    at = {"collapsed": (0, 0), "one off": (0, 2)}  # where the generator's two points are; real points are 0 and 1, 2 is elsewhere
    log_sigma = torch.nn.functional.logsigmoid

    def reached(y: tuple[int, int], paired: bool) -> float:
        def value(c: Tensor) -> Tensor:
            c = 30 * torch.tanh(c)
            a, b = c[[0, 1]], c[list(y)]
            return log_sigma(a - b).mean() if paired else log_sigma(a).mean() + log_sigma(-b).mean()

        return _maximised(value, 3)[1]

    separate_collapsed = math.log(4 / 27) / 2  # claim
    separate_off = -math.log(2)  # claim
    paired_both = -math.log(2) / 2  # claim
    assert reached(at["collapsed"], paired=False) == pytest.approx(separate_collapsed, abs=1e-4)
    assert reached(at["one off"], paired=False) == pytest.approx(separate_off, abs=1e-4)
    assert reached(at["collapsed"], paired=True) == pytest.approx(paired_both, abs=1e-4)
    assert reached(at["one off"], paired=True) == pytest.approx(paired_both, abs=1e-4)


def test_gan_dirac_field() -> None:
    """Automatic differentiation through the library's losses and penalty."""
    gamma = 0.6
    method = dirac.Method(losses.non_saturating, r1=gamma)
    for theta, psi in ((0.8, -1.1), (-0.4, 0.3), (2.0, 1.5)):
        moved = dirac.field(method, torch.tensor([[theta, psi]], dtype=F64))[0]
        s = 1.0 / (1.0 + math.exp(-psi * theta))
        d_theta = psi * (1 - s)  # claim
        d_psi = -theta * s - gamma * psi  # claim
        assert moved.tolist() == pytest.approx([d_theta, d_psi], rel=1e-10)


def test_gan_dirac_eigenvalues() -> None:
    """The Jacobian by differences of the library's field, for both signs under the root."""
    for gamma in (0.0, 0.4, 1.7):
        found = dirac.eigenvalues(dirac.Method(losses.non_saturating, r1=gamma)).numpy()
        root = complex(gamma**2 - 1) ** 0.5  # claim
        formula = [(-gamma + root) / 2, (-gamma - root) / 2]  # claim
        assert np.sort_complex(found) == pytest.approx(np.sort_complex(np.array(formula)), abs=1e-6)


DIRAC_POINTS = torch.tensor([[0.8, -1.1], [-0.4, 0.3], [2.0, 1.5], [-0.02, 0.05]], dtype=F64)


def test_gan_dirac_creep() -> None:
    """The library's field by itself, and followed by Runge and Kutta's method from r = 0.5: no penalty, imaginary eigenvalues."""
    for loss in (losses.non_saturating, losses.relativistic):
        half_slope = (DIRAC_POINTS * dirac.field(dirac.Method(loss), DIRAC_POINTS)).sum(1)  # of r^2
        theta, psi = DIRAC_POINTS.T
        formula = -psi * theta * torch.tanh(psi * theta / 2)  # claim
        assert torch.allclose(half_slope, formula, rtol=1e-10) and (formula <= 0).all()
    at, h, method = torch.tensor([[0.3, 0.4]], dtype=F64), 0.5, dirac.Method(losses.non_saturating)
    for t in (40, 80):
        for _ in range(80):
            a = dirac.field(method, at)
            b = dirac.field(method, at + h / 2 * a)
            c = dirac.field(method, at + h / 2 * b)
            at = at + h / 6 * (a + 2 * b + 2 * c + dirac.field(method, at + h * c))
        inverse_square = 1 / 0.5**2 + t / 8  # claim
        assert at.norm().item() == pytest.approx(inverse_square**-0.5, rel=3e-3)


def test_gan_dirac_growth() -> None:
    """A hundred simultaneous steps of the library's losses, close to the equilibrium."""
    for h in (0.1, 0.5):
        path = dirac.trajectory(dirac.Method(losses.non_saturating), (1e-5, 2e-5), 100, lr=h)
        formula = (1 + h**2 / 4) ** 0.5  # claim
        growth = (path[-1].norm() / path[0].norm()).item() ** 0.01
        assert growth == pytest.approx(formula, rel=1e-5)
