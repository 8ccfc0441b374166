"""The equations of the chapter on finance: against quadrature, finite differences, autograd, an ODE's solver and other forms."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad, solve_ivp
from scipy.stats import norm
from torch import Tensor

from imggen_lib.applications.volatility import black, heston, ssvi
from imggen_lib.applications.volatility.completion import Decoded, Gaussian
from imggen_lib.applications.volatility.surfaces import PLACES, Quotes

F64 = torch.float64


def _t(*values: float) -> Tensor:
    return torch.tensor(values, dtype=F64)


def _slices(n: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Random variances at the money, correlations, widths of the smile and log-moneyness, on the allowed side of the border."""
    u = torch.rand(4, n, 1, dtype=F64, generator=torch.Generator().manual_seed(seed))
    theta, rho = 0.001 * 1000 ** u[0], 1.98 * u[1] - 0.99
    eta, gamma = 2 * u[2] / (1 + rho.abs()), u[3] / 2
    return theta, rho, ssvi.phi(theta, eta, gamma), torch.linspace(-3, 3, 601, dtype=F64)


def test_fin_black() -> None:
    """The mean pay-off under a lognormal price, by quadrature."""
    for k, w in ((-0.4, 0.02), (0.0, 0.09), (0.3, 0.5)):
        payoff = lambda x, k=k, w=w: (math.exp(x) - math.exp(k)) * norm.pdf(x, -w / 2, math.sqrt(w))  # noqa: E731
        mean = quad(payoff, k, k + 12, epsabs=1e-13)[0]
        d = (-k / math.sqrt(w) + math.sqrt(w) / 2, -k / math.sqrt(w) - math.sqrt(w) / 2)
        price = norm.cdf(d[0]) - math.exp(k) * norm.cdf(d[1])  # claim
        assert price == pytest.approx(mean, abs=1e-11)
        assert float(black.call(_t(k), _t(w))) == pytest.approx(mean, abs=1e-11)


def test_fin_vega() -> None:
    """Autograd through the price, and its sign."""
    k, w = _t(-0.5, -0.1, 0.0, 0.4), _t(0.01, 0.04, 0.3, 0.9).requires_grad_()
    (slope,) = torch.autograd.grad(black.call(k, w).sum(), w)
    d = -k / w.sqrt() + w.sqrt() / 2
    vega = torch.exp(-d.square() / 2) / (2 * torch.sqrt(2 * math.pi * w))  # claim
    torch.testing.assert_close(vega, slope)
    torch.testing.assert_close(black.vega(k, w), slope)
    assert (slope > 0).all()


def test_fin_density() -> None:
    """The prices' second difference by the strike; and mass 1 and mean forward 1 of what the formula gives."""
    theta, rho, width = _t(0.09), _t(-0.6), _t(3.0)
    k, h = torch.linspace(-1.5, 1.0, 26, dtype=F64), 1e-4
    strikes = [k.exp() * (1 + j * h) for j in (-1, 0, 1)]
    prices = [black.call(x.log(), ssvi.total_variance(x.log(), theta, rho, width)) for x in strikes]
    counted = (prices[0] - 2 * prices[1] + prices[2]) / (h * k.exp()).square() * k.exp()  # density of the log-price
    w, slope, curve = ssvi.slice_of(k, theta, rho, width)
    below = -k / w.sqrt() - w.sqrt() / 2
    g = (1 - k * slope / (2 * w)) ** 2 - slope**2 / 4 * (1 / w + 1 / 4) + curve / 2  # claim
    density = g / torch.sqrt(2 * math.pi * w) * torch.exp(-(below**2) / 2)  # claim
    torch.testing.assert_close(density, counted, rtol=2e-5, atol=2e-5)
    torch.testing.assert_close(ssvi.density(k, ssvi.Slice(w, slope, curve)), density)
    fine = torch.linspace(-12, 6, 200_001, dtype=F64)
    mass = ssvi.density(fine, ssvi.slice_of(fine, theta, rho, width))
    assert float(torch.trapezoid(mass, fine)) == pytest.approx(1, abs=1e-6)
    assert float(torch.trapezoid(mass * fine.exp(), fine)) == pytest.approx(1, abs=1e-6)


def test_fin_ssvi() -> None:
    """A hyperbola: at the money it is theta, its slopes at the ends are those of the asymptotes; the width by its logarithm."""
    theta, rho, eta, gamma = 0.07, -0.4, 0.9, 0.3
    width = eta / (theta**gamma * (1 + theta) ** (1 - gamma))  # claim
    assert math.log(width) == pytest.approx(math.log(eta) - gamma * math.log(theta) - (1 - gamma) * math.log1p(theta))
    at = lambda k: theta / 2 * (1 + rho * width * k + math.sqrt((width * k + rho) ** 2 + 1 - rho**2))  # noqa: E731  # claim
    assert at(0.0) == pytest.approx(theta)
    for side in (-1, 1):
        far = (at(side * 1e6 + side) - at(side * 1e6)) / side
        assert far == pytest.approx(theta * width / 2 * (rho + side), rel=1e-5)
    found = ssvi.total_variance(_t(-0.3, 0.2), _t(theta), _t(rho), ssvi.phi(_t(theta), _t(eta), _t(gamma)))
    torch.testing.assert_close(found, _t(at(-0.3), at(0.2)))


