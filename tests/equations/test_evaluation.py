"""The equations of the chapter on evaluating images, each against another route: a library, an optimiser, enumeration or chance."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation
from scipy.stats import norm, wasserstein_distance, wishart
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from sklearn.metrics import mutual_info_score
from torch import Tensor

from imggen_lib.metrics import colour, distribution, manifold, pixel, texture, twosample

F64 = torch.float64


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _rand(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, dtype=F64, generator=_generator(seed))


def test_eval_psnr() -> None:
    """Against scikit-image, told that the range is 2."""
    x, y = _rand(12, 9) * 1.4 - 0.9, _rand(12, 9, seed=1) * 1.1 - 0.4
    mse = ((x - y) ** 2).mean()  # claim
    formula = 10 * torch.log10(2**2 / mse)  # claim
    assert peak_signal_noise_ratio(x.numpy(), y.numpy(), data_range=2) == pytest.approx(formula.item(), rel=1e-10)
    assert pixel.psnr(x[None, None], y[None, None]).item() == pytest.approx(formula.item(), rel=1e-10)


def test_eval_ssim() -> None:
    """One window of a dark and flat pair, where both constants matter, against scikit-image."""
    x, y = 0.10 * _rand(11, 11) + 0.01, 0.08 * _rand(11, 11, seed=1) + 0.05
    at = torch.arange(11, dtype=F64) - 5
    w = torch.exp(-(at**2) / (2 * 1.5**2))
    w = torch.outer(w, w) / w.sum() ** 2
    mx, my = (w * x).sum(), (w * y).sum()
    vx, vy = (w * (x - mx) ** 2).sum(), (w * (y - my) ** 2).sum()
    cov = (w * (x - mx) * (y - my)).sum()
    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2  # claim
    formula = (2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))  # claim
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 2}
    assert structural_similarity(x.numpy(), y.numpy(), **options) == pytest.approx(formula.item(), rel=1e-8)
    assert pixel.ssim(x[None, None] - 1, y[None, None] - 1).item() == pytest.approx(formula.item(), rel=1e-8)


def test_eval_earth_mover() -> None:
    """Against SciPy's distance of the same masses at the middles of the bins."""
    p, q = (h / h.sum() for h in (_rand(7), _rand(7, seed=1)))
    middles = (torch.arange(7, dtype=F64) + 0.5) * 2 / 7 - 1
    formula = 2 / 7 * (p - q).cumsum(0).abs().sum()  # claim
    assert wasserstein_distance(middles, middles, p, q) == pytest.approx(formula.item(), rel=1e-10)
    assert colour.earth_movers(p, q).item() == pytest.approx(formula.item(), rel=1e-10)


def test_eval_contrast() -> None:
    """Against the mean square of the differences of all neighbours in a row."""
    image = _rand(1, 1, 9, 7) * 2 - 1
    p = texture.cooccurrence(image, levels=5, offset=(0, 1))[0]
    i = torch.arange(5, dtype=F64).view(-1, 1)
    j = torch.arange(5, dtype=F64)
    formula = (p * (i - j) ** 2).sum()  # claim
    levels = texture.grey_levels(image, 5)[0].double()
    assert (levels[:, 1:] - levels[:, :-1]).square().mean().item() == pytest.approx(formula.item(), rel=1e-10)


def test_eval_frechet_line() -> None:
    """The cheapest way to carry one normal to another on a line: the points of equal rank, 200,000 of them."""
    m, s, n, t = 0.4, 1.7, -0.9, 0.6
    rank = (torch.arange(200_000, dtype=F64) + 0.5) / 200_000
    x, y = (torch.from_numpy(norm.ppf(rank, mean, width)) for mean, width in ((m, s), (n, t)))
    formula = (m - n) ** 2 + (s - t) ** 2  # claim
    assert (x - y).square().mean().item() == pytest.approx(formula, rel=1e-4)
    one, two = (
        distribution.Statistics(torch.tensor([a], dtype=F64), torch.tensor([[b**2]], dtype=F64), 100) for a, b in ((m, s), (n, t))
    )
    assert distribution.frechet_distance(one, two) == pytest.approx(formula, rel=1e-10)


