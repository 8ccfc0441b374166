"""The table of all models: means and spreads over seeds, a strip of dots for every row, and a map with the rows' numbers."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from statistics import mean, median, stdev
from typing import Any, NamedTuple

from imggen_lib.viz import style
from imggen_lib.viz.figure import Picture, cell, figure_and_axes
from imggen_lib.viz.pages import Html

#: Colour and shape of each family, by the first word of a row's name.
FAMILIES = {"GAN": (style.GAN, "circle,pad=0.15"), "VAE": (style.VAE, "square,pad=0.2"), "Flow": (style.FLOW, "rarrow,pad=0.1")}


class Column(NamedTuple):
    """A column of the table: its heading, the key in a run, the digits after the point, which way is better, spread or not."""

    heading: str
    key: str
    digits: int = 2
    better: str = "lower"  # lower, higher, or neither
    spread: bool = True


def with_nll(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with ``nll``, minus the log-likelihood, for the models of binary pixels; the others' do not compare."""
    runs = {
        name: [{**run, "nll": -run["log_likelihood"]} if run.get("likelihood") == "bernoulli" else run for run in several]
        for name, several in record["runs"].items()
    }
    return {**record, "runs": runs}


def over_seeds(runs: Sequence[Mapping[str, Any]], key: str) -> list[float]:
    """The values of the runs that have one: diverged trainings have none, and a GAN has no likelihood."""
    return [run[key] for run in runs if key in run]


def _cell(values: Sequence[float], column: Column) -> str:
    if not values:
        return "\u2013"
    spread = stdev(values) if len(values) > 1 and column.spread else None
    digits = 0 if spread is not None and spread >= 100 else column.digits
    text = f"{mean(values):,.{digits}f}"
    return text if spread is None else f"{text} <small>± {spread:,.{digits}f}</small>"


def _strip(values: Sequence[float], low: float, high: float, real: float, colour: str) -> str:
    """Dots on a logarithmic line from `low` to `high`, one a seed, and a mark where real images are; no words in it."""

    def x(value: float) -> float:
        return 4 + 58 * (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))

    dots = "".join(f'<circle cx="{x(v):.1f}" cy="8" r="3" fill="{colour}" fill-opacity="0.75"/>' for v in values)
    line = '<line x1="4" y1="8" x2="62" y2="8" stroke="currentColor" stroke-opacity="0.25"/>'
    mark = f'<line x1="{x(real):.1f}" y1="2" x2="{x(real):.1f}" y2="14" stroke="currentColor" stroke-width="1.5"/>'
    return f'<svg width="66" height="16" viewBox="0 0 66 16" aria-hidden="true">{line}{mark}{dots}</svg>'


def _best(runs: Mapping[str, Sequence[Mapping[str, Any]]], column: Column, real: float | None) -> str:
    """The row with the best mean among those that are not better than real images, which would be no merit."""
    means = {name: mean(values) for name, several in runs.items() if (values := over_seeds(several, column.key))}
    if real is not None:
        means = {name: value for name, value in means.items() if (value > real if column.better == "lower" else value <= real)}
    if column.better == "neither" or not means:
        return ""
    return min(means, key=lambda name: means[name] if column.better == "lower" else -means[name])


_STYLE = """<style>
.imggen-results { font-size: .75rem }
.imggen-results th, .imggen-results td { padding: .1rem .25rem; text-align: right; white-space: nowrap }
.imggen-results.imggen-few { font-size: .85rem }
.imggen-results.imggen-few th, .imggen-results.imggen-few td { padding: .1rem .3rem }
.imggen-results thead th { white-space: normal; vertical-align: bottom }
.imggen-results th[scope=row] { text-align: left; font-weight: normal; white-space: normal; min-width: 9rem }
.imggen-results small { opacity: .8; font-size: .85em }
.imggen-results img { height: 29px; width: auto; max-width: none; vertical-align: middle }
</style>"""


def family(name: str) -> tuple[str, str]:
    """Colour and shape of a row's family. Raises ``ValueError`` for a name that begins with none."""
    for word, look in FAMILIES.items():
        if name.startswith(word):
            return look
    raise ValueError(f"a row's name begins with its family ({', '.join(FAMILIES)}), got {name!r}")


