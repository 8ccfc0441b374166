"""The equations of the chapter on education."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from imggen_lib.applications.worksheets import hand, measures


def test_edu_hand() -> None:
    """Means and covariances of 2,000 hands' latents, against what is claimed, within five standard errors; and three spreads."""
    for s in (0.0, 0.3, 0.8):
        shared = 1 - s**2  # claim
        z = torch.stack([hand.hand_latents(seed, 4, spread=s, variants=1)[:2, 0] for seed in range(2000)]).double()
        n = z.shape[0] * z.shape[2]
        first, second = z[:, 0].flatten(), z[:, 1].flatten()
        assert abs(float(first.mean())) < 5 / math.sqrt(n) and float(first.var()) == pytest.approx(1, abs=5 * math.sqrt(2 / n))
        assert float((first * second).mean()) == pytest.approx(shared, abs=5 * math.sqrt((1 + shared**2) / n))
        assert stats.kstest(second.numpy(), "norm").pvalue > 1e-4


def test_edu_key() -> None:
    """Against a simulation of 200,000 sheets of independent digits, within five standard errors."""
    draws = np.random.default_rng(0)
    for error, n in ((0.02, 80), (0.004, 80), (0.1, 12)):
        holds = (1 - error) ** n  # claim
        found = (draws.binomial(n, error, 200_000) == 0).mean()
        assert found == pytest.approx(holds, abs=5 * math.sqrt(holds * (1 - holds) / 200_000))
        assert measures.key_holds(error, n) == pytest.approx(holds, rel=1e-12)


def _all_right(error: float, a: float, b: float, n: int) -> float:
    """That all of n digits are right, times the density of a hand with this error."""
    return (1 - error) ** n * float(stats.beta.pdf(error, a, b))


def test_edu_together() -> None:
    """By quadrature over hands whose errors are beta distributed, with the closed form of a beta's moments as a second way."""
    for a, b, n in ((0.2, 9.8, 80), (2.0, 98.0, 80), (0.5, 4.5, 20)):
        mean = a / (a + b)
        together = math.exp(math.lgamma(b + n) - math.lgamma(b) + math.lgamma(a + b) - math.lgamma(a + b + n))
        quadrature, _ = integrate.quad(_all_right, 0, 1, args=(a, b, n), points=[1e-6, 0.01], limit=500)
        assert quadrature == pytest.approx(together, rel=1e-4)
        assert together > (1 - mean) ** n  # claim
    assert abs((1 - 0.02) ** 80 - np.mean((1 - np.full(7, 0.02)) ** 80)) < 1e-15, "equal where all hands are alike"


def test_edu_filter() -> None:
    """By counting: a million digits, right or not, kept or not; the share of right ones among the kept."""
    draws = np.random.default_rng(1)
    for p, a, b in ((0.96, 0.97, 0.55), (0.5, 0.9, 0.1), (0.98, 1.0, 0.0)):
        right = draws.random(1_000_000) < p
        kept = draws.random(1_000_000) < np.where(right, a, b)
        after = a * p / (a * p + b * (1 - p))  # claim
        assert right[kept].mean() == pytest.approx(after, abs=5 * math.sqrt(max(after * (1 - after), 1e-9) / kept.sum()))
        assert measures.after_filter(p, a, b)[0] == pytest.approx(after, rel=1e-12)
        assert measures.after_filter(p, a, b)[1] == pytest.approx(kept.mean(), abs=3e-3)


def test_edu_margin() -> None:
    """By the sign: a margin is above 0 exactly where the nearest of all images shows the digit that was asked for."""
    from imggen_lib.applications.worksheets.readers import Neighbours

    drawn = torch.Generator().manual_seed(0)
    images, labels = torch.rand(200, 1, 6, 6, generator=drawn) * 2 - 1, torch.arange(200) % 10
    x, y = torch.rand(60, 1, 6, 6, generator=drawn) * 2 - 1, torch.arange(60) % 10
    distance = torch.cdist(x.flatten(1).double(), images.flatten(1).double())
    own = labels == y[:, None]
    near, far = (distance.masked_fill(~mask, math.inf).amin(1) for mask in (own, ~own))
    margin = (far / near).log()  # claim
    assert torch.equal(margin > 0, labels[distance.argmin(1)] == y)
    assert torch.allclose(Neighbours(images, labels, 1).margin(x, y).double(), margin, atol=1e-4)


def test_edu_hand_share() -> None:
    """The estimate's expectations: hands with a known share of the variance, 200,000 of them; and the mean squares one by one."""
    draws = np.random.default_rng(2)
    k = 10
    for share in (0.0, 0.3, 0.9):
        own, rest = math.sqrt(share), math.sqrt(1 - share)
        x = own * draws.standard_normal((40_000, 1)) + rest * draws.standard_normal((40_000, k))
        between = k * x.mean(1).var(ddof=1)
        within = x.var(1, ddof=1).mean()
        assert between == pytest.approx(k * share + 1 - share, rel=0.05) and within == pytest.approx(1 - share, rel=0.02)
        rho = (between - within) / (between + (k - 1) * within)  # claim
        assert rho == pytest.approx(share, abs=0.01)
        assert measures.intraclass(torch.from_numpy(x)) == pytest.approx(rho, abs=1e-3)
