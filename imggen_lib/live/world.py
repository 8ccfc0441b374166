"""Walk and fly through a landscape without end, whose heights are made in the page, tile by tile.

What makes them is :mod:`imggen_lib.applications.worlds` once more (``js/world_math.js``); a test compares the two.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from imggen_lib.errors import unknown_name
from imggen_lib.live.base import Live
from imggen_lib.live.shipped import LANDSCAPE, offers, packed_file

KINDS = ("land", "noise")
MOST = 999_999  # the largest seed that the demo's field takes


@offers(LANDSCAPE)
@cache
def landscape() -> dict[str, Any]:
    """What makes the landscape in the page: the generator of land in half precision, and how high noise is to be beside it.

    ``spec["world"]`` has the cell's side and the unit of height in metres, octaves and gain of the noise, its ``scale`` in metres
    (as steep as the land in the mean), and ``span``, the heights between which
    colours are spread. Measured on nine tiles.
    """
    import numpy as np

    from imggen_lib.applications.worlds import generator, measures, noise
    from imggen_lib.live.layers import unrolled
    from imggen_lib.live.pack import written

    model, octaves, gain = generator.shipped(), 7, 0.5
    convolutions = [*(layer for stage in model.stages for layer in stage), model.last]  # type: ignore[attr-defined]
    said, content = written({"land": [layer for convolution in convolutions for layer in unrolled(convolution)]})
    places = [(9 * k, -7 * k) for k in range(9)]
    tiles = np.stack([generator.tile(*place, rim=0) for place in places])
    side = generator.TILE
    waves = np.stack([noise.fbm(0, side * x, side * y, side, side, octaves=octaves, gain=gain) for x, y in places])
    steep, scale = float(measures.slopes(tiles).mean()), 1.0
    for _ in range(20):
        scale *= steep / float(measures.slopes(waves * scale).mean())
    scale = round(scale, 1)
    heights = {"land": tiles, "noise": waves * scale}
    span = {kind: [float(round(v)) for v in np.quantile(values, (0.01, 0.99))] for kind, values in heights.items()}
    world = {"cell": generator.CELL, "unit": generator.UNIT, "octaves": octaves, "gain": gain, "scale": scale, "span": span}
    return {"spec": {**said, "stages": [list(stage) for stage in generator.STAGES], "world": world}, "bytes": content}


class World(Live):
    """See :func:`world`."""

    demo = "world"
    parts = ("product", "net", "world_math", "world_tiles", "world_shaders", "world_gl", "world_map", "world_walk", "world_xr")
    words = (
        "A live demo stands here: a landscape without end, to walk and to fly through, made from a seed in the page. "
        "It needs JavaScript, or a running notebook."
    )

    def file(self, name: str) -> dict[str, Any]:
        return packed_file(name)


def world(kind: str = "land", *, seed: int = 0, strings: Mapping[str, str] | None = None) -> World:
    """A landscape without end, by keys (W, A, S, D or arrows), by touch, or with a headset where the browser offers it.

    `kind` is what makes the heights at first: ``land``, the generator, or ``noise``, fractional Brownian motion; the reader can
    change it, and the `seed`. A tile of the same seed is the same after any order of visits, also a million tiles away. The map
    shows the hollows that water would fill; a tap goes there. Without WebGL 2 there is the map alone, which can be dragged.

    Raises ``ValueError`` for an unknown kind, and for a seed that is no whole number from 0 to 999,999.
    """
    if kind not in KINDS:
        raise ValueError(unknown_name("kind of landscape", kind, KINDS))
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= MOST:
        raise ValueError(f"a seed is a whole number from 0 to {MOST}, got {seed!r}")
    return World({"model": LANDSCAPE, "kind": kind, "seed": seed}, strings=strings)
