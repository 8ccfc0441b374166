"""The equations of the chapter with the table of all models."""

import math
from statistics import NormalDist, mean, stdev

import pytest
import scipy.stats
import torch

A, B = [31.0, 34.5, 39.0], [28.0, 30.5, 29.0, 33.0, 27.5]


def _halves() -> tuple[float, int, float, int]:
    return stdev(A), len(A), stdev(B), len(B)


def test_results_welch() -> None:
    """Against SciPy's test with unequal variances, for two samples of different size and spread."""
    sa, na, sb, nb = _halves()
    t = (mean(A) - mean(B)) / math.sqrt(sa**2 / na + sb**2 / nb)  # claim
    assert t == pytest.approx(scipy.stats.ttest_ind(A, B, equal_var=False).statistic, rel=1e-12)


def test_results_freedom() -> None:
    """Against SciPy's degrees of freedom; and between the smaller sample's n - 1 and the sum of both."""
    sa, na, sb, nb = _halves()
    u, v = sa**2 / na, sb**2 / nb
    freedom = (u + v) ** 2 / (u**2 / (na - 1) + v**2 / (nb - 1))  # claim
    assert freedom == pytest.approx(scipy.stats.ttest_ind(A, B, equal_var=False).df, rel=1e-12)
    assert min(na, nb) - 1 <= freedom <= na + nb - 2


def test_results_seeds() -> None:
    """A million simulated comparisons with that many seeds, spread known: four of five find the difference."""
    s, d = 3.0, 1.9
    n = 2 * (1.96 + 0.84) ** 2 * s**2 / d**2  # claim
    whole = round(n)
    assert [NormalDist().inv_cdf(p) for p in (0.975, 0.8)] == pytest.approx([1.96, 0.84], abs=2e-3)
    noise = torch.randn(1_000_000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    difference = d + s / whole**0.5 * (noise[:, 0] - noise[:, 1])
    found = (difference.abs() > 1.96 * s * (2 / whole) ** 0.5).double().mean().item()
    assert n == pytest.approx(39.1, abs=0.1)
    assert found == pytest.approx(0.8, abs=0.01)
