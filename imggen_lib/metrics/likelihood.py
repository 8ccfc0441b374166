"""How probable a VAE finds images: the importance-weighted estimate of log p(x), in nats an image; and which latents it uses."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from imggen_lib.losses.vae import log_importance_weights
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
        eps.append(torch.randn(k, model.latent_dim, generator=noise))
    return torch.cat(observed), torch.stack(eps)


@torch.no_grad()
def log_likelihoods(
    model: VAE, images: Float[Tensor, "n c h w"], labels: Tensor | None = None, *, k: int, seed: int = 1, batch: int = 1000
) -> Float[Tensor, " n"]:
    r"""The importance-weighted bound on log p(x) of every image, from `k` draws each; float64, on the CPU.

    .. math:: \log \frac1k \sum_{j=1}^k \frac{p(x \mid z_j)\, p(z_j)}{q(z_j \mid x)}, \qquad z_j \sim q(z \mid x)

    In the mean it is below log p(x) and rises with k. At most `batch` images are decoded at a time, whatever `k`; the noise of
    image i depends on `seed` and i alone, so that `batch` changes the numbers by rounding only. **Higher is better**; only models
    with the same kind of pixels (binary, levels, real numbers) compare. Source: Burda et al. 2015, arXiv:1509.00519.
    """
    if k < 1 or batch < 1:
        raise ValueError(f"need at least one draw and one image a batch, got k = {k} and batch = {batch}")
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    out, step = [], max(1, batch // k)
    for first in range(0, len(images), step):
        x, eps = _draws(model, images[first : first + step], first, k, seed)
        x = x.to(device)
        y = None if labels is None or not model.classes else labels[first : first + step].to(device)
        mu, logvar = model.encode(x, y)
        total = torch.full((len(x),), -torch.inf, dtype=torch.float64, device=device)
        for j in range(0, k, batch):
            total = torch.logaddexp(total, _log_sum(model, x, y, mu, logvar, eps[:, j : j + batch].to(device)))
        out.append(total.cpu() - torch.tensor(k, dtype=torch.float64).log())
    model.train(was_training)
    return torch.cat(out) if out else torch.empty(0, dtype=torch.float64)


def _log_sum(model: VAE, x: Tensor, y: Tensor | None, mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    """Log of the sum of the weights of the draws ``eps`` ``(n, k, z)``: ``(n,)``, float64."""
    n, k, _ = eps.shape
    z = mu[:, None] + torch.exp(0.5 * logvar)[:, None] * eps
    repeated = None if y is None else y.repeat_interleave(k)
    decoded = model.decode(z.flatten(0, 1), repeated)
    log_px = log_likelihood(model, x.repeat_interleave(k, 0), decoded).view(n, k).double()
    weights = log_importance_weights(log_px, z.double(), mu[:, None].double(), logvar[:, None].double())
    return torch.logsumexp(weights, 1)


def importance_log_likelihood(
    model: VAE, images: Float[Tensor, "n c h w"], labels: Tensor | None = None, *, k: int, seed: int = 1, batch: int = 1000
) -> tuple[float, float]:
    """The mean of :func:`log_likelihoods` over the images, and its standard error over images (at least two)."""
    if len(images) < 2:
        raise ValueError(f"a standard error needs at least two images, got {len(images)}")
    values = log_likelihoods(model, images, labels, k=k, seed=seed, batch=batch)
    return values.mean().item(), values.std().item() / len(values) ** 0.5


def active_units(mu: Float[Tensor, "n z"], threshold: float = 0.01) -> Bool[Tensor, " z"]:
    r"""Which latent dimensions say something about the image: :math:`\operatorname{Var}_x\left(\mu_j(x)\right)` above `threshold`.

    `mu` holds the encoder's means of many images. The variance is 0 after a collapse, and near 1 where the posterior is
    narrow. Source: Burda et al. 2015, arXiv:1509.00519.
    """
    if len(mu) < 2:
        raise ValueError(f"a variance needs at least two images, got {len(mu)}")
    return mu.var(0) > threshold
