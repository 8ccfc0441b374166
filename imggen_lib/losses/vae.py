r"""The terms of the evidence lower bound, in **nats, summed over dimensions, one number per image**.

Summing is not a matter of taste. A mean over the 784 pixels of a 28x28 image and a sum over the latents minimises the ELBO with the
KL term weighted by 784; a mean over both hides a beta of 784 / latents. Callers average over images, never over dimensions.
"""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import log_softmax, logsigmoid, softplus

from imggen_lib.checks import tensor

PerImage = Float[Tensor, " n"]


def _same_shape(x: Any, other: Any, name: str) -> None:
    if tensor(x, "images").shape != tensor(other, name).shape:
        raise ValueError(f"{name} has shape {tuple(other.shape)}, the images have {tuple(x.shape)}; they must agree")


def _looked_at(x: Tensor) -> bool:
    """Whether pixels are checked: on a GPU nobody looks, as looking would wait for all that the device still has to do."""
    return x.numel() > 0 and x.device.type == "cpu"


def bernoulli_log_prob(x: Float[Tensor, "n *d"], logits: Float[Tensor, "n *d"]) -> PerImage:
    r"""Log-probability of binary pixels under independent Bernoullis with the given logits.

    .. math:: \log p(x \mid l) = \sum_d x_d l_d - \operatorname{softplus}(l_d)

    Shapes: ``(n, ...)`` to ``(n,)``. `x` is 0 or 1. For grey values in between, the number is *not* a log-likelihood
    (it is a cross-entropy; a Bernoulli variable is 0 or 1): draw binary images first. Raises ``ValueError`` outside [0, 1];
    on a GPU nobody looks, see :func:`_looked_at`.
    """
    _same_shape(x, logits, "logits")
    if _looked_at(x) and not ((span := torch.aminmax(x)).min >= 0 and span.max <= 1):
        raise ValueError("Bernoulli pixels must lie in [0, 1]; convert images from [-1, 1] with to_unit first")
    return (x * logits - softplus(logits)).flatten(1).sum(1)


def gaussian_log_prob(x: Float[Tensor, "n *d"], mean: Float[Tensor, "n *d"], log_sigma: Float[Tensor, ""]) -> PerImage:
    r"""Log-density under independent Gaussians with one shared, usually learned, standard deviation.

    .. math:: \log p(x) = -\tfrac12 \sum_d \left(\frac{x_d - m_d}{\sigma}\right)^2 - D \log\sigma - \tfrac{D}{2} \log 2\pi

    A *density* in nats: positive values are possible, and it depends on the scale of the pixels. A fixed sigma is a hidden
    beta: learn it. Source: Rybkin et al. 2021, arXiv:2006.13202.
    """
    _same_shape(x, mean, "mean")
    d = x[0].numel() if len(x) else 0
    squares = ((x - mean) * torch.exp(-log_sigma)).square().flatten(1).sum(1)
    return -0.5 * squares - d * log_sigma - 0.5 * d * math.log(2 * math.pi)


def discretized_logistic_log_prob(x: Float[Tensor, "n *d"], mean: Float[Tensor, "n *d"], log_scale: Float[Tensor, ""]) -> PerImage:
    r"""Log-probability of the 256 grey levels -1, -1 + 2/255, ..., 1 under a logistic density, cut into one bin a level.

    .. math::
        \log p(x) = \sum_d \log\left[\sigma\!\left(\tfrac{x_d + 1/255 - m_d}{s}\right)
        - \sigma\!\left(\tfrac{x_d - 1/255 - m_d}{s}\right)\right]

    The darkest bin reaches down to minus infinity and the lightest up to infinity, so the levels' probabilities sum to 1. With
    :math:`\sigma(a) - \sigma(b) = \sigma(a)\,\sigma(-b)\,(1 - e^{b-a})` nothing is lost however far `x` is from the mean.
    A *probability* in nats, never positive; divided by D log 2 it is minus the bits a pixel. One shared scale `s`, learned.
    Raises ``ValueError`` for pixels between two levels (noise added, images resized as floats); on a GPU nobody looks.
    Source: Kingma et al. 2016, arXiv:1606.04934; Salimans et al. 2017, arXiv:1701.05517, section 2.1.
    """
    _same_shape(x, mean, "mean")
    level = (x + 1) * 127.5
    if _looked_at(x) and not ((level - level.round()).abs().max() < 0.01 and x.abs().max() < 1.001):
        raise ValueError("the discretised logistic is for the 256 grey levels from -1 to 1; these pixels lie between two of them")
    scale = torch.exp(-log_scale)
    upper, lower = (x - mean + 1 / 255) * scale, (x - mean - 1 / 255) * scale
    middle = logsigmoid(upper) + logsigmoid(-lower) + torch.log(-torch.expm1(-2 / 255 * scale))
    edges = torch.where(level < 0.5, logsigmoid(upper), middle)
    return torch.where(level > 254.5, logsigmoid(-lower), edges).flatten(1).sum(1)


def categorical_log_prob(x: Float[Tensor, "n k *d"], logits: Float[Tensor, "n k *d"]) -> PerImage:
    r"""Log-probability of a grid of tiles, each one of k kinds, under independent softmaxes with the given logits.

    .. math:: \log p(x \mid l) = \sum_d \sum_{k} x_{kd}\, l_{kd} - \log \sum_{j} e^{l_{jd}}

    Shapes: one-hot ``(n, k, ...)`` and logits of the same shape to ``(n,)``: the kinds are the channels, and the sum is over all
    places. A *probability* in nats, never positive; a model that knows nothing pays log k a tile. A constant added to all logits of
    a tile changes nothing. With two kinds it is :func:`bernoulli_log_prob` at the difference of the two logits. Raises
    ``ValueError`` unless `x` is one-hot; on a GPU nobody looks.
    """
    _same_shape(x, logits, "logits")
    if _looked_at(x) and not (((x == 0) | (x == 1)).all() and (x.sum(1) == 1).all()):
        raise ValueError("tiles must be one-hot, a single 1 among the kinds (the channels) and 0 elsewhere; to_unit makes 0 of -1")
    return (x * log_softmax(logits, 1)).flatten(1).sum(1)


