r"""Black's price of an option, in units of the forward, and the volatility that a price implies; float64.

The strike is :math:`K = e^k F` with the log-moneyness k, and :math:`w = \sigma^2 t` is the total variance. Source: Black 1976.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

Numbers = Float[Tensor, "..."]
_LOWEST, _HIGHEST = 1e-4, 20.0  # of the square root of w


def normal_cdf(x: Numbers) -> Numbers:
    r""":math:`\Phi(x)`, the normal distribution function, with all its digits far below 0, too."""
    return 0.5 * torch.erfc(-x / math.sqrt(2))


def call(k: Numbers, w: Numbers) -> Numbers:
    r"""The price of a call over the forward, :math:`\Phi(d_+) - e^k\,\Phi(d_-)` with :math:`d_\pm = -k/\sqrt w \pm \sqrt w/2`."""
    root = w.sqrt()
    above, below = -k / root + root / 2, -k / root - root / 2
    return normal_cdf(above) - k.exp() * normal_cdf(below)


def out_of_the_money(k: Numbers, w: Numbers) -> Numbers:
    r"""The call for k > 0, else the put :math:`e^k\,\Phi(-d_-) - \Phi(-d_+)`: the one of the two that is all time value.

    Each is computed as it stands, because the difference of a call and its value at expiry loses all digits far from the money.
    """
    root = w.sqrt()
    side = torch.where(k > 0, 1.0, -1.0).to(w.dtype)
    above, below = -k / root + root / 2, -k / root - root / 2
    return side * (normal_cdf(side * above) - k.exp() * normal_cdf(side * below))


def vega(k: Numbers, w: Numbers) -> Numbers:
    r"""How fast the price rises with the total variance, :math:`\varphi(d_+) / (2\sqrt w)`: never negative."""
    root = w.sqrt()
    return torch.exp(-0.5 * (-k / root + root / 2).square()) / (2 * root * math.sqrt(2 * math.pi))


def implied_variance(k: Numbers, price: Numbers) -> Numbers:
    """The total variance at which :func:`out_of_the_money` is `price`, by bisection; prices and k of the same shape.

    Raises:
        ValueError: if a price is not above 0 and below min(1, e^k), where no volatility gives it.
    """
    if price.shape != k.shape or not bool(((price > 0) & (price < k.exp().clamp(max=1))).all()):
        raise ValueError("an option out of the money costs more than 0 and less than the smaller of 1 and e^k, in forwards")
    low, high = torch.full_like(price, _LOWEST), torch.full_like(price, _HIGHEST)
    for _ in range(60):
        middle = (low + high) / 2
        under = out_of_the_money(k, middle.square()) < price
        low, high = torch.where(under, middle, low), torch.where(under, high, middle)
    return ((low + high) / 2).square()
