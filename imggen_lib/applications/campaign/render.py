"""From a layout to pixels: colours laid over one another by masks in sixteenths, so that a banner is a small lossless PNG.

The type is DejaVu Sans Bold, which comes with matplotlib and may be used and embedded freely.
"""

import io
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float, UInt8
from torch import Tensor

from imggen_lib.applications.campaign.halftone import SAMPLES, cell_size, halftone
from imggen_lib.applications.campaign.layout import MARK, WORD, Box, Layout, Line
from imggen_lib.applications.campaign.palette import Palette, Rgb

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

_STEPS = SAMPLES**2
FAINT = 0.06  # ink below this is a generator's haze around the garment, not the garment
DUST = 0.12  # and this after enlarging
SHARE = 88  # percent of a garment's place that its square takes


class Banner(NamedTuple):
    """A drawn banner: its pixels, and how much of each is covered by each text (``headline 1``, ``button``, ``brand``) and dots."""

    layout: Layout
    palette: Palette
    scale: int
    pixels: UInt8[np.ndarray, "h w 3"]
    masks: dict[str, Float[np.ndarray, "h w"]]


@lru_cache(64)
def _font(px: int) -> "FreeTypeFont":
    import matplotlib
    from PIL import ImageFont

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans-Bold.ttf"
    return ImageFont.truetype(str(path), px, layout_engine=ImageFont.Layout.BASIC)


def measure(text: str) -> float:
    """The width of a text in em."""
    return float(_font(1000).getlength(text)) / 1000


def line_mask(line: Line, width: int, height: int, scale: int = 1, shift: int = 0) -> Float[np.ndarray, "h w"]:
    """How much of each device pixel a line of text covers, on a canvas of that many; `shift` moves it right and down."""
    from PIL import Image, ImageDraw

    canvas = Image.new("L", (width, height))
    at = (line.x * scale + shift, line.y * scale + shift)
    ImageDraw.Draw(canvas).text(at, line.text, fill=255, font=_font(line.px * scale), anchor="ls")
    return np.floor(np.asarray(canvas) / 255 * _STEPS + 0.5) / _STEPS


