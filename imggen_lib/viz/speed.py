"""Tables and curves of the chapter on speed, from the record that ``make bench`` wrote."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from imggen_lib.viz import style
from imggen_lib.viz.figure import Picture, figure_and_axes
from imggen_lib.viz.pages import Html
from imggen_lib.viz.results import scrolling

_MARKS = {"VAE": ("s", style.VAE), "GAN": ("o", style.GAN), "Flow": (">", style.FLOW)}


def _text(key: str, value: Any) -> str:
    """A number as people read it: fractions in per cent, large ones with commas, ranges with a dash."""
    if isinstance(value, list):
        return " to ".join(_text(key, v) for v in value)
    if isinstance(value, float) and "fraction" in key:
        return f"{value:.0%}"
    if isinstance(value, float) and value < 1000:
        return f"{value:.2f}" if value < 10 else f"{value:.1f}"
    return f"{value:,.0f}" if isinstance(value, int | float) else escape(str(value))


def table(
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str],
    words: str = "table",
    aims: Mapping[str, float] | None = None,
) -> Html:
    """Rows of a record as a table; `columns` maps headings to keys, the first is what the row is about.

    A key that a row does not have gives an empty cell. What rows are about is broken into lines where the page is narrow.
    A value below its aim in `aims` stands in brackets.
    """
    (first, *rest) = columns.values()

    def cell(row: Mapping[str, Any], key: str) -> str:
        if key not in row:
            return ""
        text = _text(key, row[key])
        return f"({text})" if aims is not None and key in aims and row[key] < aims[key] else text

    lines = []
    for row in rows:
        cells = "".join(f"<td>{cell(row, key)}</td>" for key in rest)
        lines.append(f'<tr><th scope="row" style="white-space: normal">{escape(str(row[first]))}</th>{cells}</tr>')
    return scrolling(list(columns), lines, words)


def _processor(run: Mapping[str, Any]) -> str:
    """Its name without the number of threads, signs and the word itself."""
    name: str = run["machine"].split(",")[0]
    return " ".join(word for word in name.replace("(R)", " ").replace("(TM)", " ").split() if word not in ("Processor", "CPU"))


def gains(rows: Sequence[Mapping[str, Any]], words: str = "what steps are worth") -> Html:
    """Rows of before and after: images a second without a step and with it, and their quotient."""
    named = [{**row, "gain": row["after"] / row["before"]} for row in rows]
    return table(named, {"": "what", "without, images/s": "before", "with, images/s": "after", "times": "gain"}, words)


def attempts(record: Mapping[str, Any], words: str = "what depends on the machine") -> Html:
    """What each attempt brought on each machine that was measured: the speed with it over the speed without; the newest first.

    A cell is empty where the attempt was not measured, or where the setting is not made on that machine.
    """
    runs = [{**record["measured"]["lost"], **record["lost"]}, *reversed(record["lost_earlier"])]
    rows: dict[str, dict[str, Any]] = {}
    columns = {"": "what"}
    for run in runs:
        machine = f"{_processor(run)}, {run['peak_gflops']:.0f} GFLOP/s"
        columns[machine] = machine
        for row in run["rows"]:
            what, _, not_made = row["what"].partition(" (")
            line = rows.setdefault(what, {"what": what})
            if not not_made:
                line[machine] = row["after"] / row["before"]
    return table(list(rows.values()), columns, words)


def measurements(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each measurement with its ratios, the newest first: ``machine``, ``date``, ``peak`` and a ratio for each work.

    The parts of a record may be of different hours: what was measured at one time, old or new, makes one line.
    """
    parts = [
        {**record["measured"][part], "ratios": {row["work"]: row["ratio"] for row in record[part]}}
        for part in ("quality", "throughput")
    ]
    lines: dict[tuple[Any, ...], dict[str, Any]] = {}
    for run in sorted([*record["earlier"], *parts], key=lambda run: run["date"]):
        when = tuple(run[key] for key in ("date", "machine", "peak_gflops"))
        line = {"machine": _processor(run), "date": run["date"], "peak": round(run["peak_gflops"])}
        lines.setdefault(when, line).update(run["ratios"])
    return list(reversed(lines.values()))


