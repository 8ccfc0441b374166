r"""Novelty and diversity: is it copied, and how many different things are there?

Sets of images ``(n, c, h, w)`` in [-1, 1] (distances in pixels) or features ``(n, d)`` (distances in features). The order is
always **training set, held-out real images, generated images**. No distance here means anything alone: it is read beside that
of held-out images.
"""

import math
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from imggen_lib.checks import check_images, check_labels, check_values, tensor, whole
from imggen_lib.metrics.distribution import check_probabilities
from imggen_lib.metrics.intervals import Estimate, share_estimate, split_estimates
from imggen_lib.metrics.neighbours import check_features, nearest_neighbours

_MOST_CELLS = 1_000_000


class Nearest(NamedTuple):
    """Of every image, the distance to the nearest training image ``(n,)``, float64, and which one that is ``(n,)``."""

    distances: Float[Tensor, " n"]
    indices: Int[Tensor, " n"]


def _check_comparable(training: Any, images: Any) -> None:
    tensor(training, "training images")
    if tensor(images, "images").ndim == 4:
        check_images(training, "training images")
        check_images(images, "images")
    if training.shape[1:] != images.shape[1:]:
        raise ValueError(
            f"the training images are {tuple(training.shape[1:])}, the others {tuple(images.shape[1:])}; they must agree"
        )


def nearest_training(training: Float[Tensor, "m *d"], images: Float[Tensor, "n *d"], *, block: int = 1024) -> Nearest:
    r"""Euclidean distance from every image to the nearest training image, :math:`\min_t \lVert x - t\rVert`.

    From 0, in units of the pixels ([-1, 1], summed over pixels) or features. Neither way is better: below what held-out images
    have means copies, or soft or typical images (:func:`copied_share`); above it, images unlike the data. It falls as the
    training set grows. In pixels a shift by one pixel counts as far, and a smooth grey image as near to everything, so look at
    the pairs; in features the network decides what is alike. Streamed: memory is bounded by `block` (see
    :func:`nearest_neighbours`), which changes no number.
    """
    _check_comparable(training, images)
    found = nearest_neighbours(images.flatten(1), training.flatten(1), 1, block=block)
    return Nearest(found.distances[:, 0], found.indices[:, 0])


def _check_distances(held_out: Any, generated: Any) -> None:
    for name, x in (("held-out", held_out), ("generated", generated)):
        check_values(x, f"{name} distances")
        if x.min() < 0:
            raise ValueError(f"the {name} distances are negative")


def mann_whitney_z(held_out: Float[Tensor, " n"], generated: Float[Tensor, " m"]) -> float:
    r"""Do generated images lie nearer to the training set than held-out ones do? The Mann-Whitney U of the distances, as a z-score.

    .. math::
        U = \sum_{i,j} \left(\mathbb 1[g_j > h_i] + \tfrac12 \mathbb 1[g_j = h_i]\right), \qquad
        z = \frac{U - nm/2}{\sqrt{\frac{nm}{12}\left(n+m+1 - \sum_t \frac{t^3-t}{(n+m)(n+m-1)}\right)}}

    with t the sizes of groups of ties. Near 0 for images like fresh data (mean 0, deviation 1). Far below 0: nearer to the
    training set than fresh data, **by copying, or by being more typical or softer than the data**, which the number cannot tell
    apart: 2,000 fresh MNIST digits are at -17 in pixels if they are the more typical half of 4,000, at -14 if blurred by 0.6
    pixels, and copies of training images are there too if they are a quarter or more. So it raises a suspicion that
    :func:`copied_share` decides. Above 5: unlike the data. The size grows with the square root of n and m. Swapping the arguments
    changes the sign. Sees ranks of distances only. The paper's numbers are these, over all the space at once or a mean over
    cells (:func:`data_copying`). Source: Meehan et al. 2020, arXiv:2004.05675.
    """
    _check_distances(held_out, generated)
    n, m = len(held_out), len(generated)
    values, ties = torch.cat([held_out, generated]).double().unique(return_counts=True)
    generated = generated.double().contiguous()
    above = ties.cumsum(0).double() - (ties - 1) / 2  # the mean rank of each value, from 1
    u = float(above[torch.searchsorted(values, generated)].sum()) - m * (m + 1) / 2
    t, total = ties.double(), n + m
    variance = n * m / 12 * (total + 1 - float((t**3 - t).sum()) / (total * (total - 1)))
    if variance <= 0:
        raise ValueError("all distances are equal: there is nothing to rank")
    return (u - n * m / 2) / math.sqrt(variance)


