"""The equations of the chapter on evaluating images about judges that fail differently."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from sklearn.metrics.pairwise import rbf_kernel
from torch import Tensor

from imggen_lib.metrics import feature_likelihood, judges
from imggen_lib.metrics.intervals import random_groups

F64 = torch.float64


def _cloud(n: int, d: int, seed: int) -> Tensor:
    return torch.randn(n, d, dtype=F64, generator=torch.Generator().manual_seed(seed))


def test_eval_gaussian_kernel() -> None:
    """Against scikit-learn's kernel, and in the library's distance of two pairs of points."""
    x, y, w = _cloud(2, 3, 0), _cloud(2, 3, 1), 1.7

    def kappa(a: Tensor, b: Tensor) -> float:
        return math.exp(-((a - b) ** 2).sum().item() / (2 * w**2))  # claim

    table = rbf_kernel(x.numpy(), y.numpy(), gamma=0.5 / w**2.0)
    formula = np.array([[kappa(a, b) for b in y] for a in x])
    np.testing.assert_allclose(table, formula, rtol=1e-12)
    distance = kappa(x[0], x[1]) + kappa(y[0], y[1]) - 2.0 * formula.mean()
    assert judges.gaussian_kernel_test(x, y, bandwidth=w, permutations=1).distance == pytest.approx(distance, abs=1e-12)


def test_eval_permutation() -> None:
    """Every order of five distances, the true one first: how often the p-value is at most alpha, for every alpha; ties included."""
    shuffles = 4
    for values in ((1, 2, 3, 4, 5), (1, 2, 2, 3, 3), (1, 1, 1, 1, 2)):
        p_values = []
        for order in itertools.permutations(values):
            u = sum(other >= order[0] for other in order[1:])
            p_values.append((1 + u) / (1 + shuffles))  # claim
        for alpha in np.linspace(0.01, 0.99, 50):
            share = np.mean([p <= alpha + 1e-12 for p in p_values])
            assert share - 1e-12 < alpha  # claim
        if len(set(values)) == 5:  # without ties it is all of the promise, not less
            assert np.mean([p <= 0.4 + 1e-12 for p in p_values]) == pytest.approx(0.4)
    found = judges.gaussian_kernel_test(_cloud(40, 2, 0), _cloud(40, 2, 1) + 3, permutations=shuffles)
    assert found.p_value == pytest.approx(1 / 5.0)


def _shares() -> tuple[Tensor, Tensor]:
    return torch.tensor([0.5, 0.3, 0.2, 0.0], dtype=F64), torch.tensor([0.1, 0.3, 0.25, 0.35], dtype=F64)


def test_eval_curve() -> None:
    """Against the largest mass that generated shares can lend to real ones, found by a linear program."""
    from scipy.optimize import linprog

    p, q = _shares()
    library = judges.precision_recall_curve(p, q, points=3)
    slopes = [math.tan(math.pi / 8.0), 1.0, math.tan(3.0 * math.pi / 8.0)]
    for at, tau in enumerate(slopes):
        precision = torch.minimum(tau * p, q).sum().item()  # claim
        recall = torch.minimum(p, q / tau).sum().item()  # claim
        most = linprog(-np.ones(4), bounds=[(0, min(a, b)) for a, b in zip((tau * p).tolist(), q.tolist(), strict=True)]).fun
        assert precision == pytest.approx(-most, rel=1e-9) and recall == pytest.approx(-most / tau, rel=1e-9)
        assert library.precision[at].item() == pytest.approx(precision, rel=1e-9)
        assert library.recall[at].item() == pytest.approx(recall, rel=1e-9)


def test_eval_curve_middle() -> None:
    """Against the set of cells in which real images are ahead most, by trying all subsets."""
    p, q = _shares()
    subsets = itertools.chain.from_iterable(itertools.combinations(range(4), k) for k in range(5))
    ahead = max(sum((p[b] - q[b]).item() for b in chosen) for chosen in subsets)
    formula = 1 - 1 / 2 * (p - q).abs().sum().item()  # claim
    assert formula == pytest.approx(1.0 - ahead, rel=1e-12)
    library = judges.precision_recall_curve(p, q, points=1)
    assert library.precision.item() == pytest.approx(formula) and library.recall.item() == pytest.approx(formula)


def test_eval_authenticity() -> None:
    """Against the library, which streams through blocks, on points with some near misses."""
    x, y = _cloud(30, 2, 0), torch.cat([_cloud(20, 2, 1), _cloud(30, 2, 0)[:5] + 1e-3])
    count = 0.0
    for one in y:
        away = (x - one).norm(dim=1)
        nearest = int(away.argmin())
        own = min((x[i] - x[nearest]).norm().item() for i in range(30) if i != nearest)  # claim
        count += away[nearest].item() > own  # claim
    assert 0 < count < 20
    assert judges.authenticity(x, y, block=7).value == pytest.approx(count / 25.0)


def test_eval_authenticity_line() -> None:
    """The integral by quadrature, at three densities, and 20,000 fresh points on a circle of 20,000, where there is no end."""
    for density in (0.5, 1.0, 40.0):
        mutual = quad(lambda r, rho=density: 2 * rho * math.exp(-3 * rho * r), 0, math.inf)[0]  # claim
        assert 1.0 - mutual == pytest.approx(1 / 3, abs=1e-6)  # claim
    g = torch.Generator().manual_seed(0)
    angle = [2.0 * math.pi * torch.rand(20_000, dtype=F64, generator=g) for _ in range(2)]
    known, fresh = (torch.stack([a.cos(), a.sin()], 1) for a in angle)
    assert judges.authenticity(known, fresh).value == pytest.approx(1.0 / 3.0, abs=4.0 * math.sqrt(2.0 / 9.0 / 20_000.0))


def _log_mixture(x: np.ndarray, centres: np.ndarray, variances: np.ndarray) -> np.ndarray:
    m, d = centres.shape
    parts = [multivariate_normal(c, v * np.eye(d)).logpdf(x) for c, v in zip(centres, variances, strict=True)]
    return logsumexp(parts, axis=0, b=1 / m)  # claim


def test_eval_feature_likelihood() -> None:
    """With SciPy's Gaussians, written out, against the library."""
    training, held_out, made = _cloud(24, 2, 0), _cloud(11, 2, 1), 1.5 * _cloud(9, 2, 2)
    x, h, g = ((v - held_out.mean(0)) / held_out.std(0) for v in (training, held_out, made))
    first, second = random_groups(24, 2, 1, 0)
    real = x[first][:9]
    log_real = _log_mixture(h.numpy(), real.numpy(), feature_likelihood.fitted_variances(x[second], real).numpy())
    log_made = _log_mixture(h.numpy(), g.numpy(), feature_likelihood.fitted_variances(x, g).numpy())
    d, count = 2, 11
    formula = 100 / d / count * (log_real - log_made).sum()  # claim
    found = feature_likelihood.feature_likelihood_divergence(training, held_out, made)
    assert found.divergence.value == pytest.approx(formula, rel=1e-9)


def test_eval_copies_hide() -> None:
    """Far from all copies the two sides are equal; elsewhere the left side is larger."""
    rest, copies = _cloud(6, 2, 0), _cloud(2, 2, 1) + 30
    variances = np.array([0.5, 1.0, 2.0, 0.7, 0.9, 1.3, 1e-2, 1e-2])
    eta = 2.0 / 8.0
    both = torch.cat([rest, copies]).numpy()
    for x, equal in ((_cloud(5, 2, 2).numpy(), True), (copies.numpy(), False)):
        left = _log_mixture(x, both, variances)
        right = _log_mixture(x, rest.numpy(), variances[:6]) + math.log(1 - eta)  # claim
        assert (left >= right - 1e-12).all() and np.allclose(left, right, atol=1e-9) == equal
