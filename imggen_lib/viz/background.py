"""The charts of the chapter on what it is to generate."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from torch import Tensor

from imggen_lib.viz import style
from imggen_lib.viz.figure import Picture, figure_and_axes


def error_of_means(counts: Sequence[int], measured: Sequence[float], predicted: Sequence[float]) -> Picture:
    """The root mean square error of averages of n values, measured (dots) and predicted (line), on logarithmic axes."""
    if not len(counts) == len(measured) == len(predicted) > 0:
        raise ValueError(f"expected as many errors as counts, got {len(counts)}, {len(measured)} and {len(predicted)}")
    figure, ax = figure_and_axes(4.6, 2.8)
    ax.plot(counts, predicted, color=style.MODEL, linewidth=style.LINE, label=r"$\sigma/\sqrt{n}$")
    ax.plot(counts, measured, "o", color=style.DATA, markersize=5, label=r"$\sqrt{\langle(\bar f_n - \mathbb{E} f)^2\rangle}$")
    ax.set(xscale="log", yscale="log", xlabel="$n$", ylabel="RMS error")
    ax.grid(alpha=style.GRID)
    ax.legend(frameon=False, fontsize=11)
    return figure


def pushforward(z: Tensor, p_z: Tensor, x: Tensor, p_x: Tensor, shares: int = 0) -> Picture:
    """The graph of a function x = G(z), given by its points, with the density of z below it and that of x at its left.

    With `shares` = k, the way from the axis of z to that of x is drawn for k values of z between which lie equal shares 1/k of the
    probability (and half a share beyond the first and the last): so between the same lines on the axis of x, too.
    """
    if not z.shape == p_z.shape == x.shape == p_x.shape:
        raise ValueError(f"z, x and their densities must agree in shape, got {[tuple(t.shape) for t in (z, p_z, x, p_x)]}")
    zs, xs = z.cpu().numpy(), x.cpu().numpy()
    ratios = {"width_ratios": (1, 3), "height_ratios": (3, 1)}
    figure, axes = figure_and_axes(4.8, 4.4, nrows=2, ncols=2, gridspec_kw=ratios)
    (left, graph), (corner, below) = axes
    corner.axis("off")
    graph.plot(zs, xs, color=style.MARK, linewidth=style.LINE)
    left.fill_betweenx(xs, p_x.cpu().numpy(), **style.area(style.MODEL))
    left.invert_xaxis()
    below.fill_between(zs, p_z.cpu().numpy(), **style.area(style.NOISE))
    below.invert_yaxis()
    steps = np.diff(zs) * (p_z[1:] + p_z[:-1]).cpu().numpy() / 2
    below_z = np.concatenate([[0.0], np.cumsum(steps)])  # the probability up to each point
    for share in (np.arange(shares) + 0.5) / max(shares, 1):
        at_z = np.interp(share * below_z[-1], below_z, zs)
        at_x = np.interp(at_z, zs, xs)
        graph.plot([at_z, at_z, zs[0]], [xs[0], at_x, at_x], color=style.CONTEXT, linewidth=style.HAIR)
    graph.set(xlim=(zs[0], zs[-1]), ylim=(xs[0], xs[-1]), xticklabels=[], yticklabels=[])
    left.set(ylim=(xs[0], xs[-1]), xticks=[], xlabel="$p_X$", ylabel="$x = G(z)$")
    below.set(xlim=(zs[0], zs[-1]), yticks=[], xlabel="$z$", ylabel="$p_Z$")
    return figure


def histograms(samples: Mapping[str, Tensor], density: Callable[[Tensor], Tensor], x: Tensor) -> Picture:
    """One histogram for each name, two side by side, each with the density that it should have as a line over the points `x`."""
    if not samples:
        raise ValueError("there is nothing to show")
    count = -(-len(samples) // 2)
    figure, axes = figure_and_axes(6.0, 1.5 * count, nrows=count, ncols=2, sharex=True, sharey=True, squeeze=False)
    at, curve = x.cpu().numpy(), density(x).cpu().numpy()
    for ax, (name, drawn) in zip(axes.flat, samples.items(), strict=False):
        values = drawn.flatten().cpu().numpy()
        heights, edges = np.histogram(values, bins=64, range=(at[0], at[-1]))
        ax.stairs(heights / len(values) / np.diff(edges), edges, fill=True, **style.area(style.MODEL))
        ax.plot(at, curve, color=style.DATA, linewidth=style.LINE)
        ax.text(0.03, 0.8, name, transform=ax.transAxes, fontsize=11)
        ax.set(yticks=[], xlim=(at[0], at[-1]), ylim=(0, 1.5 * curve.max()))
    for ax in axes[:, 0]:
        ax.set_ylabel("$p(x)$")
    for ax in axes.flat[len(samples) :]:
        ax.axis("off")
    for ax in axes[-1]:
        ax.set_xlabel("$x$")
        ax.locator_params(axis="x", prune="both")
    return figure


def fit_and_held_out(sizes: Sequence[int], training: Sequence[float], held_out: Sequence[float], symbol: str = "k") -> Picture:
    """A model's mean log-likelihood against its size, on the points it was fitted to (dashed) and on others (line with dots)."""
    if not len(sizes) == len(training) == len(held_out) > 0:
        raise ValueError(f"expected two numbers for each size, got {len(sizes)} sizes, {len(training)} and {len(held_out)}")
    figure, ax = figure_and_axes(4.6, 2.8)
    ax.plot(sizes, training, "s--", color=style.MODEL, markersize=4)
    ax.plot(sizes, held_out, "o-", color=style.DATA, markersize=5)
    best = int(np.argmax(held_out))
    ax.axvline(sizes[best], color=style.CONTEXT, linewidth=style.THIN, linestyle=":")
    ax.set(xscale="log", xlabel=f"${symbol}$", ylabel="nats", xticks=sizes, xticklabels=[str(size) for size in sizes])
    ax.minorticks_off()
    ax.grid(alpha=0.3)
    return figure


