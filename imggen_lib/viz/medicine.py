"""The charts of the chapter on medicine: scores of two groups, thresholds, probabilities, and what a decision is worth."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from imggen_lib.metrics.audit import Roc, Share, check_groups, delong
from imggen_lib.metrics.calibration import Bin, NetBenefit
from imggen_lib.viz import style
from imggen_lib.viz.figure import Picture, figure_and_axes
from imggen_lib.viz.tables import Table, measured, table

_GROUPS = ((style.DATA, "o", "-"), (style.MODEL, "s", "--"), (style.PURPLE, "^", "-."))


def roc_curves(found: Mapping[str, Roc]) -> Picture:
    """ROC curves by name, with the diagonal of a score that knows nothing."""
    if not found:
        raise ValueError("there is no curve to show")
    figure, ax = figure_and_axes(4.4, 3.8)
    ax.plot([0, 1], [0, 1], color=style.REFERENCE, linewidth=style.THIN, linestyle="--")
    for k, (name, curve) in enumerate(found.items()):
        ax.plot(curve.false_alarms, curve.sensitivity, label=name, linewidth=style.LINE, **style.series(k))
    ax.set(xlim=(0, 1), ylim=(0, 1.01), xlabel="false alarms", ylabel="sensitivity", aspect="equal")
    ax.grid(alpha=style.GRID)
    ax.legend(frameon=False, fontsize=8, loc="lower right")
    return figure


def score_histograms(
    groups: Mapping[str, Float[Tensor, " n"]], *, label: str, threshold: float | None = None, bins: int = 30
) -> Picture:
    """The scores of up to three groups, each as shares of its own, one outline each; a dashed line at the threshold."""
    if not 1 <= len(groups) <= len(_GROUPS):
        raise ValueError(f"between one and {len(_GROUPS)} groups can be told apart, got {len(groups)}")
    figure, ax = figure_and_axes(5.2, 2.7)
    every = np.concatenate([x.double().numpy() for x in groups.values()])
    low, high = np.quantile(every, [0.002, 0.998])
    edges = np.linspace(float(low), float(high), bins + 1)
    for (name, x), (colour, _, dashes) in zip(groups.items(), _GROUPS, strict=False):
        counts = np.histogram(x.double().numpy(), edges)[0] / len(x)
        ax.stairs(counts, edges, color=colour, linewidth=style.LINE, linestyle=dashes, label=name)
    if threshold is not None:
        ax.axvline(threshold, color=style.REFERENCE, linewidth=style.THIN, linestyle="--")
    ax.set(xlabel=label, ylabel="share of the group", ylim=(0, None))
    ax.legend(frameon=False, fontsize=8)
    return figure


def against(
    groups: Mapping[str, tuple[Float[Tensor, " n"], Float[Tensor, " n"]]],
    *,
    labels: tuple[str, str],
    line: tuple[float, float] | None = None,
) -> Picture:
    """Points ``(x, y)`` of up to three groups, and a straight line of a slope and an offset."""
    if not 1 <= len(groups) <= len(_GROUPS):
        raise ValueError(f"between one and {len(_GROUPS)} groups can be told apart, got {len(groups)}")
    figure, ax = figure_and_axes(5.2, 3.4)
    for (name, (x, y)), (colour, mark, _) in zip(groups.items(), _GROUPS, strict=False):
        ax.plot(x.numpy(), y.numpy(), mark, color=colour, markersize=3, alpha=style.CLOUD, label=name, markeredgewidth=0)
    if line is not None:
        ends = np.array(ax.get_xlim())
        ax.plot(ends, line[0] * ends + line[1], color=style.REFERENCE, linewidth=style.LINE, linestyle="--")
        ax.set_xlim(*ends)
    ax.set(xlabel=labels[0], ylabel=labels[1])
    ax.grid(alpha=style.GRID)
    ax.legend(frameon=False, fontsize=8)
    return figure


def reliability_diagram(found: Mapping[str, Sequence[Bin]]) -> Picture:
    """What came true against what was said, a mark with Wilson's interval a bin; the diagonal is perfect calibration."""
    if not 1 <= len(found) <= len(_GROUPS):
        raise ValueError(f"between one and {len(_GROUPS)} diagrams can be told apart, got {len(found)}")
    figure, ax = figure_and_axes(4.4, 3.8)
    ax.plot([0, 1], [0, 1], color=style.REFERENCE, linewidth=style.THIN, linestyle="--")
    for (name, bins), (colour, mark, dashes) in zip(found.items(), _GROUPS, strict=False):
        said, true = np.array([b.said for b in bins]), np.array([b.true[:3] for b in bins])
        error = np.stack([true[:, 0] - true[:, 1], true[:, 2] - true[:, 0]]).clip(min=0)
        ax.errorbar(said, true[:, 0], yerr=error, fmt=mark, color=colour, linestyle=dashes, capsize=2, markersize=5, label=name)
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability said", ylabel="share of pneumonia", aspect="equal")
    ax.grid(alpha=style.GRID)
    ax.legend(frameon=False, fontsize=8, loc="upper left")
    return figure


