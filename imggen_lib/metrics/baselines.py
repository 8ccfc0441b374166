"""What needs no network to draw: the numbers that a generator's numbers have to beat."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from imggen_lib.checks import check_images, check_labels, whole
from imggen_lib.metrics.distribution import Classifier, features
from imggen_lib.metrics.twosample import kernel_distance

_MOST = 2_000  # images that the covariance is taken from


def gaussian_images(images: Float[Tensor, "n c h w"], n: int, noise: torch.Generator) -> Float[Tensor, "m c h w"]:
    r"""`n` draws from the Gaussian with the mean and the covariance of `images` (the first 2,000), cut to [-1, 1].

    .. math:: \bar x + \frac{1}{\sqrt{N-1}}\sum_{i=1}^{N}\varepsilon_i\,(x_i-\bar x), \quad \varepsilon_i \sim N(0, 1)

    has exactly that covariance, and no matrix of pixels times pixels is needed. It knows all that pairs of pixels know: colours,
    soft outlines, the background. What it lacks is what a generator has to add.
    """
    check_images(images)
    if len(images) < 2:
        raise ValueError(f"a covariance needs at least two images, got {len(images)}")
    flat = images[:_MOST].flatten(1).double().cpu()
    weights = torch.randn(whole(n, "n", 1), len(flat), generator=noise, dtype=torch.float64)
    drawn = flat.mean(0) + weights @ (flat - flat.mean(0)) / (len(flat) - 1) ** 0.5
    return drawn.clamp(-1, 1).float().view(-1, *images.shape[1:])


def class_gaussians(
    images: Float[Tensor, "n c h w"], labels: Int[Tensor, " n"], wanted: Int[Tensor, " m"], noise: torch.Generator
) -> Float[Tensor, "m c h w"]:
    """An image for each of the classes in `wanted`, drawn by :func:`gaussian_images` from the images of that class alone.

    What a class-conditional generator should be better than. Raises ``ValueError`` for a class of fewer than two images.
    """
    check_images(images)
    labels, wanted = check_labels(labels, len(images), None), check_labels(wanted, len(wanted), None)
    drawn = torch.empty(len(wanted), *images.shape[1:])
    for label in wanted.unique().tolist():
        asked, own = wanted == label, images[labels == label]
        if len(own) < 2:
            raise ValueError(f"a covariance needs at least two images of each class, got {len(own)} of class {label}")
        drawn[asked] = gaussian_images(own, int(asked.sum()), noise)
    return drawn


def kernel_baselines(
    images: Float[Tensor, "n c h w"], seen: Float[Tensor, "n d"], net: Classifier, n: int, noise: torch.Generator
) -> dict[str, Any]:
    """Kernel distances without a generator, each with its interval and number of images; `seen` are the features of `images`.

    ``real_halves``: of one half of the images to the other, which no generator can be better than, and which shows how uncertain
    the number is with so few. ``gaussian``: of :func:`gaussian_images` to all of them, which a generator should be better than.
    """
    half = len(images) // 2
    pairs = {
        "real_halves": (seen[:half], seen[half:]),
        "gaussian": (seen, features(net, gaussian_images(images, n, noise))),
    }
    found = {name: (len(pair[1]), kernel_distance(*pair)) for name, pair in pairs.items()}
    return {k: {"kernel_distance": e.value, "interval": [e.low, e.high], "n": count} for k, (count, e) in found.items()}
