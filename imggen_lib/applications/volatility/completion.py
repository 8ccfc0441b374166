r"""Completing a surface from quotes, each way with a band: a Gaussian, a decoder's posterior, the nearest surface, a flat one.

All work on log-volatilities x of 256 places, of which y are quoted with the relative error `noise`.
"""

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.applications.volatility.surfaces import PLACES, Quotes, Surfaces
from imggen_lib.theory import linear_vae

LEAST_NOISE = 0.002  # relative: what is assumed of exact quotes
_STEP = 1e-5  # of central differences
BAND = 1.6448536  # standard deviations to either side: 90 % of a Gaussian


class Completion(NamedTuple):
    """The completed log-volatilities and their standard deviations; NaN from a way that has no band."""

    mean: Surfaces
    sd: Surfaces


class Completer(Protocol):
    """Anything that completes a surface."""

    def complete(self, quotes: Quotes) -> Completion:
        """The whole surface from its quotes."""


class Gaussian:
    r"""Surfaces as one Gaussian, :math:`x \sim N(m, \Sigma)`: the full one, or that of probabilistic PCA."""

    def __init__(self, mean: Float[Tensor, " 256"], covariance: Float[Tensor, "256 256"]) -> None:
        self.mean, self.covariance = mean, covariance

    @classmethod
    def full(cls, surfaces: Surfaces) -> "Gaussian":
        """With mean and covariance of these surfaces."""
        return cls(surfaces.mean(0), torch.cov(surfaces.T))

    @classmethod
    def ppca(cls, surfaces: Surfaces, k: int) -> "Gaussian":
        """The linear VAE with `k` latent numbers in closed form (:func:`imggen_lib.theory.linear_vae.fit`)."""
        model = linear_vae.fit(surfaces, k)
        return cls(model.bias, model.covariance())

    def complete(self, quotes: Quotes) -> Completion:
        r"""The conditional Gaussian, :math:`m + \Sigma A^\top S^{-1}(y - Am)` with :math:`S = A\Sigma A^\top + \tau^2 I`."""
        places, values, noise = quotes
        tau = max(noise, LEAST_NOISE)
        across = self.covariance[places]  # (n, m, 256)
        inner = across.gather(2, places[:, None, :].expand(-1, places.shape[1], -1))
        inner = inner + tau**2 * torch.eye(places.shape[1], dtype=inner.dtype)
        root = torch.linalg.cholesky(inner)
        gain = torch.cholesky_solve(across, root)  # (n, m, 256)
        mean = self.mean + ((values - self.mean[places])[:, :, None] * gain).sum(1)
        variance = self.covariance.diagonal() - (across * gain).sum(1)
        return Completion(mean, variance.clamp(min=0).sqrt())

    def sample(self, n: int, generator: torch.Generator) -> Surfaces:
        """`n` surfaces from it, by the square root of the covariance."""
        values, vectors = torch.linalg.eigh(self.covariance)
        z = torch.randn(n, PLACES, generator=generator, dtype=self.mean.dtype)
        return self.mean + (z * values.clamp(min=0).sqrt()) @ vectors.T