def _row(number: int | str, name: str, middle: str, cells: Sequence[str]) -> str:
    inside = "".join(f"<td>{cell}</td>" for cell in (middle, *cells))
    return f'<tr><td>{number}</td><th scope="row">{escape(name)}</th>{inside}</tr>'


def scrolling(head: Sequence[str], rows: Sequence[str], words: str) -> Html:
    """A table that scrolls sideways by itself on a narrow page; with few columns there is more room between them."""
    cells = "".join(f'<th scope="col">{escape(text)}</th>' if text else "<td></td>" for text in head)
    names = "imggen-results imggen-few" if len(head) <= 8 else "imggen-results"
    table = f'<table class="{names}"><thead><tr>{cells}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    region = f'<div tabindex="0" role="region" aria-label="{escape(words)}" style="overflow-x:auto">'
    return Html(f"{_STYLE}{region}{table}</div>", words)


def results_table(record: Mapping[str, Any], columns: Sequence[Column], strip: str = "frechet_distance") -> Html:
    """Every model of the record with the mean of its seeds \u00b1 their standard deviation; the best mean of a column is bold.

    A mean that is better than real images' is never bold: a precision above theirs comes from too little variety.

    The number `strip` is drawn as well: a dot a seed on a logarithmic line, with a bar at real images.
    """
    runs, real = record["runs"], record["real_images"]
    everything = [v for several in runs.values() for v in over_seeds(several, strip)] + [real[strip]]
    low, high = 0.8 * min(everything), 1.25 * max(everything)
    best = {c.key: _best(runs, c, real.get(c.key)) for c in columns}
    rows = []
    for k, (name, several) in enumerate(runs.items(), start=1):
        texts = [_cell(over_seeds(several, c.key), c) for c in columns]
        cells = [f"<strong>{t}</strong>" if best[c.key] == name else t for t, c in zip(texts, columns, strict=True)]
        rows.append(_row(k, name, _strip(over_seeds(several, strip), low, high, real[strip], family(name)[0]), cells))
    cells = [_cell([real[c.key]] if c.key in real else [], c) for c in columns]
    rows.append(_row("", "real images", _strip([], low, high, real[strip], style.DATA), cells))
    return scrolling(["#", "", "", *(c.heading for c in columns)], rows, f"table of {len(runs)} models")


def samples_table(record: Mapping[str, Any], words: str = "samples of model", key: str = "samples") -> Html:
    """The samples that the record keeps, a row a model: of the first seed, or with the key ``worst`` where seeds differ much."""
    rows = []
    for k, name in enumerate(record["runs"], start=1):
        if name not in record[key]:
            continue
        source = f"data:image/png;base64,{record[key][name]}"
        rows.append(_row(k, name, f'<img src="{source}" alt="{escape(words)} {k}">', []))
    return scrolling(["#", "", ""], rows, f"samples of {len(rows)} models")


def results_map(record: Mapping[str, Any], x: str, y: str, labels: tuple[str, str], log: str = "") -> Picture:
    """Every model at the medians of two of its numbers over seeds, numbered; GANs round, VAEs square, flows arrows."""
    figure, ax = figure_and_axes(5.0, 4.0)
    for k, (name, several) in enumerate(record["runs"].items(), start=1):
        xs, ys = over_seeds(several, x), over_seeds(several, y)
        if not xs or not ys:
            continue
        colour, shape = family(name)
        box = {"boxstyle": shape, "facecolor": cell(colour, 1.0), "edgecolor": style.ON_COLOUR}
        ax.plot(median(xs), median(ys), "none")
        ax.text(median(xs), median(ys), str(k), ha="center", va="center", fontsize=9, color=style.ON_COLOUR, bbox=box)
    real = record["real_images"]
    if x in real and y in real:
        ax.plot(real[x], real[y], "*", color=style.MARK, markersize=14)
    for name in log:
        getattr(ax, f"set_{name}scale")("log", subs=(2, 3, 5))
        axis = getattr(ax, f"{name}axis")
        for place in (axis.set_major_formatter, axis.set_minor_formatter):
            place(lambda value, _: f"{value:g}")
    ax.set(xlabel=labels[0], ylabel=labels[1])
    ax.margins(0.08)
    ax.grid(alpha=style.GRID)
    return figure
