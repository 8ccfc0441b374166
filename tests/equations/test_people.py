"""The equations of the chapter on asking people: one test for each label."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import brentq, minimize

from imggen_lib.metrics.intervals import mean_estimate, wilson_interval
from imggen_lib.people.human import judgements_needed, krippendorff_alpha, preference
from imggen_lib.people.ranking import bradley_terry
from imggen_lib.theory.raters import choice_probability

F64 = torch.float64


def sigma(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x))


def test_people_binomial() -> None:
    """Every sequence of coins is counted that is at least as one-sided."""
    for n, w in ((7, 6), (10, 3), (11, 8), (4, 2)):
        coins = itertools.product((0, 1), repeat=n)
        as_extreme = sum(abs(sum(c) - n / 2.0) >= abs(w - n / 2.0) for c in coins) / float(2**n)
        most = max(w, n - w)  # claim
        formula = min(1, 2 * sum(math.comb(n, i) * 2**-n for i in range(most, n + 1)))  # claim
        assert as_extreme == pytest.approx(formula, rel=1e-12)
        assert preference(w, n).p_value == pytest.approx(formula, rel=1e-9)


def test_people_wilson() -> None:
    """The shares at which the observed one is z standard errors away, by a root finder."""
    for w, n, level in ((27, 36, 0.95), (3, 11, 0.9), (49, 50, 0.99)):
        z = stats.norm.ppf((1.0 + level) / 2.0)

        def far(p: float, w: int = w, n: int = n, z: float = z) -> float:
            return abs(w / n - p) - z * math.sqrt(p * (1.0 - p) / n)

        low, high = brentq(far, 1e-9, w / n), brentq(far, w / n, 1.0 - 1e-9)
        centre = (w + z**2 / 2) / (n + z**2)  # claim
        half = z / (n + z**2) * math.sqrt(w * (n - w) / n + z**2 / 4)  # claim
        assert (low, high) == pytest.approx((centre - half, centre + half), abs=1e-9)
        assert wilson_interval(w, n, level) == pytest.approx((centre - half, centre + half), abs=1e-9)


def test_people_rater_interval() -> None:
    """The means that SciPy's t test would just not reject."""
    x = np.array([0.3, 0.55, 0.8, 0.62, 0.95, 0.41, 0.7])
    raters = len(x)

    def excess(mean: float) -> float:
        return float(stats.ttest_1samp(x, mean).pvalue) - 0.05

    low, high = brentq(excess, -1.0, x.mean()), brentq(excess, x.mean(), 2.0)
    mean = x.sum() / raters
    s = math.sqrt(1 / (raters - 1) * ((x - mean) ** 2).sum())  # claim
    half = stats.t.ppf(0.975, raters - 1) * s / math.sqrt(raters)  # claim
    assert (low, high) == pytest.approx((mean - half, mean + half), abs=1e-9)
    found = mean_estimate(torch.from_numpy(x))
    assert found[2:] == pytest.approx((mean - half, mean + half), abs=1e-9)


def test_people_design_effect() -> None:
    """Beta-distributed raters: the variance of the whole study from SciPy's beta-binomial distribution."""
    for a, b, raters, m in ((2.0, 3.0, 5, 7), (0.7, 0.4, 12, 30), (4.0, 1.5, 3, 1)):
        p, n = a / (a + b), raters * m
        rho = stats.beta(a, b).var() / stats.bernoulli(p).var()  # of two answers of one rater
        truth = raters * stats.betabinom(m, a, b).var() / n**2
        formula = p * (1 - p) / n * (1 + (m - 1) * rho)  # claim
        assert truth == pytest.approx(formula, rel=1e-9)
    plain = judgements_needed(0.6)
    effect = 1 + (10 - 1) * 0.1  # claim
    assert judgements_needed(0.6, per_rater=10, correlation=0.1) == math.ceil(plain * effect)


def test_people_rater_model() -> None:
    """A rater who compares two values with logistic noise, or tosses a coin: a million trials, five standard errors."""
    generator = torch.Generator().manual_seed(0)
    for s_a, s_b, b, lapse in ((0.9, 0.2, 0.4, 0.3), (-1.0, 0.5, 0.8, 0.1)):
        u = torch.rand(1_000_000, generator=generator, dtype=F64)
        sees_left = s_a + b + torch.logit(u, eps=1e-12) > s_b
        lapses = torch.rand(1_000_000, generator=generator) < lapse
        coin = torch.rand(1_000_000, generator=generator) < 0.5
        share = torch.where(lapses, coin, sees_left).double().mean().item()
        formula = lapse / 2 + (1 - lapse) * sigma(s_a - s_b + b)  # claim
        assert share == pytest.approx(formula, abs=5 * 0.5 / 1000)
        library = choice_probability(torch.tensor(s_a - s_b, dtype=F64), b, lapse).item()
        assert library == pytest.approx(formula, rel=1e-9)