def _discs(discs: Sequence[tuple[float, float, float]], width: int, height: int) -> Float[np.ndarray, "h w"]:
    """Discs (x, y, radius) in device pixels, asked at 4 x 4 points a pixel."""
    cover = np.zeros((height, width))
    for cx, cy, r in discs:  # apart from one another
        across = np.arange(max(0, int(cx - r) - 1), min(width, int(cx + r) + 2))
        down = np.arange(max(0, int(cy - r) - 1), min(height, int(cy + r) + 2))
        count = np.zeros((len(down), len(across)))
        for k in range(_STEPS):
            x, y = across + (k % SAMPLES + 0.5) / SAMPLES, (down + (k // SAMPLES + 0.5) / SAMPLES)[:, None]
            count += (x - cx) ** 2 + (y - cy) ** 2 < r * r
        window = cover[down[0] : down[-1] + 1, across[0] : across[-1] + 1]
        np.maximum(window, count / _STEPS, out=window)
    return cover


def _pill(box: Box, width: int, height: int, scale: int) -> Float[np.ndarray, "h w"]:
    """A box with round ends."""
    x, y, w, h = (value * scale for value in box)
    mask = _discs([(x + h / 2, y + h / 2, h / 2), (x + w - h / 2, y + h / 2, h / 2)], width, height)
    mask[y : y + h, x + h // 2 : x + w - h // 2] = 1
    return mask


def brand_parts(layout: Layout) -> tuple[Line, list[tuple[float, float, float]]]:
    """The brand's name as a line of text, and its dots (x, y, radius) in CSS pixels: before the name, or above it."""
    line = layout.brand
    if layout.stacked:
        left = line.x + (measure(line.text) * line.px - (MARK[2][0] + MARK[2][1]) * line.px) / 2
        return line, [(left + x * line.px, line.y - 1.2 * line.px, r * line.px) for x, r in MARK]
    dots = [(line.x + x * line.px, line.y - 0.365 * line.px, r * line.px) for x, r in MARK]
    return line._replace(x=line.x + int(WORD * line.px)), dots


def squares(picture: Box, count: int) -> list[tuple[float, float, float]]:
    """Where `count` garments stand in a picture: x, y and side in CSS pixels: in a row, or in a column if it is tall."""
    step = max(picture.w, picture.h) / count
    side = min(step, min(picture.w, picture.h)) * SHARE / 100
    across = picture.w >= picture.h
    centres = [((k + 0.5) * step, min(picture.w, picture.h) / 2) for k in range(count)]
    return [(picture.x + (a if across else b) - side / 2, picture.y + (b if across else a) - side / 2, side) for a, b in centres]


def ink(images: Tensor) -> Float[np.ndarray, "n h w"]:
    """Garments ``(n, 1, h, w)`` in [-1, 1] as ink from 0 to 1, without haze: what is bright in the data has much ink."""
    if images.ndim != 4 or images.shape[1] != 1 or not len(images):
        raise ValueError(f"garments are grey images (n, 1, h, w), got {tuple(images.shape)}")
    values = ((images.detach().double().cpu()[:, 0] + 1) / 2).clamp(0, 1).numpy()
    return np.where(values < FAINT, 0.0, values)


def dots(layout: Layout, garments: Float[np.ndarray, "n h w"], scale: int = 1, smooth: bool = False) -> Float[np.ndarray, "_ _"]:
    """The picture's ink on the whole banner; with `smooth` the pixels are enlarged as they are, which looks like a mistake."""
    width, height = layout.width * scale, layout.height * scale
    x0, y0, w, h = (value * scale for value in layout.picture)
    picture = np.zeros((h, w))
    for k, (x, y, side) in enumerate(squares(layout.picture, layout.garments)):
        image, box = garments[k % len(garments)], (x * scale - x0, y * scale - y0, side * scale, side * scale)
        made = enlarged_pixels(image, w, h, box) if smooth else halftone(image, w, h, box, cell_size(int(side)) * scale, least=DUST)
        picture = np.maximum(picture, made)
    out = np.zeros((height, width))
    out[y0 : y0 + h, x0 : x0 + w] = picture
    return out


def enlarged_pixels(
    image: Float[np.ndarray, "h w"], width: int, height: int, box: tuple[float, ...]
) -> Float[np.ndarray, "height width"]:
    """The image enlarged as it is, every pixel a square: what :func:`halftone` is there to avoid. Arguments as there."""
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    i, j = (
        np.floor((x - box[0]) / box[2] * image.shape[1]).astype(int),
        np.floor((y - box[1]) / box[3] * image.shape[0]).astype(int),
    )
    inside = ((i >= 0) & (i < image.shape[1]))[None] & ((j >= 0) & (j < image.shape[0]))[:, None]
    found = image[np.clip(j, 0, image.shape[0] - 1)[:, None], np.clip(i, 0, image.shape[1] - 1)[None]]
    return np.floor(np.where(inside, found, 0.0) * _STEPS + 0.5) / _STEPS


def _laid(pixels: np.ndarray, colour: Rgb, mask: np.ndarray | tuple[slice, slice]) -> None:
    """Lay a colour over the pixels, in place."""
    if isinstance(mask, tuple):
        pixels[mask] = colour
        return
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    if len(rows):
        window = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        pixels[window] += mask[window][..., None] * (np.asarray(colour, float) - pixels[window])


def render(layout: Layout, palette: Palette, garments: Float[np.ndarray, "n h w"], scale: int = 1, smooth: bool = False) -> Banner:
    """Draw a banner with `scale` device pixels a CSS pixel; `garments` are ink (:func:`ink`), used in turn."""
    if scale not in (1, 2, 3):
        raise ValueError(f"screens have 1, 2 or 3 device pixels a CSS pixel, got {scale}")
    width, height = layout.width * scale, layout.height * scale
    pixels = np.empty((height, width, 3))
    pixels[:] = palette.paper
    x, y, w, h = (value * scale for value in layout.picture)
    _laid(pixels, palette.panel, (slice(y, y + h), slice(x, x + w)))
    masks = {"dots": dots(layout, garments, scale, smooth)}
    _laid(pixels, palette.dots, masks["dots"])
    for k, line in enumerate(layout.headline, 1):
        masks[f"headline {k}"] = line_mask(line, width, height, scale)
        _laid(pixels, palette.ink, masks[f"headline {k}"])
    name, mark = brand_parts(layout)
    masks["brand"] = line_mask(name, width, height, scale)
    _laid(pixels, palette.ink, masks["brand"])
    _laid(pixels, palette.ink, _discs([(x * scale, y * scale, r * scale) for x, y, r in mark], width, height))
    if layout.button and layout.button_text:
        _laid(pixels, palette.button, _pill(layout.button, width, height, scale))
        masks["button"] = line_mask(layout.button_text, width, height, scale)
        _laid(pixels, palette.button_text, masks["button"])
    for edge in (slice(0, scale), slice(-scale, None)):
        pixels[edge] = palette.ink
        pixels[:, edge] = palette.ink
    return Banner(layout, palette, scale, np.floor(pixels + 0.5).astype(np.uint8), masks)


def png(banner: Banner) -> bytes:
    """The file: with a table of colours where there are at most 256 (a banner in dots has about 60), else 24 bits a pixel."""
    from PIL import Image

    packed = (banner.pixels.astype(np.uint32) << np.array([16, 8, 0], np.uint32)).sum(2)
    colours, index = np.unique(packed, return_inverse=True)
    if len(colours) > 256:
        picture = Image.fromarray(banner.pixels)
    else:
        picture = Image.fromarray(index.reshape(packed.shape).astype(np.uint8), "P")
        picture.putpalette(np.stack([colours >> 16, colours >> 8 & 255, colours & 255], 1).astype(np.uint8).tobytes())
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True, dpi=(72 * banner.scale, 72 * banner.scale))
    return out.getvalue()
