r"""Numbers beside the Fréchet distance that look another way: a kernel test with a true error rate, authenticity, a whole curve.

The order of the arguments is always **real first, generated second**.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.checks import whole
from imggen_lib.metrics.distribution import check_probabilities
from imggen_lib.metrics.intervals import Estimate, share_estimate
from imggen_lib.metrics.neighbours import check_features_pair, nearest_neighbours


class PermutationTest(NamedTuple):
    """The squared distance, the p-value of equal distributions, the bandwidth of the kernel, the number of permutations."""

    distance: float
    p_value: float
    bandwidth: float
    permutations: int


def _squared_discrepancy(gram: Tensor, first: Tensor) -> Tensor:
    """The unbiased squared discrepancy for every row of `first` (b, n + m), which is 1 for the first set and 0 for the second."""
    second = 1 - first
    n, m = first.sum(1), second.sum(1)
    to_first = first @ gram
    within_first = (to_first * first).sum(1)
    across = (to_first * second).sum(1)
    within_second = gram.sum() - within_first - 2 * across
    return within_first / (n * (n - 1)) + within_second / (m * (m - 1)) - 2 * across / (n * m)


@torch.no_grad()
def gaussian_kernel_test(
    real: Float[Tensor, "n d"], generated: Float[Tensor, "m d"], *, bandwidth: float | None = None, permutations: int = 999,
    seed: int = 1,
) -> PermutationTest:  # fmt: skip
    r"""The squared maximum mean discrepancy with a Gaussian kernel, and how often shuffled labels give as much.

    .. math::
        \begin{aligned}
        &\frac{1}{n(n-1)}\sum_{i\ne j} k(x_i,x_j) + \frac{1}{m(m-1)}\sum_{i\ne j} k(y_i,y_j) \\
        &\quad - \frac{2}{nm}\sum_{i,j} k(x_i,y_j), \qquad k(x,y) = e^{-\lVert x-y\rVert^2/2\sigma^2}
        \end{aligned}

    0 on average for equal distributions at any n, at most 2, **lower is better**; single values may be negative. Without a
    `bandwidth` (:math:`\sigma`, in units of the features) it is the median distance between images of both sets together, which
    shuffling does not change. Numbers compare at the same features and the same bandwidth only. The p-value is
    :math:`(1+b)/(1+B)`, where b of B shuffled divisions give at least the distance of the true one: if both sets are
    independent draws from one distribution, :math:`P(p\le\alpha)\le\alpha` **at any n**, whatever the features. A high p-value
    does not show that the sets are equal. Every image is compared with every other: memory and time grow with
    :math:`(n+m)^2`, so take a few thousand images. Blind to what the features leave out, to differences on scales far from the
    bandwidth, and to copies of training images where the real set is another one. Sources: Gretton et al. 2012, JMLR 13;
    Phipson and Smyth 2010 (the p-value); Jayasumana et al. 2024, arXiv:2401.09603 (this kernel for images, on CLIP features).
    """
    check_features_pair(real, generated)
    permutations, n, total = whole(permutations, "permutations"), len(real), len(real) + len(generated)
    if min(n, total - n) < 2 or permutations < 1:
        raise ValueError(f"the test needs 2 images of either kind and a permutation; got {n}, {total - n} and {permutations}")
    pooled = torch.cat([real, generated]).double().cpu()
    squares = torch.cdist(pooled, pooled, compute_mode="donot_use_mm_for_euclid_dist").square()
    if bandwidth is None:
        rows, columns = torch.triu_indices(total, total, 1)
        bandwidth = float(squares[rows, columns].median().sqrt())
    if not (math.isfinite(bandwidth) and bandwidth > 0):
        raise ValueError(f"the bandwidth must be above 0 and finite, got {bandwidth}; is one half of the images the same image?")
    gram = torch.exp(-squares / (2 * bandwidth**2)).fill_diagonal_(0)
    true = (torch.arange(total) < n).double()[None]
    distance = float(_squared_discrepancy(gram, true))
    generator, reached = torch.Generator().manual_seed(seed), 0
    for start in range(0, permutations, 100):
        count = min(100, permutations - start)
        orders = torch.stack([torch.randperm(total, generator=generator) for _ in range(count)])
        reached += int((_squared_discrepancy(gram, (orders < n).double()) >= distance - 1e-12).sum())
    return PermutationTest(distance, (1 + reached) / (1 + permutations), bandwidth, permutations)


@torch.no_grad()
def authenticity(
    training: Float[Tensor, "n d"], generated: Float[Tensor, "m d"], *, level: float = 0.95, block: int = 1024
) -> Estimate:
    r"""The share of generated images that are farther from their nearest training image than its own nearest neighbour is.

    .. math::
        \begin{aligned}
        &\frac1m\sum_j \mathbb 1\left[\lVert y_j - x_{t(j)}\rVert > \min_{i\ne t(j)} \lVert x_i - x_{t(j)}\rVert\right] \\
        &t(j) = \arg\min_i \lVert y_j - x_i\rVert
        \end{aligned}

    0 to 1; copies of distinct training images give 0. **Fresh real images do not give 1**: for points spread evenly on a line
    it is 1/3, in a plane 0.379, and it goes to 1/2 in many dimensions (y is not authentic just when it and its neighbour are
    each other's nearest). So read it beside held-out real images. Above theirs is no merit: noise gives 1. Soft or typical
    images lie near to the data and lower it without being copies. An image that occurs twice in the training set has a
    neighbour at distance 0: only an exact copy of it is found. The interval is Wilson's for m independent generated images and
    these training images. Source: Alaa et al. 2022, arXiv:2102.08921.
    """
    check_features_pair(training, generated, ("training", "generated"))
    if len(training) < 2:
        raise ValueError("authenticity needs two training images at least")
    nearest = nearest_neighbours(generated, training, 1, block=block)
    own = nearest_neighbours(training, training, 1, block=block, skip_self=True).distances[:, 0]
    share = (nearest.distances[:, 0] > own[nearest.indices[:, 0]]).double().mean().item()
    m = len(generated)
    return share_estimate(Estimate(share, share, share, math.sqrt(share * (1 - share) / m)), m, level)


class PrecisionRecallCurve(NamedTuple):
    """Precision and recall ``(k,)`` at every slope, from the steepest wish for recall to that for precision."""

    precision: Float[Tensor, " k"]
    recall: Float[Tensor, " k"]


def precision_recall_curve(
    real: Float[Tensor, " cells"], generated: Float[Tensor, " others"], points: int = 201
) -> PrecisionRecallCurve:
    r"""Precision and recall of two sets of shares of the same cells (classes or clusters), for every exchange of one for the other.

    .. math::
        \begin{aligned}
        \alpha(\lambda) &= \sum_c \min(\lambda p_c, q_c) \\
        \beta(\lambda) &= \sum_c \min\left(p_c, \frac{q_c}{\lambda}\right) \\
        \lambda &= \tan\frac{\pi i}{2(k+1)},\ i = 1,\dots,k
        \end{aligned}

    with p the shares of real and q those of generated images; each sums to 1. Both go from 0 to 1, **higher is better**; equal
    shares have a curve through (1, 1). At slope 1 both are 1 less the total variation distance. At small n the shares of equal
    distributions differ by chance, so the curve lies too low, the more so the more cells: draw that of two real sets beside it.
    Blind to everything within a cell, and to copies. Source: Sajjadi et al. 2018, arXiv:1806.00035.
    """
    points = whole(points, "points")
    if points < 1:
        raise ValueError(f"a curve needs a point at least, got {points}")
    if real.shape != generated.shape:
        raise ValueError(f"shares of the same cells are needed, got {tuple(real.shape)} and {tuple(generated.shape)}")
    check_probabilities(torch.stack([real.double(), generated.double()]))
    p, q = real.double(), generated.double()
    slopes = torch.tan(torch.arange(1, points + 1, dtype=torch.float64) * math.pi / (2 * (points + 1)))[:, None]
    precision = torch.minimum(slopes * p, q).sum(1)
    return PrecisionRecallCurve(precision, precision / slopes[:, 0])
