"""Pictures of the chapter on games: levels as they look in the game, and what searches found."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from imggen_lib.applications.levels import measures
from imggen_lib.applications.levels.tiles import Level
from imggen_lib.applications.levels.tileset import SIZE, draw
from imggen_lib.data import to_float
from imggen_lib.viz import style
from imggen_lib.viz.figure import Picture, figure_and_axes
from imggen_lib.viz.sheets import Sheet

Levels: TypeAlias = Sequence[Level] | UInt8[np.ndarray, "n _rows _columns"]
GAP = 8  # pixels between two levels


def level_sheet(levels: Levels, columns: int = 2) -> Sheet:
    """Levels of one size side by side, `columns` to a row. ``ValueError`` for none, and for levels of several sizes."""
    if len(levels) == 0 or len({level.shape for level in levels}) != 1 or columns < 1:
        raise ValueError(f"a sheet shows one or more levels of one size, got {len(levels)} in {columns} columns")
    pictures = [draw(level) for level in levels]
    height, width = pictures[0].shape[:2]
    rows, across = -(-len(pictures) // columns), min(columns, len(pictures))
    sheet = np.full((rows * (height + GAP) - GAP, across * (width + GAP) - GAP, 3), 128, np.uint8)
    for k, picture in enumerate(pictures):
        top, left = k // columns * (height + GAP), k % columns * (width + GAP)
        sheet[top : top + height, left : left + width] = picture
    return Sheet(sheet, 1)


def level_images(levels: Levels) -> Tensor:
    """Levels as ordinary images ``(n, 3, height, width)`` in [-1, 1], for what shows images to people."""
    pictures = torch.from_numpy(np.stack([draw(level) for level in levels]))
    return to_float(pictures.permute(0, 3, 1, 2).contiguous())


def level_rows(named: Mapping[str, Levels], marked: bool = False) -> Picture:
    """A row of levels for each name; with `marked`, a frame around every tile of a pipe that misses a neighbour."""
    figure, axes = figure_and_axes(9, 1.75 * len(named), nrows=len(named), squeeze=False)
    for ax, (name, levels) in zip(axes[:, 0], named.items(), strict=True):
        step = levels[0].shape[1] + 1
        strip = np.full((levels[0].shape[0] * SIZE, step * SIZE * len(levels), 3), 255, np.uint8)
        for k, level in enumerate(levels):
            picture = draw(level)
            strip[:, k * step * SIZE : k * step * SIZE + picture.shape[1]] = picture
            for row, column in np.argwhere(measures.broken(level)).tolist() if marked else ():
                corner = ((k * step + column) * SIZE - 2, row * SIZE - 2)
                ax.add_patch(_frame(corner))
        ax.imshow(strip[:, : -SIZE or None], interpolation="nearest", aspect="equal")
        ax.set_title(name, loc="left")
        ax.set_axis_off()
    return figure


def _frame(corner: tuple[int, int]) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle(corner, SIZE + 4, SIZE + 4, fill=False, edgecolor=style.WARNING, linewidth=style.LINE)


def search_pairs(orders: Mapping[str, Mapping[str, Any]], ways: tuple[str, str] = ("best of N", "CMA-ES")) -> Picture:
    """A panel an order: how far the two searches' levels are from it, a line for each pair that began alike."""
    figure, axes = figure_and_axes(2.6 * len(orders) + 0.6, 3.0, ncols=len(orders), squeeze=False, sharey=True)
    for ax, (name, found) in zip(axes[0], orders.items(), strict=True):
        first, second = ([row["off"] for row in found["rows"][way]] for way in ways)
        for a, b in zip(first, second, strict=True):
            ax.plot([0, 1], [a, b], color=style.CONTEXT, linewidth=style.THIN)
        ax.plot([0] * len(first), first, "s", color=style.DATA)
        ax.plot([1] * len(second), second, "o", color=style.MODEL)
        ax.set_xticks([0, 1], ways)
        ax.set_xlim(-0.4, 1.4)
        ax.set_title(name)
    axes[0, 0].set_ylabel("distance from the order")
    return figure


def asked_and_found(pairs: Sequence[tuple[int, int]]) -> Picture:
    """Jumps that were asked for and jumps of the agent's way: a disc for each pair, its area the number of searches."""
    figure, ax = figure_and_axes(4.2, 3.2)
    asked, found = sorted({a for a, _ in pairs}), sorted({b for _, b in pairs})
    ends = min(asked + found), max(asked + found)
    ax.plot(ends, ends, color=style.REFERENCE, linestyle="--", linewidth=style.THIN)
    for a in asked:
        for b in found:
            if n := sum(pair == (a, b) for pair in map(tuple, pairs)):
                ax.plot(a, b, "o", color=style.MODEL, markersize=4 * n**0.5)
    ax.set_xlabel("jumps asked for")
    ax.set_ylabel("jumps of the agent")
    return figure