class Decoded:
    r"""Surfaces as a decoder's, :math:`x = f(z) + \sigma\varepsilon` with :math:`z \sim N(0, s^2 I)`.

    The completion is at the mode of p(z|y), found by Levenberg and Marquardt's steps from the best of some draws of the prior, and
    its band from Laplace's Gaussian there: with the Jacobian J of f, :math:`J H^{-1} J^\top + \sigma^2 I`,
    :math:`H = s^{-2} I + J^\top A^\top A J / (\sigma^2 + \tau^2)`. For a linear decoder this is :class:`Gaussian`'s answer.
    """

    def __init__(
        self,
        decode: Callable[[Tensor], Tensor],
        dim: int,
        sigma: float = 0.0,
        prior: float = 1.0,
        starts: int = 512,
        steps: int = 40,
    ) -> None:
        self.decode, self.dim, self.sigma, self.prior = decode, dim, sigma, prior
        self.starts, self.steps = starts, steps

    def _energy(self, z: Tensor, quotes: Quotes, variance: float) -> Tensor:
        misfit = (self.decode(z).gather(1, quotes.places) - quotes.values).square().sum(1)
        return misfit / variance + z.square().sum(1) / self.prior**2

    def _start(self, quotes: Quotes) -> Tensor:
        generator = torch.Generator().manual_seed(0)
        z = torch.randn(self.starts, self.dim, generator=generator, dtype=torch.float64)
        z[0] = 0
        surfaces = self.decode(z)[:, quotes.places]  # (starts, n, m)
        return z[(surfaces - quotes.values).square().sum(2).argmin(0)]

    def _jacobian(self, z: Tensor) -> Float[Tensor, "n 256 z"]:
        """By central differences: in float64 and for a few latents exact to nine digits, and cheaper than 256 gradients."""
        shift = _STEP * torch.eye(self.dim, dtype=z.dtype)
        there, back = (self.decode((z[:, None] + side * shift).flatten(0, 1)) for side in (1, -1))
        return ((there - back) / (2 * _STEP)).view(len(z), self.dim, PLACES).mT

    def _hessian(self, z: Tensor, quotes: Quotes, variance: float) -> tuple[Tensor, Tensor]:
        jacobian = self._jacobian(z)  # (n, 256, dim)
        rows = jacobian.gather(1, quotes.places[:, :, None].expand(-1, -1, self.dim))
        return rows, rows.mT @ rows / variance + torch.eye(self.dim, dtype=z.dtype) / self.prior**2

    @torch.no_grad()
    def mode(self, quotes: Quotes) -> Float[Tensor, "n z"]:
        """The most probable latents given the quotes."""
        variance = self.sigma**2 + max(quotes.noise, LEAST_NOISE) ** 2
        z = self._start(quotes)
        energy, damping = self._energy(z, quotes, variance), torch.ones(len(z), 1, 1, dtype=z.dtype)
        still = 0
        for _ in range(self.steps):
            rows, hessian = self._hessian(z, quotes, variance)
            misfit = self.decode(z).gather(1, quotes.places) - quotes.values
            slope = (rows * misfit[:, :, None]).sum(1) / variance + z / self.prior**2
            damped = hessian + damping * torch.diag_embed(hessian.diagonal(dim1=1, dim2=2))
            tried = z - torch.linalg.solve(damped, slope)
            there = self._energy(tried, quotes, variance)
            better = there < energy
            still = 0 if bool((energy - there > 1e-4).any()) else still + 1
            z, energy = torch.where(better[:, None], tried, z), torch.where(better, there, energy)
            damping = (torch.where(better[:, None, None], damping / 4, damping * 4)).clamp(1e-9, 1e9)
            if still == 4:  # no surface gained
                break
        return z

    @torch.no_grad()
    def complete(self, quotes: Quotes) -> Completion:
        """The surface at the mode, with Laplace's band."""
        variance = self.sigma**2 + max(quotes.noise, LEAST_NOISE) ** 2
        z = self.mode(quotes)
        _, hessian = self._hessian(z, quotes, variance)
        jacobian = self._jacobian(z)
        spread = (jacobian * torch.linalg.solve(hessian[:, None], jacobian[..., None])[..., 0]).sum(2)
        return Completion(self.decode(z), (spread + self.sigma**2).sqrt())


class Nearest:
    """The one of many known surfaces that is nearest at the quotes. It has no band."""

    def __init__(self, surfaces: Surfaces) -> None:
        self.surfaces = surfaces

    def complete(self, quotes: Quotes) -> Completion:
        """That surface."""
        near = [
            (self.surfaces[:, places] - values).square().sum(1).argmin()
            for places, values in zip(quotes.places, quotes.values, strict=True)
        ]
        mean = self.surfaces[torch.stack(near)]
        return Completion(mean, torch.full_like(mean, math.nan))


class Flat:
    """The trivial baseline: one volatility everywhere, the quotes' mean. It has no band."""

    def complete(self, quotes: Quotes) -> Completion:
        """A flat surface."""
        mean = quotes.values.mean(1, keepdim=True).expand(-1, PLACES).clone()
        return Completion(mean, torch.full_like(mean, math.nan))
