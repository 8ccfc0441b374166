r"""Heston's model, a second truth: prices by its characteristic function.

.. math:: dX = -\tfrac12 V\,dt + \sqrt V\,dB, \qquad dV = \kappa(\bar v - V)\,dt + \xi\sqrt V\,dB', \qquad dB\,dB' = \rho\,dt

X is the log of the price over the forward. Source: Heston 1993; written so that no branch of the complex logarithm is crossed,
as in Albrecher et al. 2007. Prices by one integral: Lewis 2001.
"""

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

Parameter = Float[Tensor, "n 1 1"]
_PIECES = ((0.0, 4.0, 96), (4.0, 60.0, 192), (60.0, 500.0, 256))  # of the integral: from, to, Gauss-Legendre nodes


def characteristic(
    u: Complex[Tensor, " nodes"], t: Float[Tensor, "times 1"], v0: Parameter, mean: Parameter, kappa: Parameter, xi: Parameter,
    rho: Parameter,
) -> Complex[Tensor, "n times nodes"]:  # fmt: skip
    r""":math:`\mathbb E\,e^{iuX_t} = e^{A(u,t) + B(u,t)\,v_0}`, for complex u.

    Args:
        u: Where.
        t: Maturities in years.
        v0: The variance today.
        mean: The variance it is drawn to.
        kappa: How fast, per year.
        xi: The volatility of the variance.
        rho: The correlation of price and variance.
    """
    b = kappa - 1j * rho * xi * u
    d = (b.square() + xi.square() * (1j * u + u.square())).sqrt()
    ratio = (b - d) / (b + d)
    fading = (-d * t).exp()
    part = (b - d) / xi.square()
    growth = part * (1 - fading) / (1 - ratio * fading)
    level = kappa * mean * (part * t - 2 / xi.square() * ((1 - ratio * fading) / (1 - ratio)).log())
    return (level + growth * v0).exp()


def nodes() -> tuple[Float[Tensor, " nodes"], Float[Tensor, " nodes"]]:
    """Places and weights of the integral over u, piece by piece."""
    places, weights = [], []
    for start, end, count in _PIECES:
        x, weight = np.polynomial.legendre.leggauss(count)
        places.append(start + (end - start) * (x + 1) / 2)
        weights.append(weight * (end - start) / 2)
    return torch.from_numpy(np.concatenate(places)), torch.from_numpy(np.concatenate(weights))


def out_of_the_money(k: Float[Tensor, " strikes"], values: Complex[Tensor, "n times nodes"]) -> Float[Tensor, "n times strikes"]:
    r"""Prices over the forward, of the put for k <= 0 and of the call above, from :math:`\psi(u - i/2)` at :func:`nodes`:

    .. math:: c(k) = 1 - \frac{e^{k/2}}{\pi} \int_0^\infty
        \frac{\operatorname{Re}\left(e^{-iuk}\,\psi(u - i/2)\right)}{u^2 + 1/4}\,du
    """
    u, weight = nodes()
    turn = torch.exp(-1j * u[:, None] * k) * (weight / (u.square() + 0.25))[:, None]  # (nodes, strikes)
    taken = (k / 2).exp() / torch.pi * (values @ turn).real
    return torch.where(k > 0, torch.ones_like(k), k.exp()) - taken
