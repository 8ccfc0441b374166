r"""How far two sets of images are apart as distributions, seen through a feature network.

The order of the arguments is always **real first, generated second**.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.models.features import FeatureNet


class Statistics(NamedTuple):
    """Mean ``(d,)`` and covariance ``(d, d)`` of features, float64, and the number of images behind them."""

    mean: Tensor
    covariance: Tensor
    n: int


@torch.no_grad()
def features(net: FeatureNet, images: Float[Tensor, "n c h w"], batch: int = 1000) -> Float[Tensor, "n d"]:
    """The network's features of images in [-1, 1], as float64 on the CPU."""
    if images.ndim != 4 or tuple(images.shape[1:]) != tuple(net.image_shape):
        raise ValueError(f"the feature network takes images of shape {net.image_shape}, got {tuple(images.shape[1:])}")
    if not torch.isfinite(images).all():
        raise ValueError("the images have NaN or infinite pixels")
    if images.numel() and images.abs().max() > 2:
        raise ValueError(f"pixels up to {images.abs().max():.3g}: expected [-1, 1], is this [0, 255]?")
    net.eval()
    device = next(net.parameters()).device
    parts = [net.features(images[k : k + batch].to(device)).cpu().double() for k in range(0, len(images), batch)]
    return torch.cat(parts)


def statistics(features: Float[Tensor, "n d"]) -> Statistics:
    """Mean and unbiased covariance. Raises ``ValueError`` with no more images than dimensions: the covariance is then singular."""
    n, d = features.shape
    if n <= d:
        raise ValueError(f"{n} images for {d} feature dimensions: the covariance is singular; use more than {d} images")
    x = features.double()
    return Statistics(x.mean(0), torch.cov(x.T), n)


def frechet_distance(real: Statistics, generated: Statistics) -> float:
    r"""The (squared) Frechet distance between Gaussians with the given means and covariances.

    .. math:: \lVert\mu_r-\mu_g\rVert^2 + \operatorname{tr}\left(\Sigma_r + \Sigma_g - 2(\Sigma_r\Sigma_g)^{1/2}\right)

    0 for equal statistics, no upper limit, **lower is better**; in squared units of the features, so only numbers from the same
    network, the same n and the same resizing can be compared. Biased upwards at small n: equal distributions do not give 0, so
    state n and the distance between two real sets of that size. Sees means and covariances only: neither memorisation nor
    anything that the features ignore. Symmetric.
    Source: Dowson and Landau 1982; for generated images Heusel et al. 2017, arXiv:1706.08500.
    """
    mean = (real.mean - generated.mean).square().sum()
    values, vectors = torch.linalg.eigh(real.covariance)
    root = vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T
    cross = torch.linalg.eigvalsh(root @ generated.covariance @ root).clamp(min=0).sqrt().sum()
    traces = torch.trace(real.covariance) + torch.trace(generated.covariance)
    return float(mean + traces - 2 * cross)


@torch.no_grad()
def class_shares(net: FeatureNet, images: Float[Tensor, "n c h w"], batch: int = 1000) -> tuple[Tensor, float]:
    """The share of each class among the images, as the network classifies them ``(k,)``, and the mean probability it gives them.

    A missing class shows as a share near 0. The mean probability is near 1 for clear images of any class, but also for some noise:
    it is no measure of quality by itself.
    """
    net.eval()
    device = next(net.parameters()).device
    p = torch.cat([net(images[k : k + batch].to(device)).softmax(1).cpu() for k in range(0, len(images), batch)])
    best, which = p.double().max(1)
    return torch.bincount(which, minlength=p.shape[1]).double() / len(p), float(best.mean())
