r"""Colours by rule: hue and chroma are chosen, and lightness is solved for, until a contrast ratio is met.

Colours are 8-bit sRGB triples, as a screen gets them. The ratio of two is that of WCAG, :math:`(Y_1 + 0.05)/(Y_2 + 0.05)`, with the
relative luminance of the lighter one above. Hue and chroma are those of OKLCH; where a screen cannot show the chroma at some
lightness, the chroma is lowered and the hue kept.
"""

import colorsys
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from coloraide import Color

Rgb = tuple[int, int, int]
TEXT, LARGE, SHAPE = 4.5, 3.0, 3.0  # WCAG 2.2: text, large text (1.4.3), parts of a picture (1.4.11)
AIM = 1.02  # solved for 2 % more than is needed


class Palette(NamedTuple):
    """Ground, type, the picture's ground, its dots, and the button with its text."""

    paper: Rgb
    ink: Rgb
    panel: Rgb
    dots: Rgb
    button: Rgb
    button_text: Rgb


def _color(rgb: Rgb) -> "Color":
    from coloraide import Color

    return Color("srgb", [channel / 255 for channel in rgb])


@lru_cache(4096)
def luminance(rgb: Rgb) -> float:
    """Relative luminance Y, 0 for black and 1 for white."""
    return float(_color(rgb).luminance())


def contrast(a: Rgb, b: Rgb) -> float:
    """WCAG's contrast ratio, 1 to 21, whichever is lighter."""
    dark, light = sorted((luminance(a), luminance(b)))
    return (light + 0.05) / (dark + 0.05)


def oklch(lightness: float, chroma: float, hue: float) -> Rgb:
    """The nearest 8-bit colour of this lightness (0 to 1) and hue (degrees) with this chroma, or as much of it as a screen has."""
    from coloraide import Color

    color = Color("oklch", [min(max(lightness, 0.0), 1.0), chroma, hue % 360])
    if not color.in_gamut("srgb"):
        low, high = 0.0, chroma
        for _ in range(20):
            middle = (low + high) / 2
            low, high = (middle, high) if Color("oklch", [color["l"], middle, hue % 360]).in_gamut("srgb") else (low, middle)
        color = Color("oklch", [color["l"], low, hue % 360])
    red, green, blue = (int(min(max(channel, 0.0), 1.0) * 255 + 0.5) for channel in color.convert("srgb").coords())
    return red, green, blue


def solved(lightness: float, chroma: float, hue: float, grounds: tuple[Rgb, ...], ratio: float) -> Rgb:
    """A colour whose contrast with each of the grounds is at least `ratio`: the given one, or as much darker as is needed.

    By 20 halvings of lightness between the given one and 0; the end that meets the ratio is returned, so it holds as computed on
    8-bit colours. Raises ``ValueError`` where black does not meet it either.
    """

    def enough(value: float) -> bool:
        return all(contrast(oklch(value, chroma, hue), ground) >= ratio for ground in grounds)

    if not 1 <= ratio <= 21:
        raise ValueError(f"a contrast ratio lies between 1 and 21, got {ratio:g}")
    if enough(lightness):
        return oklch(lightness, chroma, hue)
    if not enough(0.0):
        raise ValueError(f"not even black has a contrast of {ratio:g} with {grounds}")
    met, missed = 0.0, lightness
    for _ in range(20):
        middle = (met + missed) / 2
        met, missed = (middle, missed) if enough(middle) else (met, middle)
    return oklch(met, chroma, hue)


def palette(hue: float) -> Palette:
    """The palette of a hue in degrees: pale paper, a panel of that hue, dark type and dots, and a button of the hue opposite."""
    paper = oklch(0.975, 0.012, hue)
    panel = oklch(0.84, 0.11, hue)
    ink = solved(0.28, 0.06, hue, (paper,), TEXT * AIM)
    dots = solved(0.32, 0.09, hue, (panel,), SHAPE * AIM)
    button = solved(0.62, 0.19, hue + 150, (paper,), TEXT * AIM)
    return Palette(paper, ink, panel, dots, button, paper)


def equal_lightness(hue: float) -> Palette:
    """A rule that looks as good and is not: the same lightness of HLS for every hue (.93 paper, .12 ink, .45 button)."""

    def hls(lightness: float, saturation: float, turn: float = 0.0) -> Rgb:
        red, green, blue = colorsys.hls_to_rgb((hue + turn) % 360 / 360, lightness, saturation)
        return round(red * 255), round(green * 255), round(blue * 255)

    paper = hls(0.93, 0.6)
    return Palette(paper, hls(0.12, 0.6), hls(0.75, 0.6), hls(0.25, 0.6), hls(0.45, 0.7, 150), paper)


def random_palette(seed: int) -> Palette:
    """Six colours drawn uniformly: the trivial baseline."""
    drawn = np.random.default_rng([seed, 61]).integers(0, 256, (6, 3)).tolist()
    return Palette(*(tuple(one) for one in drawn))
