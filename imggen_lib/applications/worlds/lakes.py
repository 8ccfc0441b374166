"""Water that stands, and the same in every tile: hollows are filled within fixed blocks, and the highest answer counts.

Filling a hollow needs to know the land as far as its sill, and no halo is long enough for every hollow. But blocks of the plane
that are fixed once and for all do not depend on who asks. So hollows that fit into a block are filled exactly, larger ones in part.
"""

import numpy as np
from jaxtyping import Float

from imggen_lib.applications.worlds.generator import RIM, TILE, Terrain, heights, shipped
from imggen_lib.applications.worlds.measures import filled


def level(left: int, top: int, height: int, width: int, seed: int = 0, *, model: Terrain | None = None) -> Float[np.ndarray, "r c"]:
    """The water's surface in metres, the land's own where none stands: the highest of what the blocks around a cell say.

    Blocks are 2 ``TILE`` cells wide and begin at each multiple of ``TILE``, so each cell lies in four. The surface of a hollow that
    lies within a block is exact: no block can fill it higher than the whole plane would, and this one fills it as high.
    """
    model = model or shipped()
    first, last = ((v // TILE) - 1 for v in (top, left)), ((v - 1) // TILE for v in (top + height, left + width))
    (up, west), (down, east) = first, last
    land = heights(model, seed, west * TILE, up * TILE, (down - up + 2) * TILE, (east - west + 2) * TILE).astype(float)
    surface = land.copy()
    for i in range(down - up + 1):
        for j in range(east - west + 1):
            block = slice(i * TILE, (i + 2) * TILE), slice(j * TILE, (j + 2) * TILE)
            surface[block] = np.maximum(surface[block], filled(land[block]))
    return surface[top - up * TILE :, left - west * TILE :][:height, :width]


def tile(x: int, y: int, seed: int = 0, *, model: Terrain | None = None, rim: int = RIM) -> Float[np.ndarray, "side side"]:
    """The water's surface on tile (`x`, `y`), with its rim; what is higher than the land there is a lake."""
    side = TILE + 2 * rim
    return level(TILE * x - rim, TILE * y - rim, side, side, seed, model=model)
