r"""How far two sets of images are apart as distributions, seen through a feature network.

The order of the arguments is always **real first, generated second**. Here: features, the Frechet distance and the entropy
score; the kernel distance is in `twosample`, precision and recall in `manifold`, copies and diversity in `novelty`.
"""

from collections.abc import Callable, Generator
from contextlib import closing
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imggen_lib.checks import check_images, whole
from imggen_lib.machine import evaluating, full_precision
from imggen_lib.metrics.intervals import Estimate, jackknife, random_groups, split_estimates
from imggen_lib.metrics.neighbours import check_features, check_features_pair, mean_of
from imggen_lib.models.features import FeatureNet

Classifier = Callable[[Tensor], Tensor]  # images (n, c, h, w) -> features (n, d), or logits (n, k); a network or a function


class Statistics(NamedTuple):
    """Mean ``(d,)`` and covariance ``(d, d)`` of features, float64, and the number of images behind them."""

    mean: Tensor
    covariance: Tensor
    n: int


def _check(net: Classifier, images: Tensor) -> None:
    shape = getattr(net, "image_shape", None)
    check_images(images)
    if shape is not None and tuple(images.shape[1:]) != tuple(shape):
        raise ValueError(f"the feature network takes images of shape {tuple(shape)}, got {tuple(images.shape[1:])}")


def _in_batches(net: Classifier, look: Classifier, images: Tensor, batch: int) -> Generator[Tensor, None, None]:
    """What `look` says of each batch, on the CPU; a network is on its own device and in evaluation mode meanwhile."""
    _check(net, images)
    size, nets = whole(batch, "batch", 1), [net] if isinstance(net, nn.Module) else []
    weight = next((p for net in nets for p in net.parameters()), images)  # a function gets images as they are
    with evaluating(*nets), full_precision():
        for part in images.split(size):
            yield look(part.to(weight)).cpu()


@torch.no_grad()
def features(net: Classifier, images: Float[Tensor, "n c h w"], batch: int = 1000) -> Float[Tensor, "n d"]:
    """The features of images in [-1, 1] that `net` sees, as float64 on the CPU: what every metric below is computed from.

    `net` is a :class:`~imggen_lib.models.features.FeatureNet`, an extractor by name (:mod:`imggen_lib.metrics.extractors`), or any
    network or function from images ``(n, c, h, w)`` to ``(n, d)``. It is given at most `batch` images at a time, on its own device,
    in evaluation mode; `batch` changes the numbers by rounding only, so far as one image does not change what it says of another.
    60,000 times 2048 features take 1 GB; ``.float()`` halves that, and every metric takes either kind and computes in float64.
    """
    look = net.features if isinstance(net, FeatureNet) else net
    found, done = torch.empty(0, dtype=torch.float64), 0
    with closing(_in_batches(net, look, images, batch)) as parts:
        for part in parts:
            if part.ndim != 2 or len(part) != min(batch, len(images) - done):
                raise ValueError(f"the network must give one row of features an image (n, d), got the shape {tuple(part.shape)}")
            if not done:
                found = torch.empty(
                    len(images), part.shape[1], dtype=torch.float64
                )  # at once: no second copy to put parts together
            found[done : done + len(part)] = part
            done += len(part)
    check_features(found)
    return found


def statistics(features: Float[Tensor, "n d"]) -> Statistics:
    """Mean and unbiased covariance. Raises ``ValueError`` with no more images than dimensions: the covariance is then singular."""
    check_features(features)
    _enough(*features.shape)
    mean = mean_of(features)
    return Statistics(mean, _scatter(features, mean) / (len(features) - 1), len(features))


def _enough(n: int, d: int) -> None:
    if n <= d:
        raise ValueError(
            f"{n} images for {d} feature dimensions: the covariance is singular; use more than {d} images, "
            "or the kernel distance (twosample.kernel_distance), which is unbiased at any number of images"
        )


def _scatter(x: Tensor, centre: Tensor) -> Tensor:
    """The sum of (x - centre)(x - centre)^T over the rows, in float64, without a float64 copy of `x`."""
    total = torch.zeros(x.shape[1], x.shape[1], dtype=torch.float64, device=x.device)
    for part in x.split(4096):
        rows = part.double() - centre
        total.addmm_(rows.T, rows)
    return total


