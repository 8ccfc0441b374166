r"""A signed distance field between its cells: one rule, the same to the last digit of the weights in Python and in a page.

A field has ``CELLS`` by ``CELLS`` values at the *middles* of its cells, :math:`f_{ij}` at :math:`(j+\tfrac12, i+\tfrac12)`; outside
the square every value is ``OUTSIDE``. Between them it is interpolated by **cubic convolution with a = -1/2** (Keys 1981, the
Catmull-Rom spline): four values a direction, with the weights

.. math::
    k(t) = \begin{cases} \tfrac32|t|^3 - \tfrac52|t|^2 + 1 & |t| \le 1 \\ -\tfrac12|t|^3 + \tfrac52|t|^2 - 4|t| + 2 & 1 < |t| < 2
    \end{cases}

and the ink is where the sum is above 0. Since nothing outside the square is ink, every outline is closed.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from imggen_lib.data.kanjivg import BOX, CELLS, RANGE

#: What a field is outside its square, and the least that it can be inside, in units of the box.
OUTSIDE = RANGE[0]
UNIT = BOX / CELLS  # units of the box a cell
Field = Float[np.ndarray, "_h _w"]
Fields = Float[np.ndarray, "_n _h _w"]


class Outline(NamedTuple):
    """A closed curve ``(k, 2)`` of (x, y) in cells, y downwards, its last point equal to its first; and the area it encloses.

    The area has a sign: positive around ink, negative around a hole in it.
    """

    points: Float[np.ndarray, "_k 2"]
    area: float


def cubic(t: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """The weight of a value at the distance `t`, in cells: cubic convolution with a = -1/2. Source: Keys 1981."""
    t = np.abs(t)
    near = (1.5 * t - 2.5) * t * t + 1
    far = ((-0.5 * t + 2.5) * t - 4) * t + 2
    return np.where(t <= 1, near, np.where(t < 2, far, 0.0))


def weights(places: Float[np.ndarray, " m"], cells: int = CELLS) -> Float[np.ndarray, "m {cells}"]:
    """The matrix that takes a row's values to those at `places` (in cells from the left edge); its rows sum to 1 only inside."""
    return cubic(np.asarray(places, dtype=float)[:, None] - (np.arange(cells) + 0.5))


def between(fields: Float[np.ndarray, "*n h w"], y: Float[np.ndarray, " r"], x: Float[np.ndarray, " c"]) -> np.ndarray:
    """The interpolated fields at all pairs of `y` and `x`, ``(..., r, c)``: two matrix products."""
    down, right = weights(y, fields.shape[-2]), weights(x, fields.shape[-1])
    return OUTSIDE + down @ (fields - OUTSIDE) @ right.T


def enlarged(fields: Float[np.ndarray, "*n h w"], size: int) -> np.ndarray:
    """The interpolated fields at the middles of `size` by `size` pixels that fill the square."""
    if size < 1:
        raise ValueError(f"a picture has at least one pixel a side, got {size}")
    high, wide = ((np.arange(size) + 0.5) * side / size for side in fields.shape[-2:])
    return between(fields, high, wide)


def outlines(field: Field, *, level: float = 0.0, resolution: int = 8) -> list[Outline]:
    """The closed curves where the field is `level`, by marching squares on `resolution` points a cell.

    `level` makes a character bolder (below 0) or thinner (above): ``field + c > 0`` is ``field > -c``. Curves around ink and around
    holes are told apart by the sign of their area; a point lies in the ink if an odd number of curves is around it (even-odd rule).

    Raises:
        ValueError: for a field that is not finite, or a level at or below what is outside, where no curve closes.
    """
    from skimage.measure import find_contours

    if field.ndim != 2 or not np.isfinite(field).all():
        raise ValueError(f"a field is a table of finite numbers, got the shape {field.shape}")
    if level <= OUTSIDE:
        raise ValueError(f"the level must be above {OUTSIDE}, what is outside, got {level}")
    high, wide = field.shape
    y, x = (np.arange(-resolution, (side + 1) * resolution + 1) / resolution for side in (high, wide))
    found = []
    for curve in find_contours(between(field, y, x), level):
        points = curve[:, ::-1] / resolution - 1
        found.append(Outline(points, enclosed(points)))
    return found


def enclosed(points: Float[np.ndarray, "_k 2"]) -> float:
    r"""The signed area inside a closed curve, :math:`\tfrac12\sum x_k y_{k+1} - x_{k+1} y_k`: the shoelace formula."""
    x, y = points[:-1].T
    x1, y1 = points[1:].T
    return float((x * y1 - x1 * y).sum() / 2)
