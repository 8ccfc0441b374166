"""The equations of the chapter on creativity."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.linalg import logm
from scipy.spatial import KDTree
from scipy.stats import mannwhitneyu
from torch import Tensor
from torch.distributions import Bernoulli, kl_divergence

from imggen_lib.losses import can
from imggen_lib.metrics.novelty import kernel_vendi, mann_whitney_z, nearest_training, nearness_ratio, vendi_score
from imggen_lib.noise import slerp

F64 = torch.float64


def _normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=F64, generator=torch.Generator().manual_seed(seed))


def test_cre_novelty() -> None:
    """Against SciPy's k-d tree, which finds neighbours another way."""
    training, x = _normal(30, 4), _normal(7, 4, seed=1)
    novelty = torch.stack([(one - training).norm(dim=1).min() for one in x])  # claim
    truth, _ = KDTree(training.numpy()).query(x.numpy())
    assert np.allclose(novelty.numpy(), truth)
    assert torch.allclose(nearest_training(training, x).distances, novelty)


def test_cre_vendi() -> None:
    """The entropy of a matrix by SciPy's matrix logarithm; the two ends by sets whose answer is plain."""
    features = _normal(6, 3)
    features = features / features.norm(dim=1, keepdim=True)
    kernel = features @ features.T + 1e-9 * torch.eye(6, dtype=F64)
    table = (kernel / 6).numpy()
    truth = math.exp(-np.trace(table @ logm(table)).real)
    l = torch.linalg.eigvalsh(kernel / len(kernel))  # claim  # noqa: E741
    score = (-(l * l.log()).sum()).exp().item()  # claim
    assert score == pytest.approx(truth, rel=1e-6)
    assert 1 <= score <= 6
    assert vendi_score(features) == pytest.approx(score, rel=1e-6)
    assert kernel_vendi(torch.ones(5, 5)) == pytest.approx(1) and kernel_vendi(torch.eye(5)) == pytest.approx(5)


def test_cre_vendi_groups() -> None:
    """A set of 3, 2 and 1 images that are alike within the groups and have nothing in common across them."""
    features = torch.eye(3, dtype=F64)[torch.tensor([0, 0, 0, 1, 1, 2])]
    shares = torch.tensor([3, 2, 1], dtype=F64) / len(features)
    formula = (-(shares * shares.log()).sum()).exp().item()  # claim
    assert vendi_score(features) == pytest.approx(formula, rel=1e-9)
    assert kernel_vendi(features @ features.T) == pytest.approx(formula, rel=1e-9)


def test_cre_null() -> None:
    """All ways in which 3 held-out and 5 generated images can share the ranks 1 to 8: 56 equally likely ones."""
    n, m = 3, 5
    counts = []
    for places in itertools.combinations(range(n + m), n):
        held_out, generated = list(places), sorted(set(range(n + m)) - set(places))
        u = sum(g > h for g in generated for h in held_out)  # claim
        counts.append(u)
        reference = mannwhitneyu(generated, held_out).statistic
        assert u == reference
    mean = n * m / 2  # claim
    variance = n * m * (n + m + 1) / 12  # claim
    assert np.mean(counts) == pytest.approx(mean)
    assert np.var(counts) == pytest.approx(variance)
    h, g = torch.tensor([0.3, 1.2, 5.0]), torch.tensor([0.1, 2.0, 3.0, 4.0, 0.2])
    z = (mannwhitneyu(g.numpy(), h.numpy()).statistic - mean) / math.sqrt(variance)
    assert mann_whitney_z(h, g) == pytest.approx(z)


def test_cre_style_ambiguity() -> None:
    """Against K binary cross-entropies of PyTorch with the target 1/K, and the library's loss from logits."""
    for k in (2, 5):
        logits = 2 * _normal(7, k)
        p = logits.softmax(1)
        loss = -(p.log() / k + (1 - 1 / k) * (1 - p).log()).sum(1).mean()  # claim
        target = torch.full_like(p, 1.0 / k)
        each = torch.nn.functional.binary_cross_entropy(p, target, reduction="none").mean(0).sum()
        assert loss.item() == pytest.approx(each.item(), rel=1e-10)
        assert can.style_ambiguity(logits).item() == pytest.approx(loss.item(), rel=1e-10)


def test_cre_style_minimum() -> None:
    """An optimiser looks for the posterior with the least loss."""
    for k in (2, 3, 7):
        logits = (1.5 * _normal(1, k)).requires_grad_(True)
        optimizer = torch.optim.LBFGS([logits], max_iter=300, tolerance_grad=1e-12, line_search_fn="strong_wolfe")

        def closure(optimizer: torch.optim.LBFGS = optimizer, logits: Tensor = logits) -> Tensor:
            optimizer.zero_grad()
            loss = can.style_ambiguity(logits)
            loss.backward()
            return loss

        optimizer.step(closure)
        found = can.style_ambiguity(logits).item()
        formula = math.log(k) + (k - 1) * math.log(k / (k - 1))  # claim
        uniform = 1 / k  # claim
        assert found == pytest.approx(formula, rel=1e-9)
        assert torch.allclose(logits.softmax(1), torch.full((1, k), uniform, dtype=F64), atol=1e-5)
        assert can.least_ambiguity_loss(k) == pytest.approx(formula, rel=1e-12)


