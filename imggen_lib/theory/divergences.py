r"""Divergences between distributions that can be written down: probabilities `p` and `q` on the same finite set, ``(k,)``.

Densities on a line become such probabilities on a fine grid. Everything is in nats and in the precision of its arguments
(use float64). `p` is the data, `q` the generator, in this order. Zero probabilities are allowed where the limit exists.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.checks import real, tensor

Probabilities = Float[Tensor, " k"]
Scalar = Float[Tensor, ""]
Pointwise = Callable[[Tensor], Tensor]


def normal_on(grid: Float[Tensor, " k"], mean: float, sigma: float) -> Probabilities:
    """A normal density on an even grid, as probabilities that sum to 1 over the grid; 0 where they would underflow."""
    tensor(grid, "grid")
    mean, sigma = real(mean, "mean"), real(sigma, "sigma")
    if sigma <= 0:
        raise ValueError(f"sigma must be above 0, got {sigma:g}")
    p = torch.softmax(-0.5 * ((grid - mean) / sigma) ** 2, 0)
    return torch.where(p < torch.finfo(p.dtype).tiny, 0.0, p)


def _check(p: Any, q: Any) -> None:
    if tensor(p, "p").ndim != 1 or p.shape != tensor(q, "q").shape:
        raise ValueError(f"p and q must be probabilities on the same k points, got shapes {tuple(p.shape)} and {tuple(q.shape)}")
    for name, values in (("p", p), ("q", q)):
        if not (len(values) and values.min() >= 0 and abs(values.sum().item() - 1) < 1e-5):
            raise ValueError(f"{name} must be non-negative and sum to 1, its sum is {values.sum().item():.6g}")


def optimal_discriminator(p: Probabilities, q: Probabilities) -> Probabilities:
    r"""The probability that a point is real, if real and generated ones are equally many: :math:`D^* = p / (p + q)`.

    1/2 where neither has mass (any value is optimal there). Source: Goodfellow et al. 2014, arXiv:1406.2661, proposition 1.
    """
    _check(p, q)
    total = p + q
    return torch.where(total > 0, p / total.clamp(min=torch.finfo(p.dtype).tiny), torch.full_like(p, 0.5))


def kl(p: Probabilities, q: Probabilities) -> Scalar:
    r""":math:`\mathrm{KL}(p\|q) = \sum_x p \log(p/q)`; infinite if `q` is 0 where `p` is not."""
    _check(p, q)
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum()


def js(p: Probabilities, q: Probabilities) -> Scalar:
    r"""The Jensen-Shannon divergence, between 0 and log 2.

    .. math:: \mathrm{JS}(p, q) = \tfrac12 \mathrm{KL}(p\|m) + \tfrac12 \mathrm{KL}(q\|m), \quad m = \tfrac12 (p + q)
    """
    _check(p, q)
    m = (p + q) / 2
    return (kl(p, m) + kl(q, m)) / 2


def total_variation(p: Probabilities, q: Probabilities) -> Scalar:
    r""":math:`\mathrm{TV}(p, q) = \tfrac12 \sum_x |p - q|`, between 0 and 1."""
    _check(p, q)
    return (p - q).abs().sum() / 2


def wasserstein_1(grid: Float[Tensor, " k"], p: Probabilities, q: Probabilities) -> Scalar:
    r"""The Wasserstein-1 distance of distributions on a line, in the units of `grid` (which rises, evenly or not).

    .. math:: W_1(p, q) = \int |P(x) - Q(x)|\,dx \quad\text{with the distribution functions } P, Q

    Source: Villani, Topics in Optimal Transportation, 2003, theorem 2.18.
    """
    _check(p, q)
    if tensor(grid, "grid").shape != p.shape or not (grid.diff() >= 0).all():
        raise ValueError(f"the grid must be the {len(p)} points of p and q, rising")
    gaps = (p - q).cumsum(0)[:-1].abs()
    return (gaps * grid.diff()).sum()


@dataclass(frozen=True)
class FDivergence:
    r"""An f-divergence :math:`D_f(p\|q) = \sum_x q f(p/q)` with what a critic needs to estimate it.

    ``f`` is convex, strictly so at 1, with f(1) = 0: then only p = q gives 0. ``slope`` is its derivative (the optimal critic's
    value at a ratio p/q), ``conjugate`` is
    :math:`f^*(t) = \sup_u ut - f(u)`. Source: Nowozin, Cseke, Tomioka 2016, arXiv:1606.00709.
    """

    name: str
    f: Pointwise
    slope: Pointwise
    conjugate: Pointwise

    def __call__(self, p: Probabilities, q: Probabilities) -> Scalar:
        """The divergence itself; `p` and `q` positive, since 0 times f(p/0) needs a limit: ``ValueError`` otherwise."""
        _check(p, q)
        if min(p.min(), q.min()) <= 0:
            raise ValueError("p and q must be positive at every point: where one of them is 0 the divergence is a limit")
        return (q * self.f(p / q)).sum()

    def bound(self, critic: Float[Tensor, " k"], p: Probabilities, q: Probabilities) -> Scalar:
        r"""What a critic can reach: :math:`\mathbb E_p\,T - \mathbb E_q\,f^*(T) \le D_f(p\|q)`."""
        return (p * critic).sum() - (q * self.conjugate(critic)).sum()


kl_forward = FDivergence("KL(p‖q)", lambda u: u * u.log(), lambda u: u.log() + 1, lambda t: torch.exp(t - 1))
kl_reverse = FDivergence("KL(q‖p)", lambda u: -u.log(), lambda u: -1 / u, lambda t: -1 - torch.log(-t))
pearson = FDivergence("Pearson χ²", lambda u: (u - 1) ** 2, lambda u: 2 * (u - 1), lambda t: t + t**2 / 4)
squared_hellinger = FDivergence("squared Hellinger", lambda u: (u.sqrt() - 1) ** 2, lambda u: 1 - u.rsqrt(), lambda t: t / (1 - t))
#: Twice the Jensen-Shannon divergence: the game of the GAN without its constant.
gan = FDivergence(
    "2 JS",
    lambda u: u * u.log() - (u + 1) * ((u + 1) / 2).log(),
    lambda u: (2 * u / (u + 1)).log(),
    lambda t: -torch.log(2 - torch.exp(t)),
)
F_DIVERGENCES = (kl_forward, kl_reverse, pearson, squared_hellinger, gan)
