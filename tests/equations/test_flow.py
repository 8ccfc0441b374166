"""The equations of the chapter on flow matching: quadrature, enumeration, closed forms, finite differences, long integrations."""

import itertools
import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal

from imggen_lib import ode
from imggen_lib.losses.flow import flow_matching_loss, straight_path
from imggen_lib.models.flow import guided
from imggen_lib.theory import flow
from imggen_lib.theory.flow import StraightFlow
from imggen_lib.theory.mixture import Mixture

F64 = torch.float64
LINE = torch.linspace(-9, 9, 3601, dtype=F64)
DX = (LINE[1] - LINE[0]).item()


def _noise(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _mixture(*parts: tuple[float, float, float]) -> Mixture:
    """On a line, from (weight, mean, variance)."""
    w, m, v = torch.tensor(parts, dtype=F64).T
    return Mixture(w, m[:, None], v[:, None], torch.ones(len(w), 1, 1, dtype=F64))


HUMPS = StraightFlow(_mixture((0.3, -1.5, 0.16), (0.7, 1.0, 0.36)))


def _given(x: float, t: float) -> tuple[Tensor, Tensor, Tensor]:
    """Data points on a fine grid, the noise that each needs to be at x at time t, and how probable each is then."""
    data = LINE
    eps = (x - t * data) / (1 - t)
    weight = (HUMPS.data.log_prob(data[:, None]) + Normal(0.0, 1.0).log_prob(eps)).exp()
    return data, eps, weight / weight.sum()


def test_flow_path() -> None:
    """The derivative by finite differences, and the library's path."""
    x, eps = torch.randn(2, 50, 3, dtype=F64, generator=_noise(0))
    for t, h in ((0.0, 1e-6), (0.3, 1e-6), (0.9, 1e-6)):

        def at(t: float) -> Tensor:
            return (1 - t) * eps + t * x  # claim

        velocity = x - eps  # claim
        torch.testing.assert_close((at(t + h) - at(t)) / h, velocity, atol=1e-8, rtol=0)
        torch.testing.assert_close(straight_path(x, eps, torch.full((50,), t, dtype=F64)), at(t))
    assert flow_matching_loss(velocity, x, eps).abs().max() == 0


def test_flow_field() -> None:
    """The conditional mean by quadrature over all data points, against the closed form; it is also the loss's best constant."""
    for x, t in ((0.4, 0.2), (-1.0, 0.7), (0.1, 0.5)):
        data, eps, weight = _given(x, t)
        field = (weight * (data - eps)).sum()  # claim
        assert field.item() == pytest.approx(HUMPS.velocity(torch.tensor([[x]], dtype=F64), t).item(), abs=1e-6)
        around = [(weight * (data - eps - field - shift).square()).sum().item() for shift in (-0.01, 0.0, 0.01)]
        assert around[1] < min(around[0], around[2])


def test_flow_continuity() -> None:
    """The change of the exact density in time against the flux's in space, by finite differences, and no probability is lost."""
    x, h = torch.linspace(-3, 3, 61, dtype=F64)[:, None], 1e-4
    for t in (0.2, 0.5, 0.8):
        change = (HUMPS.log_prob(x, t + h).exp() - HUMPS.log_prob(x, t - h).exp()) / (2 * h)

        def flux(x: Tensor, t: float = t) -> Tensor:
            return HUMPS.log_prob(x, t).exp() * HUMPS.velocity(x, t)[:, 0]  # claim

        spread = (flux(x + h) - flux(x - h)) / (2 * h)
        assert change.abs().max() > 0.1
        assert (change + spread).abs().max() < 1e-5  # claim


def test_flow_ode() -> None:
    """A thousand noises at even quantiles, followed: their order stays, and they end at the data's quantiles."""
    u = (torch.arange(1000, dtype=F64) + 0.5) / 1000
    noise = Normal(0.0, 1.0).icdf(u)[:, None]
    x, n = noise, 400
    for k in range(n):
        x = x + HUMPS.velocity(x, k / n) / n  # claim
    cdf = sum(w * Normal(m, s).cdf(x) for w, m, s in ((0.3, -1.5, 0.4), (0.7, 1.0, 0.6)))
    torch.testing.assert_close(cdf[:, 0], u, atol=0.01, rtol=0)
    assert (x.diff(dim=0) > 0).all()


def test_flow_regression() -> None:
    """Both sides by quadrature over data and noise, for a function that is wrong; and their gradients in its parameters agree."""
    t, side = 0.6, torch.linspace(-6, 6, 601, dtype=F64)
    data, eps = (g.flatten() for g in torch.meshgrid(side, side, indexing="ij"))
    weight = (HUMPS.data.log_prob(data[:, None]) + Normal(0.0, 1.0).log_prob(eps)).exp()
    weight /= weight.sum()
    x_t, u = (1 - t) * eps + t * data, data - eps
    v = HUMPS.velocity(x_t[:, None], t)[:, 0]
    a = torch.tensor([0.3, -0.8], dtype=F64, requires_grad=True)
    f = a[0] + a[1] * x_t.tanh()
    left = (weight * (f - u).square()).sum()
    right = (weight * (f - v).square()).sum() + (weight * (u - v).square()).sum()  # claim
    assert left.item() == pytest.approx(right.item(), abs=1e-6) and left > 1
    assert (weight * (f - v).square()).sum().item() > 0.1 < (weight * (u - v).square()).sum().item()
    one, two = (torch.autograd.grad(side, a, retain_graph=True)[0] for side in (left, (weight * (f - v).square()).sum()))
    torch.testing.assert_close(one, two, atol=1e-6, rtol=0)


def test_flow_gaussian() -> None:
    """The regression of the direction on the point, from draws, and the library's formula."""
    m, sigma2, t = 1.7, 0.5, 0.3
    single = StraightFlow(_mixture((1.0, m, sigma2)))
    x = torch.linspace(-3, 3, 7, dtype=F64)
    for t in (0.0, 0.3, 0.8, 1.0):
        v = m + (t * sigma2 - (1 - t)) / ((1 - t) ** 2 + t**2 * sigma2) * (x - t * m)  # claim
        torch.testing.assert_close(v, single.velocity(x[:, None], t)[:, 0])
        n = 400_000
        data, eps = m + sigma2**0.5 * torch.randn(n, dtype=F64, generator=_noise(1)), torch.randn(n, dtype=F64, generator=_noise(2))
        at, u = (1 - t) * eps + t * data, data - eps
        slope = torch.cov(torch.stack([at, u]))[0, 1] / at.var()
        assert ((v[-1] - v[0]) / 6).item() == pytest.approx(slope.item(), abs=0.02)
        assert (u.mean() + slope * (0.5 - at.mean())).item() == pytest.approx(v[0].item() + 3.5 * (v[1] - v[0]).item(), abs=0.02)


def test_flow_mixture() -> None:
    """Shares by quadrature over the data of each component, in two dimensions by the library with turned axes."""
    t, x = 0.55, torch.tensor([[-1.0], [0.2], [1.1]], dtype=F64)
    parts = [StraightFlow(_mixture((1.0, -1.5, 0.16))), StraightFlow(_mixture((1.0, 1.0, 0.36)))]
    w = [0.3, 0.7]
    joint = torch.stack([wk * part.log_prob(x, t).exp() for wk, part in zip(w, parts, strict=True)])
    r = joint / joint.sum(0)
    v = torch.stack([r[k, :, None] * part.velocity(x, t) for k, part in enumerate(parts)]).sum(0)  # claim
    expected = torch.stack([(g[2] * (g[0] - g[1])).sum() for g in (_given(float(a), t) for a in x)])
    torch.testing.assert_close(v[:, 0], expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(v, HUMPS.velocity(x, t))


def test_flow_floor() -> None:
    """The mean squared error of the exact field, from draws; less for humps of the same variance, 0 for a single point alone."""
    values = torch.tensor([0.2, 1.0, 4.0], dtype=F64)
    m = torch.tensor([0.5, -1.0, 2.0], dtype=F64)
    floor = math.pi / 2 * values.sqrt().sum().item()  # claim
    data = Mixture(torch.ones(1, dtype=F64), m[None], values[None], torch.eye(3, dtype=F64)[None])
    exact, errors = StraightFlow(data), []
    for k in range(400):
        t = (k + 0.5) / 400
        x, eps = data.sample(1000, _noise(k)), torch.randn(1000, 3, dtype=F64, generator=_noise(1000 + k))
        errors.append((exact.velocity((1 - t) * eps + t * x, t) - (x - eps)).square().sum(1).mean())
    mean, error = torch.stack(errors).mean().item(), 0.014  # some 6.8 with the deviation 5.6, from 400,000 draws
    assert floor == pytest.approx(mean, abs=5 * error)

    def left(field: StraightFlow) -> float:
        times = [(k + 0.5) / 100 for k in range(100)]
        x, eps = field.data.sample(4000, _noise(11)), torch.randn(4000, 1, dtype=F64, generator=_noise(12))
        return sum((field.velocity((1 - t) * eps + t * x, t) - (x - eps)).square().mean().item() for t in times) / 100

    variance = 0.3 * (1.5**2 + 0.16) + 0.7 * (1.0 + 0.36) - 0.25**2  # of the two humps
    assert 1 < left(HUMPS) < 0.97 * math.pi / 2 * variance**0.5
    assert left(StraightFlow(_mixture((1.0, 0.7, 1e-14)))) < 1e-4
    assert left(StraightFlow(_mixture((0.5, -1.0, 1e-14), (0.5, 1.0, 1e-14)))) > 0.1


def test_flow_solvers() -> None:
    """One step of each on a bent field, against the library's, and how much nearer the longer formulas come."""

    def v(x: Tensor, t: float) -> Tensor:
        return torch.sin(2 * x) + t * x

    x, t, h = torch.tensor([0.3, -1.2], dtype=F64), 0.2, 0.1
    euler = x + h * v(x, t)  # claim
    midpoint = x + h * v(x + h / 2 * v(x, t), t + h / 2)  # claim
    heun = x + h / 2 * (v(x, t) + v(x + h * v(x, t), t + h))  # claim
    for name, value in (("euler", euler), ("midpoint", midpoint), ("heun", heun)):
        torch.testing.assert_close(value, ode.integrate(v, x, 1, solver=name, start=t, end=t + h))
    truth = ode.integrate(v, x, 2000, solver="midpoint", start=t, end=t + h)
    assert (euler - truth).abs().max() > 5e-3 and (midpoint - truth).abs().max() < 2e-3 > (heun - truth).abs().max()


def test_flow_euler_bound() -> None:
    """A field on which the bound is reached as steps get short, and the flow to two humps, for which it holds with room."""
    for big in (0.5, 2.0):

        def v(x: Tensor, t: float, big: float = big) -> Tensor:
            return big * (x - t * t / 2) + t  # the path from 0 is t^2 / 2, its second derivative 1

        n = 2000
        h, acceleration = 1 / n, 1.0
        error = (ode.integrate(v, torch.zeros(1, dtype=F64), n, solver="euler") - 0.5).abs().item()
        bound = h / 2 * acceleration * (math.exp(big) - 1) / big  # claim
        assert 0.995 * bound < error <= bound
    x = torch.tensor([[-0.3], [0.8]], dtype=F64)
    errors = [
        (ode.integrate(HUMPS.velocity, x, n, solver="euler") - ode.integrate(HUMPS.velocity, x, 1000)).abs().max().item()
        for n in (32, 64)
    ]
    assert errors[0] / errors[1] == pytest.approx(2, abs=0.2)
    path, h = ode.trajectory(HUMPS.velocity, x, 1000), 1e-3
    speeds = torch.stack([HUMPS.velocity(p, k / 1000) for k, p in enumerate(path)])
    acceleration = (speeds.diff(dim=0) / h).abs().max().item()
    side = torch.linspace(-4, 4, 801, dtype=F64)[:, None]
    big = max((HUMPS.velocity(side, k / 100).diff(dim=0) / 0.01).abs().max().item() for k in range(101))
    for n, error in zip((32, 64), errors, strict=True):
        assert error <= acceleration / n / 2 * (math.exp(big) - 1) / big  # claim


def test_flow_heun_end() -> None:
    """Data of a width that is nothing beside the step, by the library's solvers; smooth data, for which nothing of it is left."""
    c = 0.7
    point, eps = StraightFlow(_mixture((1.0, c, 1e-14))), torch.tensor([[-1.3], [0.4]], dtype=F64)
    for n in (1, 2, 8):
        h = 1 / n
        left = c + h / 2 * eps  # claim
        torch.testing.assert_close(ode.integrate(point.velocity, eps, n, solver="heun"), left)
        for exact in ("euler", "midpoint"):
            torch.testing.assert_close(ode.integrate(point.velocity, eps, n, solver=exact), torch.full_like(eps, c))
    smooth = StraightFlow(_mixture((1.0, c, 1.0)))
    assert (ode.integrate(smooth.velocity, eps, 64, solver="heun") - c - eps).abs().max() < 1e-4  # 1/128 would be 8e-3


def test_flow_score() -> None:
    """Against autograd through the exact density, on a line and in three dimensions."""
    g = _noise(3)
    means, values = torch.randn(2, 3, dtype=F64, generator=g), torch.rand(2, 3, dtype=F64, generator=g) + 0.2
    cube = StraightFlow(Mixture(torch.tensor([0.4, 0.6], dtype=F64), means, values, torch.eye(3, dtype=F64).expand(2, 3, 3)))
    for exact, d in ((HUMPS, 1), (cube, 3)):
        for t in (0.0, 0.3, 0.95):
            x = torch.randn(8, d, dtype=F64, generator=g).requires_grad_()
            (gradient,) = torch.autograd.grad(exact.log_prob(x, t).sum(), x)
            v, x = exact.velocity(x.detach(), t), x.detach()
            score = (t * v - x) / (1 - t)  # claim
            torch.testing.assert_close(score, gradient)
            torch.testing.assert_close(flow.score_from_velocity(x, v, t), gradient)


def test_flow_diffusion() -> None:
    """The distribution of a noised mixture, scaled, against that of the straight path at the matching time."""
    for keep in (0.05, 0.5, 0.9):
        t = keep**0.5 / (keep**0.5 + (1 - keep) ** 0.5)  # claim
        scale = keep**0.5 + (1 - keep) ** 0.5
        diffused, straight = HUMPS.data.noised(keep), HUMPS.at(t)
        torch.testing.assert_close(diffused.means / scale, straight.means)
        torch.testing.assert_close(diffused.values / scale**2, straight.values)
        x, eps = torch.randn(2, 5, dtype=F64, generator=_noise(4))
        x_t = (keep**0.5 * x + (1 - keep) ** 0.5 * eps) / (keep**0.5 + (1 - keep) ** 0.5)  # claim
        torch.testing.assert_close(x_t, (1 - t) * eps + t * x)
        assert flow.straight_time(keep) == pytest.approx(t)


def test_flow_sde() -> None:
    """The Fokker-Planck equation of the process in finite differences: its density changes as the flow's does."""
    x, h = torch.linspace(-2.5, 2.5, 51, dtype=F64)[:, None], 1e-3
    for t, sigma in ((0.3, 1.0), (0.6, 0.7)):

        def drift(x: Tensor, t: float = t, sigma: float = sigma) -> Tensor:
            return HUMPS.velocity(x, t) + sigma**2 / 2 * HUMPS.score(x, t)  # claim

        def density(x: Tensor, t: float = t) -> Tensor:
            return HUMPS.log_prob(x, t).exp()

        def carried(x: Tensor) -> Tensor:
            return density(x) * drift(x)[:, 0]

        change = (density(x, t + h) - density(x, t - h)) / (2 * h)
        spreading = sigma**2 / 2 * (density(x + h) - 2 * density(x) + density(x - h)) / h**2
        moved = (carried(x + h) - carried(x - h)) / (2 * h)
        assert (change + moved - spreading).abs().max() < 1e-3 and spreading.abs().max() > 0.1


def test_flow_growth() -> None:
    """Along paths to two humps: the density that the formula counts up, against the exact one, at the end and on the way."""
    x = torch.tensor([[-1.6], [0.0], [1.2]], dtype=F64)
    n = 400
    path = ode.trajectory(HUMPS.velocity, x, n)
    growth = torch.stack([flow.divergence(HUMPS.velocity, p, k / n)[1] for k, p in enumerate(path)])
    for end in (n // 2, n):
        integral = torch.trapezoid(growth[: end + 1], dx=1 / n, dim=0)
        log_p = HUMPS.log_prob(x, 0.0) - integral  # claim
        torch.testing.assert_close(log_p, HUMPS.log_prob(path[end], end / n), atol=1e-4, rtol=0)


def test_flow_hutchinson() -> None:
    """Mean and variance over all 32 vectors of signs in five dimensions, of a matrix that is not symmetric."""
    j = torch.randn(5, 5, dtype=F64, generator=_noise(5))
    values = torch.stack([z @ j @ z for z in torch.tensor([*itertools.product((-1.0, 1.0), repeat=5)], dtype=F64)])
    s = (j + j.T) / 2  # claim
    off = s - torch.diag(s.diagonal())
    mean, variance = j.diagonal().sum(), 2 * off.square().sum()  # claim
    torch.testing.assert_close(values.mean(), mean)
    torch.testing.assert_close(values.var(correction=0), variance)

    def linear(x: Tensor, t: float) -> Tensor:
        return x @ j.T

    one = flow.hutchinson(_noise(6))(linear, torch.zeros(4000, 5, dtype=F64), 0.0)[1]
    assert {round(v, 9) for v in one.tolist()} == {round(v, 9) for v in values.tolist()}


def test_flow_dequantised() -> None:
    """Bytes of a coarse scale: the exact mass of each cell of a normal density, against the mean log-density in it."""
    density, a = Normal(torch.tensor(0.1, dtype=F64), 0.3), 4  # cells of width 1 / a
    cells = torch.arange(-6, 6, dtype=F64)
    mass = density.cdf((cells + 1) / a) - density.cdf(cells / a)
    u = (torch.arange(20_000, dtype=F64) + 0.5) / 20_000
    mean_log = density.log_prob((cells[:, None] + u) / a).mean(1)
    bound = mean_log - math.log(a)  # claim
    assert (bound <= mass.log() + 1e-9).all()  # claim
    assert (mass.log() - bound).min() < 0.01 < (mass.log() - bound).max()


def test_flow_guidance() -> None:
    """The library's combination, which is the condition's at w = 1 and the field without it at w = 0."""
    v, v_c = torch.randn(2, 6, 4, dtype=F64, generator=_noise(7))
    for w in (0.0, 1.0, 2.5):
        v_w = v + w * (v_c - v)  # claim
        torch.testing.assert_close(v_w, guided(v_c, v, w))
    torch.testing.assert_close(guided(v_c, v, 1.0), v_c)
    torch.testing.assert_close(guided(v_c, v, 0.0), v)


def test_flow_guided_score() -> None:
    """Against autograd through the product of the two exact densities at the same time."""
    part = StraightFlow(_mixture((1.0, 1.0, 0.36)))
    for t, w in ((0.0, 2.0), (0.4, 3.0), (0.8, 0.5)):
        x = torch.linspace(-2, 2, 9, dtype=F64)[:, None].requires_grad_()
        log_tilted = (1 - w) * HUMPS.log_prob(x, t) + w * part.log_prob(x, t)  # claim
        (gradient,) = torch.autograd.grad(log_tilted.sum(), x)
        at = x.detach()
        v_w = guided(part.velocity(at, t), HUMPS.velocity(at, t), w)
        torch.testing.assert_close((t * v_w - at) / (1 - t), gradient)  # claim


def test_flow_guided_gaussian() -> None:
    """A thousand steps of the guided flow, against the power; the product of the densities by quadrature."""
    sigma, s = 1.3, 0.6
    everything, part = StraightFlow(_mixture((1.0, 0.0, sigma**2))), StraightFlow(_mixture((1.0, 0.0, s**2)))
    for w in (0.5, 2.0, 3.0):

        def v(x: Tensor, t: float, w: float = w) -> Tensor:
            return guided(part.velocity(x, t), everything.velocity(x, t), w)

        end = ode.integrate(v, torch.tensor([[-1.0], [1.0]], dtype=F64), 1000)
        reached = sigma ** (1 - w) * s**w  # claim
        assert (end[1] - end[0]).item() / 2 == pytest.approx(reached, rel=1e-4)
        precision = (1 - w) / sigma**2 + w / s**2  # claim
        tilted = (Normal(0.0, sigma).log_prob(LINE) * (1 - w) + Normal(0.0, s).log_prob(LINE) * w).exp()
        assert ((tilted * LINE**2).sum() / tilted.sum()).item() == pytest.approx(1 / precision, rel=1e-6)
        assert w == 1 or abs(reached**2 - 1 / precision) > 0.02


def test_flow_one_step() -> None:
    """The exact field at the start, for many noises, against the mean of draws."""
    eps = torch.randn(50, 1, dtype=F64, generator=_noise(8))
    one_step = eps + HUMPS.velocity(eps, 0.0)  # claim
    mean = (HUMPS.data.log_prob(LINE[:, None]).exp() * LINE).sum() * DX
    torch.testing.assert_close(one_step, mean.expand(50, 1), atol=1e-6, rtol=0)


def test_flow_straightness() -> None:
    """The integral by a finer rule than the library's, and a flow that moves everything alike, which has none."""
    eps = torch.randn(300, 1, dtype=F64, generator=_noise(9))
    n = 1000
    path = ode.trajectory(HUMPS.velocity, eps, n)
    way = path[-1] - path[0]
    bent = torch.stack([(way - HUMPS.velocity(x, k / n)).square().sum(1).mean() for k, x in enumerate(path)])  # claim
    assert flow.straightness(HUMPS.velocity, eps, 200) == pytest.approx(torch.trapezoid(bent, dx=1 / n).item(), rel=1e-3)
    assert flow.straightness(lambda x, t: torch.full_like(x, 2.0), eps) < 1e-12 < 0.05 < bent.mean()


def test_flow_reflow() -> None:
    """Squared ways of the flow's own pairs and of the random ones, on a line by quadrature and closed form, and in the plane."""
    u = (torch.arange(4000, dtype=F64) + 0.5) / 4000
    eps = Normal(0.0, 1.0).icdf(u)[:, None]
    made = ode.integrate(HUMPS.velocity, eps, 200)
    own = (made - eps).square().sum(1).mean()
    m, second = (HUMPS.data.log_prob(LINE[:, None]).exp() * torch.stack([LINE, LINE**2])).sum(1) * DX
    random = second + 1  # E |x - eps|^2 for independent pairs, eps having the mean 0 and the variance 1
    assert own <= random  # claim
    assert own < 0.5 * random and abs(made.mean() - m) < 1e-2


def test_flow_mean_velocity() -> None:
    """From points to where they are later, by 500 steps, against the mean of the velocity on the way."""
    x, s, r, n = torch.tensor([[-0.5], [0.7]], dtype=F64), 0.2, 0.9, 500
    path = ode.trajectory(HUMPS.velocity, x, n, start=s, end=r)
    on_the_way = torch.stack([HUMPS.velocity(p, s + (r - s) * k / n) for k, p in enumerate(path)])
    mean = torch.trapezoid(on_the_way, dx=(r - s) / n, dim=0) / (r - s)  # claim
    torch.testing.assert_close(x + (r - s) * mean, path[-1], atol=1e-5, rtol=0)  # claim


def test_flow_mean_identity() -> None:
    """One Gaussian, whose mean velocity is a formula: its derivative along the path by autograd."""
    m, sigma2, r = 1.4, 0.3, 0.95
    single = StraightFlow(_mixture((1.0, m, sigma2)))

    def mean_velocity(x: Tensor, s: Tensor) -> Tensor:
        ratio = ((1 - r) ** 2 + r**2 * sigma2) / ((1 - s) ** 2 + s**2 * sigma2)
        return (r * m + ratio.sqrt() * (x - s * m) - x) / (r - s)

    for at, time in ((0.3, 0.1), (-1.0, 0.6)):
        x, s = (torch.tensor(a, dtype=F64, requires_grad=True) for a in (at, time))
        big_u = mean_velocity(x, s)
        along_x, along_s = torch.autograd.grad(big_u, (x, s))
        v = single.velocity(x.detach().view(1, 1), time).view(())
        rate = along_s + along_x * v  # claim
        right = v + (r - s) * rate  # claim
        torch.testing.assert_close(big_u.detach(), right)
        far = ode.integrate(single.velocity, x.detach().view(1, 1), 1000, start=time, end=r)
        assert (x + (r - s) * big_u).item() == pytest.approx(far.item(), abs=1e-5)