def decision_curves(found: Mapping[str, NetBenefit]) -> Picture:
    """The net benefit of acting by each model, of acting on all (dashed) and on none (0), against the threshold."""
    if not found:
        raise ValueError("there is no curve to show")
    figure, ax = figure_and_axes(5.2, 3.2)
    any_one = next(iter(found.values()))
    ax.plot(any_one.thresholds, any_one.all, color=style.REFERENCE, linewidth=style.THIN, linestyle="--")
    ax.axhline(0, color=style.REFERENCE, linewidth=style.THIN)
    for k, (name, curve) in enumerate(found.items()):
        ax.plot(curve.thresholds, curve.model, label=name, linewidth=style.LINE, **style.series(k))
    top = float(any_one.all.max())
    ax.set(xlim=(0, 1), ylim=(-0.15 * top - 0.02, 1.1 * top), xlabel="threshold $t$", ylabel="net benefit")
    ax.grid(alpha=style.GRID)
    ax.legend(frameon=False, fontsize=8, loc="upper right")
    return figure


def help_chart(record: Mapping[str, Any], ways: Sequence[str]) -> Picture:
    """What each way of training gains over real images alone, a group of marks with intervals for each number of real images."""
    numbers = list(record["summary"])
    figure, ax = figure_and_axes(5.4, 0.9 + 0.3 * len(ways) * len(numbers))
    names, at = [], []
    for k, n in enumerate(numbers):
        colour, mark, _ = _GROUPS[k % len(_GROUPS)]
        for j, way in enumerate(ways):
            found = record["summary"][n][way]
            place = -(k * (len(ways) + 0.7) + j)
            error = [[found["value"] - found["low"]], [found["high"] - found["value"]]]
            ax.errorbar(found["value"], place, xerr=error, fmt=mark, color=colour, capsize=3, markersize=5)
            names.append(f"{way}, {n}")
            at.append(place)
    ax.axvline(0, color=style.REFERENCE, linewidth=style.THIN, linestyle="--")
    ax.set_yticks(at, names, fontsize=9)
    ax.set(xlabel="difference of AUROC", ylim=(min(at) - 0.7, 0.7))
    ax.grid(alpha=style.GRID, axis="x")
    return figure


def percent(share: Share, digits: int = 0) -> str:
    """A share in per cent, with its interval and its n; as :func:`imggen_lib.viz.tables.measured`, after the sign ≈."""
    value, low, high = (100 * x for x in share[:3])
    return f"≈ {value:.{digits}f} % [≈ {low:.{digits}f}, ≈ {high:.{digits}f}], n = {share.n:,}"


def areas_table(
    rows: Mapping[str, Sequence[tuple[Float[Tensor, " p"], Float[Tensor, " q"]]]], headings: Sequence[str], words: str
) -> Table:
    """Areas under the ROC curve ± half of DeLong's 95 % interval: a row a score, a column a set of ``(positives, negatives)``."""
    lines = []
    for name, groups in rows.items():
        cells = []
        for positive, negative in groups:
            check_groups(positive, negative, 2)
            found = delong(positive, negative)
            cells.append(measured(found.value, 3, found.value - found.low))
        lines.append([name, *cells])
    return table(["score", *headings], lines, words)
