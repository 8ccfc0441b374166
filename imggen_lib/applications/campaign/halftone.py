r"""Halftone: a grey picture as dots of one colour, whose area is the grey value.

A square grid with cells of side 1 is turned by an angle. Each cell has one dot, a disc of radius r around its centre, cut off at
the cell's edge where it is larger. Pixels look only at the dot of their own cell, so a picture of any size is one formula a pixel.
"""

import math
from functools import cache

import numpy as np
from jaxtyping import Float

ANGLE = 30.0  # degrees
LEVELS = 255  # the steps of a grey value for which radii are stored
SAMPLES = 4  # points a side at which a pixel is asked: 17 shades of coverage, so few colours and small files


def dot_area(radius: float) -> float:
    r"""The area that a disc in the middle of a unit square covers of it, from 0 to 1.

    .. math::
        A(r) = \pi r^2 \ (r \le \tfrac12), \qquad A(r) = \pi r^2 - 4 r^2 \arccos\frac{1}{2r}
        + 2\sqrt{r^2 - \tfrac14} \ (\tfrac12 \le r \le \tfrac{1}{\sqrt2})

    Beyond the last radius the square is full. Neighbours of the same radius add nothing inside the square: a point of it is never
    nearer to another centre.
    """
    r = float(radius)
    if not r >= 0:
        raise ValueError(f"a radius is not negative, got {radius}")
    if r >= math.sqrt(0.5):
        return 1.0
    if r <= 0.5:
        return math.pi * r * r
    return math.pi * r * r - 4 * (r * r * math.acos(0.5 / r) - 0.5 * math.sqrt(r * r - 0.25))


@cache
def radii() -> tuple[float, ...]:
    """The radius of each grey value 0/255 to 255/255: :func:`dot_area` solved by 40 halvings."""
    found = []
    for level in range(LEVELS + 1):
        low, high = 0.0, math.sqrt(0.5)
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if dot_area(middle) < level / LEVELS else (low, middle)
        found.append(high)
    return (0.0, *found[1:-1], 1.0)  # no dot at all, and one that covers the corners, too


def _weights(t: Float[np.ndarray, "*n"]) -> list[Float[np.ndarray, "*n"]]:
    """The four weights of the uniform cubic B-spline at a fraction t between the second and the third of four pixels."""
    return [(1 - t) ** 3 / 6, (3 * t**3 - 6 * t**2 + 4) / 6, (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6, t**3 / 6]


def grey_at(image: Float[np.ndarray, "h w"], x: Float[np.ndarray, "*n"], y: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Values of an image between its pixels: cubic B-spline, which never leaves the range of the pixels; 0 outside.

    `x` and `y` are in pixels from the upper left corner, so the first pixel's centre is at (0.5, 0.5).
    """
    height, width = image.shape
    left, top = np.floor(x - 0.5).astype(int), np.floor(y - 0.5).astype(int)
    across, down = _weights(x - 0.5 - left), _weights(y - 0.5 - top)
    padded = np.pad(image, 2)  # a ring of zeros; farther outside everything is cut to it
    total = np.zeros(x.shape)
    for j in range(4):
        row = np.clip(top + j + 1, 0, height + 3)
        for i in range(4):
            total += down[j] * across[i] * padded[row, np.clip(left + i + 1, 0, width + 3)]
    return total


def cell_size(side: int) -> float:
    """The side of a cell in CSS pixels for a garment that is `side` pixels wide: 46 dots across, but in a small one as many as the
    image has pixels, 28, if that keeps a cell at 3 pixels or below; and never a cell under 2 pixels.
    """
    return max(2.0, side / 46, min(3.0, side / 28))


def halftone(
    image: Float[np.ndarray, "h w"], width: int, height: int, box: tuple[float, float, float, float], cell: float,
    angle: float = ANGLE, least: float = 0.0,
) -> Float[np.ndarray, "height width"]:  # fmt: skip
    """How much of each pixel is covered by ink, 0 to 1 in steps of a sixteenth: 4 x 4 points of it are asked.

    Args:
        image: Ink from 0 to 1.
        width: Of the picture, in device pixels.
        height: Of the picture, in device pixels.
        box: Where the image lies in it: x, y, width and height in device pixels; outside of it there is no ink.
        cell: The side of a cell in device pixels.
        angle: Of the grid, in degrees.
        least: Values below it get no dot: so that no dust lies around an outline.
    """
    if cell < 2:
        raise ValueError(f"a dot needs a cell of at least 2 pixels, got {cell:g}")
    left, top, wide, high = box
    cover = np.zeros((height, width))
    rim = 2 * cell + 2 * max(wide / image.shape[1], high / image.shape[0])  # farther from the box there is no ink
    across = np.arange(max(0, int(left - rim)), min(width, int(left + wide + rim) + 1))
    down = np.arange(max(0, int(top - rim)), min(height, int(top + high + rim) + 1))
    if not len(across) or not len(down):
        return cover
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    corners = [(x * c + y * s, y * c - x * s) for x in (across[0], across[-1] + 1) for y in (down[0], down[-1] + 1)]
    first, last = (np.floor(np.asarray(f(corners, axis=0)) / cell).astype(int) for f in (np.min, np.max))
    u0, v0 = np.meshgrid(np.arange(first[0], last[0] + 1) + 0.5, np.arange(first[1], last[1] + 1) + 0.5)
    x0, y0 = (u0 * c - v0 * s) * cell - left, (u0 * s + v0 * c) * cell - top  # the cells' centres, from the box's corner
    grey = grey_at(image, x0 * image.shape[1] / wide, y0 * image.shape[0] / high)
    grey = np.where(grey < least, 0.0, grey)
    squared = np.asarray(radii())[np.floor(np.clip(grey, 0, 1) * LEVELS + 0.5).astype(int)] ** 2
    count = np.zeros((len(down), len(across)), np.uint8)
    for k in range(SAMPLES * SAMPLES):
        x, y = across + (k % SAMPLES + 0.5) / SAMPLES, (down + (k // SAMPLES + 0.5) / SAMPLES)[:, None]
        u, v = (x * c + y * s) / cell, (y * c - x * s) / cell
        i, j = np.floor(u).astype(int), np.floor(v).astype(int)
        count += (u - i - 0.5) ** 2 + (v - j - 0.5) ** 2 < squared[j - first[1], i - first[0]]
    cover[down[0] : down[-1] + 1, across[0] : across[-1] + 1] = count / SAMPLES**2
    return cover
