"""Pictures of items for games, larger than they are, on a board that shows what is transparent."""

from collections.abc import Mapping

import numpy as np

from imggen_lib.applications.sprites import Palette, Pictures, rgba
from imggen_lib.viz.figure import Picture, figure_and_axes

SCALE, BOARD = 2, (214, 222)  # a pixel's side; the greys of the board's squares


def on_board(pictures: Pictures, palette: Palette, scale: int = SCALE) -> np.ndarray:
    """Pictures side by side on squares of two greys, ``(rows, columns, 3)``."""
    each = rgba(pictures, palette).repeat(scale, 1).repeat(scale, 2)
    strip = np.concatenate(list(each), axis=1)
    rows, columns = np.indices(strip.shape[:2]) // (4 * scale)
    board = np.array(BOARD, np.uint8)[(rows + columns) % 2][..., None].repeat(3, 2)
    return np.where(strip[..., 3:] > 0, strip[..., :3], board)


def item_rows(named: Mapping[str, Pictures], palette: Palette) -> Picture:
    """A row of items for each name."""
    figure, axes = figure_and_axes(9, 0.95 * len(named), nrows=len(named), squeeze=False)
    for ax, (name, pictures) in zip(axes[:, 0], named.items(), strict=True):
        ax.imshow(on_board(pictures, palette), interpolation="nearest", aspect="equal")
        ax.set_title(name, loc="left")
        ax.set_axis_off()
    return figure
