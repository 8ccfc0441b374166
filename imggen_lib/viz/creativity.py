"""Charts of the chapter on creativity. Sets of images are numbered in the order given; words say what the numbers stand for."""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from imggen_lib.viz import style
from imggen_lib.viz.figure import Picture, figure_and_axes
from imggen_lib.viz.sheets import Sheet, tile

Point = tuple[float, float]


def _apart(places: np.ndarray, least: float, steps: int = 200) -> np.ndarray:
    """The same places ``(n, 2)``, those nearer than `least` to one another pushed apart."""
    places = places + 1e-4 * np.stack([np.cos(np.arange(len(places))), np.sin(np.arange(len(places)))], 1)
    for _ in range(steps):
        away = places[:, None] - places[None]  # (n, n, 2)
        length = np.sqrt((away**2).sum(2)) + np.eye(len(places)) * 9
        places = places + (away / length[..., None] * np.maximum(0, least - length)[..., None] / 4).sum(1)
    return places


def _numbered(ax: Any, points: Sequence[Point], colours: Sequence[str]) -> None:
    """A dot a point and its number beside or on it, numbers from 1; numbers that would hide one another are drawn apart."""
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    inches = ax.figure.get_size_inches() / np.array([1, len(ax.figure.axes)]) * 0.85
    scale = inches / np.array([right - left, high - low])
    labels = _apart(np.array(points) * scale, least=0.2) / scale
    for number, (point, label, colour) in enumerate(zip(points, labels, colours, strict=True), start=1):
        ax.plot(*zip(point, label, strict=True), "-", color=colour, linewidth=style.THIN, zorder=1)
        ax.plot(*point, ".", color=colour, markersize=6)
        ax.annotate(str(number), label, ha="center", va="center", fontsize=9, color=style.ON_COLOUR, weight="bold",
                    bbox={"boxstyle": "circle,pad=0.15", "facecolor": colour, "edgecolor": style.ON_COLOUR})  # fmt: skip


def plane(
    novelty: Sequence[float], precision: Sequence[float], recall: Sequence[float], real: int, furthest: float = 2.0
) -> Picture:
    """Sets of images as numbered dots: fidelity against novelty above, against diversity below.

    `novelty` is the median distance to the training set over that of held-out images; the dashed line is at 1, and what is beyond
    `furthest` is drawn there. The first `real` sets are drawn in the data's colour, the others in the generators'.
    """
    if not len(novelty) == len(precision) == len(recall):
        raise ValueError(f"each set needs three numbers, got {len(novelty)}, {len(precision)} and {len(recall)}")
    figure, axes = figure_and_axes(5.0, 6.0, nrows=2)
    colours = [style.DATA] * real + [style.MODEL] * (len(novelty) - real)
    shown = [min(value, furthest) for value in novelty]
    limits = (-0.15, furthest + 0.15), (-0.1, 1.1)
    for ax, values, name, limit in zip(axes, (shown, recall), ("$\\tilde\\nu$", "R"), limits, strict=True):
        ax.set(xlim=limit, ylim=(-0.1, 1.1))
        _numbered(ax, list(zip(values, precision, strict=True)), colours)
        ax.set_xlabel(name, fontsize=11)
        ax.set_ylabel("P", fontsize=11)
        ax.grid(alpha=style.GRID)
    axes[0].axvline(1, color=style.REFERENCE, linestyle="--", linewidth=style.THIN, zorder=0)
    return figure


def trade(images: Float[Tensor, "n c h w"], path: Sequence[Point], here: int, columns: int = 5) -> Picture:
    """Samples at the left; at the right a path in the plane of diversity R and fidelity P, with a dot where the samples are."""
    figure, axes = figure_and_axes(5.6, 2.8, ncols=2)
    axes[0].imshow(tile(images, columns), interpolation="nearest")
    axes[0].axis("off")
    x, y = zip(*path, strict=True)
    axes[1].plot(x, y, ".-", color=style.CONTEXT)
    axes[1].plot(*path[here], "o", color=style.MODEL, markersize=12)
    axes[1].set(xlim=(-0.05, 1.05), ylim=(-0.05, 1.05))
    axes[1].set_xlabel("R", fontsize=11)
    axes[1].set_ylabel("P", fontsize=11)
    axes[1].grid(alpha=style.GRID)
    return figure


