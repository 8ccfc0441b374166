r"""The likelihood that generated images give to real ones, in features: fidelity, variety and copying in one number.

The order of the arguments is always **training set, held-out real images, generated images**.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.checks import real, whole
from imggen_lib.metrics.intervals import Estimate, mean_estimate, random_groups
from imggen_lib.metrics.neighbours import check_features_pair


class FeatureLikelihood(NamedTuple):
    """The divergence with its interval, and how much better the training set is explained than the held-out one."""

    divergence: Estimate
    gap: float


def _squares(points: Tensor, centres: Tensor) -> Tensor:
    return torch.cdist(points, centres, compute_mode="donot_use_mm_for_euclid_dist").square()


def _log_densities(squares: Tensor, variances: Tensor, d: int) -> Tensor:
    """log N(point; centre, variance I) of every point (rows) under every centre (columns), from their squared distances."""
    return -squares / (2 * variances) - d / 2 * (2 * math.pi * variances).log()


def fitted_variances(
    training: Float[Tensor, "n d"], centres: Float[Tensor, "m d"], *, least: float = 1e-4, steps: int = 25
) -> Float[Tensor, " m"]:
    r"""The variance of a Gaussian around every centre with which they explain `training` best together, by EM.

    .. math::
        \begin{aligned}
        s_j &\leftarrow \frac{\sum_i r_{ij} \lVert x_i - c_j \rVert^2}{d \sum_i r_{ij}}, \\
        r_{ij} &= \frac{N(x_i; c_j, s_j I)}{\sum_k N(x_i; c_k, s_k I) + m N(x_i; \bar x, s_0 I)}
        \end{aligned}

    Centres and weights stay. The last term, a Gaussian around the mean of the training set with a variance of its own and as much
    weight as all others together, takes the points that no centre explains, so that a centre far from all data need not become
    wide for their sake. At least `least`, so that a copy of a training image has a likelihood at all. Each step raises the
    likelihood or leaves it. Sources: Jiralerspong et al. 2023, arXiv:2302.04440 (whose program climbs the same likelihood by
    Adam); Dempster, Laird and Rubin 1977 (EM).
    """
    check_features_pair(training, centres, ("training features", "centres"))
    least, steps, (m, d) = real(least, "least", 0), whole(steps, "steps", 1), centres.shape
    x = training.double().cpu()
    middle = x.mean(0, keepdim=True)
    squares = torch.cat([_squares(x, centres.double().cpu()), _squares(x, middle)], 1)
    variances = (squares.amin(0) / d).clamp(min=max(least, 1e-12))
    variances[-1] = torch.maximum(squares[:, -1].mean() / d, variances[-1])
    weights = torch.cat([torch.zeros(m, dtype=torch.float64), torch.tensor([math.log(m)], dtype=torch.float64)])
    for _ in range(steps):
        shares = (_log_densities(squares, variances, d) + weights).softmax(1)
        mass = shares.sum(0)
        moved = (shares * squares).sum(0) / (d * mass.clamp(min=1e-300))
        variances = torch.where(mass > 1e-12, moved.clamp(min=max(least, 1e-12)), variances)
    return variances[:-1]


def mixture_log_likelihood(
    points: Float[Tensor, "n d"], centres: Float[Tensor, "m d"], variances: Float[Tensor, " m"]
) -> Float[Tensor, " n"]:
    r""":math:`\log \frac1m \sum_j N(x; c_j, s_j I)` of every point, in nats."""
    check_features_pair(points, centres, ("points", "centres"))
    squares = _squares(points.double().cpu(), centres.double().cpu())
    return _log_densities(squares, variances.double().cpu(), points.shape[1]).logsumexp(1) - math.log(len(centres))


@torch.no_grad()
def feature_likelihood_divergence(
    training: Float[Tensor, "n d"], held_out: Float[Tensor, "k d"], generated: Float[Tensor, "m d"], *, least: float = 1e-4,
    steps: int = 25, seed: int = 1, level: float = 0.95,
) -> FeatureLikelihood:  # fmt: skip
    r"""How much worse than real images generated ones explain held-out real images, each as a Gaussian of its own width.

    .. math::
        \begin{aligned}
        \mathrm{FLD} &= \frac{100}{d}\,\frac1k \sum_{i=1}^k \left[\log p_{\mathrm{real}}(h_i) - \log p_g(h_i)\right], \\
        p_g(x) &= \frac1m \sum_{j=1}^m N\left(x;\, g_j,\, s_j I\right)
        \end{aligned}

    with :math:`h_i` the held-out images, :math:`g_j` the generated ones, and variances :math:`s_j` that explain the *training* set
    best (:func:`fitted_variances`). In percent of a nat a feature; **lower is better**, and 0 is what real images have:
    :math:`p_{\mathrm{real}}` is the same with centres from one half of the training set (at most as many as there are generated
    images) and widths from the other. Features are brought to mean 0 and deviation 1 over the held-out images. A copy of a
    training image explains that one so well that its Gaussian shrinks to `least`, and then explains no held-out image: copies
    count for nothing. So a set of nothing but copies is very bad, while one with a share a of copies has what the rest of it
    alone would have beside as many real images as before, and at most :math:`-\frac{100}{d}\log(1-a)` more, which is little (both
    at the same variances). It is the `gap` that copies cannot escape,

    .. math:: \frac{100}{d} \left[\frac1n \sum_{i=1}^n \log p_g(x_i) - \frac1k \sum_{i=1}^k \log p_g(h_i)\right]

    how much better the training set is explained than the held-out one: near 0 without copies, far above 0 with some. (The
    authors' program gives it the other sign.) The interval is for the mean over held-out images, with these training and
    generated images. **Below 0 is no merit**: Gaussians make up for points that lie too near to the middle, so that normal points
    in 8 dimensions, drawn in to 0.3 of their distance, are at -6. Blind to what the features leave out. Memory and time grow with
    n times m. Source: Jiralerspong et al. 2023, arXiv:2302.04440.
    """
    check_features_pair(training, held_out, ("training features", "held-out features"))
    check_features_pair(training, generated, ("training features", "generated features"))
    if len(training) < 4 or len(held_out) < 2:
        raise ValueError(f"4 training and 2 held-out images are needed at least, got {len(training)} and {len(held_out)}")
    mean, deviation = held_out.double().mean(0).cpu(), held_out.double().std(0).cpu()
    scale = torch.where(deviation > 0, 1 / deviation, 0)
    x, h, g = ((v.double().cpu() - mean) * scale for v in (training, held_out, generated))
    first, second = random_groups(len(x), 2, seed, 0)
    centres = x[first][: len(g)]
    by_real = mixture_log_likelihood(h, centres, fitted_variances(x[second], centres, least=least, steps=steps))
    variances = fitted_variances(x, g, least=least, steps=steps)
    by_generated = mixture_log_likelihood(h, g, variances)
    unit = 100 / x.shape[1]
    gap = float(mixture_log_likelihood(x, g, variances).mean() - by_generated.mean()) * unit
    return FeatureLikelihood(mean_estimate((by_real - by_generated) * unit, level), gap)