def _covariance(d: int, seed: int) -> Tensor:
    a = torch.randn(d, d + 2, dtype=F64, generator=_generator(seed))
    return a @ a.T / d


def test_eval_frechet() -> None:
    """The cheapest of all couplings y = B^(1/2) Q A^(-1/2) x with Q orthogonal, found by an optimiser."""
    d = 3
    a, b = torch.tensor([0.3, -1.0, 0.5], dtype=F64), torch.tensor([0.1, 0.4, -0.2], dtype=F64)
    big_a, big_b = _covariance(d, 0), _covariance(d, 1)
    half_a, half_b = (torch.from_numpy(sqrtm(c.numpy()).real) for c in (big_a, big_b))

    def cost(turn: np.ndarray) -> float:
        """E|x - y|^2 for x = a + A^(1/2) u, y = b + B^(1/2) Q u, with u standard normal and Q a rotation."""
        q = torch.from_numpy(Rotation.from_rotvec(turn).as_matrix())
        return float((a - b).square().sum() + (half_a - half_b @ q).square().sum())

    cheapest = minimize(cost, np.full(3, 0.1), tol=1e-10).fun
    root = torch.from_numpy(sqrtm((big_a @ big_b).numpy()).real)
    formula = ((a - b) ** 2).sum() + torch.trace(big_a + big_b - 2 * root)  # claim
    assert cheapest == pytest.approx(formula.item(), rel=1e-6)
    library = distribution.frechet_distance(distribution.Statistics(a, big_a, 9), distribution.Statistics(b, big_b, 9))
    assert library == pytest.approx(formula.item(), rel=1e-8)


def test_eval_frechet_bias() -> None:
    """Monte Carlo: means and covariances of 2,000 and of 1,200 normal points of one distribution, 6,000 times, within 5 errors."""
    n, m, repeats = 2000, 1200, 6000
    lam = torch.tensor([0.4, 2.5, 11.0], dtype=F64)
    means, spreads = [], []
    for k, size in enumerate((n, m)):
        means.append(torch.randn(repeats, 3, dtype=F64, generator=_generator(k)) * (lam / size).sqrt())
        drawn = wishart.rvs(size - 1, torch.diag(lam).numpy() / (size - 1), size=repeats, random_state=k)
        spreads.append(torch.from_numpy(drawn))
    values, vectors = torch.linalg.eigh(spreads[0])
    root = vectors @ torch.diag_embed(values.sqrt()) @ vectors.mT
    cross = torch.linalg.eigvalsh(root @ spreads[1] @ root).clamp(min=0).sqrt().sum(1)
    traces = sum(torch.diagonal(s, dim1=1, dim2=2).sum(1) for s in spreads)
    found = (means[0] - means[1]).square().sum(1) + traces - 2 * cross
    pairs = lam[:, None] * lam / (lam[:, None] + lam)  # claim
    formula = (1 / n + 1 / m) * (5 * lam.sum() / 4 + pairs.sum() / 2)  # claim
    error = found.std() / repeats**0.5
    assert abs(found.mean() - formula) < 5 * error + 0.002 * formula
    assert error < 0.02 * formula


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    """The cubic kernel term by term."""
    s = x @ y.T / x.shape[1]
    return s * s * s + 3 * s * s + 3 * s + 1