def growth(curves: Mapping[str, Mapping[str, Sequence[Sequence[float]]]]) -> Picture:
    """Images a second against each setting, panels side by side with logarithmic axes; GANs round, VAEs square, flows arrows."""
    rows, columns = -(-len(curves) // 2), min(len(curves), 2)
    figure, axes = figure_and_axes(2.9 * columns, 2.5 * rows, nrows=rows, ncols=columns, sharey=True, squeeze=False)
    for ax in axes.flat[len(curves) :]:
        ax.remove()
    for ax, lines in zip(axes.flat, curves.values(), strict=False):
        for name, points in lines.items():
            mark, colour = next(look for family, look in _MARKS.items() if name.startswith(family))
            ax.plot(*zip(*points, strict=True), marker=mark, color=colour, markersize=5, linewidth=style.LINE)
        ax.set(xscale="log", yscale="log")
        at = sorted({p[0] for points in lines.values() for p in points})
        ax.set_xticks(at, [f"{v / 1000:g}k" if v >= 1000 else f"{v:g}" for v in at], fontsize=8)
        ax.minorticks_off()
        ax.grid(alpha=style.GRID)
    return figure


def orders(rows: Sequence[Mapping[str, Any]]) -> Picture:
    """Frechet distance (logarithmic) against seconds of training: players in turns round, at once square; later seeds lighter."""
    figure, ax = figure_and_axes(5.0, 3.0)
    seeds = sorted({row["seed"] for row in rows})
    for row in rows:
        mark, colour = {"in turns": ("o", style.GAN), "at once": ("s", style.VAE)}[row["order"]]
        _, seconds, distances = zip(*row["looks"], strict=True)
        shade = 1 - 0.5 * seeds.index(row["seed"]) / max(1, len(seeds) - 1)
        ax.plot(seconds, distances, marker=mark, color=colour, alpha=shade, markersize=5, linewidth=style.LINE)
    ax.set(yscale="log", xlim=(0, None))
    low, high = ax.get_ylim()
    ticks = [d for d in (20, 30, 40, 60, 80, 100, 150, 200, 300) if low <= d <= high]
    ax.set_yticks(ticks, map(str, ticks))
    ax.minorticks_off()
    ax.grid(alpha=style.GRID)
    return figure


def memory(points: Sequence[Sequence[float]]) -> Picture:
    """MiB against images, from zero: of the process that trains, and dashed those of its reading workers together."""
    figure, ax = figure_and_axes(5.0, 2.2)
    images, *lines = zip(*points, strict=True)
    for line, (colour, dashes) in zip(lines, ((style.GAN, "-"), (style.VAE, "--")), strict=False):
        ax.plot(images, line, color=colour, linestyle=dashes, linewidth=style.LINE)
    ax.set_ylim(0, 1.3 * max(max(line) for line in lines))
    ax.xaxis.set_major_formatter(lambda value, _: f"{value / 1e6:g}M")
    ax.grid(alpha=style.GRID)
    return figure


def efficiency(gradients: float, step: float, bandwidths: Mapping[str, float], most: int = 64) -> Picture:
    r""":math:`1 / (1 + 2 (N - 1) b / (B t))` against the number of processes N, one line a bandwidth, its name at the end.

    `gradients` b in bytes, `step` t in seconds, `bandwidths` B in bytes a second.
    """
    if gradients <= 0 or step <= 0 or min(bandwidths.values()) <= 0:
        raise ValueError("bytes, seconds and bandwidths must be positive")
    figure, ax = figure_and_axes(4.6, 2.8)
    processes = [2**k for k in range(most.bit_length())]
    for k, (name, bandwidth) in enumerate(bandwidths.items()):
        values = [1 / (1 + 2 * (n - 1) * gradients / (bandwidth * step)) for n in processes]
        (line,) = ax.plot(processes, values, marker="o", markersize=4, linewidth=style.LINE, **style.series(k))
        ax.annotate(name, (processes[-1], values[-1]), xytext=(6, -3), textcoords="offset points", color=line.get_color())
    ax.set(xscale="log", xlabel="$N$", ylabel="$e$", xlim=(0.9, 1.6 * most), ylim=(0, 1.05))
    ax.set_xticks(processes, map(str, processes))
    ax.minorticks_off()
    ax.grid(alpha=style.GRID)
    return figure
