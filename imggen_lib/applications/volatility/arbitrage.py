"""Calendar spreads and butterflies on the grid: what could be bought today that can only win, if the surface's prices were offered.

A call that rises with the strike, or falls by more than the strike rises, is not looked for.
"""

from typing import NamedTuple

from jaxtyping import Bool, Float
from torch import Tensor

from imggen_lib.applications.volatility import black
from imggen_lib.applications.volatility.surfaces import MONEYNESS, SHAPE, TIMES, Surfaces

TOLERANCE = 1e-7  # of the forward: a thousandth of a basis point, far below any spread


class Arbitrage(NamedTuple):
    """What a calendar spread and a butterfly cost, for each surface and place; below 0 they are arbitrage."""

    calendar: Float[Tensor, "n 15 16"]
    butterfly: Float[Tensor, "n 16 14"]

    def found(self) -> Bool[Tensor, " n"]:
        """For each surface, whether one of them costs less than minus `TOLERANCE`."""
        return (self.calendar < -TOLERANCE).flatten(1).any(1) | (self.butterfly < -TOLERANCE).flatten(1).any(1)


def arbitrage(surfaces: Surfaces) -> Arbitrage:
    r"""The prices of all calendar spreads and butterflies on the grid, over the forward.

    A calendar spread is a call at the same log-moneyness with the next maturity, less the one with this. A butterfly holds, of
    three neighbouring strikes, one call of the middle one less and the shares of the outer two that have its strike as their mean:
    :math:`\lambda\,c(K_1) + (1 - \lambda)\,c(K_3) - c(K_2)` with :math:`\lambda K_1 + (1 - \lambda) K_3 = K_2`.
    """
    vol = surfaces.double().view(-1, *SHAPE[1:]).exp()
    price = black.call(MONEYNESS.expand_as(vol), vol.square() * TIMES[:, None])
    strike = MONEYNESS.exp()
    share = (strike[2:] - strike[1:-1]) / (strike[2:] - strike[:-2])
    return Arbitrage(price.diff(dim=1), share * price[..., :-2] + (1 - share) * price[..., 2:] - price[..., 1:-1])
