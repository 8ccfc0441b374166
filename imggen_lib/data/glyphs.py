"""Glyphs: digits and letters with known factors, drawn from the fonts that ship with matplotlib.

A data set that needs no network and has ground truth: every image is a function of its class, font, slant, weight, scale and
position. The pixels are **the same bytes on every machine**. FreeType's are not (its version differs between builds), so the glyph
outlines, which are integers in the font file, are read with fontTools and rasterised here: a signed distance field a glyph,
sampled through an affine map. Only IEEE-exact elementwise operations are used (no sums, no BLAS, no transcendental functions), and
random numbers come from PCG64's raw stream, which NumPy guarantees.
"""

import logging
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from imggen_lib.checks import whole
from imggen_lib.data.imageset import ImageSet
from imggen_lib.data.listing import check_split
from imggen_lib.errors import DataError
from imggen_lib.noise import mix

CLASSES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FONTS = ("DejaVuSans", "DejaVuSansMono", "DejaVuSerif", "cmr10", "cmss10", "cmtt10", "STIXGeneral")
COUNTS = {"train": 60_000, "test": 10_000}
SIZE = 28  # pixels a side
CAP = 15.0  # height of a capital letter in pixels at scale 1
#: Ranges of the continuous factors, all uniform. Weight is in capital heights, added to each side of every stroke; x (to the
#: right) and y (downwards) are in pixels.
RANGES = {"slant": (-0.2, 0.4), "weight": (-0.008, 0.05), "scale": (0.8, 1.2), "x": (-3.0, 3.0), "y": (-3.0, 3.0)}
_MOST = 10_000_000  # images, 8 GB
_HALF, _CELLS = 0.85, 80  # the distance field covers [-_HALF, _HALF] squared, in capital heights


@lru_cache(maxsize=len(FONTS))
def _font(name: str) -> dict[str, list]:
    """The drawing commands of every character of a font, in font units: ``(operation, points)``."""
    import matplotlib
    from fontTools.pens.recordingPen import DecomposingRecordingPen
    from fontTools.ttLib import TTFont

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf"
    if not path.exists():
        raise DataError(f"{path} is missing: glyphs need the fonts that ship with matplotlib; reinstall matplotlib")
    logging.getLogger("fontTools").setLevel(logging.ERROR)  # it warns of the old fonts' dates
    commands = {}
    with TTFont(path, lazy=True) as ttf:
        glyphs, cmap = ttf.getGlyphSet(), ttf.getBestCmap()
        for character in CLASSES:
            pen = DecomposingRecordingPen(glyphs)
            glyphs[cmap[ord(character)]].draw(pen)
            commands[character] = pen.value
    return commands


def _flatten(commands: list) -> np.ndarray:
    """Drawing commands to line segments ``(s, 2, 2)``; eight a quadratic curve."""
    from fontTools.pens.basePen import decomposeQuadraticSegment

    segments: list[tuple] = []
    start = here = (0.0, 0.0)
    for op, args in commands:
        if op == "moveTo":
            start = here = args[0]
        elif op == "lineTo":
            segments.append((here, args[0]))
            here = args[0]
        elif op == "qCurveTo":
            for control, end in decomposeQuadraticSegment(args):
                previous = here
                for k in range(1, 9):
                    t = k / 8
                    a, b, c = (1 - t) * (1 - t), 2 * t * (1 - t), t * t
                    point = tuple(a * p + b * q + c * r for p, q, r in zip(here, control, end, strict=True))
                    segments.append((previous, point))
                    previous = point
                here = end
        elif op == "closePath" and here != start:
            segments.append((here, start))
            here = start
    return np.array(segments, dtype=np.float64)


def _outline(font: str, character: str) -> np.ndarray:
    """Line segments ``(s, 2, 2)`` of a glyph, in capital heights, centred on its box; wide glyphs are shrunk to fit."""
    cap = np.ptp(_flatten(_font(font)["H"])[..., 1])
    lines = _flatten(_font(font)[character])
    low, high = lines.min((0, 1)), lines.max((0, 1))
    width, height = (high - low) / cap
    return (lines - (low + high) / 2) / cap / max(1.0, width / 1.1, height / 1.15)


