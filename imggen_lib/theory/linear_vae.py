r"""The linear-Gaussian VAE (probabilistic PCA), in which everything is known exactly, in float64 and in nats.

.. math:: z \sim N(0, I_k), \qquad x = W z + b + \sigma\varepsilon, \qquad \varepsilon \sim N(0, I_d)

The marginal and the posterior are Gaussian, so that the ELBO of any Gaussian encoder has a closed form and can be compared with
log p(x) itself. Source: Tipping and Bishop 1999; as a VAE, Lucas et al. 2019, arXiv:1911.02469.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.checks import real, whole
from imggen_lib.metrics.neighbours import check_features
from imggen_lib.noise import on_cpu

Data = Float[Tensor, "n d"]
PerPoint = Float[Tensor, " n"]
Covariance = Float[Tensor, "*n k k"]


def gaussian_log_prob(x: Data, mean: Float[Tensor, " d"], covariance: Float[Tensor, "d d"]) -> PerPoint:
    r"""Log-density of a Gaussian with a full covariance, by its Cholesky factor."""
    root = torch.linalg.cholesky(covariance)
    white = torch.linalg.solve_triangular(root, (x - mean).T, upper=False)
    logdet = 2 * root.diagonal().log().sum()
    return -0.5 * (white.square().sum(0) + logdet + len(mean) * math.log(2 * math.pi))


def gaussian_kl(mean: Float[Tensor, "n k"], covariance: Covariance) -> PerPoint:
    r"""KL of :math:`N(m, S)` from the standard normal, :math:`\frac12\left(|m|^2 + \operatorname{tr} S - \log\det S - k\right)`."""
    trace = covariance.diagonal(dim1=-2, dim2=-1).sum(-1)
    return 0.5 * (mean.square().sum(1) + trace - torch.logdet(covariance) - mean.shape[1])


@on_cpu
@dataclass(frozen=True)
class LinearVae:
    """Weights `W` ``(d, k)``, bias `b` ``(d,)`` and noise `sigma` > 0 of a linear-Gaussian VAE; float64."""

    weight: Float[Tensor, "d k"]
    bias: Float[Tensor, " d"]
    sigma: float | Float[Tensor, ""]

    def __post_init__(self) -> None:
        if self.weight.dtype != torch.float64 or self.bias.dtype != torch.float64:
            raise ValueError("exact answers need float64: call .double() on the weights and the bias")
        if not self.sigma > 0:
            raise ValueError(f"sigma must be positive, got {self.sigma}")

    def sample(self, n: int, generator: torch.Generator) -> Data:
        """`n` points ``(n, d)`` from the model."""
        d, k = self.weight.shape
        z = torch.randn(n, k, generator=generator, dtype=torch.float64)
        return z @ self.weight.T + self.bias + self.sigma * torch.randn(n, d, generator=generator, dtype=torch.float64)

    def covariance(self) -> Float[Tensor, "d d"]:
        r"""The covariance of x, :math:`W W^\top + \sigma^2 I`."""
        return self.weight @ self.weight.T + self.sigma**2 * torch.eye(len(self.bias), dtype=torch.float64)

    def log_prob(self, x: Data) -> PerPoint:
        r""":math:`\log p(x) = \log N(x;\, b,\, W W^\top + \sigma^2 I)`: what the ELBO bounds."""
        return gaussian_log_prob(x, self.bias, self.covariance())

    def posterior(self, x: Data, beta: float = 1.0) -> tuple[Float[Tensor, "n k"], Float[Tensor, "k k"]]:
        r"""Mean and covariance of p(z|x); the best encoder under the beta-ELBO for other `beta`.

        .. math:: N\!\left(M^{-1} W^\top (x - b),\; \beta\sigma^2 M^{-1}\right), \qquad M = W^\top W + \beta\sigma^2 I

        The covariance is the same for every x.
        """
        noise = beta * self.sigma**2
        inverse = torch.linalg.inv(self.weight.T @ self.weight + noise * torch.eye(self.weight.shape[1], dtype=torch.float64))
        return (x - self.bias) @ self.weight @ inverse, noise * inverse

    def reconstruction(self, x: Data, mean: Float[Tensor, "n k"], covariance: Covariance) -> PerPoint:
        r"""Exact :math:`\mathbb E_q \log p(x|z)` for the encoder :math:`q(z|x) = N(m, S)`.

        .. math:: -\frac{|x - Wm - b|^2 + \operatorname{tr}(W S W^\top)}{2\sigma^2} - \frac d2 \log 2\pi\sigma^2
        """
        squares = (x - mean @ self.weight.T - self.bias).square().sum(1)
        spread = ((self.weight @ covariance) * self.weight).sum((-2, -1))
        noise = torch.as_tensor(self.sigma, dtype=torch.float64) ** 2
        return -0.5 * (squares + spread) / noise - 0.5 * x.shape[1] * torch.log(2 * math.pi * noise)

    def elbo(self, x: Data, mean: Float[Tensor, "n k"], covariance: Covariance, beta: float = 1.0) -> PerPoint:
        """Exact ELBO (or beta-ELBO) of the encoder N(mean, covariance); equal to :meth:`log_prob` for the posterior."""
        return self.reconstruction(x, mean, covariance) - beta * gaussian_kl(mean, covariance)


def spectrum(x: Data) -> tuple[Float[Tensor, " d"], Float[Tensor, "d d"]]:
    """Eigenvalues of the data's covariance (divided by n), largest first, and its eigenvectors as columns."""
    check_features(x, "points")
    values, vectors = torch.linalg.eigh(torch.cov(x.double().T, correction=0))
    return values.flip(0).clamp(min=0), vectors.flip(1)