class Copying(NamedTuple):
    """z over all images; the mean z over cells (equal to `z` without cells) and that of each cell (NaN where it holds too few);
    the share of near-duplicates; and the median distance over that of held-out images."""

    z: float
    mean_z: float
    cell_z: Float[Tensor, " c"]
    near_duplicates: float
    median_ratio: float


def data_copying(
    held_out: Float[Tensor, " n"], generated: Float[Tensor, " m"],
    held_out_cells: Int[Tensor, " n"] | None = None, generated_cells: Int[Tensor, " m"] | None = None, *, least: int = 20,
) -> Copying:  # fmt: skip
    """How near the training set, from distances to the nearest training image (:func:`nearest_training`) of held-out and of
    generated images. Copying makes them near, and so does mode seeking or softness: :func:`copied_share` tells these apart.

    - `z`: :func:`mann_whitney_z`; near 0 is right, far below 0 is nearer than fresh data.
    - `mean_z`, `cell_z`: the same inside each cell of the space (a class, or a cluster of training images; numbers from 0),
      weighted by the held-out images in it, over cells with at least `least` of both. Nearness in one class can hide behind too
      distant images in another.
    - `near_duplicates`: the share of generated images as near to the training set as the nearest 1 % of held-out images. 0.01 is
      right, 1 at worst; typical images have more (the half above: 0.018, a tenth: 0.077). At least 100 held-out images.
    - `median_ratio`: 1 is right, below 1 is nearer than fresh data.

    None of them sees copies that were shifted, mirrored or recoloured unless the features do, nor whether the images are any
    good (noise has a high z). The held-out images must be as far from the training set as fresh data are: never trained on, drawn
    at random with it if possible, and seen by a feature network that knows neither set better. (MNIST's files are not alike: 4,000
    unseen images of the *training* file have z = -2.2 against test images in the features of `mnist-features`.) Duplicates
    between the real sets make everything look well. Source: Meehan et al. 2020, arXiv:2004.05675.
    """
    _check_distances(held_out, generated)
    if len(held_out) < 100:
        raise ValueError(f"{len(held_out)} held-out images have no first percentile; use at least 100")
    if (held_out_cells is None) != (generated_cells is None):
        raise ValueError("give the cells of both the held-out and the generated images, or of neither")
    z = mann_whitney_z(held_out, generated)
    cell_z, mean_z = torch.tensor([z], dtype=torch.float64), z
    if held_out_cells is not None and generated_cells is not None:
        cell_z, weights = _cell_scores(held_out, generated, held_out_cells, generated_cells, least)
        used = ~cell_z.isnan()
        mean_z = float((cell_z * weights)[used].sum() / weights[used].sum())
    h, g = held_out.double(), generated.double()
    near = float((g <= h.quantile(0.01)).double().mean())
    middle = float(h.median())
    return Copying(z, mean_z, cell_z, near, float(g.median()) / middle if middle else math.nan)


class CopyingInterval(NamedTuple):
    """:class:`Copying`'s share of near-duplicates and its ratio of medians, each with standard error and interval."""

    near_duplicates: Estimate
    median_ratio: Estimate


