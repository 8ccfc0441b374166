"""The brand's sheet: its sign, its six colours with their contrasts, its type and its dots, on one picture of 1600 x 900 pixels."""

import io

import numpy as np

from imggen_lib.applications.campaign.halftone import halftone
from imggen_lib.applications.campaign.layout import BRAND, MARK, WORD, Line
from imggen_lib.applications.campaign.palette import Palette, Rgb, contrast
from imggen_lib.applications.campaign.render import line_mask

WIDTH, HEIGHT, LEFT = 1600, 900, 80


def _write(pixels: np.ndarray, text: str, x: int, y: int, px: int, colour: Rgb) -> None:
    mask = line_mask(Line(text, x, y, px), WIDTH, HEIGHT)
    pixels += mask[..., None] * (np.asarray(colour, float) - pixels)


def _dot(pixels: np.ndarray, x: float, y: float, radius: float, colour: Rgb) -> None:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    mask = np.clip(radius - np.hypot(columns - x, rows - y) + 0.5, 0, 1)
    pixels += mask[..., None] * (np.asarray(colour, float) - pixels)


def _hexadecimal(colour: Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def brand_sheet(colours: Palette) -> bytes:
    """The sheet as the bytes of a PNG."""
    from PIL import Image

    pixels = np.empty((HEIGHT, WIDTH, 3))
    pixels[:] = colours.paper
    for x, r in MARK:
        _dot(pixels, LEFT + 120 * x, 158, 120 * r, colours.ink)
    _write(pixels, BRAND, LEFT + int(120 * WORD), 200, 120, colours.ink)
    grounds = {
        "paper": colours.ink,
        "ink": colours.paper,
        "panel": colours.dots,
        "dots": colours.panel,
        "button": colours.button_text,
    }
    wide = (WIDTH - 2 * LEFT) // len(grounds)
    for k, (name, on) in enumerate(grounds.items()):
        x, ground = LEFT + k * wide, getattr(colours, name)
        pixels[280:520, x : x + wide] = ground
        for row, text in enumerate((name, _hexadecimal(ground), f"{contrast(on, ground):.1f} : 1")):
            _write(pixels, text, x + 24, 330 + 44 * row, 26, on)
    for edge in (slice(280, 282), slice(518, 520)):
        pixels[edge, LEFT : LEFT + wide * len(grounds)] = colours.ink
    pixels[280:520, [LEFT, LEFT + 1]] = colours.ink
    for k, px in enumerate((72, 40, 24, 14)):
        _write(pixels, f"DejaVu Sans Bold {px}", LEFT, 620 + (0, 70, 120, 160)[k], px, colours.ink)
    ramp = halftone(np.tile(np.linspace(0, 1, 28), (28, 1)), 520, 220, (-20, -250, 580, 720), 13)
    corner = pixels[570:790, WIDTH - LEFT - 520 : WIDTH - LEFT]
    corner[:] = colours.panel
    corner += ramp[..., None] * (np.asarray(colours.dots, float) - corner)
    out = io.BytesIO()
    Image.fromarray(np.floor(pixels + 0.5).astype(np.uint8)).quantize(255).save(out, "PNG", optimize=True)
    return out.getvalue()
