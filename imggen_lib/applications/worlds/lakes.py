"""Water that stands and water that cuts, and the same in every tile: what needs to know a whole window is done in fixed blocks.

Filling a hollow needs to know the land as far as its sill, and no halo is long enough for every hollow. But blocks of the plane
that are fixed once and for all do not depend on who asks. So hollows that fit into a block are filled exactly, larger ones in part.
Blocks are 2 ``TILE`` cells wide and begin at each multiple of ``TILE``, so each cell lies in four.
"""

import numpy as np
from jaxtyping import Float

from imggen_lib.applications.worlds.generator import RIM, TILE, Terrain, heights, shipped
from imggen_lib.applications.worlds.measures import filled
from imggen_lib.applications.worlds.rivals import eroded

Block = tuple[slice, slice]


def _around(
    left: int, top: int, height: int, width: int, seed: int, model: Terrain | None
) -> tuple[Float[np.ndarray, "r c"], list[Block], Block]:
    """The land of all blocks that hold a cell of a window, those blocks in it, and the window in it."""
    (up, west), (down, east) = (top // TILE - 1, left // TILE - 1), ((top + height - 1) // TILE, (left + width - 1) // TILE)
    rows, columns = (down - up + 2) * TILE, (east - west + 2) * TILE
    land = heights(model or shipped(), seed, west * TILE, up * TILE, rows, columns).astype(float)
    starts = ((i * TILE, j * TILE) for i in range(down - up + 1) for j in range(east - west + 1))
    blocks = [(slice(i, i + 2 * TILE), slice(j, j + 2 * TILE)) for i, j in starts]
    i, j = top - up * TILE, left - west * TILE
    return land, blocks, (slice(i, i + height), slice(j, j + width))


def level(left: int, top: int, height: int, width: int, seed: int = 0, *, model: Terrain | None = None) -> Float[np.ndarray, "r c"]:
    """The water's surface in metres, the land's own where none stands: the highest of what the blocks around a cell say.

    The surface of a hollow that lies within a block is exact: no block can fill it higher than the whole plane would, and this one
    fills it as high.
    """
    land, blocks, window = _around(left, top, height, width, seed, model)
    surface = land.copy()
    for block in blocks:
        surface[block] = np.maximum(surface[block], filled(land[block]))
    return surface[window]


def tile(x: int, y: int, seed: int = 0, *, model: Terrain | None = None, rim: int = RIM) -> Float[np.ndarray, "side side"]:
    """The water's surface on tile (`x`, `y`), with its rim; what is higher than the land there is a lake."""
    side = TILE + 2 * rim
    return level(TILE * x - rim, TILE * y - rim, side, side, seed, model=model)


def worn(
    left: int,
    top: int,
    height: int,
    width: int,
    seed: int = 0,
    *,
    steps: int = 5,
    strength: float = 0.02,
    model: Terrain | None = None,
) -> Float[np.ndarray, "r c"]:
    """Land that was eroded block by block, blended: a block's answer counts most in its middle, and not at its border.

    The weights are tents whose sum is 1 at every cell. So the land is the same in every window, but where blocks disagree about a
    valley, it is two half valleys.
    """
    land, blocks, window = _around(left, top, height, width, seed, model)
    t = np.arange(2 * TILE) + 0.5
    tent = np.minimum(t, 2 * TILE - t) / TILE
    total = np.zeros_like(land)
    for block in blocks:
        total[block] += tent[:, None] * tent * eroded(land[block], steps, strength=strength, diffusion=0.0)
    return total[window]