def lengths(draws: Mapping[int, Tensor]) -> Picture:
    """Histograms of the lengths of draws, by dimension d, each with a dotted line at the root of d."""
    if not draws:
        raise ValueError("there is nothing to show")
    figure, ax = figure_and_axes(5.2, 2.6)
    for (dimension, points), colour in zip(draws.items(), style.CYCLE, strict=False):
        values = points.flatten(1).norm(dim=1).cpu().numpy()
        heights, edges = np.histogram(values, bins=30, density=True)
        ax.stairs(heights, edges, fill=True, color=colour, alpha=0.6, label=f"$d = {dimension}$")
        ax.axvline(dimension**0.5, color=colour, linewidth=1.2, linestyle=":")
    ax.set(xlabel=r"$\Vert z \Vert$", ylabel="density", xlim=(0, None))
    ax.legend(frameon=False, fontsize=10)
    return figure


def planes(panels: Mapping[str, tuple[Tensor, Tensor | None]], side: float = 2.6, columns: int = 3) -> Picture:
    """One square a name: points ``(n, 2)`` as dots, over a density ``(k, k)`` where there is one, all on the same axes.

    A density's rows belong to the second coordinate, its columns to the first, both from -`side` to `side`; all share one scale.
    """
    if not panels:
        raise ValueError("there is nothing to show")
    count = -(-len(panels) // columns)
    figure, axes = figure_and_axes(6.0, 2.0 * count + 0.2, nrows=count, ncols=columns, sharex=True, sharey=True, squeeze=False)
    most = max((float(density.max()) for _, density in panels.values() if density is not None), default=1.0)
    for ax, (name, (points, density)) in zip(axes.flat, panels.items(), strict=False):
        if density is not None:
            extent = (-side, side, -side, side)
            ax.imshow(density.cpu().numpy(), extent=extent, origin="lower", cmap=style.DENSITY, vmin=0, vmax=0.7 * most)
        x = points.cpu().numpy()
        ax.plot(x[:, 0], x[:, 1], ".", color=style.MODEL, markersize=1.6)
        ax.text(0.04, 0.86, name, transform=ax.transAxes, fontsize=11)
        ax.set(xlim=(-side, side), ylim=(-side, side), xticks=(-2, 0, 2), yticks=(-2, 0, 2), aspect="equal")
    for ax in axes.flat[len(panels) :]:
        ax.axis("off")
    for ax in axes[-1]:
        ax.set_xlabel("$x_1$")
    for ax in axes[:, 0]:
        ax.set_ylabel("$x_2$")
    return figure
