"""Small pictures for the gallery: a recognisable part of each, few colours, a few kilobytes."""

import io

from PIL import Image

WIDTH, HEIGHT = 210, 140
WIDEST, TALLEST = 2.2, 1.1  # width to height, height to width: what is beyond is cut off
LIMIT = 2_600  # bytes


def frame(picture: Image.Image, grid: tuple[int, int], at: tuple[int, int]) -> Image.Image:
    """One of the frames of a slider's picture, which holds all of them; of a film the last."""
    picture.seek(getattr(picture, "n_frames", 1) - 1)
    width, height = picture.width // grid[1], picture.height // grid[0]
    left, top = at[1] * width, at[0] * height
    return picture.convert("RGBA").crop((left, top, left + width, top + height))


def cut(picture: Image.Image) -> Image.Image:
    """The left part of what is very wide (names of rows stand there), the upper part of what is very tall."""
    width = min(picture.width, round(WIDEST * picture.height))
    height = min(picture.height, round(TALLEST * width))
    return picture.crop((0, 0, width, height))


def few(picture: Image.Image, colours: int) -> Image.Image:
    """The picture in a few colours; what is transparent stays so, for pages that are dark."""
    if picture.getchannel("A").getextrema() == (255, 255):
        return picture.convert("RGB").quantize(colours, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    return picture.quantize(colours, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)


def small(data: bytes, grid: tuple[int, int] = (1, 1), at: tuple[int, int] = (0, 0)) -> tuple[bytes, tuple[int, int]]:
    """A PNG, and the size at which it is to be shown: as large as fits into 210 by 140 pixels.

    Colours, then pixels, are given up until the file is light enough.
    """
    with Image.open(io.BytesIO(data)) as opened:
        whole = cut(frame(opened, grid, at))
    scale = min(WIDTH / whole.width, HEIGHT / whole.height)
    size = max(1, round(whole.width * scale)), max(1, round(whole.height * scale))
    for share, colours in ((1, 16), (1, 10), (0.8, 10), (0.65, 8), (0.5, 8)):
        pixels = tuple(max(1, min(round(side * share), own)) for side, own in zip(size, whole.size, strict=True))
        reduced = few(whole.resize(pixels, Image.Resampling.LANCZOS), colours)
        out = io.BytesIO()
        reduced.save(out, "PNG", optimize=True)
        if out.tell() <= LIMIT:
            break
    return out.getvalue(), size
