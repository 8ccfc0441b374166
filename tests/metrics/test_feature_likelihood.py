"""The mixture against SciPy and an optimiser; the divergence against one that is written out, in its limits, and at copies."""

import math
from inspect import unwrap

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from imggen_lib.metrics.feature_likelihood import feature_likelihood_divergence, fitted_variances, mixture_log_likelihood
from imggen_lib.metrics.intervals import random_groups


def _cloud(n: int, d: int, seed: int) -> torch.Tensor:
    return torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def _log_likelihood(x: np.ndarray, centres: np.ndarray, variances: np.ndarray) -> np.ndarray:
    each = [multivariate_normal(c, v * np.eye(x.shape[1])).logpdf(x) for c, v in zip(centres, variances, strict=True)]
    return logsumexp(np.array(each), axis=0) - math.log(len(centres))


def test_the_mixture_s_likelihood_is_scipy_s() -> None:
    x, c, v = _cloud(9, 3, 0), _cloud(5, 3, 1), torch.tensor([0.3, 1.0, 2.0, 0.1, 5.0], dtype=torch.float64)
    np.testing.assert_allclose(mixture_log_likelihood(x, c, v), _log_likelihood(x.numpy(), c.numpy(), v.numpy()), rtol=1e-10)


def test_the_variances_are_those_an_optimiser_finds() -> None:
    """Against L-BFGS on the logarithms of all variances, that of the Gaussian around the training mean included."""
    x, c = _cloud(60, 2, 0).numpy(), _cloud(4, 2, 1).numpy()

    def loss(logs: np.ndarray) -> float:
        around = multivariate_normal(x.mean(0), math.exp(logs[-1]) * np.eye(2)).logpdf(x)
        return -np.logaddexp(_log_likelihood(x, c, np.exp(logs[:-1])), around).mean()

    best = minimize(loss, np.zeros(5), tol=1e-12)
    found = fitted_variances(torch.from_numpy(x), torch.from_numpy(c), steps=4000)
    np.testing.assert_allclose(found, np.exp(best.x[:-1]), rtol=1e-3)


def test_one_centre_alone_gets_its_closed_form() -> None:
    """Without a rival worth the name, EM's first answer is the mean square distance over d; far points belong to the other one."""
    x = torch.cat([0.1 * _cloud(50, 3, 0), 1000 + _cloud(1, 3, 1)])
    (found,) = fitted_variances(x, torch.zeros(1, 3), steps=200)
    assert found.item() == pytest.approx((x[:50].square().sum() / 150).item(), rel=1e-6)


def test_the_divergence_is_what_its_formula_says() -> None:
    training, held_out, generated = _cloud(40, 2, 0) * 2 + 1, _cloud(30, 2, 1) * 2 + 1, _cloud(15, 2, 2) * 3
    found = feature_likelihood_divergence(training, held_out, generated, seed=5)
    mean, deviation = held_out.mean(0), held_out.std(0)
    x, h, g = ((v - mean) / deviation for v in (training, held_out, generated))
    first, second = random_groups(40, 2, 5, 0)
    centres = x[first][:15]
    real = _log_likelihood(h.numpy(), centres.numpy(), fitted_variances(x[second], centres).numpy())
    fake = _log_likelihood(h.numpy(), g.numpy(), fitted_variances(x, g).numpy())
    assert found.divergence.value == pytest.approx(100 / 2 * (real - fake).mean(), rel=1e-9)
    assert found.divergence.standard_error == pytest.approx(50 * (real - fake).std(ddof=1) / 30**0.5, rel=1e-9)
    on_training = _log_likelihood(x.numpy(), g.numpy(), fitted_variances(x, g).numpy())
    assert found.gap == pytest.approx(50 * (on_training.mean() - fake.mean()), rel=1e-9)


def test_fresh_points_do_as_well_as_real_ones_and_copies_very_badly() -> None:
    training, held_out, fresh = (_cloud(n, 8, s) for n, s in ((800, 0), (400, 1), (400, 2)))
    good = feature_likelihood_divergence(training, held_out, fresh)
    assert abs(good.divergence.value) < 3 and abs(good.gap) < 5
    copies = feature_likelihood_divergence(training, held_out, training[:400])
    assert copies.divergence.low > 1000 and copies.gap > 1000
    wide = feature_likelihood_divergence(training, held_out, 3 * fresh)  # no copies, but poor
    assert wide.divergence.low > good.divergence.high and wide.gap < 5
    elsewhere = feature_likelihood_divergence(training, held_out, fresh + 2)
    assert elsewhere.divergence.low > good.divergence.high and elsewhere.gap < 5


def test_what_the_docstring_warns_of_is_so_points_drawn_in_come_out_better_than_real_ones() -> None:
    training, held_out, fresh = (_cloud(n, 8, s) for n, s in ((800, 0), (400, 1), (400, 2)))
    assert feature_likelihood_divergence(training, held_out, 0.3 * fresh).divergence.high < 0


def test_copies_among_fresh_points_count_for_nothing_but_widen_the_gap() -> None:
    training, held_out, fresh = (_cloud(n, 8, s) for n, s in ((800, 0), (400, 1), (300, 2)))
    alone = feature_likelihood_divergence(training, held_out, fresh)
    mixed = feature_likelihood_divergence(training, held_out, torch.cat([fresh, training[:100]]))
    rise = mixed.divergence.value - alone.divergence.value
    assert abs(rise + 100 / 8 * math.log(0.75)) < 3  # log of the share that is left, and what a few more points change
    assert mixed.gap > alone.gap + 20


def test_what_cannot_be_compared_is_said() -> None:
    with pytest.raises(ValueError, match="must agree"):
        unwrap(feature_likelihood_divergence)(_cloud(9, 2, 0), _cloud(9, 3, 1), _cloud(9, 2, 2))
    with pytest.raises(ValueError, match="4 training and 2 held-out"):
        feature_likelihood_divergence(_cloud(3, 2, 0), _cloud(9, 2, 1), _cloud(9, 2, 2))