def frechet_distance(real: Statistics, generated: Statistics) -> float:
    r"""The (squared) Frechet distance between Gaussians with the given means and covariances.

    .. math:: \lVert\mu_r-\mu_g\rVert^2 + \operatorname{tr}\left(\Sigma_r + \Sigma_g - 2(\Sigma_r\Sigma_g)^{1/2}\right)

    0 for equal statistics, no upper limit, **lower is better**; in squared units of the features, so only numbers from the same
    network, the same n and the same resizing can be compared. Biased upwards at small n: equal distributions do not give 0, so
    state n and the distance between two real sets of that size. Sees means and covariances only: neither memorisation nor
    anything that the features ignore. Symmetric.
    Source: Dowson and Landau 1982; for generated images Heusel et al. 2017, arXiv:1706.08500.
    """
    if real.mean.shape != generated.mean.shape:
        raise ValueError(
            f"the real features have {len(real.mean)} dimensions, the generated {len(generated.mean)}; they must agree"
        )
    mean = (real.mean - generated.mean).square().sum()
    values, vectors = torch.linalg.eigh(real.covariance)
    root = vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T
    cross = torch.linalg.eigvalsh(root @ generated.covariance @ root).clamp(min=0).sqrt().sum()
    traces = torch.trace(real.covariance) + torch.trace(generated.covariance)
    return max(0.0, float(mean + traces - 2 * cross))  # equal statistics: rounding falls on either side


def _all_but(x: Tensor, whole: Statistics, left_out: Tensor) -> Statistics:
    """The statistics of `x` without some of its rows, from those of all rows."""
    part, n = x[left_out], whole.n - len(left_out)
    shift = (part.double() - whole.mean).sum(0)
    scatter = whole.covariance * (whole.n - 1) - _scatter(part, whole.mean) - torch.outer(shift, shift) / n
    return Statistics(whole.mean - shift / n, scatter / (n - 1), n)