def test_fin_calendar() -> None:
    """Autograd by the variance at the money, over random slices, and that it is positive."""
    theta, rho, _, k = _slices(200)
    eta, gamma = _t(0.7), torch.linspace(0.0, 1.0, 200, dtype=F64)[:, None]
    theta = theta.requires_grad_()
    width = ssvi.phi(theta, eta, gamma)
    every = ssvi.total_variance(k, theta.expand(-1, len(k)), rho, ssvi.phi(theta.expand(-1, len(k)), eta, gamma))
    column = every[:, 150]
    (slope,) = torch.autograd.grad(column.sum(), theta, retain_graph=True)
    z = (width * k[150]).detach()
    root = torch.sqrt(z**2 + 2 * rho * z + 1)
    a = gamma + (1 - gamma) * theta.detach() / (1 + theta.detach())
    formula = (1 + rho * z + root) / 2 * (1 - a * (1 - 1 / root))  # claim
    torch.testing.assert_close(formula, slope)
    rising = theta.detach().sort(0).values
    every = ssvi.total_variance(k, rising, _t(-0.7), ssvi.phi(rising, eta, _t(0.4)))
    assert (every.diff(dim=0) >= -1e-12).all()


def test_fin_butterfly() -> None:
    """Durrleman's function of random slices in its general form; never below 0 where allowed, below 0 beyond."""
    theta, rho, width, k = _slices(2000)
    g = ssvi.durrleman(k, ssvi.slice_of(k, theta, rho, width))
    z = width * k
    n = torch.sqrt(z**2 + 2 * rho * z + 1)
    s, u = rho + (z + rho) / n, 1 + rho * z + n
    first = (1 + 1 / n) ** 2 / 4 - (theta * width * s) ** 2 / 64  # claim
    second = theta * width**2 * (1 - rho**2) / (4 * n**3) - theta * width**2 * (u - 2 * (1 - rho**2)) / (8 * n**2)  # claim
    torch.testing.assert_close(first + second, g, rtol=1e-8, atol=1e-10)
    assert (g >= 0).all()
    assert (ssvi.durrleman(k, ssvi.slice_of(k, _t(0.5), _t(-0.9), _t(9.0))) < 0).any()


def test_fin_lewis() -> None:
    """Black's price from the characteristic function of a normal log-price; and Heston's prices by the library's nodes."""
    w = 0.06
    psi = lambda u: np.exp(-0.5j * u * w - u**2 * w / 2)  # noqa: E731
    for k in (-0.25, 0.0, 0.3):
        part = lambda u, k=k: (np.exp(-1j * u * k) * psi(u - 0.5j)).real / (u**2 + 1 / 4)  # noqa: E731  # claim
        price = 1 - math.exp(k / 2) / math.pi * quad(part, 0, 200, limit=500)[0]  # claim
        assert price == pytest.approx(float(black.call(_t(k), _t(w))), abs=1e-8)
    u, _ = heston.nodes()
    flat = torch.from_numpy(psi((u - 0.5j).numpy()))[None, None]
    k = torch.linspace(-0.3, 0.3, 7, dtype=F64)
    torch.testing.assert_close(
        heston.out_of_the_money(k, flat)[0, 0], black.out_of_the_money(k, _t(w).expand(7)), atol=1e-12, rtol=0
    )


def test_fin_heston() -> None:
    """The Riccati equations of the characteristic function, solved by SciPy."""
    v0, mean, kappa, xi, rho, t = 0.05, 0.03, 1.7, 0.6, -0.7, 1.3
    for u in (0.7 - 0.5j, 6.0 - 0.5j, 25.0 - 0.5j):
        change = lambda _, y, u=u: np.array(  # noqa: E731
            [kappa * mean * y[1], xi**2 / 2 * y[1] ** 2 - (kappa - 1j * rho * xi * u) * y[1] - (1j * u + u**2) / 2]
        )
        solved = solve_ivp(change, (0, t), np.zeros(2, complex), rtol=1e-11, atol=1e-13).y[:, -1]
        b = kappa - 1j * rho * xi * u
        d = np.sqrt(b**2 + xi**2 * (1j * u + u**2))
        g = (b - d) / (b + d)
        fading = np.exp(-d * t)
        growth = (b - d) / xi**2 * (1 - fading) / (1 - g * fading)  # claim
        level = kappa * mean / xi**2 * ((b - d) * t - 2 * np.log((1 - g * fading) / (1 - g)))  # claim
        assert level == pytest.approx(solved[0], abs=1e-8) and growth == pytest.approx(solved[1], abs=1e-8)
        column = [torch.full((1, 1, 1), value, dtype=F64) for value in (v0, mean, kappa, xi, rho)]
        psi = heston.characteristic(torch.tensor([u]), _t(t)[:, None], *column)
        assert complex(psi.squeeze()) == pytest.approx(np.exp(solved[0] + solved[1] * v0), abs=1e-8)


