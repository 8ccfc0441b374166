"""Pictures of the chapter on sentences: what words stand for, pictures with their sentences, attention, and obedience."""

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.applications.sentence.painter import Moment
from imggen_lib.applications.verdict import Measured
from imggen_lib.data.captions import SPANS
from imggen_lib.data.glyphs import RANGES
from imggen_lib.viz import style
from imggen_lib.viz.figure import Picture, figure_and_axes
from imggen_lib.viz.tables import Table, table

NAMES = {
    "class": "character", "font": "font", "slant": "slant", "weight": "strokes", "scale": "size", "x": "across", "y": "down",
    "all": "all at once",
}  # fmt: skip


def word_ranges() -> Picture:
    """Each word's range in its factor's whole range; between two words lies a gap in which nothing is said."""
    figure, axes = figure_and_axes(7, 0.62 * len(SPANS) + 0.5, nrows=len(SPANS), squeeze=False)
    for ax, (factor, words) in zip(axes[:, 0], SPANS.items(), strict=True):
        low, high = RANGES[factor]
        for k, (word, (a, b)) in enumerate(words.items()):
            ax.barh(0, b - a, left=a, height=0.8, **style.area(style.CYCLE[k]))
            ax.text((a + b) / 2, 0, word, ha="center", va="center", fontsize=9)
        margin = 0.02 * (high - low)
        ax.set(xlim=(low - margin, high + margin), yticks=[])
        ax.set_ylabel(NAMES[factor], rotation=0, ha="right", va="center")
        ax.spines[["left", "right", "top"]].set_visible(False)
        ax.tick_params(labelsize=8)
    axes[-1, 0].set_xlabel("slant; strokes in capital heights; size; places in pixels from the middle")
    return figure


def with_sentences(images: Float[Tensor, "n c h w"], texts: Sequence[str], columns: int = 4, width: int = 15) -> Picture:
    """Pictures with their sentences below. `ValueError` if there is not one sentence a picture."""
    if len(images) != len(texts) or not len(images):
        raise ValueError(f"each picture needs a sentence, got {len(images)} pictures and {len(texts)} sentences")
    rows = -(-len(images) // columns)
    figure, axes = figure_and_axes(1.9 * columns, 2.5 * rows, nrows=rows, ncols=columns, squeeze=False)
    for ax in axes.ravel()[len(images) :]:
        ax.set_visible(False)
    for ax, image, text in zip(axes.ravel(), images, texts, strict=False):
        ax.imshow(((image + 1) / 2).clamp(0, 1).permute(1, 2, 0).expand(-1, -1, 3).numpy(), interpolation="nearest")
        ax.set(xticks=[], yticks=[])
        ax.set_xlabel(fill(text, width), fontsize=8)
    return figure


def attention_by_step(moments: Sequence[Moment], words: Sequence[str]) -> Picture:
    """How much each word is asked at each step, as a share of the attention of all blocks and heads."""
    shares = torch.stack([m.attention.mean((0, 1)) for m in moments]).T.numpy()
    if len(shares) != max(1, len(words)):
        raise ValueError(f"the attention is to {len(shares)} words, got the names of {len(words)}")
    figure, ax = figure_and_axes(6, 0.3 * len(words) + 1.1)
    image = ax.imshow(shares, aspect="auto", cmap=style.DENSITY, vmin=0, vmax=max(0.3, float(shares.max())))
    ax.set(yticks=range(len(words)), yticklabels=words, xlabel="time, from noise to picture")
    ax.set_xticks(range(0, len(moments), 2), [f"{m.t:.2f}" for m in moments[::2]])
    figure.colorbar(image, ax=ax, label="share of the attention")
    return figure


def obedience_curves(curves: Mapping[str, Mapping[str, Sequence[float]]], label: str, share: str = "all words obeyed") -> Picture:
    """Shares of sentences obeyed in full, or of what `share` says, with intervals, for each named set.

    `curves` has for each name the positions on the axis, as text, and ``[value, low, high, n]`` there.
    """
    if not curves:
        raise ValueError("there is no curve to show")
    figure, ax = figure_and_axes(6, 3.1)
    for k, (name, points) in enumerate(curves.items()):
        x = np.array([float(p) for p in points])
        value, low, high = np.array([list(points[p])[:3] for p in points]).T
        kind = style.series(k)
        ax.errorbar(
            x, value, [value - low, high - value], label=name, marker="os^D"[k % 4], capsize=2, linewidth=style.LINE, **kind
        )
    ax.set(xlabel=label, ylabel=share, ylim=(0, 1.02))
    ax.grid(alpha=style.GRID)
    ax.legend(frameon=False, fontsize=8)
    return figure


def points_by_sentence(named: Mapping[str, Float[Tensor, "n 2"]]) -> Picture:
    """Points that were drawn for each sentence, in a picture's pixels from its middle."""
    figure, axes = figure_and_axes(2.2 * len(named), 2.8, ncols=len(named), squeeze=False)
    for k, (ax, (name, points)) in enumerate(zip(axes[0], named.items(), strict=True)):
        ax.plot(*points.numpy().T, ".", markersize=2, color=style.MODEL, alpha=style.CLOUD)
        for low, high in SPANS["x"].values():
            ax.axvspan(low, high, color=style.BAND, zorder=0, alpha=0.5)
            ax.axhspan(low, high, color=style.BAND, zorder=0, alpha=0.5)
        ax.set(xlim=(-4, 4), ylim=(4, -4), aspect="equal", xlabel="across", ylabel="down" if k == 0 else "")
        ax.set(xticks=(-3, 0, 3), yticks=(-3, 0, 3))
        ax.set_title(fill(name, 14), fontsize=9)
    return figure


def obedience_table(sets: Mapping[str, Mapping[str, Any]], words: str, factors: Sequence[str] = tuple(NAMES)) -> Table:
    """Shares obeyed, a row a set; first "all at once" with its interval and n, as a phone shows it, then a column a factor."""
    rows = []
    for name, cells in sets.items():
        row = [f"{cells[f][0]:.3f}" if f in cells else "-" for f in factors[:-1]]
        value, low, high, n = Measured(*cells["all"])
        rows.append([name, f"{value:.3f} [{low:.3f}, {high:.3f}]", f"{n:,}", *row])
    heads = [NAMES[f] for f in factors]
    return table(["obeyed", heads[-1], "n", *heads[:-1]], rows, words)
