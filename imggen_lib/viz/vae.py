"""The charts of the chapter on VAE mathematics."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from imggen_lib.viz import style
from imggen_lib.viz.figure import Picture, figure_and_axes
from imggen_lib.viz.sheets import tile

Values = Sequence[float] | Tensor | np.ndarray


def _array(values: Values) -> np.ndarray:
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)


def _finish(ax: Any, names: Mapping[str, str | float]) -> None:
    ax.set(**names)
    ax.grid(alpha=style.GRID)
    if len(ax.get_legend_handles_labels()[1]):
        ax.legend(frameon=False, fontsize=9)


def lines(x: Values, ys: Mapping[str, Values], level: float | None = None, marker: str = "", **names: Any) -> Picture:
    """Named curves over one axis, told apart by colour and by dashes; a grey line at `level`.

    `names` goes to the axes (xlabel, yscale, ...).
    """
    figure, ax = figure_and_axes(5.4, 2.9)
    for k, (name, y) in enumerate(ys.items()):
        ax.plot(_array(x), _array(y), label=name, linewidth=style.LINE, marker=marker, markersize=4, **style.series(k))
    if level is not None:
        ax.axhline(level, color=style.REFERENCE, linewidth=style.THIN, linestyle="--")
    _finish(ax, names)
    return figure


def spending(spent: Mapping[str, Values], floor: float = 1e-3) -> Picture:
    """What each latent dimension spends in nats, a panel of bars for each name, on one logarithmic scale from `floor` upwards."""
    if not spent:
        raise ValueError("there is nothing to show")
    columns = min(len(spent), 2)
    rows = -(-len(spent) // columns)
    figure, axes = figure_and_axes(5.4, 1.6 * rows + 0.3, nrows=rows, ncols=columns, sharex=True, sharey=True, squeeze=False)
    highest = max(float(_array(values).max()) for values in spent.values())
    for ax, (name, values) in zip(axes.flat, spent.items(), strict=False):
        nats = _array(values)
        ax.bar(range(1, len(nats) + 1), np.where(nats > floor, nats - floor, 0.0), bottom=floor, color=style.MODEL, width=0.8)
        ax.set(yscale="log", ylim=(floor, max(2 * highest, 10 * floor)))
        ax.set_title(name, fontsize=10)
        ax.grid(axis="y", alpha=style.GRID)
    for ax in axes.flat[len(spent) :]:
        ax.set_axis_off()
    for ax in axes[-1]:
        ax.set_xlabel("$j$")
    for ax in axes[:, 0]:
        ax.set_ylabel("nats")
    return figure


def error_bars(x: Values, ys: Mapping[str, tuple[Values, Values]], level: float | None = None, **names: Any) -> Picture:
    """Named series of values with error bars against `x` (logarithmic), with a dashed line at the exact `level`."""
    figure, ax = figure_and_axes(5.4, 2.9)
    for k, (name, (values, errors)) in enumerate(ys.items()):
        look = {"marker": "o", "markersize": 4, "capsize": 3, "linewidth": style.LINE, **style.series(k)}
        ax.errorbar(_array(x), _array(values), _array(errors), label=name, **look)
    if level is not None:
        ax.axhline(level, color=style.REFERENCE, linewidth=style.THIN, linestyle="--")
    ax.set_xscale("log")
    _finish(ax, names)
    return figure


def histograms(samples: Mapping[str, Values], limit: float, level: float, **names: Any) -> Picture:
    """Histograms of named samples between -limit and limit on a logarithmic scale of counts, with a line at `level`."""
    figure, ax = figure_and_axes(5.4, 2.7)
    for k, (name, values) in enumerate(samples.items()):
        look = {"histtype": "step", "linewidth": style.LINE, **style.series(k)}
        ax.hist(_array(values), bins=np.linspace(-limit, limit, 121), label=name, log=True, **look)
    ax.axvline(level, color=style.REFERENCE, linewidth=style.THIN, linestyle="--")
    _finish(ax, names)
    return figure


def density_map(log_p: Tensor, extent: tuple[float, float, float, float], curve: Tensor, points: Tensor, marked: Tensor) -> Picture:
    """A density over the plane from its logarithm ``(h, w)``, a curve ``(n, 2)``, points ``(m, 2)``, one marked ``(2,)``."""
    figure, ax = figure_and_axes(4.6, 3.6)
    ax.imshow(_array(log_p.exp()), extent=extent, origin="lower", cmap=style.DENSITY, aspect="equal", vmax=float(log_p.exp().max()))
    ax.plot(*_array(curve.T), color=style.MODEL, linewidth=style.LINE)
    ax.scatter(*_array(points.T), s=5, color=style.MARK, alpha=style.CLOUD, linewidths=0)
    ax.scatter(*_array(marked), s=70, facecolors="none", edgecolors=style.MARK, linewidths=style.LINE)
    ax.set(xlim=extent[:2], ylim=extent[2:], xlabel="$x_1$", ylabel="$x_2$")
    return figure


def bound_frame(z: Tensor, posterior: Tensor, q: Tensor, log_px: float, elbo: float, floor: float) -> Picture:
    """Left the true posterior (filled) and q over z; right the ELBO as a bar under the line at log p(x), the gap hatched."""
    figure, (left, right) = figure_and_axes(5.2, 2.6, ncols=2, width_ratios=(2.6, 1))
    left.fill_between(_array(z), _array(posterior), label="$p(z|x)$", **style.area(style.CONTEXT))
    left.plot(_array(z), _array(q), color=style.MODEL, linewidth=style.BOLD, label="$q(z)$")
    left.set(xlabel="$z$", ylabel="$p(z|x)$, $q(z)$", ylim=(0, 2.2), xlim=(float(z[0]), float(z[-1])))
    left.legend(frameon=False, fontsize=9, loc="upper left")
    shown = max(elbo, floor)
    right.bar([0], [shown - floor], bottom=floor, color=style.MODEL, width=0.6)
    right.bar(
        [0], [log_px - shown], bottom=shown, color=style.HOLLOW, edgecolor=style.INK, hatch="////", width=0.6, linewidth=style.THIN
    )
    right.axhline(log_px, color=style.REFERENCE, linewidth=style.LINE, linestyle="--")
    right.set(xlim=(-0.6, 0.6), xticks=[], ylim=(floor, log_px + 0.06 * (log_px - floor)), ylabel="nats")
    right.set_title(f"{elbo:.2f}".replace("-", "\u2212"), fontsize=10, color=style.MODEL)
    return figure


def trade_frame(rates: Values, distortions: Values, at: int, images: Tensor, columns: int = 6) -> Picture:
    """Left rate and distortion of several models with the one `at` filled; right a sheet of that model's images."""
    figure, (left, right) = figure_and_axes(5.6, 3.0, ncols=2)
    rate, distortion = _array(rates), _array(distortions)
    left.plot(rate, distortion, color=style.CONTEXT, linewidth=style.THIN, marker="o", markerfacecolor=style.HOLLOW, markersize=5)
    left.plot(rate[at], distortion[at], marker="o", color=style.MARK, markersize=9)
    left.set(xlabel="$R$", ylabel="$D$")
    left.grid(alpha=style.GRID)
    right.imshow(tile(images, columns), interpolation="nearest")
    right.set_axis_off()
    return figure
