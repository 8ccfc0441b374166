"""Charts that every chapter uses."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from imggen_lib.viz import style
from imggen_lib.viz.figure import Picture, cell, figure_and_axes


def smooth(values: Sequence[float] | np.ndarray, span: int) -> np.ndarray:
    """Running mean of the last `span` values (fewer at the start)."""
    total = np.cumsum(np.insert(np.asarray(values, dtype=np.float64), 0, 0.0))
    last = np.arange(1, len(total))
    first = np.maximum(0, last - span)
    return (total[last] - total[first]) / (last - first)


def column(records: Sequence[Mapping[str, Any]], name: str) -> np.ndarray:
    """One term of a list of records, as an array."""
    return np.array([float(r[name]) for r in records])


def curves(
    records: Sequence[Mapping[str, Any]], *panels: Sequence[str], span: int = 50, labels: Mapping[str, str] | None = None
) -> Picture:
    """Terms of the records against images seen, one panel for each group of names, two side by side.

    Drawn are running means over `span` records.
    """
    if not records or not panels:
        raise ValueError("curves need at least one record and one panel")
    labels = labels or {}
    rows, columns = -(-len(panels) // 2), min(len(panels), 2)
    figure, axes = figure_and_axes(3.3 * columns, 2.5 * rows, nrows=rows, ncols=columns, squeeze=False)
    images = column(records, "images")
    for ax in axes.flat[len(panels) :]:
        ax.remove()
    for ax, names in zip(axes.flat, panels, strict=False):
        for k, name in enumerate(names):
            ax.plot(
                images, smooth(column(records, name), span), label=labels.get(name, name), linewidth=style.LINE, **style.series(k)
            )
        ax.xaxis.set_major_formatter(lambda value, _: f"{value / 1000:g}k")
        ax.grid(alpha=style.GRID)
        ax.legend(frameon=False, fontsize=8)
    return figure


def latent_map(points: Tensor, labels: Tensor, classes: Sequence[str], limit: float = 3.5) -> Picture:
    """Two-dimensional latents ``(n, 2)`` coloured by class, the class's name at the median of its points."""
    if points.ndim != 2 or points.shape[1] != 2 or len(points) != len(labels):
        raise ValueError(f"expected points (n, 2) and labels (n,), got {tuple(points.shape)} and {tuple(labels.shape)}")
    figure, ax = figure_and_axes(5.2, 5.0)
    xy, y = points.cpu().numpy(), labels.cpu().numpy()
    for k, name in enumerate(classes):
        mine, colour = xy[y == k], style.class_colour(k)
        ax.scatter(mine[:, 0], mine[:, 1], s=3, color=colour, alpha=style.CLOUD, linewidths=0)
        if len(mine):
            where = np.median(mine, 0)
            box = {"boxstyle": "circle,pad=0.2", "facecolor": cell(colour, 1.0), "edgecolor": style.ON_COLOUR}
            ax.text(*where, name, ha="center", va="center", fontsize=11, weight="bold", color=style.ON_COLOUR, bbox=box)
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), xlabel="$z_1$", ylabel="$z_2$", aspect="equal")
    return figure


def bars(shares: Mapping[str, Tensor], classes: Sequence[str], expected: float | None = None) -> Picture:
    """The share of each class, one group of bars a name; a line at the `expected` share."""
    figure, ax = figure_and_axes(6.0, 2.4)
    width = 0.8 / len(shares)
    for k, (name, values) in enumerate(shares.items()):
        where = np.arange(len(values)) + (k - (len(shares) - 1) / 2) * width
        ax.bar(where, values.cpu().numpy(), width, label=name)
    if expected is not None:
        ax.axhline(expected, color=style.REFERENCE, linewidth=style.THIN, linestyle="--")
    ax.set_xticks(range(len(classes)), classes)
    ax.legend(frameon=False, fontsize=8)
    return figure