def distance_panels(panels: Sequence[tuple[Tensor, Tensor]], bins: int = 30) -> Picture:
    """For each pair (held-out, generated) of distances to the nearest training image, their histograms, in panels side by side."""
    if not panels:
        raise ValueError("there is nothing to show")
    figure, axes = figure_and_axes(3.0 * len(panels), 2.6, ncols=len(panels), squeeze=False)
    for ax, (held_out, generated) in zip(axes[0], panels, strict=True):
        edges = np.linspace(0, float(torch.cat([held_out, generated]).max()), bins + 1)
        for values, colour, name in ((held_out, style.DATA, "$h$"), (generated, style.MODEL, "$g$")):
            inside = {**style.area(colour), "linewidth": 0}
            heights, _, _ = ax.hist(values.numpy(), edges, density=True, label=name, **inside)
            ax.plot(edges, [*heights, heights[-1]], color=colour, linewidth=style.LINE, linestyle="-", drawstyle="steps-post")
        ax.set(yticks=[])
        ax.set_xlabel("$\\nu$", fontsize=11)
        ax.legend(frameon=False, fontsize=10)
    return figure


def by_weight(
    runs: Mapping[str, Sequence[Mapping[str, float]]], names: Mapping[str, str], marks: Mapping[str, float] | None = None
) -> Picture:
    """Recorded numbers against the weight of the style term: a dot a seed, a line through the means, two panels a row.

    `names` maps the record's entries to the axes' symbols; `marks` gives a dashed line for some of them (what real images have).
    """
    rows = -(-len(names) // 2)
    figure, axes = figure_and_axes(6.0, 2.1 * rows, nrows=rows, ncols=2, squeeze=False)
    for ax, (entry, symbol) in zip(axes.flat, names.items(), strict=False):
        values = [[run[entry] for run in seeds] for seeds in runs.values()]
        places = np.arange(len(values))
        for place, seeds in zip(places, values, strict=True):
            ax.plot([place] * len(seeds), seeds, "o", color=style.MODEL, alpha=style.CLOUD, markersize=5)
        ax.plot(places, [np.mean(seeds) for seeds in values], "-", color=style.MODEL, linewidth=style.LINE)
        if marks and entry in marks:
            ax.axhline(marks[entry], color=style.DATA, linestyle="--", linewidth=style.LINE)
        ax.set_xticks(places, list(runs))
        ax.set_ylabel(symbol, fontsize=11)
        ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]))
        ax.grid(alpha=style.GRID)
    for ax in axes.flat[len(names) :]:
        ax.axis("off")
    for ax in axes[-1]:
        ax.set_xlabel("$\\lambda$", fontsize=11)
    return figure


def recorded_sheet(png: str, rows: int | None = None, scale: int = 2) -> Sheet:
    """A sheet that a record holds as a PNG in base64; the first `rows` rows of images of 28 by 28 pixels."""
    with Image.open(io.BytesIO(base64.b64decode(png))) as picture:
        sheet = np.asarray(picture.convert("RGB"))
    return Sheet(sheet if rows is None else sheet[: rows * 29 + 1], scale)


def still(images: Float[Tensor, "n c h w"], columns: int, width: float = 5.0) -> Picture:
    """A sheet of images as a figure without a margin, so that sliders can choose among several."""
    sheet = tile(images, columns)
    figure, ax = figure_and_axes(width, width * sheet.shape[0] / sheet.shape[1])
    figure.set_layout_engine("none")
    ax.set_position((0, 0, 1, 1))
    ax.imshow(sheet, interpolation="nearest", aspect="auto")
    ax.axis("off")
    return figure
