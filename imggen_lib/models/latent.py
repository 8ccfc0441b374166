r"""Generative Latent Optimization's parts: a table with one latent vector an image, a generator, and a Gaussian over the table.

Source: Bojanowski et al. 2018, arXiv:1707.05776.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from imggen_lib.models.vae import VAE
from imggen_lib.noise import generator_for

Images = Float[Tensor, "n c h w"]
Latents = Float[Tensor, "n z"]

_SAMPLES = 8  # the stream of random numbers for samples from a fitted Gaussian; see noise.generator_for


def to_ball(z: Latents, radius: float = 1.0) -> Latents:
    r"""Project every row onto the ball of the given radius: rows outside are shortened, the others stay.

    .. math:: z \cdot \min\left(1, \frac{r}{\lVert z \rVert}\right)

    the nearest point of the ball to z.
    """
    if radius <= 0:
        raise ValueError(f"the radius must be positive, got {radius}")
    return z * (radius / z.norm(dim=1, keepdim=True).clamp(min=1e-12)).clamp(max=1.0)


def principal_start(images: Images, latent_dim: int, spread: float = 0.5) -> Float[Tensor, "n {latent_dim}"]:
    r"""A start for the table: the images' coordinates along their `latent_dim` principal axes, all divided by one number.

    The root mean square of the rows' norms is `spread`; rows outside the unit ball are brought to it. Similar images start close
    together, and the axes keep their different lengths.
    """
    flat = images.flatten(1).double()
    if not 1 <= latent_dim <= min(flat.shape):
        raise ValueError(f"{len(flat)} images of {flat.shape[1]} pixels have no {latent_dim} principal axes")
    centred = flat - flat.mean(0)
    _, vectors = torch.linalg.eigh(centred.T @ centred)
    rows = centred @ vectors[:, -latent_dim:].flip(1)
    return to_ball((rows * spread / rows.square().sum(1).mean().sqrt().clamp(min=1e-12)).float())


class Codebook(nn.Module):
    """One latent vector an image, all of them parameters; ``forward(index)`` gives the rows at `index`.

    Its gradient is sparse: a step touches the rows of its batch alone.
    """

    def __init__(self, start: Latents) -> None:
        super().__init__()
        self.table = nn.Embedding.from_pretrained(start.clone(), freeze=False, sparse=True)

    @property
    def z(self) -> Latents:
        """The whole table ``(n, latent_dim)``."""
        return self.table.weight

    def forward(self, index: Int[Tensor, " n"]) -> Latents:
        return self.table(index)

    @torch.no_grad()
    def project(self, index: Int[Tensor, " n"]) -> None:
        """Bring the rows at `index` back into the unit ball."""
        self.table.weight[index] = to_ball(self.table.weight[index])


class DecoderGenerator(nn.Module):
    r"""A VAE's decoder on its own, as a generator: ``tanh(l / 2)`` of its logits l, which is the mean of its Bernoulli pixels.

    Latents from the unit ball are multiplied by the root of their dimension first, so that they come in the size that the decoder
    meets in a VAE. The body's encoder is not kept.
    """

    def __init__(self, body: VAE) -> None:
        super().__init__()
        if body.classes or body.likelihood != "bernoulli":
            raise ValueError("the body must be a VAE without classes and with a Bernoulli likelihood")
        self.image_shape, self.latent_dim, self.classes = body.image_shape, body.latent_dim, 0
        self.decoder, self.bias = body.decoder, body.bias

    def forward(self, z: Latents, labels: None = None) -> Images:
        logits = self.decoder(z * self.latent_dim**0.5).view(-1, *self.image_shape) + self.bias
        return torch.tanh(logits / 2)


class LatentGaussian(NamedTuple):
    """A Gaussian over latents: its mean ``(d,)`` and a root L ``(d, d)`` of its covariance, L L^T."""

    mean: Tensor
    root: Tensor

    @classmethod
    def fit(cls, z: Latents, diagonal: bool = False) -> "LatentGaussian":
        r"""The most probable Gaussian given the rows of `z`, in float64.

        .. math:: \hat\mu = \frac1n \sum_i z_i, \qquad \hat\Sigma = \frac1n \sum_i (z_i - \hat\mu)(z_i - \hat\mu)^\top

        With `diagonal`, the correlations are left out. A trace of the identity keeps the root defined.
        """
        if len(z) < 2:
            raise ValueError(f"a Gaussian cannot be fitted to {len(z)} points")
        rows = z.detach().double()
        centred = rows - rows.mean(0)
        covariance = centred.T @ centred / len(rows)
        if diagonal:
            covariance = torch.diag(covariance.diagonal())
        tiny = 1e-9 * covariance.diagonal().mean() + 1e-12
        eye = torch.eye(len(covariance), dtype=rows.dtype, device=rows.device)
        return cls(rows.mean(0), torch.linalg.cholesky(covariance + tiny * eye))

    def sample(self, n: int, seed: int = 0) -> Float[Tensor, "{n} z"]:
        r""":math:`z = \mu + L\varepsilon` with standard normal :math:`\varepsilon`; float32, on the Gaussian's device."""
        eps = torch.randn(n, len(self.mean), generator=generator_for(seed, _SAMPLES), dtype=torch.float64)
        return (self.mean + eps.to(self.mean.device) @ self.root.T).float()
