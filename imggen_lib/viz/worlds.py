"""Pictures of land: relief in the light of a low sun in the north-west, with the water that would stand in blue."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from imggen_lib.applications.verdict import Measured
from imggen_lib.applications.worlds.generator import CELL
from imggen_lib.applications.worlds.measures import hollows
from imggen_lib.viz import style
from imggen_lib.viz.figure import Picture, figure_and_axes

Land = Float[np.ndarray, "rows columns"]


def relief(land: Land, cell: float = CELL) -> Float[np.ndarray, "rows columns"]:
    """Brightness from 0 to 1 under a sun in the north-west, 45 degrees high, heights not exaggerated (Horn, 1981)."""
    from matplotlib.colors import LightSource

    return np.asarray(LightSource(315, 45).hillshade(np.asarray(land, float), dx=cell, dy=cell))


def reliefs(named: Mapping[str, Land], *, water: bool = False, cell: float = CELL, columns: int = 2, scale: bool = True) -> Picture:
    """Land under its name, `columns` to a row; with `water`, blue where water would stand; with `scale`, kilometres at the axes.

    Raises:
        ValueError: if there is nothing to show.
    """
    if not named or columns < 1:
        raise ValueError(f"a picture shows one piece of land or more, got {len(named)} in {columns} columns")
    rows, across = -(-len(named) // columns), min(columns, len(named))
    figure, axes = figure_and_axes(3.6 * across, 3.9 * rows, nrows=rows, ncols=across, squeeze=False)
    for ax in axes.flat[len(named) :]:
        ax.set_axis_off()
    for ax, (name, land) in zip(axes.flat, named.items(), strict=False):
        wide, long = (n * cell / 1000 for n in (land.shape[1], land.shape[0]))
        extent = (0.0, wide, 0.0, long)
        ax.imshow(relief(land, cell), cmap="gray", vmin=0, vmax=1, extent=extent, interpolation="nearest")
        if water:
            ax.imshow(_blue(hollows(land)), extent=extent, interpolation="nearest")
        ax.set_title(name, loc="left")
        if scale:
            ax.set_xlabel("km")
        else:
            ax.set_axis_off()
    return figure


def _blue(where: np.ndarray) -> np.ndarray:
    from matplotlib.colors import to_rgba

    return np.where(where[..., None], to_rgba(style.DATA), 0.0)


def hollows_by_window(sizes: Sequence[int], named: Mapping[str, Sequence[Measured]], cell: float = CELL) -> Picture:
    """The share of hollows against the width of the window, a line for each kind of land, with its intervals."""
    figure, ax = figure_and_axes(6.0, 3.6)
    wide = np.array(sizes) * cell / 1000
    for k, (name, cells) in enumerate(named.items()):
        look: dict[str, Any] = style.series(k)
        value, low, high = (100 * np.array([c[i] for c in cells]) for i in range(3))
        ax.errorbar(wide, value, (value - low, high - value), label=name, capsize=3, **look)
    ax.set_xlabel("width of the window, km")
    ax.set_ylabel("hollows, % of the area")
    ax.set_ylim(0, 1.6 * ax.get_ylim()[1])  # room for the legend above the lines
    ax.legend(loc="upper left", ncols=2)
    return figure
