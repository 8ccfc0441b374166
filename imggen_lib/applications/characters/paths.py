"""From fields to what a plotter draws: polygons in millimetres, hatching, and an order with little travel of the lifted pen."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float

from imggen_lib.applications.characters.fields import Field, outlines

if TYPE_CHECKING:
    from shapely import MultiPolygon

Path = Float[np.ndarray, "_k 2"]  # (x, y) in millimetres, y downwards; closed if its last point is its first

#: Up to how many paths a tour is improved by turning pieces of it round: the time grows with the square.
MANY = 800


class Shape(NamedTuple):
    """A character's ink as polygons with holes, in millimetres of its cell, and how many specks were taken away."""

    ink: "MultiPolygon"
    specks: int


def even_odd(rings: Sequence[Path]) -> "MultiPolygon":
    """The points around which an odd number of closed curves goes, as polygons with holes."""
    from shapely import MultiPolygon, Polygon, make_valid

    area = MultiPolygon()
    for ring in rings:
        area = area.symmetric_difference(make_valid(Polygon(ring)))
    return MultiPolygon([part for part in getattr(area, "geoms", [area]) if part.geom_type == "Polygon" and not part.is_empty])


def shape_of(
    field: Field, side: float, *, level: float = 0.0, speck: float = 0.01, tolerance: float = 0.008, resolution: int = 16
) -> Shape:
    """The ink of a field in a cell of `side` millimetres, without specks: pieces below the share `speck` of the cell's area.

    Outlines keep within `tolerance` millimetres of the field's (Douglas and Peucker's rule, by shapely).
    """
    from shapely import MultiPolygon

    scale = side / field.shape[-1]
    pieces = even_odd([outline.points * scale for outline in outlines(field, level=level, resolution=resolution)]).geoms
    kept = [piece for piece in pieces if piece.area >= speck * side * side]
    plain = MultiPolygon(kept).simplify(tolerance, preserve_topology=True)
    return Shape(MultiPolygon(getattr(plain, "geoms", [plain]) if kept else []), len(pieces) - len(kept))


def rings_of(ink: "MultiPolygon") -> list[Path]:
    """The closed curves around polygons and around their holes."""
    return [np.asarray(ring.coords) for piece in ink.geoms for ring in (piece.exterior, *piece.interiors)]


def hatch(ink: "MultiPolygon", *, spacing: float = 0.9, pen: float = 0.3, angle: float = 45.0) -> list[Path]:
    """Parallel lines that fill the ink and leave its holes free: two points each, every other one drawn backwards.

    Lines end half a `pen`'s width before the outline, so that what the pen leaves on paper stays in the ink. All in millimetres,
    `angle` in degrees. Lines lie on one grid for the whole page: neighbouring shapes match.
    """
    from shapely import LineString
    from shapely.affinity import rotate

    if min(spacing, pen) <= 0:
        raise ValueError(f"spacing and pen are widths above 0 in millimetres, got {spacing} and {pen}")
    turned = rotate(ink.buffer(-pen / 2), -angle, origin=(0, 0))
    if turned.is_empty:
        return []
    left, low, right, high = turned.bounds
    found: list[Path] = []
    for k in range(int(np.ceil(low / spacing)), int(np.floor(high / spacing)) + 1):
        line = LineString([(left - 1, k * spacing), (right + 1, k * spacing)])
        cut = turned.intersection(line)
        parts = [part for part in getattr(cut, "geoms", [cut]) if part.geom_type == "LineString" and part.length > pen / 2]
        lines = [np.asarray(rotate(part, angle, origin=(0, 0)).coords) for part in parts]
        found += [line[::-1] for line in reversed(lines)] if k % 2 else lines
    return found


def closed(path: Path) -> bool:
    """Whether a path ends where it begins."""
    return len(path) > 3 and bool(np.allclose(path[0], path[-1], atol=1e-9))


def travel(paths: Sequence[Path], home: tuple[float, float] = (0.0, 0.0)) -> float:
    """How far the pen moves while it is lifted, in millimetres: from `home` to the first path, and from each to the next."""
    if not paths:
        return 0.0
    ends = np.array([home, *(path[-1] for path in paths[:-1])])
    return float(np.linalg.norm(np.array([path[0] for path in paths]) - ends, axis=1).sum())


def length(paths: Sequence[Path]) -> float:
    """How far the pen moves while it draws, in millimetres."""
    return float(sum(np.linalg.norm(np.diff(path, axis=0), axis=1).sum() for path in paths))


def ordered(paths: Sequence[Path], *, rounds: int = 4, home: tuple[float, float] = (0.0, 0.0)) -> list[Path]:
    """The same paths in an order with little travel; closed ones begin where it suits, open ones at either end.

    First always the nearest path that is left (nearest neighbour); then, `rounds` times, pieces of the tour are turned round
    where that is shorter (2-opt) and each closed path begins at the point that is best between its neighbours. Beyond
    :data:`MANY` paths, such as lines of a hatching, the nearest neighbour has to do.
    """
    from imggen_lib.applications.characters.tours import greedy, placed, two_opt

    if not paths:
        return []
    tour = greedy(paths, home)
    for _ in range(rounds if len(paths) <= MANY else 0):
        tour = placed(two_opt(tour, home), home)
    return tour
