"""The charts of the chapter on evaluating images, and what they need of the record of damage."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from imggen_lib.viz import style
from imggen_lib.viz.figure import Picture, cell, figure_and_axes
from imggen_lib.viz.sheets import tile

WORSE, BETTER = style.WORSE, style.BETTER
SURE = 5.0  # standard deviations of undamaged images: what is nearer is not told from chance
_MOST = 1000.0  # where the scale of deviations ends
DOSES = {  # what a damage is called, and what its strength s means
    "blur": ("blur", "standard deviation {s:g}, in pixels"),
    "noise": ("noise", "standard deviation {s:g}, where black and white are 2 apart"),
    "salt": ("salt and pepper", "{s:.1%} of all pixels"),
    "jpeg": ("JPEG", "quality {rest:g} of 100"),
    "shift": ("shift", "{s:g} of 28 pixels, in one of four directions"),
    "cast": ("brighter", "by {s:g}, where black and white are 2 apart"),
    "fade": ("faded", "{s:.0%} of the way to grey"),
    "occlude": ("grey square", "over {s:.0%} of each image"),
    "drop_classes": ("classes dropped", "{s:g} of ten"),
    "repeat_one": ("one image repeated", "in {s:.0%} of the set"),
    "recycle": ("few images, repeated", "each comes {times:g} times"),
    "copy_training": ("copies", "{s:.0%} of the set are training images"),
}
Verdicts = dict[str, dict[str, dict[str, list[float]]]]


def verdicts(record: Mapping[str, Any]) -> Verdicts:
    """How far each metric moves, in standard deviations of undamaged draws: damage -> strength -> metric -> one number a draw.

    Above 0 is what the metric calls worse. A metric that does not vary among undamaged draws (it compares each image with itself)
    notices everything: its deviations end at plus or minus 1000, as all do.
    """
    real = record["runs"]["real"]["0"]
    out: Verdicts = {}
    for damage, doses in record["runs"].items():
        out[damage] = {strength: {name: [] for name in record["metrics"]} for strength in doses}
        for strength, runs in doses.items():
            for name, about in record["metrics"].items():
                base = np.array([run[name] for run in real])
                for run in runs:
                    away = run[name] - base.mean()
                    z = math.copysign(_MOST, away) if base.std() == 0 and away else away / (base.std(ddof=1) or 1)
                    z = {"lower": z, "higher": -z, "real": abs(z)}[about["better"]]
                    out[damage][strength][name].append(min(max(z, -_MOST), _MOST))
    return out


def noticed(deviations: Sequence[float]) -> int:
    """1 if every draw is surely worse, -1 if every draw is surely better, else 0."""
    return int(min(deviations) > SURE) - int(max(deviations) < -SURE)


def first_noticed(verdict: Mapping[str, Mapping[str, Sequence[float]]], name: str) -> tuple[int, int]:
    """The number of the weakest dose that a metric notices, from 1, and what it says of it (1 worse, -1 better); else 0 and 0."""
    for k, deviations in enumerate(verdict.values(), start=1):
        if sign := noticed(deviations[name]):
            return k, sign
    return 0, 0


def dose_in_words(damage: str, strength: float) -> str:
    """What a damage of this strength is, with its unit."""
    if strength == 0:
        return "No damage."
    name, meaning = DOSES[damage]
    return f"{name[0].upper()}{name[1:]}: {meaning.format(s=strength, rest=100 - strength, times=1 + strength)}."


def damage_table(found: Verdicts, metrics: Sequence[str], words: Mapping[str, str] | None = None) -> Picture:
    """One square for each damage and metric with the number of the weakest dose that is noticed; empty if none is.

    Strong colour for a weak dose; orange where the metric calls the damage worse, blue where it calls it better.
    """
    rows = [d for d in found if d != "real"]
    figure, ax = figure_and_axes(6.0, 0.27 * len(rows) + 1.45)
    most = max(len(found[d]) for d in rows)
    for i, damage in enumerate(rows):
        for j, name in enumerate(metrics):
            dose, sign = first_noticed(found[damage], name)
            shade = 1 - 0.75 * (dose - 1) / max(most - 1, 1)
            ax.add_patch(_square(j, i, cell(WORSE if sign > 0 else BETTER, shade) if dose else style.BAND))
            if dose:
                ax.text(j, i, str(dose), ha="center", va="center", fontsize=9, color=style.ON_COLOUR)
    ax.set(xlim=(-0.5, len(metrics) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    ax.set_xticks(range(len(metrics)), metrics, rotation=90, fontsize=9)
    ax.set_yticks(range(len(rows)), [(words or {}).get(d, d) for d in rows], fontsize=9)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return figure


def _square(x: float, y: float, colour: Any) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.47, y - 0.47), 0.94, 0.94, facecolor=colour, linewidth=0)


def damage_frame(images: Tensor, deviations: Mapping[str, Sequence[float]]) -> Picture:
    """A row of images above what every metric says of them: a dot a draw, up for worse and down for better.

    The scale is in standard deviations of undamaged images, linear inside the grey band and logarithmic outside.
    """
    figure, (top, ax) = figure_and_axes(5.25, 3.75, nrows=2, height_ratios=(1, 3.4))
    top.imshow(tile(images, len(images)), interpolation="nearest")
    top.axis("off")
    ax.axhspan(-SURE, SURE, color=style.BAND, linewidth=0)
    ax.axhline(0, color=style.CONTEXT, linewidth=style.THIN)
    for k, values in enumerate(deviations.values()):
        colour = {1: WORSE, 0: style.CONTEXT, -1: BETTER}[noticed(values)]
        ax.bar(k, np.mean(values), color=colour, width=0.8)
        ax.plot([k] * len(values), values, ".", color=style.MARK, markersize=3)
    ax.set_yscale("symlog", linthresh=SURE, linscale=0.7)
    for end, colour in ((1.6 * _MOST, WORSE), (-1.6 * _MOST, BETTER)):  # the axis says which way is which
        ax.bar(-1.1, end, color=colour, width=0.6)
    ax.set(ylim=(-1.6 * _MOST, 1.6 * _MOST), xlim=(-1.4, len(deviations) - 0.4))
    ax.set_yticks([-1000, -100, -10, 0, 10, 100, 1000], ["\u22121000", "", "\u221210", "0", "10", "", "1000"], fontsize=9)
    ax.set_yticks([], minor=True)
    ax.set_xticks(range(len(deviations)), list(deviations), rotation=90, fontsize=9)
    return figure


def spread_against(
    x: Sequence[float], values: Mapping[str, Sequence[Sequence[float]]], lines: Mapping[str, Sequence[float]],
    labels: tuple[str, str], log: str = "",
) -> Picture:  # fmt: skip
    """Several measured values at each x (dots) for each name, and predicted lines; `log` names the logarithmic axes."""
    figure, ax = figure_and_axes(5.0, 3.0)
    for (name, runs), colour in zip(values.items(), (style.DATA, style.MODEL, style.GREEN), strict=False):
        for k, (at, several) in enumerate(zip(x, runs, strict=True)):
            ax.plot(
                [at] * len(several), several, "o", color=colour, markersize=4, alpha=style.CLOUD, label=name if k == 0 else None
            )
    for (name, line), dashes in zip(lines.items(), ("-", "--", ":"), strict=False):
        ax.plot(x, line, dashes, color=style.REFERENCE, linewidth=style.LINE, label=name)
    if "x" in log:
        ax.set_xscale("log")
        ax.set_xticks(x, [f"{at:,.0f}" for at in x], fontsize=9)
        ax.set_xticks([], minor=True)
    if "y" in log:
        ax.set_yscale("log")
    ax.set(xlabel=labels[0], ylabel=labels[1])
    ax.grid(alpha=style.GRID)
    ax.legend(frameon=False, fontsize=10)
    return figure


def balls(real: Tensor, generated: Tensor, radii: Tensor) -> Picture:
    """Real points ``(n, 2)`` with their balls, generated ones ``(m, 2)`` over them: filled if inside any ball, else a ring."""
    import torch

    inside = (torch.cdist(real, generated) <= radii[:, None]).any(0)
    return _balls(real, generated, inside, zip(real.tolist(), radii.tolist(), strict=True))


def own_balls(training: Tensor, generated: Tensor, nearest: Tensor, radii: Tensor) -> Picture:
    """Training points ``(n, 2)``; generated ones ``(m, 2)``, each joined to its `nearest` ``(m,)`` training point, which has a
    ball of its `radii` ``(n,)``: filled if inside that ball, else a ring."""
    import torch

    inside = (generated - training[nearest]).norm(dim=1) <= radii[nearest]
    own = [(training[i].tolist(), float(radii[i])) for i in nearest.unique()]
    return _balls(training, generated, inside, own, lines=torch.stack([generated, training[nearest]], 1).tolist())


def _balls(real: Tensor, generated: Tensor, inside: Tensor, around: Iterable[tuple[Any, float]], lines: Any = ()) -> Picture:
    """Real points, the balls `around` some of them (centre, radius), generated points, and lines between points."""
    from matplotlib.collections import LineCollection
    from matplotlib.patches import Circle

    figure, ax = figure_and_axes(4.8, 3.0)
    for centre, radius in around:
        ax.add_patch(Circle(centre, radius, linestyle="-", **{**style.area(style.DATA), "linewidth": style.HAIR}))
    ax.add_collection(LineCollection(list(lines), colors=style.CONTEXT, linewidths=style.THIN))
    ax.plot(*real.T.numpy(), ".", color=style.DATA, markersize=7)
    ax.plot(*generated[inside].T.numpy(), "o", color=style.MODEL, markersize=5)
    ax.plot(*generated[~inside].T.numpy(), "o", markerfacecolor=style.HOLLOW, markeredgecolor=style.MODEL, markersize=5)
    ax.set(aspect="equal", xticks=[], yticks=[])
    ax.margins(0.05)
    return figure


def scoreboard(table: Mapping[str, Mapping[str, float]], better: Mapping[str, str]) -> Picture:
    """The numbers of each set (a column) under each metric (a row), shaded in each row from its worst to its best.

    The first column is the yardstick. `better` says "higher" or "lower" for each metric, or "first" if nearest to the first column.
    """
    columns = list(table)
    figure, ax = figure_and_axes(6.0, 0.27 * len(better) + 0.35)
    for i, (name, way) in enumerate(better.items()):
        values = np.array([table[c][name] for c in columns])
        merit = {"higher": values, "lower": -values, "first": -np.abs(values - values[0])}[way]
        span = merit.max() - merit.min()
        for j, value in enumerate(values):
            shade = (merit[j] - merit.min()) / span if span > 0 else 0.0
            ax.add_patch(_square(j, i, cell(BETTER, float(shade))))
            ax.text(j, i, _short(float(value)), ha="center", va="center", fontsize=9, color=style.ON_COLOUR)
    ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(better) - 0.5, -0.5))
    ax.set_xticks(range(len(columns)), columns, fontsize=9)
    ax.set_yticks(range(len(better)), list(better), fontsize=9)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return figure


def _short(value: float) -> str:
    """Three digits, with a true minus sign."""
    size = abs(value)
    text = f"{value:.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 1 else f"{value:.3f}"
    return text.replace("-", "\u2212")
