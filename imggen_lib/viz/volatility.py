"""Pictures of volatility surfaces: as images, as smiles with their bands, and how errors fall with the number of quotes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.colors import to_rgba

from imggen_lib.applications.volatility.arbitrage import TOLERANCE, arbitrage
from imggen_lib.applications.volatility.completion import BAND, Completion
from imggen_lib.applications.volatility.surfaces import MONEYNESS, SHAPE, TIMES, Quotes, Surfaces
from imggen_lib.viz import style
from imggen_lib.viz.figure import Picture, figure_and_axes
from imggen_lib.viz.tables import Table, table

_TICKS, _ENDS = (0, 5, 10, 15), (0, 15)
Record = Mapping[str, Any]


def surface_images(named: Mapping[str, Surfaces], quotes: Quotes | None = None, *, marks: bool = False) -> Picture:
    """The first surface under each name as an image, short maturities above; with `quotes` a dot where one is; with `marks` a
    cross at the middle of each butterfly and at the later maturity of each calendar spread that costs less than nothing."""
    if not named:
        raise ValueError("a picture shows one surface or more")
    figure, axes = figure_and_axes(2.9 * len(named) + 0.7, 3.1, ncols=len(named), squeeze=False)
    shown = {name: 100 * x[0].exp().view(SHAPE[1:]).double().numpy() for name, x in named.items()}
    low, high = min(x.min() for x in shown.values()), max(x.max() for x in shown.values())
    for ax, (name, x) in zip(axes[0], shown.items(), strict=True):
        image = ax.imshow(x, cmap="cividis", vmin=low, vmax=high)
        ax.set_title(name, loc="left")
        ax.set_xticks(_ENDS, [f"{float(MONEYNESS[k]):+.1f}" for k in _ENDS])
        ax.set_yticks(_TICKS, [f"{float(TIMES[k]):.2g}" for k in _TICKS])
        ax.set_xlabel("log-moneyness")
        if quotes is not None:
            rows, columns = quotes.places[0] // SHAPE[2], quotes.places[0] % SHAPE[2]
            ax.scatter(columns, rows, s=34, color=style.MODEL, edgecolor=style.MARK, linewidth=style.HAIR)
        if marks:
            found = arbitrage(named[name][:1])
            for part, shift in ((found.calendar[0], (1, 0)), (found.butterfly[0], (0, 1))):
                at = (part < -TOLERANCE).nonzero() + torch.tensor(shift)
                ax.scatter(at[:, 1], at[:, 0], s=26, color=style.WARNING, marker="x", linewidth=style.LINE)
    axes[0, 0].set_ylabel("maturity, years")
    figure.colorbar(image, ax=list(axes[0]), label="volatility, %", fraction=0.05)
    return figure


def smiles(
    truth: Surfaces, found: Mapping[str, Completion], quotes: Quotes, maturities: Sequence[int] = (0, 7, 15), index: int = 0
) -> Picture:
    """Volatility against log-moneyness at some maturities: the truth, each completion with its 90 % band, and the quotes."""
    if not found or len(found) > 2:
        raise ValueError(f"one or two completions can be told apart beside the truth, got {len(found)}")
    figure, axes = figure_and_axes(3.0 * len(maturities), 3.1, ncols=len(maturities), squeeze=False, sharey=True)
    k, columns = MONEYNESS.numpy(), SHAPE[2]
    looks = ((style.MODEL, "--"), (style.PURPLE, "-."))
    for ax, row in zip(axes[0], maturities, strict=True):
        part = slice(row * columns, (row + 1) * columns)
        for (name, one), (colour, dashes) in zip(found.items(), looks, strict=False):
            mean, sd = (value[index, part].double().numpy() for value in one)
            ax.plot(k, 100 * np.exp(mean), color=colour, linestyle=dashes, linewidth=style.LINE, label=name)
            low, high = (100 * np.exp(mean + side * BAND * sd) for side in (-1, 1))
            ax.fill_between(k, low, high, facecolor=(*to_rgba(colour)[:3], style.AREA / 2), edgecolor=colour, linewidth=style.HAIR)
        ax.plot(k, 100 * truth[index, part].exp().numpy(), color=style.DATA, linewidth=style.LINE, label="truth")
        here = (quotes.places[index] // columns) == row
        at = MONEYNESS[quotes.places[index][here] % columns].numpy()
        ax.plot(at, 100 * quotes.values[index][here].exp().numpy(), "o", color=style.MARK, markersize=5, label="quote")
        ax.set_title(f"{float(TIMES[row]):.2g} years", loc="left")
        ax.set_xlabel("log-moneyness")
        ax.grid(alpha=style.GRID)
    axes[0, 0].set_ylabel("volatility, %")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    return figure


def errors_by_quotes(record: Record, ways: Mapping[str, str], noise: str) -> Picture:
    """The error against the number of quotes, a panel a truth, a line a way, with intervals; `noise`: ``exact`` or ``2% noise``."""
    cells, counts = record["cells"], record["protocol"]["quotes"]
    truths = list(dict.fromkeys(label.rsplit(", ", 2)[0] for label in cells))
    figure, axes = figure_and_axes(3.0 * len(truths), 3.5, ncols=len(truths), squeeze=False, sharey=True)
    lowest, highest = np.inf, 0.0
    for ax, truth in zip(axes[0], truths, strict=True):
        for k, (name, shown) in enumerate(ways.items()):
            found = [cells[f"{truth}, {m} quotes, {noise}"][name]["rmse"] for m in counts]
            value, low, high = (np.array([cell[i] for cell in found]) for i in range(3))
            lowest, highest = min(lowest, value.min()), max(highest, high.max())
            ax.errorbar(counts, value, (value - low, high - value), label=shown, capsize=2, **style.series(k))
        ax.set(xscale="log", yscale="log", xlabel="quotes", title=truth)
        ax.set_xticks(counts, [str(m) for m in counts], minor=False)
        ax.minorticks_off()
        ax.grid(alpha=style.GRID)
    at = (0.01, 0.03, 0.1, 0.3, 1, 3)
    axes[0, 0].set_yticks(at, [f"{value:g}" for value in at])
    axes[0, 0].set_ylim(0.7 * lowest, 1.3 * highest)
    axes[0, 0].set_ylabel("error, points")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    return figure


def coverage_table(record: Record, ways: Mapping[str, str], labels: Sequence[str]) -> Table:
    """How much of the truth the 90 % bands hold, a row a way, a column a case, with intervals; and how wide they are."""
    head = ["", *labels]
    rows = []
    for name, shown in ways.items():
        found = [record["cells"][label][name] for label in labels]
        rows.append([shown, *(f"{_percent(one['coverage'])}, ± {one['width'][0]:.2f}" for one in found)])
    return table(head, rows, "share of places in the 90 % band, and half its width in volatility points")


def arbitrage_table(record: Record, ways: Mapping[str, str]) -> Table:
    """The share of samples with arbitrage, a row a model, with Wilson's interval and n."""
    found = record["samples with arbitrage"]
    rows = [[shown, _percent(found[name]), f"{found[name][3]:,}"] for name, shown in ways.items()]
    return table(["drawn from", "with arbitrage", "n"], rows, "samples with arbitrage")


def _percent(cell: Sequence[float]) -> str:
    value, low, high = (f"{100 * number:.1f}" for number in cell[:3])
    return f"{value} % [{low}, {high}]"