def test_cre_style_split() -> None:
    """The divergences by torch.distributions, the loss from the library, at posteriors that are far from uniform."""
    for k in (2, 4):
        logits = 2 * _normal(1, k, seed=3)
        p = logits.softmax(1)[0]
        divergence = kl_divergence(Bernoulli(torch.tensor(1.0, dtype=F64) / k), Bernoulli(p))  # claim
        least = can.style_ambiguity(torch.zeros(1, k, dtype=F64)).item()
        total = least + divergence.sum().item()  # claim
        assert can.style_ambiguity(logits).item() == pytest.approx(total, rel=1e-9)
        assert divergence.sum() > 0


def test_cre_truncation() -> None:
    """Monte Carlo, within five standard errors."""
    d, n, psi = 6, 200_000, 0.6
    z = psi * _normal(n, d, seed=4)
    covariance = psi**2 * torch.eye(d, dtype=F64)  # claim
    length = psi**2 * d  # claim
    off = (z.T @ z / n - covariance).abs()
    assert off.max() < 5 * math.sqrt(2 / n) * 0.36
    squares = z.square().sum(1)
    assert abs(squares.mean().item() - length) < 5 * squares.std().item() / math.sqrt(n)


def test_cre_chord() -> None:
    """Monte Carlo over pairs of independent latents, within five standard errors."""
    d, n = 5, 200_000
    a, b = _normal(n, d, seed=5), _normal(n, d, seed=6)
    for t in (0.2, 0.65):
        squares = torch.lerp(a, b, t).square().sum(1)
        formula = d * (t**2 + (1 - t) ** 2)  # claim
        assert abs(squares.mean().item() - formula) < 5 * squares.std().item() / math.sqrt(n)


def test_cre_slerp() -> None:
    """Against a rotation in the plane of both ends, built with an orthonormal basis."""
    a, b = _normal(5, seed=7), _normal(5, seed=8)
    b = b * a.norm() / b.norm()
    radius = a.norm()
    e1 = a / radius
    e2 = b - (b @ e1) * e1
    e2 = e2 / e2.norm()
    omega = torch.atan2(b @ e2, b @ e1)
    for t in (0.15, 0.8):
        turned = radius * (torch.cos(t * omega) * e1 + torch.sin(t * omega) * e2)
        formula = (torch.sin((1 - t) * omega) * a + torch.sin(t * omega) * b) / torch.sin(omega)  # claim
        assert torch.allclose(formula, turned)
        assert formula.norm().item() == pytest.approx(radius.item())
        assert torch.allclose(slerp(a, b, t), formula)


def test_cre_direction() -> None:
    """Against least squares on a design with a column of ones."""
    z, f = _normal(40, 3, seed=9), 1.7 * _normal(40, seed=10) + 0.4
    z = z + f[:, None] * torch.tensor([1.0, -2.0, 0.5], dtype=F64)
    design = torch.stack([torch.ones_like(f), f], 1)
    truth = torch.linalg.lstsq(design, z).solution[1]
    centred = f - f.mean()  # claim
    v = centred @ (z - z.mean(0)) / centred.square().sum()  # claim
    assert torch.allclose(v, truth)


def test_cre_difference() -> None:
    """Least squares on a factor that is 0 or 1."""
    z, f = _normal(30, 3, seed=11), (torch.arange(30) % 3 == 0).to(F64)
    z = z + f[:, None] * 2
    design = torch.stack([torch.ones_like(f), f], 1)
    truth = torch.linalg.lstsq(design, z).solution[1]
    v = z[f == 1].mean(0) - z[f == 0].mean(0)  # claim
    assert torch.allclose(v, truth)


def test_cre_ratio() -> None:
    """Both distances from the full table; a copy has 0, and an image as near to two training images as to one another 1."""
    draw = torch.Generator().manual_seed(7)
    training, images = (torch.randn(n, 5, generator=draw, dtype=torch.float64) for n in (60, 40))
    images[0], images[1] = training[3], (training[4] + training[5]) / 2
    training[4:6] += 100
    images[1] += 100
    table = (images[:, None] - training).norm(dim=2).sort(1).values
    d_1, d_2 = table[:, 0], table[:, 1]
    ratio = d_1 / d_2  # claim
    torch.testing.assert_close(nearness_ratio(training, images), ratio, rtol=1e-9, atol=1e-12)
    assert ratio[0] == 0 and ratio[1].item() == pytest.approx(1) and ratio.max() <= 1 + 1e-12
