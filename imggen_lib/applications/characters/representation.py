"""What 32 by 32 numbers remember of an outline: distances, shares of ink, or yes and no. The truth is a font's outlines, filled."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from imggen_lib.applications.characters.fields import Field, enlarged
from imggen_lib.applications.characters.page import MM, Sheet
from imggen_lib.applications.characters.svg import filled, overlap
from imggen_lib.data.kanjivg import BOX, CELLS, RANGE

#: Pixels a side of the truth.
TRUTH = 1024
LETTERS = "ABCDEFGHJKLMNPQRSTUVXYZ"


class Remembered(NamedTuple):
    """The overlap (IoU) with the truth of what comes back from 32 by 32 numbers, by how they were stored and read."""

    distance: float
    coverage: float
    nearest: float


def letter(character: str, font: str = "DejaVu Sans") -> Bool[np.ndarray, "s s"]:
    """A letter of a font that ships with matplotlib, filled exactly along its outlines, in the middle of :data:`TRUTH` pixels."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    rings = [np.asarray(ring) for ring in TextPath((0, 0), character, size=100, prop=FontProperties(family=font)).to_polygons()]
    points = np.concatenate(rings)
    low, high = points.min(0), points.max(0)
    scale = 0.78 * BOX / (high - low).max()
    placed = [(ring - (low + high) / 2) * [scale, -scale] + BOX / 2 for ring in rings]
    return filled(placed, Sheet(width=BOX, height=BOX, columns=1, rows=1, cell=BOX, dpi=round(TRUTH / BOX * MM)))[:TRUTH, :TRUTH]


def distances(truth: Bool[np.ndarray, "s s"]) -> Field:
    """The signed distance at the middle of each of 32 by 32 cells, in units of the box, clipped below as the data are."""
    from scipy.ndimage import distance_transform_edt

    away = np.where(truth, distance_transform_edt(truth) - 0.5, 0.5 - distance_transform_edt(~truth)) * (BOX / len(truth))
    half, step = len(truth) // CELLS // 2, len(truth) // CELLS
    middles = (away[a::step, b::step] for a in (half - 1, half) for b in (half - 1, half))
    return np.maximum(sum(middles) / 4, RANGE[0])


def coverage(truth: Bool[np.ndarray, "s s"]) -> Float[np.ndarray, "_h _w"]:
    """The share of ink in each of 32 by 32 cells."""
    step = len(truth) // CELLS
    return truth.reshape(CELLS, step, CELLS, step).mean((1, 3))


def remembered(truth: Bool[np.ndarray, "s s"]) -> Remembered:
    """The three ways for one shape: distances and shares of ink, interpolated and cut; shares of ink, cut cell by cell."""
    size, shares = len(truth), coverage(truth)
    smooth = enlarged(distances(truth), size) > 0
    ink = enlarged(16 * shares - 8, size) > 0  # the same interpolation, and nothing outside
    blocks = np.kron(shares > 0.5, np.ones((size // CELLS,) * 2, dtype=bool))
    return Remembered(*(overlap(truth, found) for found in (smooth, ink, blocks)))
