"""Charts of the chapter on GAN mathematics."""

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.theory import dirac
from imggen_lib.viz import style
from imggen_lib.viz.figure import Picture, figure_and_axes

_STYLES = ("-", "--", "-.", ":")


def lines(
    x: Float[Tensor, " k"],
    curves: Mapping[str, Float[Tensor, " k"]],
    labels: tuple[str, str] = ("", ""),
    y_limits: tuple[float, float] | None = None,
    size: tuple[float, float] = (5.0, 3.0),
) -> Picture:
    """Curves over one axis, told apart by colour and by dashes; `labels` are the axes' symbols."""
    figure, ax = figure_and_axes(*size)
    for (name, y), dashes in zip(curves.items(), cycle(_STYLES), strict=False):
        ax.plot(x.numpy(), y.numpy(), dashes, label=name, linewidth=style.LINE)
    ax.set(xlabel=labels[0], ylabel=labels[1], ylim=y_limits)
    ax.grid(alpha=style.GRID)
    ax.legend(frameon=False, fontsize=9)
    return figure


def discriminator(
    x: Float[Tensor, " k"],
    p: Float[Tensor, " k"],
    q: Float[Tensor, " k"],
    d: Float[Tensor, " k"],
    value: float | None = None,
    highest: float = 0.0,
) -> Picture:
    """Two densities (probabilities on the grid `x`) as areas, and a critic's answer over them on its own scale from 0 to 1.

    The scale of densities ends above both, and at `highest` at least, so that a slider's pictures agree. `value`, between 0
    and log 2, is drawn as a bar at the right.
    """
    figure, axes = figure_and_axes(5.2, 2.9, ncols=2, width_ratios=(12, 1))
    ax, bar = axes
    step = (x[1] - x[0]).item()
    for density, colour, name in ((p, style.DATA, "$p$"), (q, style.MODEL, "$q$")):
        ax.fill_between(x.numpy(), density.numpy() / step, label=name, **style.area(colour))
    answer = ax.twinx()
    answer.plot(x.numpy(), d.numpy(), color=style.CRITIC, linewidth=style.LINE)
    ax.plot([], [], color=style.CRITIC, linewidth=style.LINE, label="$D^*$")  # for the legend
    top = max(highest, 1.05 * torch.cat([p, q]).max().item() / step)
    ax.set(ylim=(0, top), xlabel="$x$", ylabel="$p, q$", xlim=(x[0].item(), x[-1].item()))
    answer.set(ylim=(0, 1.05), ylabel="$D^*$")
    ax.legend(frameon=False, fontsize=9, loc="upper right")
    bar.bar([0], [0.0 if value is None else value], **style.area(style.CRITIC))
    bar.set(ylim=(0, 0.73), xlim=(-0.5, 0.5), xticks=[])
    bar.set_title("JS", fontsize=9)
    bar.tick_params(labelsize=8)
    return figure


def dirac_field(
    methods: Mapping[str, dirac.Method],
    start: tuple[float, float] = (1.2, 0.6),
    steps: int = 250,
    lr: float = 0.1,
    limit: float = 2.0,
) -> Picture:
    r"""The Dirac-GAN's field of arrows and one path of alternating descent for each method, in panels side by side.

    The generator :math:`\theta` runs to the right, the critic :math:`\psi` upwards; the ring is the start, the dot the equilibrium.
    """
    figure, axes = figure_and_axes(2.9 * len(methods), 3.1, ncols=len(methods), squeeze=False)
    ticks = torch.linspace(-limit, limit, 11, dtype=torch.float64)
    points = torch.cartesian_prod(ticks, ticks)
    for ax, (name, method) in zip(axes[0], methods.items(), strict=True):
        arrows = dirac.field(method, points)
        arrows = arrows / arrows.norm(dim=1, keepdim=True).clamp(min=1e-9)
        ax.quiver(*points.T.numpy(), *arrows.T.numpy(), color=style.CONTEXT, angles="xy", pivot="mid", scale=18, width=0.006)
        path = dirac.trajectory(method, start, steps, lr, alternating=True).numpy()
        ax.plot(path[:, 0], path[:, 1], color=style.MODEL, linewidth=style.LINE)
        ax.plot(*start, "o", markerfacecolor=style.HOLLOW, markeredgecolor=style.MODEL, markersize=7)
        ax.plot(0, 0, ".", color=style.MARK, markersize=8)
        ends, whole = (-limit, limit), range(-int(limit), int(limit) + 1)  # ticks by hand: found ones can be wider than their place
        ax.set(xlim=ends, ylim=ends, xticks=whole, yticks=whole, aspect="equal", xlabel=r"$\theta$", ylabel=r"$\psi$")
        ax.set_title(name, fontsize=10)
    return figure


def points(sets: Mapping[str, Float[Tensor, "n 2"]], centres: Float[Tensor, "k 2"] | None = None, columns: int = 2) -> Picture:
    """Clouds of points in [-1, 1] x [-1, 1], one panel each; small rings at the `centres` of the data's modes."""
    rows = -(-len(sets) // columns)
    figure, axes = figure_and_axes(2.6 * columns, 2.75 * rows, nrows=rows, ncols=columns, squeeze=False)
    flat = list(axes.flat)
    for ax in flat[len(sets) :]:
        ax.set_axis_off()
    for ax, (name, cloud) in zip(flat, sets.items(), strict=False):
        if centres is not None:
            ax.plot(*centres.T.numpy(), "o", markerfacecolor="none", markeredgecolor=style.CONTEXT, markersize=11)
        ax.plot(*cloud.T.cpu().numpy(), ".", color=style.MODEL, markersize=2, alpha=style.CLOUD)
        ax.set(xlim=(-1.05, 1.05), ylim=(-1.05, 1.05), aspect="equal", xticks=(-1, 0, 1), yticks=(-1, 0, 1))
        ax.set(xlabel="$x_1$", ylabel="$x_2$")
        ax.set_title(name, fontsize=10)
    return figure


def modes_chart(runs: Mapping[str, Sequence[Mapping[str, Mapping[str, float]]]], net: str = "ema") -> Picture:
    """How many modes each method found, a dot for each seed, and a bar at the mean."""
    figure, ax = figure_and_axes(5.6, 0.32 * len(runs) + 0.7)
    for k, found in enumerate(runs.values()):
        counts = np.array([run[net]["modes"] for run in found])
        ax.barh(k, counts.mean(), height=0.7, **style.area(style.MODEL))
        ax.plot(counts, k + np.linspace(-0.2, 0.2, len(counts)), "o", color=style.MARK, markersize=5)
    ax.set_yticks(range(len(runs)), list(runs), fontsize=9)
    ax.invert_yaxis()
    ax.set(xlim=(0, 8.4), xlabel="$k$")
    return figure
