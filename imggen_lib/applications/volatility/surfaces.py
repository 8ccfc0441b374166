"""The data: surfaces of 16 maturities by 16 strikes as images, from a stated model, and quotes with a bid-ask spread.

A pixel is the base-10 logarithm of the volatility over 20 %: 0.02 is -1 and 2.0 is 1. Every surface comes from standard normal
latents, so that it has a seed, and so that a fit may use the very prior that the surfaces were drawn from.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from imggen_lib.applications.volatility import black, heston, ssvi
from imggen_lib.checks import whole
from imggen_lib.noise import generator_for

TIMES = torch.logspace(math.log10(0.25), math.log10(2.0), 16, dtype=torch.float64)  # years
MONEYNESS = torch.linspace(-0.3, 0.3, 16, dtype=torch.float64)  # log of strike over forward
SHAPE = (1, 16, 16)
PLACES = 256
PARAMETERS = 6
TRUTHS = ("SSVI", "SSVI, other skew", "Heston")
LEAST_PRICE = 1e-9  # of the forward: what is cheaper has no implied volatility to speak of
_STREAM, _QUOTES = 61, 62  # of random numbers; see noise.generator_for

Surfaces = Float[Tensor, "n 256"]  # log of the volatility, maturity by maturity


class Parameters(NamedTuple):
    """SSVI's: variance at the money for each maturity, skew, size and decay of the smile."""

    theta: Float[Tensor, "n 16"]
    rho: Float[Tensor, "n 1"]
    eta: Float[Tensor, "n 1"]
    gamma: Float[Tensor, "n 1"]


class Quotes(NamedTuple):
    """Where a surface is quoted (places of 256), the log-volatilities there, and the relative error of a quote."""

    places: Int[Tensor, "n m"]
    values: Float[Tensor, "n m"]
    noise: float


def at_the_money(now: Tensor, later: Tensor, speed: Tensor) -> Float[Tensor, "n 16"]:
    r"""Total variance at the money, :math:`\bar v t + (v_0 - \bar v)(1 - e^{-\kappa t})/\kappa`: it rises."""
    return later * TIMES.to(now) + (now - later) * -torch.expm1(-speed * TIMES.to(now)) / speed


def parameters(z: Float[Tensor, "n 6"], skew: tuple[float, float] = (-0.9, 0.0), level: float = 0.2) -> Parameters:
    r"""SSVI's parameters from six standard normal numbers, always with :math:`\eta(1+|\rho|) \le 2`.

    Volatility today and in the long run are lognormal around `level`, the correlation is uniform on `skew`.
    """
    u = torch.special.ndtr(z)
    now, later = level * torch.exp(0.35 * z[:, :1]), level * torch.exp(0.25 * z[:, 1:2])
    theta = at_the_money(now.square(), later.square(), 2 * torch.exp(0.7 * z[:, 2:3]))
    rho = skew[0] + (skew[1] - skew[0]) * u[:, 3:4]
    eta = (0.2 + 0.8 * u[:, 4:5]) * 2 / (1 + rho.abs())
    return Parameters(theta, rho, eta, 0.1 + 0.4 * u[:, 5:6])


def log_volatility(found: Parameters) -> Surfaces:
    """SSVI's surface on the grid."""
    theta, rho, eta, gamma = (value[..., None] for value in found)
    k, t = MONEYNESS.to(theta), TIMES.to(theta)[:, None]
    w = ssvi.total_variance(k, theta, rho, ssvi.phi(theta, eta, gamma))
    return (0.5 * (w / t).log()).flatten(1)


def draw(n: int, seed: int, truth: str = "SSVI") -> Surfaces:
    """`n` surfaces of one of `TRUTHS`, float64. Of Heston's, those with an option below `LEAST_PRICE` are drawn anew.

    Raises:
        ValueError: for another truth, or fewer than one surface.
    """
    if truth not in TRUTHS:
        raise ValueError(f"the truth is one of {', '.join(TRUTHS)}; got {truth!r}")
    n = whole(n, "n", 1)
    generator = generator_for(seed, _STREAM, TRUTHS.index(truth))
    if truth == "Heston":
        return _heston(n, generator)
    z = torch.randn(n, PARAMETERS, generator=generator, dtype=torch.float64)
    return log_volatility(parameters(z) if truth == "SSVI" else parameters(z, skew=(0.0, 0.7), level=0.3))


def _heston(n: int, generator: torch.Generator) -> Surfaces:
    u, _ = heston.nodes()
    kept, count = [], 0
    while count < n:
        z = torch.randn(64, 5, generator=generator, dtype=torch.float64)[:, :, None, None]
        now, mean = (0.2 * torch.exp(0.35 * z[:, 0])).square(), (0.2 * torch.exp(0.25 * z[:, 1])).square()
        kappa, xi = 2 * torch.exp(0.5 * z[:, 2]), 0.5 * torch.exp(0.4 * z[:, 3])
        rho = -0.9 * torch.special.ndtr(z[:, 4])
        values = heston.characteristic(u - 0.5j, TIMES[:, None], now, mean, kappa, xi, rho)
        price = heston.out_of_the_money(MONEYNESS, values)
        price = price[(price > LEAST_PRICE).flatten(1).all(1)]
        w = black.implied_variance(MONEYNESS.expand_as(price), price)
        kept.append((0.5 * (w / TIMES[:, None]).log()).flatten(1))
        count += len(price)
    return torch.cat(kept)[:n]


def quotes(surfaces: Surfaces, m: int, seed: int, noise: float = 0.0) -> Quotes:
    """`m` quotes of each surface at places of its own; `noise` is the standard deviation of a quote's relative error.

    Raises:
        ValueError: for fewer than 1 or more than 256 quotes, or a negative noise.
    """
    if not 1 <= m <= PLACES or noise < 0:
        raise ValueError(f"a surface has from 1 to {PLACES} quotes with an error of at least 0, got {m} and {noise:g}")
    generator = generator_for(seed, _QUOTES, m)
    places = torch.rand(len(surfaces), PLACES, generator=generator).argsort(1)[:, :m]
    values = surfaces.gather(1, places)
    return Quotes(places, values + noise * torch.randn(values.shape, generator=generator, dtype=values.dtype), noise)


def to_images(surfaces: Surfaces) -> Float[Tensor, "n 1 16 16"]:
    """Images in [-1, 1], float32."""
    return ((surfaces - math.log(0.2)) / math.log(10)).view(-1, *SHAPE).float()


def from_images(images: Float[Tensor, "n 1 16 16"]) -> Surfaces:
    """Log-volatilities from images, in the images' type."""
    return images.flatten(1) * math.log(10) + math.log(0.2)
