"""The equations of the chapter on medicine, each against another route: enumeration, simulation, a library or an optimiser."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import trapezoid
from scipy.optimize import minimize
from scipy.stats import multivariate_normal
from torch import Tensor

from imggen_lib.applications.anomaly.anogan import Anogan, Encoder, anogan_scores
from imggen_lib.applications.anomaly.scores import given_complexity
from imggen_lib.configs import GanConfig
from imggen_lib.machine import first_weights
from imggen_lib.metrics import audit, calibration

F64 = torch.float64


def _rand(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, dtype=F64, generator=torch.Generator().manual_seed(seed))


def test_med_auroc() -> None:
    """Two discrete scores: the area under the corners of the curve, threshold by threshold, against the sum over pairs."""
    ill, well = _rand(5), _rand(5, seed=1)
    ill, well = ill / ill.sum(), well / well.sum()  # the probabilities of the scores 0, 1, 2, 3, 4
    corners = [(0.0, 0.0)] + [(float(well[v:].sum()), float(ill[v:].sum())) for v in range(4, -1, -1)]
    area = trapezoid([y for _, y in corners], [x for x, _ in corners])
    above = sum(float(ill[i] * well[j]) for i in range(5) for j in range(5) if i > j)
    equal = sum(float(ill[i] * well[i]) for i in range(5))
    formula = above + 1 / 2 * equal  # claim
    assert formula == pytest.approx(area, abs=1e-12)
    positive, negative = torch.arange(5.0).repeat_interleave(torch.tensor([1, 4, 2, 3, 5])), torch.arange(5.0)
    counted = [((a > b) + (a == b) / 2).item() for a in positive for b in negative]
    assert audit.auroc(positive, negative) == pytest.approx(np.mean(counted))


def test_med_delong() -> None:
    """The scatter of the area over 4,000 repetitions of an unequal and unequally spread case."""
    p, q, n = 30, 50, 4000
    draw = torch.Generator().manual_seed(0)
    x, y = 1 + 2 * torch.randn(n, p, generator=draw, dtype=F64), torch.randn(n, q, generator=draw, dtype=F64)
    wins = [(a[:, None] > b).double() for a, b in zip(x, y, strict=True)]
    areas = torch.stack([w.mean() for w in wins])
    v, w = torch.stack([w.mean(1) for w in wins]), torch.stack([w.mean(0) for w in wins])
    formula = v.var(1) / p + w.var(1) / q  # claim
    assert formula.mean().item() == pytest.approx(areas.var().item(), rel=0.08)
    assert audit.delong(x[0], y[0]).standard_error ** 2 == pytest.approx(formula[0].item(), rel=1e-10)


def test_med_simple() -> None:
    """A Gaussian model, and a narrower, shifted distribution that is not Gaussian: means of SciPy's log-densities."""
    d, n = 3, 400_000
    root = _rand(d, d) + torch.eye(d, dtype=F64)
    m, sigma = _rand(d, seed=1), root @ root.T
    delta, other = 0.7 * _rand(d, seed=2), 0.5 * (_rand(d, d, seed=3) + torch.eye(d, dtype=F64))
    draw = torch.Generator().manual_seed(4)
    flat = (torch.rand(n, d, generator=draw, dtype=F64) - 0.5) * math.sqrt(12)  # mean 0, variance 1, no bell
    q = m + delta + flat @ other.T
    model = multivariate_normal(m.numpy(), sigma.numpy())
    sigma_q, inverse = other @ other.T, torch.linalg.inv(sigma)
    formula = 0.5 * (torch.trace(inverse @ (sigma_q - sigma)) + delta @ inverse @ delta)  # claim
    values = -model.logpdf(q.numpy())
    measured = values.mean() - model.entropy()
    assert formula.item() == pytest.approx(measured, abs=5 * values.std() / math.sqrt(n)) and formula < -0.2


def test_med_given() -> None:
    """Against an optimiser of the squared residuals; mean and correlation of what is left."""
    c = _rand(40)
    s = 2 * c - 1 + _rand(40, seed=1)
    a = ((s - s.mean()) * (c - c.mean())).mean() / c.var(correction=0)  # claim
    b = s.mean() - a * c.mean()  # claim
    r = s - a * c - b  # claim
    best = minimize(lambda w: float(((s - w[0] * c - w[1]) ** 2).sum()), [0.0, 0.0], tol=1e-12)
    assert [a.item(), b.item()] == pytest.approx(best.x.tolist(), abs=1e-4)
    assert abs(float(r.mean())) < 1e-12 and abs(float((r * c).mean() - r.mean() * c.mean())) < 1e-12
    line = given_complexity(s, c)
    assert torch.allclose(line.residual(s, c), r)


def test_med_anogan() -> None:
    """Against the library, on a small generator, with both norms written out pixel by pixel."""
    config = GanConfig(image_shape=(1, 8, 8), latent_dim=3, width=4)
    with first_weights(0):
        nets = Anogan(config.build_generator().eval(), config.build_critic().eval(), Encoder((1, 8, 8), 3, 2).eval())
    x, kappa = (2 * _rand(2, 1, 8, 8) - 1).float(), 0.7
    with torch.no_grad():
        back = nets.generator(nets.encoder(x))
        f, g = nets.critic.net(x), nets.critic.net(back)
    for k in range(2):
        first = sum(float(u - v) ** 2 for u, v in zip(x[k].flatten(), back[k].flatten(), strict=True))
        second = sum(float(u - v) ** 2 for u, v in zip(f[k], g[k], strict=True))
        formula = first / x[k].numel() + kappa / f.shape[1] * second  # claim
        assert anogan_scores(nets, kappa=kappa)(x).score[k].item() == pytest.approx(formula, rel=1e-5)


def test_med_brier() -> None:
    """Three things that are said, each with its own truth: the mean over all six outcomes."""
    weight, said, pi = torch.tensor([0.2, 0.5, 0.3]), torch.tensor([0.1, 0.4, 0.9]), torch.tensor([0.3, 0.35, 0.6])
    outcomes = [(w * (t if y else 1 - t), s, y) for w, s, t in zip(weight, said, pi, strict=True) for y in (0, 1)]
    left = sum(float(w * (s - y) ** 2) for w, s, y in outcomes)
    formula = (weight * (said - pi) ** 2).sum() + (weight * pi * (1 - pi)).sum()  # claim
    assert formula.item() == pytest.approx(left, rel=1e-6)
    p, y = torch.tensor([0.1, 0.1, 0.4, 0.4]), torch.tensor([0, 1, 1, 1])
    assert calibration.brier(p, y).value == pytest.approx((0.01 + 0.81 + 2 * 0.36) / 4)


def test_med_benefit() -> None:
    """Against the mean utility of acting by the rule, with values for the two mistakes that make one undecided at t."""
    p, y = _rand(200), (_rand(200, seed=1) < 0.6).double()
    for t in (0.1, 0.35, 0.8):
        gain = 3.7  # of a found case; a needless act costs what makes acting at probability t worth nothing
        cost = gain * t / (1 - t)
        assert t * gain - (1 - t) * cost == pytest.approx(0, abs=1e-12)
        acted = p >= t
        worth = sum(float(gain if ill else -cost) for act, ill in zip(acted, y, strict=True) if act) / len(p) / gain
        true, false, n = (acted * y).sum(), (acted * (1 - y)).sum(), len(p)
        formula = true / n - t / (1 - t) * false / n  # claim
        assert formula.item() == pytest.approx(worth, rel=1e-10)
        found = calibration.net_benefit(p, y, torch.tensor([t], dtype=F64))
        assert found.model.item() == pytest.approx(worth, rel=1e-10)