@on_cpu
def fit(x: Data, k: int, sigma: float | None = None) -> LinearVae:
    r"""The maximum-likelihood model with `k` latent dimensions; `sigma` is fitted too unless it is given.

    .. math:: W = U_k\left(\Lambda_k - \sigma^2 I\right)_+^{1/2}, \qquad \sigma^2 = \frac{1}{d-k}\sum_{j>k}\lambda_j

    with the eigenvalues :math:`\lambda_j` and eigenvectors U of the data's covariance. Any rotation of the latents is as good.
    A direction with :math:`\lambda_j \le \sigma^2` has no weight: it has collapsed. Source: Tipping and Bishop 1999.
    """
    check_features(x, "points")
    k = whole(k, "k")
    if sigma is not None and real(sigma, "sigma") <= 0:
        raise ValueError(f"sigma must be positive, got {sigma}")
    if not 1 <= k < x.shape[1]:
        raise ValueError(f"need 1 <= k < {x.shape[1]} latent dimensions, got {k}")
    values, vectors = spectrum(x)
    noise = float(values[k:].mean()) if sigma is None else sigma**2
    weight = vectors[:, :k] * (values[:k] - noise).clamp(min=0).sqrt()
    return LinearVae(weight, x.double().mean(0), math.sqrt(noise))


def rate_distortion(eigenvalues: Float[Tensor, " k"], level: float) -> tuple[float, float]:
    r"""A point on the rate-distortion curve of a Gaussian with these eigenvalues: nats, and squared error, a point.

    .. math:: R = \sum_j \tfrac12\log\frac{\lambda_j}{\min(\lambda_j, t)}, \qquad D = \sum_j \min(\lambda_j, t)

    t is `level`; directions with less variance than t get no nats at all. The best linear VAE with noise sigma, trained
    with the weight beta, is at the level :math:`\beta\sigma^2`. Source: Cover and Thomas 2006, theorem 10.3.3.
    """
    if not level > 0:
        raise ValueError(f"the water level must be positive, got {level}")
    kept = eigenvalues.double().clamp(max=level)
    return float(0.5 * (eigenvalues.double().clamp(min=level) / level).log().sum()), float(kept.sum())