@torch.no_grad()
def frechet_interval(
    real: Float[Tensor, "n d"], generated: Float[Tensor, "m d"], *, groups: int = 20, seed: int = 1, level: float = 0.95
) -> Estimate:
    """The Frechet distance of two sets of features, with its standard error and an interval.

    A jackknife: each set is shuffled by `seed` into `groups` disjoint groups, and the distance is taken again without one group
    of each. The interval is for the distance's mean over other images **of this number** (a second draw scatters as well:
    :mod:`imggen_lib.metrics.intervals`); that mean includes the bias, so the interval need not hold the distance of the
    distributions (see :func:`frechet_at_infinity`). Range, direction and blindness are those of :func:`frechet_distance`.
    Source: Efron and Stein 1981.
    """
    check_features_pair(real, generated)
    n, m, d = len(real), len(generated), real.shape[1]
    if groups < 2 or min(n, m) < groups:
        raise ValueError(f"need at least 2 groups and an image in each, got {groups} groups, {n} real and {m} generated images")
    _enough(min(n - -(-n // groups), m - -(-m // groups)), d)
    r, g = statistics(real), statistics(generated)
    pairs = zip(random_groups(n, groups, seed, 0), random_groups(m, groups, seed, 1), strict=True)
    left_out = [frechet_distance(_all_but(real, r, a), _all_but(generated, g, b)) for a, b in pairs]
    found = jackknife(frechet_distance(r, g), torch.tensor(left_out, dtype=torch.float64), level)
    return found._replace(low=max(0.0, found.low))


class Extrapolation(NamedTuple):
    """The value at infinitely many images, the slope in 1/n, and the points of the line: numbers of images and distances."""

    value: float
    slope: float
    sizes: list[int]
    distances: list[float]


@torch.no_grad()
def frechet_at_infinity(
    real: Float[Tensor, "n d"], generated: Float[Tensor, "m d"], *, points: int = 15, smallest: int | None = None, seed: int = 1,
    both: bool = False,
) -> Extrapolation:  # fmt: skip
    r"""The Frechet distance for infinitely many generated images, from a line through its values at several numbers of images.

    .. math:: F_n \approx F_\infty + \frac{b}{n}

    `points` random subsets of the generated images, of sizes evenly spaced from `smallest` (default: a tenth of them, and at
    least twice the dimensions) to all, against all the real images; with `both`, against as many real ones, which also removes
    the bias that the real images' number brings. **Lower is better**; for equal distributions it scatters around 0 with `both`,
    so it may be negative. Less biased than the plain distance but noisier; the slope differs between models, which is why a
    fixed n can rank them wrongly. Blind to what :func:`frechet_distance` is blind to.
    Source: Chong and Forsyth 2020, arXiv:1911.07023.
    """
    check_features_pair(real, generated)
    d, most = real.shape[1], min(len(generated), len(real) if both else len(generated))
    least = max(2 * d, most // 10, 3) if smallest is None else smallest
    if points < 2 or least >= most:
        raise ValueError(f"a line needs two points and sizes that differ; got {points} points from {least} to {most} images")
    _enough(least, d)
    sizes = [round(least + (most - least) * i / (points - 1)) for i in range(points)]
    whole, distances = statistics(real), []
    for i, size in enumerate(sizes):
        cut = [x[random_groups(len(x), 1, seed, 2 * i + j)[0][:size]] for j, x in enumerate((generated, real))]
        distances.append(frechet_distance(statistics(cut[1]) if both else whole, statistics(cut[0])))
    inverse = 1 / torch.tensor(sizes, dtype=torch.float64)
    line = torch.linalg.lstsq(
        torch.stack([torch.ones_like(inverse), inverse], 1), torch.tensor(distances, dtype=torch.float64)
    ).solution
    return Extrapolation(line[0].item(), line[1].item(), sizes, distances)


def frechet_at_infinity_interval(
    real: Float[Tensor, "n d"], generated: Float[Tensor, "m d"], *, points: int = 15, both: bool = False, repeats: int = 10,
    seed: int = 1, level: float = 0.95,
) -> Estimate:  # fmt: skip
    """:func:`frechet_at_infinity` with its standard error and a t interval, from halves of both sets, cut again and again
    (:func:`~imggen_lib.metrics.intervals.split_estimates`).

    Since most of the bias is gone, the interval is one for the distance of the distributions, up to what the line leaves of the
    bias; it may reach below 0. In simulations (Gaussians in 8 and 32 dimensions, 500 and 1,000 images, equal and not, `both`) the
    95 % interval held it in 96 to 97 %.
    Both halves must be large enough for a line (more than twice the dimensions); the cost is that of `repeats` lines.
    """

    def limit(x: Tensor, y: Tensor) -> list[float]:
        return [frechet_at_infinity(x, y, points=points, seed=seed, both=both).value]

    check_features_pair(real, generated)
    return split_estimates(limit, real, generated, repeats=repeats, seed=seed, level=level)[0]


def check_probabilities(p: Tensor) -> None:
    """Raises ``ValueError`` unless `p` ``(n, k)`` holds a distribution over k classes in every row."""
    check_features(p, "class probabilities")
    if p.min() < 0 or (p.sum(1) - 1).abs().max() > 1e-4:
        raise ValueError("each row must be a distribution over the classes: not negative, sum 1; these may be logits (use softmax)")


def entropy_score(probabilities: Float[Tensor, "n k"]) -> float:
    r"""The Inception Score's formula over any classifier's probabilities: clear images of many classes.

    .. math:: \exp\left(\frac1n\sum_i \mathrm{KL}\left(p(y\mid x_i) \,\Vert\, \bar p(y)\right)\right), \qquad
        \bar p(y) = \frac1n\sum_i p(y\mid x_i)

    From 1 (every image gets the same answer) to k (sure of each image, all classes equally often); **higher is better**. Biased
    downwards at small n. There is no real data in it: it sees neither a wrong look inside a class, nor one image repeated per
    class, nor copies, and an image that fools the classifier is as good as any. Only numbers from the same classifier compare.
    Source: Salimans et al. 2016, arXiv:1606.03498.
    """
    check_probabilities(probabilities)
    p = probabilities.double()
    return (torch.xlogy(p, p).sum(1).mean() - torch.xlogy(p.mean(0), p.mean(0)).sum()).exp().item()


def entropy_scores(probabilities: Float[Tensor, "n k"], splits: int = 10) -> Float[Tensor, "{splits}"]:
    """The score of each of `splits` parts, in the order given, as the literature reports it (mean and deviation of 10 parts).

    Range, direction and blindness are those of :func:`entropy_score`. Each part is smaller, so their mean is below the score of
    all, and their deviation is that of a part, not the error of the mean. Shuffle first if the images are sorted. To lay beside
    published numbers.
    """
    if not 1 <= splits <= len(probabilities):
        raise ValueError(f"{len(probabilities)} images cannot be cut into {splits} parts")
    n = len(probabilities)
    parts = [probabilities[i * n // splits : (i + 1) * n // splits] for i in range(splits)]
    return torch.tensor([entropy_score(part) for part in parts], dtype=torch.float64)


@torch.no_grad()
def class_shares(net: Classifier, images: Float[Tensor, "n c h w"], batch: int = 1000) -> tuple[Tensor, float]:
    """The share of each class among the images, as the network classifies them ``(k,)``, and the mean probability it gives them.

    `net` gives logits ``(n, k)``: a network, or a function. Shares from 0 to 1, unbiased at any n; none is better high or low:
    compare with real images seen by the same network, whose mistakes move shares as well. A missing class shows as a share near
    0. The mean probability, from 1/k to 1, is near 1 for clear images of any class, but also for some noise: it is no measure of
    quality by itself. Both are blind to everything inside a class.
    """
    p = torch.cat([logits.softmax(1) for logits in _in_batches(net, net, images, batch)])
    best, which = p.double().max(1)
    return torch.bincount(which, minlength=p.shape[1]).double() / len(p), float(best.mean())
