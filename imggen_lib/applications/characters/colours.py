"""Palettes by rule: paper and inks in OKLCH, as light or dark as a contrast demands. All arithmetic is coloraide's.

A hue and a contrast make a palette. Lightness in OKLCH is not the luminance that WCAG 2.2 counts, and rounding to 8 bits moves
colours a little; so the lightness of each ink is *searched for*: the lightest whose rounded colour still has the contrast.
"""

from typing import NamedTuple

import numpy as np

#: How light and how colourful a paper is.
PAPER_LIGHTNESS, PAPER_CHROMA = 0.965, 0.018
#: The least contrast of any ink on its paper, WCAG 2.2's for graphics (success criterion 1.4.11).
LEAST = 3.0


class Palette(NamedTuple):
    """Colours as ``#rrggbb``: of the paper, of the ink, and of a second pen."""

    paper: str
    ink: str
    second: str


def contrast(first: str, second: str) -> float:
    """WCAG 2.2's contrast of two colours, from 1 to 21."""
    from coloraide import Color

    return float(Color(first).contrast(second, method="wcag21"))


def rounded(lightness: float, chroma: float, hue: float) -> str:
    """The sRGB colour ``#rrggbb`` of OKLCH coordinates; what no screen can show is brought inside by lowering the chroma."""
    from coloraide import Color

    return str(
        Color("oklch", [lightness, chroma, hue % 360]).fit("srgb", method="oklch-chroma").convert("srgb").to_string(hex=True)
    )


def ink_on(paper: str, hue: float, *, chroma: float = 0.13, least: float = LEAST) -> str:
    """The lightest colour of a hue with the contrast `least` on `paper`, by bisection over the lightness.

    Raises ``ValueError`` for a contrast that not even black has.
    """
    if contrast("#000000", paper) < least or least < 1:
        raise ValueError(f"no colour has the contrast {least:g} on {paper}: black has {contrast('#000000', paper):.2f}")
    dark, light = 0.0, 1.0
    for _ in range(20):
        middle = (dark + light) / 2
        if contrast(rounded(middle, chroma, hue), paper) >= least:
            dark = middle
        else:
            light = middle
    return rounded(dark, chroma, hue)


def palette(hue: float, *, ink: float = 9.0, second: float = 4.0, apart: float = 150.0) -> Palette:
    """A paper tinted with a hue in degrees, its ink of the same hue, and a second ink `apart` degrees away; and their contrasts.

    Raises ``ValueError`` for contrasts below :data:`LEAST`.
    """
    if min(ink, second) < LEAST:
        raise ValueError(f"inks have a contrast of {LEAST:g} at least, got {min(ink, second):g}")
    paper = rounded(PAPER_LIGHTNESS, PAPER_CHROMA, hue)
    return Palette(paper, ink_on(paper, hue, least=ink), ink_on(paper, hue + apart, chroma=0.16, least=second))


def mixed(paper: str, ink: str, steps: int) -> np.ndarray:
    """The colours of `steps` shares of ink from 0 to 1, ``(steps, 3)`` uint8, mixed in linear light as an eye mixes dots."""
    from coloraide import Color

    shares = [Color(paper).mix(ink, k / (steps - 1), space="srgb-linear").convert("srgb").coords() for k in range(steps)]
    return np.floor(np.clip(np.array(shares, dtype=float), 0, 1) * 255 + 0.5).astype(np.uint8)
