"""How probable a VAE finds images: the importance-weighted estimate of log p(x), in nats and in bits; and which latents it uses."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from imggen_lib.checks import check_images, check_labels, tensor, whole
from imggen_lib.losses.vae import log_importance_weights
from imggen_lib.machine import evaluating, full_precision
from imggen_lib.metrics.intervals import Estimate, mean_estimate
from imggen_lib.models.vae import VAE
from imggen_lib.noise import generator_for
from imggen_lib.train.vae import log_likelihood, observe

_STREAM = 4  # of random numbers for binarisation and eps; see noise.generator_for


def _draws(model: VAE, x: Tensor, first: int, k: int, seed: int) -> tuple[Tensor, Tensor]:
    """Observed images ``(n, c, h, w)`` and standard normal draws ``(n, k, z)``; those of image i depend on (seed, i) alone."""
    observed, eps = [], []
    for i in range(len(x)):
        noise = generator_for(seed, _STREAM, first + i)
        observed.append(observe(x[i : i + 1].cpu(), model, noise))
        eps.append(torch.randn(k, model.latent_dim, generator=noise, device="cpu", dtype=torch.float32))
    return torch.cat(observed), torch.stack(eps)


@full_precision()
@torch.no_grad()
def log_likelihoods(
    model: VAE, images: Float[Tensor, "n c h w"], labels: Tensor | None = None, *, k: int, seed: int = 1, batch: int = 1000
) -> Float[Tensor, " n"]:
    r"""The importance-weighted bound on log p(x) of every image, from `k` draws each; float64, on the CPU.

    .. math:: \log \frac1k \sum_{j=1}^k \frac{p(x \mid z_j)\, p(z_j)}{q(z_j \mid x)}, \qquad z_j \sim q(z \mid x)

    In nats, without limits; **higher is better**. In the mean it is below log p(x), by less the larger k: state k. Only models
    with the same kind of pixels (binary, levels, real numbers) compare. It punishes every kind of image that the model leaves out,
    and hardly sees how samples look: one that draws noise in 99 of 100 samples loses at most log 100 nats per image (Theis et al.
    2016, arXiv:1511.01844). Training images score better than fresh ones, so use test images. At most `batch` images are decoded
    at a time, whatever `k`; the noise of image i depends on `seed` and i alone, so that `batch` changes the numbers by rounding
    only.
    Source: Burda et al. 2015, arXiv:1509.00519.
    """
    check_images(images)
    if tuple(images.shape[1:]) != tuple(model.image_shape):
        raise ValueError(f"this model takes images of shape {tuple(model.image_shape)}, got {tuple(images.shape[1:])}")
    k, batch = whole(k, "the number of draws", 1), whole(batch, "batch", 1)
    labels = check_labels(labels, len(images), model.classes) if labels is not None and model.classes else None
    weight = next(model.parameters())
    out, step = [], max(1, batch // k)
    with evaluating(model):
        for first in range(0, len(images), step):
            x, eps = _draws(model, images[first : first + step].to(weight.dtype), first, k, seed)
            x = x.to(weight)
            y = None if labels is None else labels[first : first + step].to(weight.device)
            mu, logvar = model.encode(x, y)
            total = torch.full((len(x),), -torch.inf, dtype=torch.float64, device="cpu")
            for j in range(0, k, batch):
                total = torch.logaddexp(total, _log_sum(model, x, y, mu, logvar, eps[:, j : j + batch].to(weight)))
            out.append(total - torch.tensor(k, dtype=torch.float64).log())
    return torch.cat(out) if out else torch.empty(0, dtype=torch.float64)


def _log_sum(model: VAE, x: Tensor, y: Tensor | None, mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    """Log of the sum of the weights of the draws ``eps`` ``(n, k, z)``: ``(n,)``, float64, on the CPU: not every device has it."""
    n, k, _ = eps.shape
    z = mu[:, None] + torch.exp(0.5 * logvar)[:, None] * eps
    repeated = None if y is None else y.repeat_interleave(k)
    decoded = model.decode(z.flatten(0, 1), repeated)
    log_px = log_likelihood(model, x.repeat_interleave(k, 0), decoded).view(n, k).cpu().double()
    where, mean, spread = (part.cpu().double() for part in (z, mu[:, None], logvar[:, None]))
    weights = log_importance_weights(log_px, where, mean, spread)
    return torch.logsumexp(weights, 1)


def importance_log_likelihood(
    model: VAE, images: Float[Tensor, "n c h w"], labels: Tensor | None = None, *, k: int, seed: int = 1, batch: int = 1000
) -> tuple[float, float]:
    """The mean of :func:`log_likelihoods` over the images, and its standard error over images (at least two).

    In nats per image, **higher is better**; unbiased over images at any n, below the truth by the bound's gap at any k.
    :func:`bits_per_dimension` makes bits of the same values, with an interval.
    """
    if len(images) < 2:
        raise ValueError(f"a standard error needs at least two images, got {len(images)}")
    values = log_likelihoods(model, images, labels, k=k, seed=seed, batch=batch)
    return values.mean().item(), values.std().item() / len(values) ** 0.5


class Bits(NamedTuple):
    """Bits a dimension, standard error and interval over images; the levels of a pixel; what the number compares with."""

    value: float
    standard_error: float
    low: float
    high: float
    levels: int
    meaning: str


_MEANING = {
    "bernoulli": (
        2,
        "bits a binary pixel, at most 1 for a model that knows nothing; compares with results on MNIST made binary at random, anew "
        "for each image, and with no number for 256 grey levels",
    ),
    "gaussian": (
        256,
        "bits a pixel and channel of 256 levels, 8 for a model that knows nothing; a density of pixels with uniform noise of one "
        "level, so an upper limit of the bits of the levels themselves",
    ),
    "categorical": (0, "bits a tile, at most log2 of the number of kinds for a model that knows nothing; exact for these tiles"),
    "logistic": (256, "bits a pixel and channel of 256 levels, 8 for a model that knows nothing; exact for these levels"),
}


def bits_per_dimension(model: VAE, log_likelihoods: Float[Tensor, " n"], level: float = 0.95) -> Bits:
    r"""Log-likelihoods of images in nats (:func:`log_likelihoods`) as bits for each of their D = c h w dimensions.

    .. math::
        \text{Gaussian: } & -\frac{\log p(x + u)}{D \log 2} + \log_2 127.5, \\
        \text{others: } & -\frac{\log p(x)}{D \log 2}

    with the mean over images, its standard error over images and a t interval. A grid of kinds has D = h w. **Lower is
    better**; 8 bits (1 for binary pixels) are those of a model that finds all pixels equally likely, and there is no upper limit.

    Likelihoods of different things do not compare, and `meaning` says which this is. Discretised logistic: the probability of
    one of 256 levels. Gaussian: a density, of pixels in [-1, 1] to which u, uniform over one level, was added. A level is 1/127.5
    wide there, so a probability is a density times that, hence the constant (with pixels in [0, 1] it would be 8 bits, with bytes
    none); and since the mean of a log is below the log of the mean, the result is an upper limit of the bits of the levels
    (Theis et al. 2016, arXiv:1511.01844). Bernoulli: bits of a *binary* image; there is no conversion to 256 levels.
    The importance-weighted estimate is an upper limit once more, the tighter the more draws.
    """
    if len(tensor(log_likelihoods, "log-likelihoods")) < 2 or not torch.isfinite(log_likelihoods).all():
        raise ValueError(f"need the finite log-likelihoods of at least two images, got {len(log_likelihoods)}")
    categorical = model.likelihood == "categorical"  # the channels are kinds, a tile is one of them
    d = math.prod(model.image_shape[1:] if categorical else model.image_shape)
    levels, meaning = _MEANING[model.likelihood]
    levels = model.image_shape[0] if categorical else levels
    density = d * math.log(127.5) if model.likelihood == "gaussian" else 0.0
    found: Estimate = mean_estimate((density - log_likelihoods.double()) / (d * math.log(2)), level)
    return Bits(*found, levels, meaning)


def active_units(mu: Float[Tensor, "n z"], threshold: float = 0.01) -> Bool[Tensor, " z"]:
    r"""Which latent dimensions say something about the image: :math:`\operatorname{Var}_x\left(\mu_j(x)\right)` above `threshold`.

    `mu` holds the encoder's means of many images. The variance is 0 after a collapse, and near 1 where the posterior is
    narrow. More is not better by itself; few of many is the sign of a collapse. With few images the variance scatters. Blind to
    what a dimension says. Source: Burda et al. 2015, arXiv:1509.00519.
    """
    if tensor(mu, "means").ndim != 2 or not torch.isfinite(mu).all():
        raise ValueError(f"the means must be finite, (n, z); got the shape {tuple(mu.shape)}")
    if len(mu) < 2:
        raise ValueError(f"a variance needs at least two images, got {len(mu)}")
    return mu.var(0) > threshold
