"""Drag quotes on a surface of implied volatility, and see three completions, their bands, and where arbitrage appears."""

from collections.abc import Mapping
from typing import Any

from imggen_lib.errors import unknown_name
from imggen_lib.live.base import Live
from imggen_lib.live.shipped import SURFACES, offers, packed_file


@offers(SURFACES)
def volatility() -> dict[str, Any]:
    """Surfaces of implied volatility, and what completes them: see :mod:`imggen_lib.live.surface_file`."""
    from imggen_lib.live.surface_file import file

    return file()


class SurfaceDemo(Live):
    """See :func:`surface`."""

    demo = "surface"
    parts = ("net", "surface_math", "surface_view")
    words = (
        "A live demo stands here: quotes on a surface of implied volatility can be dragged, and a Gaussian and two VAEs "
        "complete it. It needs JavaScript, or a running notebook. Not for trading."
    )

    def file(self, name: str) -> dict[str, Any]:
        return packed_file(name)


def surface(truth: str = "SSVI", *, quotes: int = 10, seed: int = 1, strings: Mapping[str, str] | None = None) -> SurfaceDemo:
    """A simulated surface with `quotes` quotes that the reader moves, adds, takes away and changes.

    The Gaussian, the VAE of volatilities and the VAE of parameters complete it in the page; shown are one of them (or the truth)
    as an image, with crosses where it has static arbitrage, the smile through the chosen quote with all three and one's band, and
    their errors in volatility points. :mod:`imggen_lib.applications.volatility` has the same in Python.

    Args:
        truth: Where surfaces come from at first, one of :data:`imggen_lib.applications.volatility.surfaces.TRUTHS`.
        quotes: How many at first, from 5 to 20.
        seed: Of the quotes' places.
        strings: Texts of the demo that replace its own.

    Raises:
        ValueError: for another truth, or another number of quotes.
    """
    from imggen_lib.applications.volatility.surfaces import TRUTHS

    if truth not in TRUTHS:
        raise ValueError(unknown_name("truth", truth, TRUTHS))
    if not 5 <= quotes <= 20:
        raise ValueError(f"from 5 to 20 quotes can be dragged, got {quotes}")
    return SurfaceDemo({"model": SURFACES, "truth": truth, "quotes": quotes, "seed": seed}, strings=strings)
