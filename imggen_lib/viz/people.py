"""The charts of the chapter on asking people."""

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from imggen_lib.metrics.intervals import Estimate
from imggen_lib.people.ranking import Ranking
from imggen_lib.viz import style
from imggen_lib.viz.figure import Picture, figure_and_axes

Found = Ranking | Mapping[str, Estimate]


def _rows(found: Found) -> dict[str, tuple[float, float, float]]:
    """Value, low and high of each name."""
    if isinstance(found, Ranking):
        columns = (found.systems, found.strengths.tolist(), found.low.tolist(), found.high.tolist())
        return {name: (value, low, high) for name, value, low, high in zip(*columns, strict=True)}
    return {name: (e.value, e.low, e.high) for name, e in found.items()}


def intervals(*panels: Found, truth: Mapping[str, float] | None = None, label: str = "$s$", titles: Sequence[str] = ()) -> Picture:
    """A dot with its interval for each name, one panel for each result, side by side; open rings where the `truth` is."""
    if not panels:
        raise ValueError("there is nothing to show")
    tables = [_rows(found) for found in panels]
    names = list(tables[0])
    if any(list(table) != names for table in tables):
        raise ValueError("all panels must have the same names in the same order")
    width = 3.8 if len(panels) == 1 else 3.0 * len(panels)
    figure, axes = figure_and_axes(width, 0.7 + 0.4 * len(names), ncols=len(panels), sharex=True, sharey=True, squeeze=False)
    at = np.arange(len(names))[::-1]
    for k, (ax, table) in enumerate(zip(axes[0], tables, strict=True)):
        value, low, high = np.array(list(table.values())).T
        ax.errorbar(value, at, xerr=(value - low, high - value), fmt="o", color=style.DATA, capsize=3, markersize=5)
        if truth is not None:
            ax.plot([truth[name] for name in names], at, "o", color=style.MODEL, markersize=11, fillstyle="none", mew=style.LINE)
        ax.set_yticks(at, names, fontsize=11)
        ax.set(xlabel=label, ylim=(-0.5, len(names) - 0.5), title=titles[k] if titles else "")
        ax.grid(alpha=style.GRID, axis="x")
    return figure


def raters(shares: Tensor, *intervals: tuple[float, float], title: str = "") -> Picture:
    """Each rater's share as a dot, in rising order, with a line at one half, and below it intervals numbered from 1."""
    if shares.ndim != 1 or len(shares) == 0:
        raise ValueError(f"expected one share a rater, got the shape {tuple(shares.shape)}")
    figure, ax = figure_and_axes(5.2, 1.7 + 0.3 * len(intervals))
    values = np.sort(shares.cpu().numpy())
    ax.plot(values, np.linspace(0.4, 3, len(values)), "o", color=style.CONTEXT, markersize=6)
    for k, (low, high) in enumerate(intervals):
        ax.plot([low, high], [-0.3 - 0.5 * k] * 2, color=(style.MODEL, style.DATA)[k % 2], linewidth=5, solid_capstyle="butt")
        ax.text(high + 0.015, -0.3 - 0.5 * k, str(k + 1), va="center", fontsize=11)
    ax.axvline(0.5, color=style.REFERENCE, linewidth=style.THIN, linestyle="--")
    ax.set(xlim=(0, 1), ylim=(-0.6 - 0.5 * len(intervals), 3.4), yticks=[], xlabel=r"$\hat p_r$", title=title)
    return figure


def power(counts: Sequence[int], curves: Mapping[str, Sequence[float]], dots: Sequence[float] = (), aim: float = 0.8) -> Picture:
    """The probability of a significant result against the number of answers, a line for each name; `dots` are measured."""
    figure, ax = figure_and_axes(4.8, 2.9)
    for k, (name, curve) in enumerate(curves.items()):
        ax.plot(counts, curve, label=name, linewidth=style.LINE, **style.series(k))
    if dots:
        ax.plot(counts, dots, "o", color=style.MARK, markersize=4)
    ax.axhline(aim, color=style.CONTEXT, linewidth=style.THIN, linestyle="--")
    ax.set(xscale="log", xlabel="$n$", ylim=(0, 1.03))
    ax.grid(alpha=style.GRID)
    ax.legend(frameon=False, fontsize=10)
    return figure


def raters_needed(answers: Sequence[int], needed: Sequence[float], least: float) -> Picture:
    """How many raters a study needs against how many answers each gives, on logarithmic axes, with the number below which
    further answers do not bring it."""
    figure, ax = figure_and_axes(4.6, 3.0)
    ax.plot(answers, needed, color=style.DATA, linewidth=style.BOLD)
    if least > 0:
        ax.axhline(least, color=style.MODEL, linestyle="--", linewidth=style.LINE)
    ax.set(xscale="log", yscale="log", xlabel="$m$", ylabel="$R$", xlim=(1, max(answers)), ylim=(1, 3000))
    ax.grid(alpha=style.GRID, which="both")
    return figure