def kl_per_dimension(mu: Float[Tensor, "n z"], logvar: Float[Tensor, "n z"]) -> Float[Tensor, "n z"]:
    r"""The summands of :func:`standard_normal_kl`: nats that each latent dimension spends on each image.

    A dimension that spends nothing on any image has collapsed: its posterior is the prior, whatever the image.
    """
    _same_shape(mu, logvar, "logvar")
    return 0.5 * (mu.square() + logvar.exp() - logvar - 1)


def standard_normal_kl(mu: Float[Tensor, "n z"], logvar: Float[Tensor, "n z"]) -> PerImage:
    r"""KL divergence of a diagonal Gaussian from the standard normal, in nats.

    .. math:: \mathrm{KL}\!\left(N(\mu, \sigma^2)\,\|\,N(0, I)\right) = \tfrac12 \sum_j \mu_j^2 + \sigma_j^2 - \log\sigma_j^2 - 1

    Zero exactly where mu = 0 and logvar = 0. Source: Kingma and Welling 2013, arXiv:1312.6114, appendix B.
    """
    _same_shape(mu, logvar, "logvar")
    return kl_per_dimension(mu, logvar).sum(1)


def free_bits_kl(kl: Float[Tensor, "n z"], floor: float, means: Float[Tensor, " z"] | None = None) -> Float[Tensor, ""]:
    r"""The KL term with `floor` nats a dimension free of charge: below it, saving more brings nothing.

    .. math:: \sum_j \max\left(\lambda, \frac1n\sum_i \mathrm{KL}_{ij}\right)

    Takes :func:`kl_per_dimension` ``(n, z)`` and averages over the images of the batch *before* the maximum; `floor` (lambda)
    is in nats, 0 gives the mean KL. Where `kl` holds a part of the batch, `means` are those of the whole batch, which decide what
    is below the floor. Minus log p(x|z) this is a loss, not a bound.
    Source: Kingma et al. 2016, arXiv:1606.04934, appendix C.
    """
    if not (math.isfinite(floor) and floor >= 0):
        raise ValueError(f"free bits must be a finite number of nats >= 0, got {floor}")
    mean = tensor(kl, "kl").mean(0)
    return torch.where((mean if means is None else means) < floor, floor, mean).sum()


def elbo(log_px: PerImage, kl: PerImage, beta: float = 1.0) -> PerImage:
    r"""The evidence lower bound an image, :math:`\log p(x \mid z) - \beta\,\mathrm{KL}`, in nats; a bound only for beta >= 1.

    For beta = 1, its mean over ``z ~ q(z|x)`` is at most log p(x). Source: Kingma and Welling 2013, arXiv:1312.6114, equation 3;
    beta: Higgins et al. 2017.
    """
    _same_shape(log_px, kl, "kl")
    if not (math.isfinite(beta) and beta >= 0):
        raise ValueError(f"beta must be a finite number >= 0, got {beta}")
    return log_px - beta * kl


def log_normal(z: Float[Tensor, "*k d"], mu: Float[Tensor, "... d"], logvar: Float[Tensor, "... d"]) -> Float[Tensor, "*k"]:
    r"""Log-density of a diagonal Gaussian at `z`, summed over the last dimension, in nats."""
    return -0.5 * ((z - mu).square() * torch.exp(-logvar) + logvar + math.log(2 * math.pi)).sum(-1)


def log_importance_weights(
    log_px: Float[Tensor, "*k"], z: Float[Tensor, "*k d"], mu: Float[Tensor, "... d"], logvar: Float[Tensor, "... d"]
) -> Float[Tensor, "*k"]:
    r"""Log-weights of draws `z` from q(z|x), against the standard normal prior, in nats.

    .. math:: \log w = \log p(x \mid z) + \log p(z) - \log q(z \mid x)

    `log_px` is log p(x|z) at the same draws, usually ``(k, n)``; `mu` and `logvar` ``(n, d)`` broadcast. The mean of w is p(x), the
    mean of log w is the ELBO.
    """
    zero = torch.zeros_like(tensor(mu, "mu"))
    return log_px + log_normal(z, zero, zero) - log_normal(z, mu, logvar)


def iwae_bound(log_weights: Float[Tensor, "k n"]) -> PerImage:
    r"""The importance-weighted bound on log p(x) from k draws of ``z ~ q(z|x)`` an image, in nats.

    .. math:: \log \frac1k \sum_{j=1}^k w_j, \qquad \log w_j = \log p(x \mid z_j) + \log p(z_j) - \log q(z_j \mid x)

    Shape ``(k, n)`` to ``(n,)``. Its mean rises with k towards log p(x); k = 1 gives a one-sample ELBO.
    Source: Burda et al. 2015, arXiv:1509.00519, equation 8.
    """
    if tensor(log_weights, "log weights").ndim != 2 or log_weights.shape[0] == 0:
        raise ValueError(f"log weights must have shape (k, n) with k >= 1, got {tuple(log_weights.shape)}")
    return torch.logsumexp(log_weights, dim=0) - math.log(log_weights.shape[0])
