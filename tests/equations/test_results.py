"""The equations of the chapter with the table of all models."""

import math
from statistics import mean, stdev

import pytest
import scipy.stats
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss

from imggen_lib.metrics.intervals import holm, t_quantile
from imggen_lib.metrics.usefulness import classification_accuracy_score

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
    """Simulated comparisons by Student's test with that many seeds: four of five find the difference; with the points of the
    normal distribution, and with a seed less, it would be fewer."""
    for s, d in ((3.0, 1.9), (1.0, 1.6)):
        n = 2
        while True:
            nu = 2 * (n - 1)  # claim
            need = 2 * (t_quantile(0.975, nu) + t_quantile(0.8, nu)) ** 2 * s**2 / d**2  # claim
            if need <= n:
                break
            n += 1
        draw = torch.Generator().manual_seed(0)
        a, b = (s * torch.randn(200_000, n, generator=draw, dtype=torch.float64) for _ in range(2))
        t = (a.mean(1) + d - b.mean(1)) / ((a.var(1) + b.var(1)) / n).sqrt()
        found = (t.abs() > t_quantile(0.975, 2 * n - 2)).double().mean().item()
        one_less = scipy.stats.nct(2 * n - 4, d / s * math.sqrt((n - 1) / 2)).sf(t_quantile(0.975, 2 * n - 4))
        assert 0.795 < found < 0.86 and one_less < 0.8
        assert n == {3.0: 41, 1.0: 8}[s]


def test_results_holm() -> None:
    """Against the step-down rule: reject the smallest while it is at most level / (number left), stop at the first that is not."""
    draw = torch.Generator().manual_seed(1)
    for m in (1, 2, 5, 9):
        p = sorted(torch.rand(m, generator=draw, dtype=torch.float64).pow(3).tolist())
        formula = [min(1, max((m - j + 1) * p[j - 1] for j in range(1, i + 1))) for i in range(1, m + 1)]  # claim
        assert holm(p[::-1]) == pytest.approx(formula[::-1], rel=1e-12)
        for level in (0.001, 0.01, 0.05, 0.2, 0.5):
            rejected = 0
            while rejected < m and p[rejected] <= level / (m - rejected):
                rejected += 1
            assert sum(value <= level for value in formula) == rejected


def test_results_usefulness() -> None:
    """Against scikit-learn's logistic regression and accuracy; the library, told of one class alone, is right for its share."""
    g = torch.Generator().manual_seed(0)
    made, asked = torch.randn(60, 2, dtype=torch.float64, generator=g), torch.arange(60) % 3
    made[torch.arange(60), asked.clamp(max=1)] += 2.0 * asked
    real, classes = torch.randn(40, 2, dtype=torch.float64, generator=g), torch.arange(40) % 3
    weights = torch.zeros(3, 3, dtype=torch.float64, requires_grad=True)

    def scores(x: torch.Tensor) -> torch.Tensor:
        return x @ weights[:2] + weights[2]

    optimizer = torch.optim.LBFGS([weights], max_iter=500, tolerance_grad=1e-9, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = -scores(made).log_softmax(1)[torch.arange(60), asked].sum() / 60  # claim
        loss.backward()
        return loss

    optimizer.step(closure)
    least = closure().item()
    share = (scores(real).argmax(1) == classes).double().sum().item() / 40  # claim
    model = LogisticRegression(C=1e9, max_iter=10_000, tol=1e-10).fit(made.numpy(), asked.numpy())
    assert least == pytest.approx(log_loss(asked.numpy(), model.predict_proba(made.numpy())), rel=1e-5)
    assert accuracy_score(classes.numpy(), model.predict(real.numpy())) == pytest.approx(share)
    images, labels = torch.zeros(10, 1, 8, 8) - torch.rand(10, 1, 1, 1), torch.ones(10, dtype=torch.long)
    found = classification_accuracy_score(images, labels, images, torch.arange(10) % 2, seen=300, width=4)
    assert found.value == pytest.approx(5.0 / 10.0)
