"""The charts of the chapter on flow matching."""

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from imggen_lib.viz import style
from imggen_lib.viz.figure import Picture, figure_and_axes


def lines_and_paths(lines: Tensor, paths: Tensor) -> Picture:
    """Two panels over time: the lines on which single pairs move, and the paths of the mean velocity; ``(times, n)`` each."""
    if lines.shape != paths.shape or lines.ndim != 2:
        raise ValueError(f"lines and paths are tables (times, n) of one shape, got {tuple(lines.shape)} and {tuple(paths.shape)}")
    figure, axes = figure_and_axes(6.0, 2.8, ncols=2, sharex=True, sharey=True)
    at = np.linspace(0, 1, len(lines))
    for ax, name, values in zip(axes, ("(a)", "(b)"), (lines, paths), strict=True):
        ax.plot(at, values.cpu().numpy(), color=style.MODEL, linewidth=style.HAIR, alpha=0.7)
        ends = values[-1].cpu().numpy()
        ax.plot(np.zeros(len(ends)), values[0].cpu().numpy(), ".", color=style.NOISE, markersize=4)
        ax.plot(np.ones(len(ends)), ends, ".", color=style.DATA, markersize=4)
        ax.set(xlabel="$t$", xticks=(0, 0.5, 1))
        ax.set_title(name, fontsize=11, loc="left")
    axes[0].set_ylabel("$x_t$")
    return figure


def fields(panels: Mapping[str, tuple[Tensor, Tensor, Tensor]], side: float = 2.6) -> Picture:
    """A square a name: places ``(m, 2)``, the velocity there as arrows, and where a crowd ``(n, 2)`` is at that time."""
    if not panels:
        raise ValueError("there is nothing to show")
    count = -(-len(panels) // 2)
    figure, axes = figure_and_axes(6.0, 3.0 * count, nrows=count, ncols=2, sharex=True, sharey=True, squeeze=False)
    for ax, (name, (places, v, crowd)) in zip(axes.flat, panels.items(), strict=False):
        p, a, c = (x.cpu().numpy() for x in (places, v, crowd))
        ax.plot(c[:, 0], c[:, 1], ".", color=style.DATA, markersize=2, alpha=style.CLOUD)
        ax.quiver(p[:, 0], p[:, 1], a[:, 0], a[:, 1], color=style.MODEL, angles="xy", scale_units="xy", scale=7, width=0.006)
        ax.set(xlim=(-side, side), ylim=(-side, side), xticks=(-2, 0, 2), yticks=(-2, 0, 2), aspect="equal")
        ax.set_title(name, fontsize=11)
    for ax in axes[-1]:
        ax.set_xlabel("$x_1$")
    for ax in axes[:, 0]:
        ax.set_ylabel("$x_2$")
    return figure


def errors(steps: Sequence[int], measured: Mapping[str, Sequence[float]], orders: Mapping[str, int]) -> Picture:
    """Errors against the number of steps on logarithmic axes, each beside a dashed line with the slope of its order."""
    if not measured or any(len(values) != len(steps) for values in measured.values()):
        raise ValueError(f"expected an error for each of {len(steps)} numbers of steps")
    figure, ax = figure_and_axes(5.0, 3.2)
    n = np.array(steps, float)
    for k, (name, values) in enumerate(measured.items()):
        ax.plot(n, values, "os^D"[k % 4], color=style.CYCLE[k % len(style.CYCLE)], markersize=5, label=name)
        expected = values[-1] * (n[-1] / n) ** orders[name]
        ax.plot(n, expected, color=style.REFERENCE, linewidth=style.HAIR, linestyle="--")
    ax.set(xscale="log", yscale="log", xlabel="$N$", ylabel="error", xticks=steps, xticklabels=[str(k) for k in steps])
    ax.minorticks_off()
    ax.grid(alpha=style.GRID)
    ax.legend(frameon=False, fontsize=10)
    return figure


def guided_densities(x: Tensor, panels: Mapping[str, tuple[Tensor, Tensor]], condition: Tensor) -> Picture:
    """A panel a name: what guided sampling gives (filled), the product of the densities (dashed), the condition's (line)."""
    if not panels:
        raise ValueError("there is nothing to show")
    figure, axes = figure_and_axes(6.0, 1.7 * len(panels), nrows=len(panels), sharex=True, squeeze=False)
    at = x.cpu().numpy()
    for ax, (name, (reached, tilted)) in zip(axes[:, 0], panels.items(), strict=True):
        ax.fill_between(at, reached.cpu().numpy(), **style.area(style.MODEL))
        ax.plot(at, tilted.cpu().numpy(), color=style.REFERENCE, linewidth=style.LINE, linestyle="--")
        ax.plot(at, condition.cpu().numpy(), color=style.DATA, linewidth=style.LINE)
        ax.text(0.02, 0.75, name, transform=ax.transAxes, fontsize=11)
        ax.set(ylabel="density", ylim=(0, None))
    axes[-1, 0].set_xlabel("$x$")
    return figure


def ways(panels: Mapping[str, Tensor], side: float = 2.6) -> Picture:
    """A square a name with paths in the plane ``(times, n, 2)``, from noise (grey dots) to points (blue)."""
    if not panels:
        raise ValueError("there is nothing to show")
    figure, axes = figure_and_axes(3.0 * len(panels), 3.1, ncols=len(panels), sharex=True, sharey=True, squeeze=False)
    for ax, (name, path) in zip(axes[0], panels.items(), strict=True):
        p = path.cpu().numpy()
        ax.plot(p[:, :, 0], p[:, :, 1], color=style.MODEL, linewidth=style.HAIR)
        ax.plot(p[0, :, 0], p[0, :, 1], ".", color=style.NOISE, markersize=4)
        ax.plot(p[-1, :, 0], p[-1, :, 1], ".", color=style.DATA, markersize=4)
        ax.set(xlim=(-side, side), ylim=(-side, side), xticks=(-2, 0, 2), yticks=(-2, 0, 2), xlabel="$x_1$", aspect="equal")
        ax.set_title(name, fontsize=11)
    axes[0, 0].set_ylabel("$x_2$")
    return figure


def quality(
    curves: Mapping[str, Sequence[tuple[float, float, float, float]]], xlabel: str, ylabel: str, log: bool = True
) -> Picture:
    """Named curves of (at, value, low, high) with their intervals, the first axis logarithmic (`log`)."""
    if not curves:
        raise ValueError("there is nothing to show")
    from matplotlib.ticker import LogLocator, NullFormatter

    figure, ax = figure_and_axes(5.2, 3.1)
    for k, (name, rows) in enumerate(curves.items()):
        at, value, low, high = np.array(sorted(rows), float).T
        between = np.stack([value - low, high - value]).clip(min=0)
        ax.errorbar(at, value, yerr=between, marker="os^D"[k % 4], markersize=5, capsize=2, label=name, **style.series(k))
    ticks = sorted({row[0] for rows in curves.values() for row in rows})
    ax.set(xlabel=xlabel, ylabel=ylabel, xscale="log" if log else "linear", xticks=ticks, xticklabels=[f"{a:g}" for a in ticks])
    if log:
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter(NullFormatter())
    ax.tick_params(axis="x", which="minor", bottom=False, labelbottom=False)
    ax.grid(alpha=style.GRID)
    ax.legend(frameon=False, fontsize=10)
    return figure