def test_people_bradley_terry() -> None:
    """Two values with Gumbel noise: the probability that the first is larger, by quadrature."""
    for a, b in ((0.7, -0.4), (-1.5, 0.3)):
        first, second = stats.gumbel_r(loc=a), stats.gumbel_r(loc=b)
        truth = quad(lambda x, f=first, g=second: f.pdf(x) * g.cdf(x), -20, 40)[0]
        ratio = math.exp(a) / (math.exp(a) + math.exp(b))  # claim
        logistic = sigma(a - b)  # claim
        assert truth == pytest.approx(ratio, abs=1e-8)
        assert truth == pytest.approx(logistic, abs=1e-8)
        wins = torch.tensor([[0.0, ratio], [1.0 - ratio, 0.0]], dtype=F64)
        found = bradley_terry(wins)
        assert (found[0] - found[1]).item() == pytest.approx(a - b, abs=1e-8)


def test_people_expected_wins() -> None:
    """Strengths that SciPy finds by maximising the likelihood."""
    w = np.array([[0.0, 14, 9, 30], [5, 0, 8, 11], [7, 6, 0, 4], [2, 9, 3, 0]])

    def loss(free: np.ndarray) -> float:
        s = np.append(free, 0.0)
        return float((w * np.logaddexp(0.0, s[None] - s[:, None])).sum())

    free = minimize(loss, np.zeros(3), method="BFGS", options={"gtol": 1e-9}).x
    s = np.append(free, 0.0)
    expected = (w + w.T) * stats.logistic.cdf(s[:, None] - s)  # claim
    assert w.sum(1) == pytest.approx((expected - np.diag(np.diag(expected))).sum(1), rel=1e-5)
    assert bradley_terry(torch.from_numpy(w)).numpy() == pytest.approx(s - s.mean(), abs=1e-5)


def test_people_side_bias() -> None:
    """Answers to many trials of a plan that has A on the left in a share q of them, five standard errors."""
    generator = torch.Generator().manual_seed(1)
    for d, b, q in ((0.6, 0.9, 0.3), (0.0, 0.8, 0.8), (-0.5, -1.1, 0.25)):
        n = 1_000_000
        a_left = torch.rand(n, generator=generator) < q
        left_gap = torch.where(a_left, d, -d).double()
        left = torch.rand(n, generator=generator, dtype=F64) < choice_probability(left_gap, b)
        share = (left == a_left).double().mean().item()
        formula = q * sigma(d + b) + (1 - q) * sigma(d - b)  # claim
        assert share == pytest.approx(formula, abs=5 * 0.5 / math.sqrt(n))
    for b in (0.3, 2.0):
        assert 0.5 * sigma(b) + 0.5 * sigma(-b) == pytest.approx(0.5)


def test_people_alpha() -> None:
    """Every pair of answers is looked at; against the library and the package `krippendorff`."""
    import krippendorff

    nan = math.nan
    table = [[0, 1, 1, 0, 1, nan], [0, 1, 0, 0, nan, 1], [1, 1, 1, 0, 1, 1], [0, nan, 0, 0, 0, 1]]
    items = [[x for x in column if not math.isnan(x)] for column in zip(*table, strict=True)]
    answers = [(u, i, x) for u, item in enumerate(items) for i, x in enumerate(item)]
    N = len(answers)  # noqa: N806
    within = [sum(x != y for x, y in itertools.permutations(item, 2)) for item in items]
    observed = 1 / N * sum(apart / (len(item) - 1) for apart, item in zip(within, items, strict=True))  # claim
    expected = 1 / (N * (N - 1)) * sum(x[2] != y[2] for x, y in itertools.permutations(answers, 2))  # claim
    formula = 1 - observed / expected  # claim
    oracle = krippendorff.alpha(np.array(table), level_of_measurement="nominal")
    assert oracle == pytest.approx(formula, rel=1e-9)
    assert krippendorff_alpha(torch.tensor(table, dtype=F64)) == pytest.approx(formula, rel=1e-9)


def test_people_sample_size() -> None:
    """The power of a z test with that many answers, from the exact binomial distribution; the exact test needs a few more."""
    for p, wanted, level in ((0.55, 0.8, 0.05), (0.53, 0.9, 0.01)):
        z_level, z_power = stats.norm.ppf(1.0 - level / 2.0), stats.norm.ppf(wanted)
        formula = ((z_level / 2 + z_power * math.sqrt(p * (1 - p))) / (p - 1 / 2)) ** 2  # claim
        n = round(formula)
        above = n / 2.0 + z_level * math.sqrt(n) / 2.0  # where the z test rejects
        power = stats.binom(n, p).sf(above - 0.5)  # with a continuity correction: counts are whole numbers
        assert power == pytest.approx(wanted, abs=0.012)
        assert formula < judgements_needed(p, wanted, level) < 1.06 * formula
