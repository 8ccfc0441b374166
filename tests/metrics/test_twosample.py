"""The kernel distance against torch-fidelity and the double sum; the classifier test; the intervals against scipy."""

import inspect
import math

import numpy as np
import pytest
import scipy.stats
import torch
from torch_fidelity.metric_kid import kernel_mmd, kid_features_to_metric

from imggen_lib.metrics import intervals
from imggen_lib.metrics.distribution import frechet_at_infinity_interval
from imggen_lib.metrics.intervals import bounded_mean, holm, t_tail
from imggen_lib.metrics.twosample import (
    classifier_test,
    kernel_distance,
    linear_classifier,
    neighbour_classifier,
    subset_kernel_distance,
)


def _cloud(n: int, d: int, seed: int) -> torch.Tensor:
    return torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


_KID = {"kid_kernel": "poly", "kid_kernel_poly_degree": 3, "kid_kernel_poly_gamma": None, "kid_kernel_poly_coef0": 1}


def test_kernel_distance_agrees_with_torch_fidelity() -> None:
    for n, d, scale in ((50, 4, 1.2), (201, 16, 0.8)):
        a, b = _cloud(n, d, 0), _cloud(n, d, 1) * scale + 0.1
        oracle = kernel_mmd(a.numpy(), b.numpy(), **_KID)
        assert kernel_distance(a, b).value == pytest.approx(oracle, rel=1e-10)
        settings = {"kid_subsets": 2, "kid_subset_size": n, "rng_seed": 1, "verbose": False}
        whole = kid_features_to_metric(a, b, **_KID, **settings)["kernel_inception_distance_mean"]
        mean, spread = subset_kernel_distance(a, b, subsets=2, size=n)
        assert mean == pytest.approx(whole, rel=1e-10) and spread == pytest.approx(0, abs=1e-12)


