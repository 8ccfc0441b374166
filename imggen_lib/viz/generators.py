"""The charts of the chapter on today's generators: quality by evaluations, what guidance trades, and the table of everything."""

from collections.abc import Mapping, Sequence
from typing import Any

from imggen_lib.ode import evaluations
from imggen_lib.viz import style
from imggen_lib.viz.figure import Picture, figure_and_axes
from imggen_lib.viz.tables import Table, table


def steps_curve(rows: Mapping[str, Mapping[str, Any]], lines: Mapping[str, float]) -> Picture:
    """Fréchet distance by evaluations an image, a line a solver, with intervals; dashed lines at what to compare with.

    `rows` are those of the record, ``{"heun 4": {"frechet": [value, low, high]}}``.
    """
    if not rows:
        raise ValueError("there is no row to show")
    figure, ax = figure_and_axes(5.2, 3.2)
    solvers = list(dict.fromkeys(name.split()[0] for name in rows))
    for k, solver in enumerate(solvers):
        mine = [(evaluations(solver, int(n.split()[1])), r["frechet"]) for n, r in rows.items() if n.split()[0] == solver]
        mine.sort(key=lambda point: point[0])
        x, found = [e for e, _ in mine], [f for _, f in mine]
        error = [[f[0] - f[1] for f in found], [f[2] - f[0] for f in found]]
        look = style.series(k) | {"marker": "os^"[k], "markersize": 5, "linewidth": style.LINE}
        ax.errorbar(x, [f[0] for f in found], yerr=error, capsize=2, label=solver.title(), **look)
    for k, (name, value) in enumerate(sorted(lines.items(), key=lambda line: -line[1])):  # above the highest, below the others
        ax.axhline(value, color=style.REFERENCE, linewidth=style.THIN, linestyle="--")
        ax.annotate(name, (1, value), xytext=(2, 3 if k == 0 else -3 - 10 * k), textcoords="offset points", fontsize=8)
    ax.set(xscale="log", yscale="log", xlabel="evaluations per image", ylabel="Fréchet distance")
    for axis in (ax.xaxis, ax.yaxis):
        for place in (axis.set_major_formatter, axis.set_minor_formatter):
            place(lambda value, _: f"{value:g}" if f"{value:g}"[0] in "1258" else "")
    ax.grid(alpha=style.GRID)
    ax.legend(frameon=False, fontsize=8)
    return figure


def guidance_curves(rows: Mapping[str, Mapping[str, Any]], names: Mapping[str, str]) -> Picture:
    """Shares by the weight of guidance, a line for each of `names` (the key in a row, and its words)."""
    if not rows or not names:
        raise ValueError("at least one row and one name are needed")
    figure, ax = figure_and_axes(5.2, 2.8)
    weights = [float(w) for w in rows]
    for k, (key, words) in enumerate(names.items()):
        values = [row[key][0] if isinstance(row[key], Sequence) else row[key] for row in rows.values()]
        ax.plot(weights, values, label=words, marker="os^D"[k % 4], markersize=4, linewidth=style.LINE, **style.series(k))
    ax.set(xlabel="weight of guidance", ylabel="share", ylim=(0, 1.03))
    ax.grid(alpha=style.GRID)
    ax.legend(frameon=False, fontsize=8, loc="lower left")
    return figure


def interval(found: Sequence[float], digits: int = 2) -> str:
    """``value [low, high]`` of a row of the record."""
    value, low, high = (f"{number:,.{digits}f}" for number in found[:3])
    return f"{value} [{low}, {high}]"


def distances_table(rows: Mapping[str, Mapping[str, Any]], words: str) -> Table:
    """Fréchet distance and share of the right class of each row, with their intervals; a dash where no class was asked for."""
    cells = [
        [name, interval(row["frechet"]), interval(row["right"], 3) if "right" in row else "\u2013"] for name, row in rows.items()
    ]
    return table(["codes from", "Fréchet distance", "right class"], cells, words)


def everything(rows: Mapping[str, Mapping[str, str]], columns: Sequence[str], words: str) -> Table:
    """A row a generator with its cells by column, as texts; what a row does not have gets a dash."""
    return table(["", *columns], [[name, *(row.get(c, "\u2013") for c in columns)] for name, row in rows.items()], words)