def copying_interval(
    held_out: Float[Tensor, " n"], generated: Float[Tensor, " m"], *, parts: int = 2, repeats: int = 10, seed: int = 1,
    level: float = 0.95,
) -> CopyingInterval:  # fmt: skip
    """The two numbers of :func:`data_copying` that have a unit, with intervals; z needs none, its deviation is about 1.

    For their means over held-out and generated images of these numbers and **the same** training set, by
    :func:`~imggen_lib.metrics.intervals.split_estimates`. The first percentile of few held-out images is itself uncertain, which
    a binomial interval for the share below it would not know. At least 100 held-out images a part.
    """

    def both(h: Tensor, g: Tensor) -> tuple[float, float]:
        found = data_copying(h, g)
        return found.near_duplicates, found.median_ratio

    _check_distances(held_out, generated)
    parts = whole(parts, "parts", 2)
    if len(held_out) < 100 * parts:
        raise ValueError(f"{parts} parts need {100 * parts} held-out images, 100 each for a first percentile; got {len(held_out)}")
    near, ratio = split_estimates(both, held_out, generated, parts=parts, repeats=repeats, seed=seed, level=level)
    return CopyingInterval(share_estimate(near, len(generated), level), ratio._replace(low=max(0.0, ratio.low)))


def nearness_ratio(training: Float[Tensor, "m *d"], images: Float[Tensor, "n *d"], *, block: int = 1024) -> Float[Tensor, " n"]:
    r"""Is an image much nearer to one training image than to the next? :math:`r(x) = d_1(x) / d_2(x)`, from 0 to 1, float64.

    :math:`d_1 \le d_2` are the distances to its two nearest training images. A copy has 0, or little if it was blurred or has
    noise in it. What makes an image near to *all* images around it, as being typical or soft does, changes both distances and
    hardly their ratio. Neither way is better: compare with held-out images (:func:`copied_share`). Blind to copies of what is
    in the training set twice. Source: Lowe 2004 for the ratio; nearness to one relative to other neighbours as the mark of a
    memorised image: Carlini et al. 2023, arXiv:2301.13188.
    """
    _check_comparable(training, images)
    if len(training) < 2:
        raise ValueError(f"a nearest and a second-nearest training image need two of them, got {len(training)}")
    first, second = nearest_neighbours(images.flatten(1), training.flatten(1), 2, block=block).distances.T
    return torch.where(first > 0, first / second.clamp(min=1e-300), first)


def copied_share(
    held_out: Float[Tensor, " n"], generated: Float[Tensor, " m"], *, repeats: int = 10, seed: int = 1, level: float = 0.95
) -> Estimate:
    """The share of generated images that belong to one training image as hardly any held-out image does: **is it copied?**

    From :func:`nearness_ratio` of both: the share of generated images whose ratio is at most that of the lowest 1 % of held-out
    ones. 0.01 is right, and s + 0.01 means that about a share s is copied; 1 at worst. **Copying if the interval's low end is
    above 0.03**, where typical and soft images do not get. Measured on MNIST in pixels, 10,000 training
    images, 1,000 held-out and 1,000 other, three draws: fresh 0.003 to 0.011, their more typical half 0.012 to 0.018, the most
    typical tenth 0.014 to 0.032, blurred by 0.6 or 1 pixels 0 to 0.004, low ends up to 0.016; with 5 % of copies, exact, with
    noise of 0.2 or all blurred by 0.6, 0.047 to 0.061, low ends from 0.031. Blurred by 1, copies need a share of 25 % to be
    sure. With 500 of each, 10 % were found every time and 5 % half of the time. At least 200 held-out images. Blind to copies
    that were moved, mirrored or recoloured, and in features to copies with noise.
    """
    for name, ratios in (("held-out", held_out), ("generated", generated)):
        check_values(ratios, f"{name} ratios")
        if float(ratios.max()) > 1:
            raise ValueError(
                f"the {name} ratios lie between 0 and 1 (nearness_ratio), got {float(ratios.max()):.3g}: are these distances?"
            )
    if len(held_out) < 200:
        raise ValueError(f"two halves of the held-out images need 100 each for a first percentile, got {len(held_out)}")
    return copying_interval(held_out, generated, repeats=repeats, seed=seed, level=level).near_duplicates