def _distance_field(segments: np.ndarray) -> np.ndarray:
    """Signed distance to the outline, positive inside, on a ``(_CELLS, _CELLS)`` grid; float32."""
    axis = (np.arange(_CELLS) / (_CELLS - 1) * 2 - 1) * _HALF
    x, y = axis[None, :], axis[:, None]
    nearest = np.full((_CELLS, _CELLS), np.inf)
    winding = np.zeros((_CELLS, _CELLS), dtype=np.int64)
    for (x0, y0), (x1, y1) in segments:
        dx, dy = x1 - x0, y1 - y0
        length = dx * dx + dy * dy
        if length == 0:
            continue
        t = np.clip(((x - x0) * dx + (y - y0) * dy) / length, 0.0, 1.0)
        ex, ey = x - (x0 + t * dx), y - (y0 + t * dy)
        nearest = np.minimum(nearest, ex * ex + ey * ey)
        left = dx * (y - y0) - (x - x0) * dy > 0
        winding += (y0 <= y) & (y1 > y) & left
        winding -= (y0 > y) & (y1 <= y) & ~left
    return np.where(winding != 0, np.sqrt(nearest), -np.sqrt(nearest)).astype(np.float32)


@lru_cache(maxsize=1)
def _fields() -> np.ndarray:
    """All distance fields, ``(fonts * classes, _CELLS, _CELLS)``: about two seconds, once a process."""
    return np.stack([_distance_field(_outline(f, c)) for f in FONTS for c in CLASSES])


def _uniforms(n: int, *seed: int) -> np.ndarray:
    """n numbers in [0, 1) with 53 bits, from the raw stream of PCG64."""
    raw = np.random.PCG64(mix(*seed)).random_raw(n)
    return (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53


def draw_factors(n: int, seed: int = 0, classes: str = CLASSES) -> dict[str, np.ndarray]:
    """Independent factors for n images: ``class`` (index in `classes`) and ``font`` as int64, the others as float64."""
    out: dict[str, np.ndarray] = {
        "class": (_uniforms(n, seed, 0) * len(classes)).astype(np.int64),
        "font": (_uniforms(n, seed, 1) * len(FONTS)).astype(np.int64),
    }
    for k, (name, (low, high)) in enumerate(RANGES.items(), start=2):
        out[name] = low + (high - low) * _uniforms(n, seed, k)
    return out


def render(factors: dict[str, np.ndarray], classes: str = CLASSES) -> np.ndarray:
    """Images ``(n, 28, 28)`` uint8 for the given factors; white on black, a pixel's value is the ink's share of it."""
    position = np.array([CLASSES.index(c) for c in classes])
    glyph = factors["font"] * len(CLASSES) + position[factors["class"]]
    fields = _fields().ravel()
    centre = np.arange(SIZE, dtype=np.float32) - np.float32((SIZE - 1) / 2)
    out = np.empty((len(glyph), SIZE, SIZE), dtype=np.uint8)
    cells = np.float32((_CELLS - 1) / (2 * _HALF))
    for first in range(0, len(glyph), 500):
        part = slice(first, first + 500)
        slant, weight, scale, dx, dy = (factors[k][part].astype(np.float32)[:, None, None] for k in RANGES)
        unit = np.float32(CAP) * scale  # pixels a capital height
        v = (dy - centre[:, None]) / unit  # upwards
        u = (centre[None, :] - dx) / unit - slant * v
        gx = np.clip((u + np.float32(_HALF)) * cells, 0, np.float32(_CELLS - 1.001))
        gy = np.clip((v + np.float32(_HALF)) * cells, 0, np.float32(_CELLS - 1.001))
        ix, iy = gx.astype(np.int32), gy.astype(np.int32)
        fx, fy = gx - ix, gy - iy
        base = (glyph[part, None, None] * (_CELLS * _CELLS)).astype(np.int32) + iy * _CELLS + ix
        low = fields[base] * (1 - fx) + fields[base + 1] * fx
        high = fields[base + _CELLS] * (1 - fx) + fields[base + _CELLS + 1] * fx
        distance = low * (1 - fy) + high * fy
        ink = np.clip(np.float32(0.5) + (distance + weight) * unit, 0, 1)
        out[part] = np.floor(ink * 255 + np.float32(0.5)).astype(np.uint8)
    return out


def make(split: str = "train", *, n: int | None = None, seed: int = 0, classes: str = CLASSES) -> ImageSet:
    """The glyphs as an :class:`ImageSet`: 60,000 training or 10,000 test images unless `n` says otherwise.

    The first ``n`` images are the same whatever `n` is; `train` and `test` are drawn independently.
    """
    if not classes or len(set(classes)) != len(classes) or not set(classes) <= set(CLASSES):
        raise ValueError(f"classes must be different characters out of {CLASSES}, got {classes!r}")
    check_split(split)
    count = COUNTS[split] if n is None else whole(n, "n")
    if not 1 <= count <= _MOST:
        raise ValueError(f"n must be at least 1 and at most {_MOST:,}, got {count}")
    factors = draw_factors(count, mix(seed, list(COUNTS).index(split)), classes)
    images = torch.from_numpy(render(factors, classes)).unsqueeze(1)
    truth = {k: torch.from_numpy(v) for k, v in factors.items()}
    return ImageSet(images, truth["class"], tuple(classes), "glyphs", truth)
