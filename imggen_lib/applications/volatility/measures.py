"""How good completions are: volatility points, bands that hold what they promise, arbitrage; each with its interval."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.applications.verdict import Measured, paired_difference
from imggen_lib.applications.volatility.arbitrage import arbitrage
from imggen_lib.applications.volatility.completion import BAND, Completion
from imggen_lib.applications.volatility.surfaces import Quotes, Surfaces
from imggen_lib.metrics.intervals import bounded_mean, mean_estimate, wilson_interval

Cell = tuple[float, float, float, int]  # value, low, high, n


def errors(found: Completion, surfaces: Surfaces) -> Float[Tensor, " n"]:
    """The root mean square error of each surface over all places, in volatility points (1 is one per cent of volatility)."""
    return 100 * (found.mean.exp() - surfaces.exp()).square().mean(1).sqrt()


def coverage(found: Completion, surfaces: Surfaces, quotes: Quotes) -> Float[Tensor, " n"]:
    """Of each surface, the share of places without a quote where the truth lies in the 90 % band."""
    inside = ((found.mean - surfaces).abs() <= BAND * found.sd).double()
    open_places = torch.ones_like(inside).scatter(1, quotes.places, 0.0)
    return (inside * open_places).sum(1) / open_places.sum(1)


def band_width(found: Completion) -> Float[Tensor, " n"]:
    """Half the width of the 90 % band of each surface, the mean over places, in volatility points."""
    return 100 * (found.mean.exp() * torch.sinh(BAND * found.sd)).mean(1)


def arbitrage_share(surfaces: Surfaces) -> Cell:
    """The share of surfaces with static arbitrage, with Wilson's interval."""
    n, count = len(surfaces), int(arbitrage(surfaces).found().sum())
    low, high = wilson_interval(count, n)
    return round(count / n, 4), round(low, 4), round(high, 4), n


def compared(found: Mapping[str, Completion], surfaces: Surfaces, quotes: Quotes, beside: str) -> dict[str, dict[str, Cell]]:
    """All measures of several ways on the same surfaces, and how much larger the error of each is than that of the way `beside`."""
    reference = errors(found[beside], surfaces)
    return {name: _cells(one, surfaces, quotes, reference) for name, one in found.items()}


def _cells(found: Completion, surfaces: Surfaces, quotes: Quotes, reference: Float[Tensor, " n"]) -> dict[str, Cell]:
    n, error = len(surfaces), errors(found, surfaces)
    mean = mean_estimate(error)
    cells = {
        "rmse": _rounded(mean.value, mean.low, mean.high, n),
        "arbitrage": arbitrage_share(found.mean),
        "more": _rounded(*paired_difference(error.tolist(), reference.tolist())),
    }
    if not bool(found.sd.isnan().any()):
        held, wide = bounded_mean(coverage(found, surfaces, quotes), 0, 1), mean_estimate(band_width(found))
        cells |= {
            "coverage": _rounded(held.value, held.low, held.high, n),
            "width": _rounded(wide.value, wide.low, wide.high, n),
        }
    return cells


def _rounded(value: float, low: float, high: float, n: int) -> Cell:
    return round(value, 4), round(low, 4), round(high, 4), n


def measured(cell: Cell) -> Measured:
    """A stored cell as the table of verdicts takes it."""
    return Measured(*cell)
