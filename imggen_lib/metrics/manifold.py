r"""Fidelity and coverage told apart: each set of features is taken for the union of balls around its points.

The radius of a ball is the distance to the k-th nearest other point of the same set. Balls are closed: a copy of a point counts
as inside even where the radius is 0. The order of the arguments is always **real first, generated second**; swapping them
swaps precision with recall and is wrong for density and coverage.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from imggen_lib.checks import check_values, whole
from imggen_lib.metrics.intervals import Estimate, share_estimate, split_estimates
from imggen_lib.metrics.neighbours import blocks, check_features_pair, mean_of, nearest_neighbours, squared_distances


class PrecisionRecall(NamedTuple):
    """Both between 0 and 1, higher is better."""

    precision: float
    recall: float


class DensityCoverage(NamedTuple):
    """Density is at least 0 and may pass 1; coverage is between 0 and 1; higher is better."""

    density: float
    coverage: float


class PrecisionRecallInterval(NamedTuple):
    """:class:`PrecisionRecall`, each with its standard error and interval."""

    precision: Estimate
    recall: Estimate


class DensityCoverageInterval(NamedTuple):
    """:class:`DensityCoverage`, each with its standard error and interval."""

    density: Estimate
    coverage: Estimate


def _radii(x: Tensor, k: int, block: int, name: str) -> Tensor:
    """Distance of every point to its k-th nearest other point ``(n,)``."""
    k = whole(k, "k")
    if not 1 <= k < len(x):
        raise ValueError(f"k = {k} neighbours need more than {k} {name} images, and k at least 1; got {len(x)} images")
    return nearest_neighbours(x, x, k, block=block, skip_self=True).distances[:, -1]


@torch.no_grad()
def inside_balls(
    centres: Float[Tensor, "n d"], radii: Float[Tensor, " n"], points: Float[Tensor, "m d"], *, block: int = 1024
) -> tuple[Int[Tensor, " m"], Bool[Tensor, " n"]]:
    """In how many of the balls each point lies, and which balls hold any point.

    A point on the rim is inside; the rim is 1e-12 of the largest squared length thick, far more than rounding and far less than
    data.
    """
    check_features_pair(centres, points, ("centres", "points"))
    check_values(radii, "radii")
    if len(radii) != len(centres) or radii.min() < 0:
        raise ValueError(f"each of the {len(centres)} centres needs one radius, not negative; got {len(radii)} radii")
    origin = mean_of(centres)
    slack = 1e-12 * max(float(s.max()) for x in (centres, points) for _, _, s in blocks(x, block, origin))
    reach = radii.square() + slack
    count = torch.zeros(len(points), dtype=torch.int64, device=points.device)
    holds = torch.zeros(len(centres), dtype=torch.bool, device=points.device)
    for where, rows, squares in blocks(points, block, origin):
        for place, balls, ball_squares in blocks(centres, block, origin):
            inside = squared_distances(rows, squares, balls, ball_squares) <= reach[place]
            count[where] += inside.sum(1)
            holds[place] |= inside.any(0)
    return count, holds


def precision_recall(
    real: Float[Tensor, "n d"], generated: Float[Tensor, "m d"], k: int = 3, *, block: int = 1024
) -> PrecisionRecall:
    r"""The share of generated images among the real ones, and the share of real images among the generated ones.

    .. math::
        \text{precision} = \frac1m\sum_j \mathbb 1\left[y_j \in \bigcup_i B\left(x_i, r_k(x_i)\right)\right], \qquad
        \text{recall} = \frac1n\sum_i \mathbb 1\left[x_i \in \bigcup_j B\left(y_j, r_k(y_j)\right)\right]

    0 to 1, **higher is better**: low precision means images that are not like the data, low recall means data that is never
    generated. Equal distributions do **not** give 1; measure two real sets of the same size beside it.
    Both depend on n and m, so state n, m and k, and take n = m. One outlier among the real images has a large ball and
    can make bad images precise; one outlier among the generated can do so for recall. Blind to copies of training images and to
    densities: each point counts once however thin its region. Interval: :func:`precision_recall_interval`. Memory is bounded by
    `block`, which changes no number; 60,000 against 60,000 images with 128 features take about two minutes and 0.8 GB in all on
    one thread.
    Source: Kynkaanniemi et al. 2019, arXiv:1904.06991 (k = 3).
    """
    check_features_pair(real, generated)
    real_radii, generated_radii = _radii(real, k, block, "real"), _radii(generated, k, block, "generated")
    precise, _ = inside_balls(real, real_radii, generated, block=block)
    recalled, _ = inside_balls(generated, generated_radii, real, block=block)
    return PrecisionRecall((precise > 0).double().mean().item(), (recalled > 0).double().mean().item())


def density_coverage(
    real: Float[Tensor, "n d"], generated: Float[Tensor, "m d"], k: int = 5, *, block: int = 1024
) -> DensityCoverage:
    r"""How densely the generated images sit among the real ones, and the share of real images with a generated one nearby.

    .. math::
        \text{density} = \frac1{km}\sum_j\sum_i \mathbb 1\left[y_j \in B\left(x_i, r_k(x_i)\right)\right], \qquad
        \text{coverage} = \frac1n\sum_i \mathbb 1\left[\min_j \lVert y_j - x_i\rVert \le r_k(x_i)\right]

    **Higher is better.** Density is 1 on average for equal distributions at any n and m, and above 1 for images that crowd
    where the data is dense. Coverage goes from 0 to 1; what equal distributions give is :func:`expected_coverage`, which rises
    with m, so take n = m. Only the balls of real images are used: an outlier among them counts once instead of deciding. Blind
    to copies (copied training images are the best possible). Memory is bounded by `block`, which changes no number. Source:
    Naeem et al. 2020, arXiv:2002.09797 (k = 5; their balls are open, which differs in exact ties only).
    """
    check_features_pair(real, generated)
    k = whole(k, "k")
    count, holds = inside_balls(real, _radii(real, k, block, "real"), generated, block=block)
    return DensityCoverage(count.double().mean().item() / k, holds.double().mean().item())


def _enough_for_parts(real: Tensor, generated: Tensor, k: int, parts: int) -> None:
    k, parts = whole(k, "k"), whole(parts, "parts")
    if min(len(real), len(generated)) // max(parts, 1) <= k:
        raise ValueError(f"k = {k} neighbours in {parts} parts need more than {k} images a part, got {len(real)}, {len(generated)}")


def precision_recall_interval(
    real: Float[Tensor, "n d"], generated: Float[Tensor, "m d"], k: int = 3, *, parts: int = 2, repeats: int = 10, seed: int = 1,
    level: float = 0.95, block: int = 1024,
) -> PrecisionRecallInterval:  # fmt: skip
    """:func:`precision_recall` with standard errors and intervals for its mean over other real **and** generated images.

    A binomial interval for "so many of m points are inside" would be too narrow, by a factor of 1.2 to 3 in simulations: the balls
    are random as well, and many points share one. So both sets are cut into halves again and again
    (:func:`~imggen_lib.metrics.intervals.split_estimates`), which costs ``repeats / parts`` times the value itself, and the
    interval is Wilson's with as many images as that spread is worth. In simulations in 2 to 32 dimensions (generators right, too
    narrow, too wide, shifted) the standard errors were 0.8 to 1.2 times the true ones, for shares not within 0.01 of 0 or 1.

    They cover: images of these numbers, drawn anew and independently from the same data and the same generator. They do not
    cover: the bias against infinitely many images; another training of the generator; sets with repeated images. Where two
    generators are compared with the *same* real images, a part of the error is common to both, and their difference is known
    better than the intervals say.
    """
    check_features_pair(real, generated)
    _enough_for_parts(real, generated, k, parts)
    found = split_estimates(
        lambda x, y: precision_recall(x, y, k, block=block), real, generated, parts=parts, repeats=repeats, seed=seed, level=level
    )
    return PrecisionRecallInterval(share_estimate(found[0], len(generated), level), share_estimate(found[1], len(real), level))


def density_coverage_interval(
    real: Float[Tensor, "n d"], generated: Float[Tensor, "m d"], k: int = 5, *, parts: int = 2, repeats: int = 10, seed: int = 1,
    level: float = 0.95, block: int = 1024,
) -> DensityCoverageInterval:  # fmt: skip
    """:func:`density_coverage` with standard errors and intervals; what they cover is said in :func:`precision_recall_interval`.

    The density's is a t interval, cut off at 0; the coverage's is Wilson's.
    """
    check_features_pair(real, generated)
    _enough_for_parts(real, generated, k, parts)
    found = split_estimates(
        lambda x, y: density_coverage(x, y, k, block=block), real, generated, parts=parts, repeats=repeats, seed=seed, level=level
    )
    return DensityCoverageInterval(found[0]._replace(low=max(0.0, found[0].low)), share_estimate(found[1], len(real), level))


def expected_coverage(n: int, m: int, k: int = 5) -> float:
    r"""The coverage that `m` images from the very distribution of the `n` real ones have on average, whatever the distribution.

    .. math:: 1 - \prod_{i=1}^{k} \frac{n - i}{n + m - i}

    Source: Naeem et al. 2020, arXiv:2002.09797.
    """
    n, m, k = whole(n, "n"), whole(m, "m"), whole(k, "k")
    if m < 1 or not 1 <= k < n:
        raise ValueError(f"need m of at least 1 and k from 1 to n - 1, got n = {n}, m = {m}, k = {k}")
    missed = 1.0
    for i in range(1, k + 1):
        missed *= (n - i) / (n + m - i)
    return 1 - missed
