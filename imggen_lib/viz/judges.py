"""Tables and charts of what does not rest on one judge: several networks, what images teach, and judges of other kinds."""

import math
from collections.abc import Mapping
from statistics import mean, median, stdev
from typing import Any

import torch
from torch import Tensor

from imggen_lib.metrics.intervals import mean_estimate
from imggen_lib.metrics.judges import PrecisionRecallCurve
from imggen_lib.viz import style
from imggen_lib.viz.figure import Picture, figure_and_axes
from imggen_lib.viz.tables import Table, table

_NO_MODELS = ("real", "copies")


def _order(means: Mapping[str, float]) -> list[str]:
    return sorted((name for name in means if name not in _NO_MODELS), key=means.__getitem__)


def _digits(value: float) -> int:
    return max(0, 2 - math.floor(math.log10(abs(value)))) if value else 1


def judges_table(record: Mapping[str, Any], key: str = "frechet_distance", digits: int | None = None) -> Table:
    """The mean of a number over draws ± their standard deviation, a column a judge, with each model's place in that judge's order.

    Real images and copies stand at the end, without a place. Lower is better. Without `digits` a column has as many as give its
    middle value three places.
    """
    judges = record["sets"]
    means = {j: {name: mean(run[key] for run in runs) for name, runs in sets.items()} for j, sets in judges.items()}
    order = {j: _order(found) for j, found in means.items()}
    first, rows = next(iter(judges)), []
    for name in (*order[first], *_NO_MODELS):
        cells = []
        for judge, sets in judges.items():
            place = "" if name in _NO_MODELS else f"{order[judge].index(name) + 1}: "
            places = _digits(median(means[judge].values())) if digits is None else digits
            cells.append(f"{place}{means[judge][name]:,.{places}f} ± {stdev(run[key] for run in sets[name]):,.{places}f}")
        rows.append([name, *cells])
    return table(["", *judges], rows, f"{len(order[first])} models under {len(judges)} judges")


def agreement_table(record: Mapping[str, Any]) -> Table:
    """Kendall's tau of every two judges' orders, with its 95 % interval; a row for each pair and number."""
    rows = []
    for name, found in record["agreement"].items():
        low, high = found["interval"]
        rows.append([name.replace("_", " "), f"{found['tau']:.2f}", f"{low:.2f} to {high:.2f}"])
    return table(["", "tau", "95 %"], rows, f"agreement of {len(rows)} pairs of judges")


def random_weights_table(record: Mapping[str, Any]) -> Table:
    """Kendall's tau of each judge's order with those of networks with random weights, least, median and most; and of these among
    each other."""
    rows = []
    for judge, several in record["random_weights"]["tau"].items():
        name = "one of them, another" if judge == "random" else f"{judge}, one of them"
        rows.append([name, *(f"{v:.2f}" for v in (min(several), median(several), max(several)))])
    count = len(record["random_weights"]["distances"])
    return table(["tau", "least", "median", "most"], rows, f"agreement with {count} networks of random weights")


def places_table(record: Mapping[str, Any]) -> Table:
    """The place of every model in the order of each network with random weights, a column a network."""
    means = [{name: mean(v) for name, v in found.items()} for found in record["random_weights"]["distances"].values()]
    orders = [_order(found) for found in means]
    first = _order({name: mean(run["frechet_distance"] for run in runs) for name, runs in record["sets"]["classifier"].items()})
    rows = [[name, *(str(order.index(name) + 1) for order in orders)] for name in first]
    return table(["", *record["random_weights"]["distances"]], rows, f"places under {len(orders)} networks of random weights")


def usefulness_table(record: Mapping[str, Any], data: str) -> Table:
    """The accuracy in percent of classifiers that learned from each kind of images, best first, with a 95 % interval over draws."""
    found = {}
    for name, runs in record["accuracy"][data].items():
        found[name] = mean_estimate(torch.tensor([100 * run["accuracy"] for run in runs], dtype=torch.float64))
    rows = [
        [name, f"{e.value:.1f}", f"{e.low:.1f} to {e.high:.1f}"] for name, e in sorted(found.items(), key=lambda x: -x[1].value)
    ]
    return table(["learned from", "right, %", "95 %"], rows, f"{len(rows)} kinds of training images")


def shuffled(distances: Tensor, true: float, labels: tuple[str, str]) -> Picture:
    """How often each distance comes when labels are shuffled (an area), and the true one (a line)."""
    figure, ax = figure_and_axes(5.0, 2.6)
    ax.hist(distances.numpy(), bins=30, histtype="stepfilled", **style.area(style.CONTEXT))
    ax.axvline(true, color=style.MODEL, linewidth=style.BOLD)
    ax.set(xlabel=labels[0], ylabel=labels[1])
    ax.grid(alpha=style.GRID)
    return figure


def curves(found: Mapping[str, PrecisionRecallCurve]) -> Picture:
    """Precision against recall of every set, a dot where the two are equal; the first one, the yardstick, is dashed."""
    figure, ax = figure_and_axes(4.2, 3.6)
    for k, (name, curve) in enumerate(found.items()):
        look = {"color": style.REFERENCE, "linestyle": "--"} if k == 0 else style.series(k - 1)
        recall, precision = curve.recall.numpy(), curve.precision.numpy()
        ax.plot(recall, precision, label=name, linewidth=style.LINE, **look)
        ax.plot(recall[len(recall) // 2], precision[len(precision) // 2], "o", color=look["color"], markersize=5)
    ax.set(xlabel="rec", ylabel="prec", xlim=(0, 1.03), ylim=(0, 1.03), aspect="equal")
    ax.grid(alpha=style.GRID)
    ax.legend(frameon=False, fontsize=9)
    return figure