def test_eval_kernel_distance() -> None:
    """Unbiased: the mean over all samples of three and of four from three points is the distance of the distributions itself."""
    points = torch.randn(3, 2, dtype=F64, generator=_generator(3))
    p, q = torch.tensor([0.2, 0.5, 0.3], dtype=F64), torch.tensor([0.6, 0.3, 0.1], dtype=F64)
    exact = (p - q) @ _kernel(points, points) @ (p - q)
    n, m, d, total = 3, 4, 2, 0.0
    for xs in itertools.product(range(3), repeat=n):
        for ys in itertools.product(range(3), repeat=m):
            x, y = points[list(xs)], points[list(ys)]
            kxx, kyy, kxy = (((u @ v.T) / d + 1) ** 3 for u, v in ((x, x), (y, y), (x, y)))  # claim
            first = (kxx.sum() - kxx.trace()) / (n * (n - 1))  # claim
            second = (kyy.sum() - kyy.trace()) / (m * (m - 1))  # claim
            value = first + second - 2 * kxy.sum() / (n * m)  # claim
            total += float(value * p[list(xs)].prod() * q[list(ys)].prod())
    assert total == pytest.approx(exact.item(), rel=1e-10)
    x, y = (torch.randn(k, 2, dtype=F64, generator=_generator(k)) for k in (7, 5))
    library = twosample.kernel_distance(x, y, groups=2).value
    off = [(k.sum() - k.trace()) / (len(k) * (len(k) - 1)) for k in (_kernel(x, x), _kernel(y, y))]
    assert library == pytest.approx((off[0] + off[1] - 2 * _kernel(x, y).mean()).item(), rel=1e-10)


def test_eval_precision_recall() -> None:
    """Point by point in plain Python, and the library."""
    both = torch.randn(21, 2, dtype=F64, generator=_generator(4))
    x, y = both[:12], 1.1 * both[12:] + 1.6
    k = 2

    def radius(points: Tensor, i: int) -> float:
        return sorted(math.dist(points[i], other) for j, other in enumerate(points) if j != i)[k - 1]

    def share(points: Tensor, centres: Tensor) -> float:
        reach = [radius(centres, i) for i in range(len(centres))]
        return sum(any(math.dist(z, c) <= r for c, r in zip(centres, reach, strict=True)) for z in points) / len(points)

    rx, ry = (torch.tensor([radius(points, i) for i in range(len(points))], dtype=F64) for points in (x, y))
    apart = torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")
    precision = (apart <= rx.view(12, 1)).any(0).double().mean()  # claim
    recall = (apart <= ry).any(1).double().mean()  # claim
    assert 0.5 < precision < 1 and 0 < recall < 0.4
    assert (share(y, x), share(x, y)) == pytest.approx((precision.item(), recall.item()))
    assert manifold.precision_recall(x, y, k) == pytest.approx((precision.item(), recall.item()))


def test_eval_expected_coverage() -> None:
    """Chance: five thousand pairs of sets on a line, the coverage counted by the library's rule, within 5 errors."""
    n, m, k, repeats = 7, 4, 2, 5000
    x, y = _rand(repeats, n, seed=6), _rand(repeats, m, seed=7)
    reach = (x[:, :, None] - x[:, None]).abs().sort(dim=2).values[:, :, k]
    found = ((x[:, :, None] - y[:, None]).abs().min(2).values <= reach).double().mean(1)
    formula = 1 - math.prod((n - i) / (n + m - i) for i in range(1, k + 1))  # claim
    assert abs(found.mean().item() - formula) < 5 * found.std().item() / repeats**0.5
    assert manifold.expected_coverage(n, m, k) == pytest.approx(formula, rel=1e-12)


def test_eval_entropy_score() -> None:
    """The logarithm is the mutual information of image and class; scikit-learn computes that from a table of counts."""
    counts = torch.tensor([[17, 1, 2, 0], [3, 9, 5, 3], [0, 1, 1, 18], [16, 2, 1, 1], [2, 15, 2, 1]])
    p = (counts + 1).double() / 24
    bar = p.mean(0)  # claim
    formula = (p * (p / bar).log()).sum(1).mean().exp()  # claim
    information = mutual_info_score(None, None, contingency=(counts + 1).numpy())
    assert math.exp(information) == pytest.approx(formula.item(), rel=1e-10)
    assert distribution.entropy_score(p) == pytest.approx(formula.item(), rel=1e-10)


def test_eval_two_sample() -> None:
    """The best of all 64 classifiers of six possible images."""
    p, q = (h / h.sum() for h in (_rand(6, seed=9), _rand(6, seed=10)))
    says_generated = torch.tensor(list(itertools.product((False, True), repeat=6)))
    accuracy = torch.where(says_generated, q, p).sum(1) * 0.5
    formula = 1 / 2 + (p - q).abs().sum() / 4  # claim
    assert accuracy.max().item() == pytest.approx(formula.item(), rel=1e-12)