def _cell_scores(
    held_out: Tensor, generated: Tensor, held_out_cells: Any, generated_cells: Any, least: int
) -> tuple[Tensor, Tensor]:
    """z of each cell, NaN where it holds fewer than `least` of either, and the number of held-out images in it."""
    held_out_cells = check_labels(held_out_cells, len(held_out), _MOST_CELLS, name="cells")
    generated_cells = check_labels(generated_cells, len(generated), _MOST_CELLS, name="cells")
    least = whole(least, "least")
    count = int(max(held_out_cells.max(), generated_cells.max())) + 1
    scores, weights = torch.full((count,), torch.nan, dtype=torch.float64), torch.zeros(count, dtype=torch.float64)
    for c in range(count):
        h, g = held_out[held_out_cells == c], generated[generated_cells == c]
        weights[c] = len(h)
        if min(len(h), len(g)) >= max(1, least):
            scores[c] = mann_whitney_z(h, g)
    if scores.isnan().all():
        raise ValueError(f"no cell has {least} held-out and {least} generated images; use fewer cells")
    return scores, weights


def _exp_entropy(p: Tensor) -> float:
    """The exponential of the entropy of eigenvalues; rounding may have left some a little below 0."""
    p = p.clamp(min=0)
    return float((-torch.xlogy(p, p).sum()).exp())


def kernel_vendi(kernel: Float[Tensor, "n n"]) -> float:
    r"""The Vendi score of a table of similarities, symmetric, positive semidefinite and with ones on the diagonal.

    .. math:: \exp\left(-\sum_i \lambda_i \log\lambda_i\right), \qquad \lambda\ \text{the eigenvalues of}\ K/n

    From 1 (all alike) to n (nothing alike); **higher is more diverse**. It rises with n: compare at one n only, and with the
    same similarity. It is blind where the similarity is, and to quality: see :func:`vendi_score`.
    Source: Friedman and Dieng 2023, arXiv:2210.02410.
    """
    k = tensor(kernel, "similarities").double()
    if k.ndim != 2 or k.shape[0] != k.shape[1] or not len(k):
        raise ValueError(f"the similarities must be a square table, not empty; got the shape {tuple(k.shape)}")
    if not torch.isfinite(k).all() or (k - k.T).abs().max() > 1e-6 or (k.diagonal() - 1).abs().max() > 1e-6:
        raise ValueError("the similarities must be finite and symmetric, with ones on the diagonal")
    values = torch.linalg.eigvalsh(k / len(k))
    if values.min() < -1e-6:
        raise ValueError(f"the similarities are not positive semidefinite: K/n has the eigenvalue {values.min():.3g}")
    return _exp_entropy(values)


def vendi_score(features: Float[Tensor, "n d"]) -> float:
    r"""How many different images there are in effect: the Vendi score with cosine similarity, :math:`K_{ij} = \cos(x_i, x_j)`.

    From 1 to min(n, d); **higher is more diverse**, which is better only up to what real images have: compare with a real set
    of the same n. It rises with n. It needs no real images, so noise scores high, and it sees neither quality nor copies of
    training images (a set with each image repeated has the same score). Features that are never negative (after a ReLU) have a
    common direction and keep it small; subtract the real features' mean first. Memory is that of d^2 or n^2 numbers, whichever
    is less. Source: Friedman and Dieng 2023, arXiv:2210.02410.
    """
    check_features(features)
    lengths = features.double().norm(dim=1, keepdim=True)
    if (lengths == 0).any():
        raise ValueError("a feature vector of length 0 has no direction, so no cosine")
    x = features.double() / lengths
    return _exp_entropy(torch.linalg.eigvalsh((x.T @ x if x.shape[1] < len(x) else x @ x.T) / len(x)))


def class_entropy(probabilities: Float[Tensor, "n k"]) -> float:
    r"""The entropy in nats of the classes among the images, :math:`-\sum_y \bar p(y)\log\bar p(y)` with the mean of the rows.

    From 0 (one class) to log k (all equally often); **higher is more diverse**, best where it equals that of real images.
    Biased downwards by about (k - 1) / 2n for sure answers, less for unsure ones. Blind to everything inside a class, and to
    quality: uncertain answers count as diversity. Rows may be one-hot.
    """
    check_probabilities(probabilities)
    share = probabilities.double().mean(0)
    return float(-torch.xlogy(share, share).sum())
