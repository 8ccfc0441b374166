"""Pictures of the chapter on art: ink on rows, a field in colours, and the way of a pen."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.colors import to_rgb
from torch import Tensor

from imggen_lib.applications.characters.measures import ink_of
from imggen_lib.viz import style
from imggen_lib.viz.figure import Picture, figure_and_axes
from imggen_lib.viz.sheets import Sheet


def ink_images(fields: np.ndarray, size: int = 64) -> Tensor:
    """Fields as ordinary images ``(n, 1, size, size)`` in [-1, 1], black ink on white, for what shows images to people."""
    return torch.from_numpy(1 - 2 * ink_of(fields, size).astype(np.float32))[:, None]


def ink_sheet(fields: np.ndarray, columns: int = 12, size: int = 64) -> Sheet:
    """Characters side by side, ink on paper. ``ValueError`` for none."""
    if not len(fields) or columns < 1:
        raise ValueError(f"a sheet shows one or more characters, got {len(fields)} in {columns} columns")
    ink = ink_of(fields, size)
    blank = np.zeros((-len(ink) % columns, size, size), dtype=bool)
    grid = np.concatenate([ink, blank]).reshape(-1, columns, size, size).transpose(0, 2, 1, 3).reshape(-1, columns * size)
    return Sheet(_on_paper(grid), 1)


def _on_paper(ink: np.ndarray) -> np.ndarray:
    """Ink ``(h, w)`` as a picture ``(h, w, 3)`` in bytes."""
    paper, black = (np.round(255 * np.array(to_rgb(colour))).astype(np.uint8) for colour in (style.PAPER, style.MARK))
    return np.where(ink[..., None], black, paper)


def ink_rows(named: Mapping[str, np.ndarray], size: int = 64) -> Picture:
    """A row of characters for each name."""
    figure, axes = figure_and_axes(9, 0.95 * len(named), nrows=len(named), squeeze=False)
    for ax, (name, fields) in zip(axes[:, 0], named.items(), strict=True):
        ax.imshow(_on_paper(np.concatenate(list(ink_of(fields, size)), 1)), interpolation="antialiased")
        ax.set(xticks=[], yticks=[])
        ax.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
        for side in ax.spines.values():
            side.set_visible(False)
    return figure


def field_and_ink(fields: Sequence[np.ndarray], names: Sequence[str]) -> Picture:
    """Fields in colours with the curve where they are 0: positive (ink) and negative in two hues."""
    figure, axes = figure_and_axes(9, 2.9, ncols=len(fields), squeeze=False)
    for ax, field, name in zip(axes[0], fields, names, strict=True):
        image = ax.imshow(field, cmap="RdBu_r", vmin=-8, vmax=8, extent=(0, 32, 32, 0))
        inside = (np.arange(field.shape[0]) + 0.5) * 32 / field.shape[0]
        if field.min() < 0 < field.max():
            ax.contour(inside, inside, field, levels=[0], colors=style.MARK, linewidths=1)
        ax.set(title=name, xticks=[0, 16, 32], yticks=[0, 16, 32], xlabel="cells", ylabel="cells")
    figure.colorbar(image, ax=axes[0].tolist(), label="distance to the edge")
    return figure


def pen_way(tours: Mapping[str, Sequence[Any]], width: float, height: float) -> Picture:
    """The page of a plotter for each tour: what it draws in black, and in colour where it travels with its pen lifted."""
    figure, axes = figure_and_axes(9, 3.4, ncols=len(tours), squeeze=False)
    for ax, (name, paths) in zip(axes[0], tours.items(), strict=True):
        here = np.zeros(2)
        for path in paths:
            ax.plot(*np.stack([here, path[0]]).T, color=style.MODEL, linewidth=0.7)
            ax.plot(*path.T, color=style.MARK, linewidth=0.4)
            here = path[-1]
        ax.set(title=name, xlim=(0, width), ylim=(height, 0), xlabel="mm", ylabel="mm", aspect="equal")
    return figure
