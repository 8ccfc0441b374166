r"""Are two sets of features from one distribution? The kernel distance (KID) and the classifier two-sample test.

The order of the arguments is always **real first, generated second**.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from imggen_lib.checks import check_labels, whole
from imggen_lib.metrics.intervals import Estimate, binomial_tail, jackknife, random_groups, wilson_interval
from imggen_lib.metrics.neighbours import check_features_pair, mean_of, nearest_neighbours

Classify = Callable[[Tensor, Tensor, Tensor], Tensor]  # features (n, d), is it generated? (n,), new features (m, d) -> (m,) bool


def _kernel_sum(x: Tensor, y: Tensor, block: int) -> float:
    """The sum of (x_i . y_j / d + 1)^3 over all i and j."""
    total = 0.0
    for a in x.split(block):
        for b in y.split(block):
            k = torch.addmm(torch.ones((), dtype=a.dtype, device=a.device), a, b.T, alpha=1 / a.shape[1])
            total += float((k * k * k).sum())
    return total


def _group_sums(x: Tensor, y: Tensor, xs: Sequence[Tensor], ys: Sequence[Tensor], block: int) -> Tensor:
    """Sums of the kernel over pairs of groups ``(g, g)``; if both are the same set, without the pairs of an image with itself."""
    same = x is y
    sums = torch.zeros(len(xs), len(ys), dtype=torch.float64)
    for i, left in enumerate(xs):
        a = x[left].double()
        for j, right in enumerate(ys):
            if same and j < i:
                sums[i, j] = sums[j, i]
            else:
                sums[i, j] = _kernel_sum(a, y[right].double(), block)
        if same:
            sums[i, i] -= (a.square().sum(1) / a.shape[1] + 1).pow(3).sum().cpu()
    return sums


def _without(sums: Tensor) -> Tensor:
    """The total of a table of sums without row and column i, for each i ``(g,)``."""
    return sums.sum() - sums.sum(1) - sums.sum(0) + sums.diagonal()


@torch.no_grad()
def kernel_distance(
    real: Float[Tensor, "n d"], generated: Float[Tensor, "m d"], *, groups: int = 20, seed: int = 1, level: float = 0.95,
    block: int = 1024,
) -> Estimate:  # fmt: skip
    r"""The kernel distance (KID): the unbiased estimate of the squared maximum mean discrepancy, from all pairs, with its interval.

    .. math::
        & \frac{1}{n(n-1)}\sum_{i\ne j} k(x_i,x_j) + \frac{1}{m(m-1)}\sum_{i\ne j} k(y_i,y_j) \\
        & - \frac{2}{nm}\sum_{i,j} k(x_i,y_j), \qquad k(x,y) = \left(\tfrac{x\cdot y}{d} + 1\right)^3

    0 on average for equal distributions **at any n**, so single values may be negative; no upper limit, **lower is better**.
    Numbers from the same features compare, also at different n. The standard error is a jackknife: each set is shuffled by
    `seed` into `groups` disjoint groups, the formula is repeated without one group of each, and the spread of the results gives
    a t interval. It is somewhat too wide when the distributions are equal. Sees moments up to the third of the features,
    nothing beyond; no memorisation. `block` bounds the memory (24 block^2 bytes) and changes no number: 60,000 against 60,000
    images with 128 features take about two minutes and 0.8 GB in all on one thread. Source:
    Binkowski et al. 2018, arXiv:1801.01401.
    """
    check_features_pair(real, generated)
    n, m, groups, block = len(real), len(generated), whole(groups, "groups"), whole(block, "block", 1)
    if groups < 2 or min(n, m) < max(3, groups):
        raise ValueError(f"{groups} groups need at least 2 groups, 3 images and an image a group; got {n} real and {m} generated")
    xs, ys = random_groups(n, groups, seed, 0), random_groups(m, groups, seed, 1)
    rr, gg, rg = (
        _group_sums(*four, block) for four in ((real, real, xs, xs), (generated, generated, ys, ys), (real, generated, xs, ys))
    )
    value = rr.sum() / (n * (n - 1)) + gg.sum() / (m * (m - 1)) - 2 * rg.sum() / (n * m)
    p, q = (total - torch.tensor([len(part) for part in parts]).double() for total, parts in ((n, xs), (m, ys)))
    left_out = _without(rr) / (p * (p - 1)) + _without(gg) / (q * (q - 1)) - 2 * _without(rg) / (p * q)
    return jackknife(value.item(), left_out, level)


@torch.no_grad()
def kernel_difference(
    real: Float[Tensor, "n d"], first: Float[Tensor, "m d"], second: Float[Tensor, "m d"], *, groups: int = 20, seed: int = 1,
    level: float = 0.95,
) -> Estimate:  # fmt: skip
    """The kernel distance of `first` less that of `second` from the same real images; **below 0: the first are the better ones**.

    What the two distances share, that real images differ among themselves, cancels, and so do the errors that both have from the
    choice of these images: the interval is narrower than those of the two distances suggest. Row i of both may come from the same
    latent; groups are left out together. Source of the distance and of the jackknife: :func:`kernel_distance`.
    """
    for made in (first, second):
        check_features_pair(real, made)
    n, m, groups = len(real), len(first), whole(groups, "groups")
    if len(second) != m or groups < 2 or min(n, m) < max(3, groups):
        raise ValueError(f"{groups} groups need as many real, first and second images at least; got {n}, {m} and {len(second)}")
    xs, ys = random_groups(n, groups, seed, 0), random_groups(m, groups, seed, 1)
    p, q = (total - torch.tensor([len(part) for part in parts]).double() for total, parts in ((n, xs), (m, ys)))
    value, left_out = 0.0, torch.zeros(groups, dtype=torch.float64)
    for sign, made in ((1, first), (-1, second)):
        gg, rg = _group_sums(made, made, ys, ys, 1024), _group_sums(real, made, xs, ys, 1024)
        value += sign * (gg.sum() / (m * (m - 1)) - 2 * rg.sum() / (n * m)).item()
        left_out += sign * (_without(gg) / (q * (q - 1)) - 2 * _without(rg) / (p * q))
    return jackknife(value, left_out, level)


@torch.no_grad()
def subset_kernel_distance(
    real: Float[Tensor, "n d"], generated: Float[Tensor, "m d"], *, subsets: int = 100, size: int = 1000, seed: int = 1
) -> tuple[float, float]:
    """Mean and standard deviation of the kernel distance over random subsets, as the literature reports it ("KID +- std").

    The mean estimates the same as :func:`kernel_distance`, less exactly. The deviation is that of **one subset**: no standard
    error of the mean, which is smaller by an unknown factor since subsets overlap. Direction and blindness are those of
    :func:`kernel_distance`. For numbers to lay beside published ones only. Source: Binkowski et al. 2018, arXiv:1801.01401.
    """
    check_features_pair(real, generated)
    size, subsets = whole(size, "size"), whole(subsets, "subsets")
    if size < 2 or subsets < 2 or size > min(len(real), len(generated)):
        raise ValueError(
            f"{subsets} subsets of {size} need 2 of either at least, and as many images; got {len(real)}, {len(generated)}"
        )
    values = []
    for s in range(subsets):
        x = real[random_groups(len(real), 1, seed, 2 * s)[0][:size]].double()
        y = generated[random_groups(len(generated), 1, seed, 2 * s + 1)[0][:size]].double()
        every = [torch.arange(size)]
        rr, gg, rg = (_group_sums(a, b, every, every, 1024).item() for a, b in ((x, x), (y, y), (x, y)))
        values.append((rr + gg) / (size * (size - 1)) - 2 * rg / size**2)
    found = torch.tensor(values, dtype=torch.float64)
    return found.mean().item(), found.std(correction=0).item()


class TwoSampleTest(NamedTuple):
    """Accuracy on held-out images, the one-sided p-value of equal distributions, the Wilson interval, the number of images."""

    accuracy: float
    p_value: float
    low: float
    high: float
    n: int


def _standardised(x: Tensor, centre: Tensor, scale: Tensor) -> Iterator[Tensor]:
    """Blocks of rows in float64, less the centre, by the scale, with a column of ones."""
    for part in x.split(4096):
        yield torch.cat([(part.double() - centre) / scale, torch.ones_like(part[:, :1]).double()], 1)


def _check_examples(x: Any, y: Any, new: Any) -> Tensor:
    check_features_pair(x, new, ("features", "new features"))
    return check_labels(y.long() if isinstance(y, Tensor) and y.dtype == torch.bool else y, len(x), 2)


def linear_classifier(
    x: Float[Tensor, "n d"], y: Bool[Tensor, " n"], new: Float[Tensor, "m d"], ridge: float = 1e-3
) -> Bool[Tensor, " m"]:
    """Logistic regression by Newton's method on standardised features, with a small ridge; deterministic.

    It sees a shift of the features' means and little else: equal means with unlike spreads or shapes look the same to it.
    """
    y = _check_examples(x, y, new)
    centre = mean_of(x)
    squares = torch.stack([(part.double() - centre).square().sum(0) for part in x.split(4096)]).sum(0)
    scale = (squares / len(x)).sqrt().clamp(min=1e-12)
    w = torch.zeros(x.shape[1] + 1, dtype=torch.float64, device=x.device)
    for _ in range(25):
        gradient, curvature = ridge * len(x) * w, ridge * len(x) * torch.eye(len(w), dtype=w.dtype, device=x.device)
        for a, t in zip(_standardised(x, centre, scale), y.double().split(4096), strict=True):
            p = torch.sigmoid(a @ w)
            gradient = gradient + a.T @ (p - t)
            curvature.addmm_((a * (p * (1 - p))[:, None]).T, a)
        step = torch.linalg.solve(curvature, gradient)
        w = w - step / max(1.0, float(step.abs().max()) / 4)  # a long step from flat ground could overshoot
        if step.abs().max() < 1e-9:
            break
    return torch.cat([a @ w > 0 for a in _standardised(new, centre, scale)])


def neighbour_classifier(x: Float[Tensor, "n d"], y: Bool[Tensor, " n"], new: Float[Tensor, "m d"]) -> Bool[Tensor, " m"]:
    """The majority of the k nearest training images, k the odd number nearest below sqrt(n): sees spreads and shapes too."""
    y = _check_examples(x, y, new)
    k = max(1, (int(len(x) ** 0.5) - 1) // 2 * 2 + 1)
    return y[nearest_neighbours(new, x, k).indices].double().mean(1) > 0.5


@torch.no_grad()
def classifier_test(
    real: Float[Tensor, "n d"], generated: Float[Tensor, "m d"], *, classify: Classify = linear_classifier, seed: int = 1,
    level: float = 0.95,
) -> TwoSampleTest:  # fmt: skip
    r"""Can a small classifier tell real from generated images that it has not seen?

    Equally many of both (the larger set is cut at random), shuffled by `seed`, in halves: `classify` learns on one, and its
    accuracy on the other of n images is tested against guessing, :math:`p = P(X \ge \text{correct})`,
    :math:`X \sim \mathrm{Bin}(n, 1/2)`. Accuracy from 0 to 1; **1/2 is best** (1 means that one glance is enough; below 1/2 is
    chance). No bias at small n, but little power: a high p-value never shows that the sets are equal. Blind to what the
    classifier cannot see (:func:`linear_classifier`: means; :func:`neighbour_classifier`: also shapes), and to copies of
    training images. It may rest on a trace that no person sees. Source: Lopez-Paz and Oquab 2017, arXiv:1610.06545.
    """
    check_features_pair(real, generated)
    half = min(len(real), len(generated)) // 2
    if half < 2:
        raise ValueError(f"two halves of two images need four in each set, got {len(real)} real and {len(generated)} generated")
    shuffled = [random_groups(len(s), 1, seed, 4 + i)[0] for i, s in enumerate((real, generated))]
    train, new = (
        torch.cat([s[order[cut : cut + half]] for s, order in zip((real, generated), shuffled, strict=True)]) for cut in (0, half)
    )
    label = torch.arange(2 * half, device=train.device) >= half
    said = classify(train, label, new)
    correct, n = int((said == label).sum()), 2 * half
    low, high = wilson_interval(correct, n, level)
    return TwoSampleTest(correct / n, binomial_tail(correct, n), low, high, n)
