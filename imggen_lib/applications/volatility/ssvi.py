r"""SSVI: a surface of implied volatility in closed form that is free of static arbitrage where two inequalities hold.

.. math:: w(k, \theta) = \frac\theta2\left(1 + \rho\varphi k + \sqrt{(\varphi k + \rho)^2 + 1 - \rho^2}\right), \qquad
    \varphi(\theta) = \frac{\eta}{\theta^\gamma (1 + \theta)^{1-\gamma}}

with the total variance :math:`\theta` at the money, rising with the maturity. Source: Gatheral and Jacquier 2014, arXiv:1204.0646.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

Numbers = Float[Tensor, "..."]


class Slice(NamedTuple):
    """Total variance and its first two derivatives by the log-moneyness."""

    w: Numbers
    slope: Numbers
    curve: Numbers


def phi(theta: Numbers, eta: Numbers, gamma: Numbers) -> Numbers:
    r"""How narrow the smile is at the variance `theta`: :math:`\eta\,\theta^{-\gamma}(1+\theta)^{\gamma-1}`."""
    return eta * theta**-gamma * (1 + theta) ** (gamma - 1)


def total_variance(k: Numbers, theta: Numbers, rho: Numbers, width: Numbers) -> Numbers:
    """The total variance w of a slice; `width` is :func:`phi`. All arguments broadcast."""
    z = width * k
    return theta / 2 * (1 + rho * z + ((z + rho).square() + 1 - rho.square()).sqrt())


def slice_of(k: Numbers, theta: Numbers, rho: Numbers, width: Numbers) -> Slice:
    """A slice with its derivatives in closed form."""
    z = width * k
    root = ((z + rho).square() + 1 - rho.square()).sqrt()
    w = theta / 2 * (1 + rho * z + root)
    return Slice(w, theta * width / 2 * (rho + (z + rho) / root), theta * width.square() / 2 * (1 - rho.square()) / root**3)


def durrleman(k: Numbers, found: Slice) -> Numbers:
    r"""Durrleman's function, whose sign is that of the density of the price:

    .. math:: g(k) = \left(1 - \frac{k w'}{2w}\right)^2 - \frac{w'^2}{4}\left(\frac1w + \frac14\right) + \frac{w''}2
    """
    w, slope, curve = found
    return (1 - k * slope / (2 * w)).square() - slope.square() / 4 * (1 / w + 0.25) + curve / 2


def density(k: Numbers, found: Slice) -> Numbers:
    r"""The density of the log-price at k that the slice implies, :math:`g(k)\,e^{-d_-^2/2} / \sqrt{2\pi w}`."""
    below = -k / found.w.sqrt() - found.w.sqrt() / 2
    return durrleman(k, found) * torch.exp(-below.square() / 2) / (2 * torch.pi * found.w).sqrt()