def test_fin_gaussian() -> None:
    """The other form, with precisions: the inverse of the covariance plus that of the quotes."""
    draw = torch.Generator().manual_seed(0)
    root = torch.randn(PLACES, PLACES, generator=draw, dtype=F64) / 16
    m, sigma = torch.randn(PLACES, generator=draw, dtype=F64), root @ root.T + 0.1 * torch.eye(PLACES, dtype=F64)
    places, y, tau = torch.tensor([[3, 77, 200]]), _t(0.4, -0.2, 1.0)[None], 0.05
    a = torch.eye(PLACES, dtype=F64)[places[0]]
    s = a @ sigma @ a.T + tau**2 * torch.eye(3, dtype=F64)
    mean = m + sigma @ a.T @ torch.linalg.solve(s, y[0] - a @ m)  # claim
    covariance = sigma - sigma @ a.T @ torch.linalg.solve(s, a @ sigma)  # claim
    precise = torch.linalg.inv(torch.linalg.inv(sigma) + a.T @ a / tau**2)
    torch.testing.assert_close(covariance, precise)
    torch.testing.assert_close(mean, precise @ (torch.linalg.solve(sigma, m) + a.T @ y[0] / tau**2))
    found = Gaussian(m, sigma).complete(Quotes(places, y, tau))
    torch.testing.assert_close(found.mean[0], mean)
    torch.testing.assert_close(found.sd[0], covariance.diagonal().sqrt())


def test_fin_mode() -> None:
    """Bayes' rule by PyTorch's own densities, up to one constant; and the library's mode is its lowest point."""
    f = lambda z: torch.stack([z.sin().sum(-1), z.prod(-1), z.square().sum(-1)], -1)  # noqa: E731
    sigma, tau, y = 0.2, 0.3, _t(0.5, 0.1, 1.2)
    z = torch.randn(50, 2, dtype=F64, generator=torch.Generator().manual_seed(2))
    energy = (y - f(z)).square().sum(-1) / (2 * (sigma**2 + tau**2)) + z.square().sum(-1) / 2  # claim
    noise = torch.distributions.Normal(f(z), math.hypot(sigma, tau))
    joint = noise.log_prob(y).sum(-1) + torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1)
    assert float((energy + joint).std()) < 1e-12
    wide = lambda x: torch.nn.functional.pad(f(x), (0, PLACES - 3))  # noqa: E731
    best = Decoded(wide, 2, sigma).mode(Quotes(torch.tensor([[0, 1, 2]]), y[None], tau))
    lowest = (y - f(best)).square().sum() / (2 * (sigma**2 + tau**2)) + best.square().sum() / 2
    assert float(lowest) <= float(energy.min()) + 1e-9


def test_fin_laplace() -> None:
    """A linear decoder, where it is exact: the conditional Gaussian of probabilistic PCA, at the places without a quote."""
    draw = torch.Generator().manual_seed(1)
    w, b = torch.randn(PLACES, 3, generator=draw, dtype=F64), torch.randn(PLACES, generator=draw, dtype=F64)
    sigma, tau, places = 0.3, 0.1, torch.tensor([[5, 90, 141, 255]])
    y = torch.randn(1, 4, generator=draw, dtype=F64)
    j = w
    h = torch.eye(3, dtype=F64) + j[places[0]].T @ j[places[0]] / (sigma**2 + tau**2)  # claim
    band = j @ torch.linalg.inv(h) @ j.T + sigma**2 * torch.eye(PLACES, dtype=F64)  # claim
    exact = Gaussian(b, w @ w.T + sigma**2 * torch.eye(PLACES, dtype=F64)).complete(Quotes(places, y, tau))
    found = Decoded(lambda z: z @ w.T + b, 3, sigma).complete(Quotes(places, y, tau))
    rest = [k for k in range(PLACES) if k not in places[0].tolist()]
    torch.testing.assert_close(band.diagonal().sqrt()[rest], exact.sd[0, rest])
    torch.testing.assert_close(found.sd[0, rest], exact.sd[0, rest])
    torch.testing.assert_close(found.mean[0, rest], exact.mean[0, rest], atol=1e-5, rtol=1e-5)