def test_kernel_distance_of_unlike_numbers_against_the_double_sum() -> None:
    a, b = _cloud(23, 3, 2), _cloud(31, 3, 3) + 0.5

    def k(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (x @ y.T / 3 + 1) ** 3

    within = [(k(x, x).sum() - k(x, x).trace()) / (len(x) * (len(x) - 1)) for x in (a, b)]
    found = kernel_distance(a, b, groups=5)
    assert found.value == pytest.approx(float(sum(within) - 2 * k(a, b).mean()), rel=1e-12)
    groups = [intervals.random_groups(len(x), 5, 1, s) for s, x in enumerate((a, b))]
    left_out = []
    for i in range(5):
        x, y = (z[torch.cat([g for j, g in enumerate(parts) if j != i])] for z, parts in zip((a, b), groups, strict=True))
        left_out.append(kernel_distance(x, y, groups=2).value)
    assert found.standard_error == pytest.approx(np.std(left_out) * 2, rel=1e-9)  # sqrt(5 - 1)


def test_kernel_distance_is_unbiased_and_its_interval_holds() -> None:
    equal = [kernel_distance(_cloud(30, 4, 2 * s), _cloud(30, 4, 2 * s + 1), groups=10) for s in range(64)]
    values = np.array([e.value for e in equal])
    assert abs(values.mean()) < 4 * values.std() / 8 and (values < 0).mean() > 0.3  # the biased one is never below 0
    apart = [kernel_distance(_cloud(60, 4, 2 * s), _cloud(60, 4, 2 * s + 1) + 0.5, groups=10) for s in range(64)]
    truth = np.mean([a.value for a in apart])
    assert np.mean([a.low <= truth <= a.high for a in apart]) > 0.85
    assert np.mean([e.low <= 0 <= e.high for e in equal]) > 0.93
    spread = np.std([a.value for a in apart])
    assert 0.8 < np.mean([a.standard_error for a in apart]) / spread < 1.5


@pytest.mark.parametrize("block", [3, 50])
def test_the_block_changes_no_number_and_the_seed_only_the_interval(block: int) -> None:
    a, b = _cloud(40, 5, 0).float(), _cloud(60, 5, 1).float() * 1.5
    small, whole = kernel_distance(a, b, block=block, groups=4), kernel_distance(a, b, groups=4)
    np.testing.assert_allclose(small, whole, rtol=1e-10)
    other = kernel_distance(a, b, seed=2, groups=4)
    assert other.value == pytest.approx(whole.value, rel=1e-10) and other.standard_error != whole.standard_error


def test_subsets_estimate_the_same() -> None:
    a, b = _cloud(400, 4, 0), _cloud(500, 4, 1) + 0.4
    whole, (mean, spread) = kernel_distance(a, b), subset_kernel_distance(a, b, subsets=60, size=80)
    assert abs(mean - whole.value) < 4 * spread / 60**0.5 + whole.standard_error and spread > whole.standard_error


def test_classifier_test_against_scipy_and_closed_form() -> None:
    a, b = _cloud(1500, 2, 0), _cloud(1200, 2, 1) + torch.tensor([1.0, 0.0], dtype=torch.float64)
    found = classifier_test(a, b)
    assert found.n == 1200
    assert found.accuracy == pytest.approx(scipy.stats.norm.cdf(0.5), abs=0.04)  # the best possible for means 1 apart
    oracle = scipy.stats.binomtest(round(found.accuracy * 1200), 1200, alternative="greater")
    assert found.p_value == pytest.approx(oracle.pvalue, rel=1e-7) and found.p_value < 1e-20
    assert found == classifier_test(a, b) != classifier_test(a, b, seed=2)


def test_classifier_test_keeps_its_level_when_the_sets_are_equal() -> None:
    p = [classifier_test(_cloud(40, 3, 2 * s), _cloud(40, 3, 2 * s + 1), seed=s).p_value for s in range(200)]
    assert np.mean(np.array(p) < 0.1) < 0.17 and np.mean(np.array(p) < 0.5) < 0.6


def test_neighbours_see_a_spread_that_the_linear_classifier_does_not() -> None:
    a, b = _cloud(400, 2, 0), 4 * _cloud(400, 2, 1)
    assert classifier_test(a, b).p_value > 0.01
    assert classifier_test(a, b, classify=neighbour_classifier).accuracy > 0.7


def test_the_linear_classifier_is_at_the_minimum_of_its_loss_and_says_which_is_generated() -> None:
    x, y = torch.cat([_cloud(30, 2, 0), _cloud(30, 2, 1) + 1]), torch.arange(60) >= 30
    assert linear_classifier(x, y, torch.tensor([[-9.0, -9.0], [9.0, 9.0]]).double()).tolist() == [False, True]
    assert neighbour_classifier(x, y, torch.tensor([[-9.0, -9.0], [9.0, 9.0]]).double()).tolist() == [False, True]
    z = (x - x.mean(0)) / x.std(0, correction=0)

    def loss(w: np.ndarray) -> float:
        margin = torch.where(y, 1, -1) * (z @ torch.tensor(w[:2]) + w[2])
        return float(torch.nn.functional.softplus(-margin).sum() + 0.5 * 60e-3 * (w**2).sum())

    best = scipy.optimize.minimize(loss, np.zeros(3), tol=1e-12).x
    new = _cloud(500, 2, 3) + 0.5
    score = ((new - x.mean(0)) / x.std(0, correction=0)) @ torch.tensor(best[:2]) + best[2]
    clear = score.abs() > 1e-3
    assert torch.equal(linear_classifier(x, y, new)[clear], score[clear] > 0)
    apart = torch.tensor([[0.0], [0.0], [1.0], [1.0]]).double()  # separable, and a feature without spread in each class
    assert linear_classifier(apart, torch.tensor([False, False, True, True]), apart).tolist() == [False, False, True, True]


def test_bad_input_is_refused() -> None:
    a = _cloud(30, 3, 0)
    for metric in (inspect.unwrap(kernel_distance), inspect.unwrap(subset_kernel_distance), inspect.unwrap(classifier_test)):
        for x, y, match in ((a, a * torch.nan, "NaN"), (a[:0], a, "empty"), (a, a[:, :2], "must agree")):
            with pytest.raises(ValueError, match=match):
                metric(x, y)
    with pytest.raises(ValueError, match="groups need"):
        kernel_distance(a[:10], a)
    with pytest.raises(ValueError, match="subsets of 1000"):
        subset_kernel_distance(a, a)
    with pytest.raises(ValueError, match="two halves"):
        classifier_test(a[:3], a)


def test_quantiles_and_intervals_agree_with_scipy() -> None:
    for df in (1, 2, 3, 9, 10, 57, 400):
        for p in (0.001, 0.3, 0.5, 0.9, 0.975, 0.9995):
            assert intervals.t_quantile(p, df) == pytest.approx(scipy.stats.t.ppf(p, df), rel=1e-8, abs=1e-8)
    for wins, n in ((0, 1), (0, 9), (9, 9), (7, 20), (31_000, 60_000)):
        exact = scipy.stats.binomtest(wins, n)
        for level in (0.9, 0.95):
            assert intervals.wilson_interval(wins, n, level) == pytest.approx(exact.proportion_ci(level, "wilson"), abs=1e-12)
        for p in (0.5, 0.2):
            tail = scipy.stats.binomtest(wins, n, p, alternative="greater").pvalue
            assert intervals.binomial_tail(wins, n, p) == pytest.approx(tail, rel=1e-7, abs=1e-300)
    values = torch.tensor([1.0, 2.0, 4.0, 9.0]).double()
    low, high = scipy.stats.t.interval(0.9, 3, loc=4, scale=scipy.stats.sem(values))
    assert intervals.mean_estimate(values, 0.9)[2:] == pytest.approx((low, high), rel=1e-9)


def test_intervals_refuse_nonsense() -> None:
    calls = (
        (lambda: intervals.normal_quantile(1.0), "between 0 and 1"),
        (lambda: intervals.t_quantile(0.5, 0), "df of at least 1"),
        (lambda: intervals.wilson_interval(3, 2), "3 of 2"),
        (lambda: intervals.binomial_tail(0, 0), "0 of 0"),
        (lambda: intervals.mean_estimate(torch.ones(1)), "two independent"),
        (lambda: intervals.jackknife(0.0, torch.ones(1)), "two groups"),
    )
    for call, match in calls:
        with pytest.raises(ValueError, match=match):
            call()


def test_an_interval_is_for_the_mean_of_its_number_and_no_prediction() -> None:
    """200 repetitions: it holds the kernel distance's mean in about 95 %, the next draw in about 83 %; sqrt(2) as wide, in 95 %."""
    draw = torch.Generator().manual_seed(11)
    found = []
    for _ in range(200):
        x, y = (torch.randn(200, 4, dtype=torch.float64, generator=draw) + shift for shift in (0.0, 0.6))
        found.append(kernel_distance(x, y))
    value, low, high = (torch.tensor([getattr(e, name) for e in found]) for name in ("value", "low", "high"))
    middle, half = (low + high) / 2, (high - low) / 2
    mean = ((low <= value.mean()) & (value.mean() <= high)).double().mean().item()
    following = value.roll(1)
    caught = [((following - middle).abs() <= k * half).double().mean().item() for k in (1.0, 2**0.5)]
    assert mean > 0.9 and 0.75 < caught[0] < 0.91 and caught[1] > 0.89


def test_the_frechet_distance_at_infinity_has_an_interval_that_holds_the_distance() -> None:
    """Gaussians in four dimensions, equal and not: the true distance, in at least 36 of 40."""
    draw = torch.Generator().manual_seed(12)
    for shift, scale in ((0.0, 1.0), (0.5, 1.2)):
        truth, hits = 4 * (shift**2 + (scale - 1) ** 2), 0
        for _ in range(40):
            x, y = (torch.randn(200, 4, dtype=torch.float64, generator=draw) for _ in range(2))
            found = frechet_at_infinity_interval(x, shift + scale * y, points=6, both=True, repeats=5)
            assert found.low < found.value < found.high
            hits += found.low <= truth <= found.high
        assert hits >= 36


def test_means_on_a_scale_keep_to_it_and_never_shrink_to_a_point() -> None:
    same = bounded_mean(torch.full((10,), 5.0), 1, 5)
    assert same.value == same.high == 5 and 3.5 < same.low < 4.5 and same.standard_error > 0.1
    inside = bounded_mean(torch.full((10,), 3.0), 1, 5)
    assert inside.low < 2.5 and inside.high > 3.5
    few = bounded_mean(torch.tensor([1.0, 5.0]), 1, 5)
    assert (few.low, few.high) == (1, 5)
    with pytest.raises(ValueError, match="from 1 to 5 are needed, got 0 to 6"):
        bounded_mean(torch.tensor([0.0, 6.0]), 1, 5)


def test_holm_keeps_its_word_and_refuses_what_is_no_probability() -> None:
    """Twenty true hypotheses with dependent tests: any false alarm in at most 5 % of a thousand studies, two standard errors."""
    common = torch.randn(1000, 1, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    z = 0.5 * common + math.sqrt(0.75) * torch.randn(1000, 20, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    p = torch.from_numpy(2 * scipy.stats.norm.sf(z.abs().numpy()))
    alarms = sum(min(holm(row)) <= 0.05 for row in p.tolist())
    assert alarms <= 50 + 2 * 7 and sum(min(row) <= 0.05 for row in p.tolist()) > 300
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.5, 1.2])
    for t, df in ((2.0, 1), (-1.3, 4), (0.0, 7), (8.0, 30)):
        assert t_tail(t, df) == pytest.approx(2 * scipy.stats.t.sf(abs(t), df), abs=1e-12)


def test_the_pooled_spread_is_right_where_the_typical_one_is_too_small() -> None:
    """Standard deviations of three numbers: their median is sqrt(log 2) of the truth, the root of the mean square is the truth."""
    squares = torch.randn(200_000, 3, generator=torch.Generator().manual_seed(4), dtype=torch.float64).var(1)
    assert squares.sqrt().median().item() == pytest.approx(math.sqrt(math.log(2)), abs=0.005)
    assert squares.mean().sqrt().item() == pytest.approx(1, abs=0.005)
