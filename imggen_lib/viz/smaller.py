"""Charts and tables of the chapter on small generators: distance against bytes and against time."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from imggen_lib.viz import style
from imggen_lib.viz.figure import Picture, figure_and_axes
from imggen_lib.viz.tables import Table, table

#: What is drawn, and how: kinds of rows, the words of the legend, mark and colour.
KINDS: dict[str, tuple[str, str, str]] = {
    "rounded": ("rounded to the nearest", "s", style.INK),
    "rounded, trained": ("rounded in training", "D", style.PURPLE),
    "pruned": ("pruned", "v", style.RED),
    "pruned, retrained": ("pruned, retrained", "^", style.TEAL),
    "student": ("student of the teacher", "o", style.MODEL),
    "trained alone": ("same network, no teacher", "X", style.GREEN),
    "trivial": ("no network: means, images by heart", "P", style.DATA),
}


def distance(row: Mapping[str, Any]) -> str:
    """A row's Frechet distance with its interval."""
    low, high = row["frechet_interval"]
    return f"{row['frechet_distance']:.2f} [{low:.2f}, {high:.2f}]"


def trade_off(record: Mapping[str, Any], kinds: Sequence[str] = tuple(KINDS)) -> Picture:
    """The Frechet distance of every row against its bytes, both on logarithmic axes, with 95 % intervals; real images dashed.

    Students and their networks without a teacher are drawn in eight bits or less. The lines at 60 and 150 kB with the bars that
    the chapter set itself are dotted.
    """
    figure, ax = figure_and_axes(6.4, 4.2)
    for kind in kinds:
        words, marker, colour = KINDS[kind]
        found = [r for r in record["rows"].values() if r["kind"] == kind and r.get("bits", 8) <= 8]
        found = sorted((r for r in found if not r["name"].endswith("-calibrated")), key=lambda r: r["bytes"])
        if not found:
            continue
        x, y = (np.array([r[key] for r in found], dtype=float) for key in ("bytes", "frechet_distance"))
        ends = np.array([r["frechet_interval"] for r in found], dtype=float).T
        spread = np.abs(ends - y)
        ax.errorbar(x / 1000, y, spread, fmt=marker, color=colour, label=words, markersize=6, elinewidth=style.THIN)
    for bytes_, bar in ((60, 6.0), (150, 2.5)):
        ax.plot([bytes_, bytes_, 4], [1, bar, bar], color=style.CONTEXT, linestyle=":", linewidth=style.THIN)
    ax.axhline(record["real_images"]["frechet_distance"], color=style.REFERENCE, linestyle="--", linewidth=style.THIN)
    ax.set(xscale="log", yscale="log", xlabel="kB", ylabel="Fréchet distance", xlim=(6, 400), ylim=(0.4, 4000))
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.grid(alpha=style.GRID)
    ax.legend(frameon=False, fontsize=8, ncols=2)
    return figure


def seeds_of(record: Mapping[str, Any], name: str) -> str:
    """The distances of a row that was trained with several seeds, with their number; nothing for one seed."""
    found = record.get("seeds", {}).get(name, [])
    return f"{', '.join(f'{value:.2f}' for value in found)} (n = {len(found)})" if len(found) > 1 else ""


def rows_table(record: Mapping[str, Any], names: Mapping[str, str], words: str) -> Table:
    """Rows of the record by name, under the words given: bytes, distance, and how often the class that was asked for is seen.

    Where one of the rows was trained with several seeds, a column has the distance with each.
    """
    by_name = record["rows"]
    several = any(seeds_of(record, name) for name in names)
    lines = []
    for name, said in names.items():
        if name not in by_name:
            raise ValueError(f"the record has no row {name!r}")
        row = by_name[name]
        line = [said, f"{row['bytes'] / 1000:,.1f}", distance(row), f"{100 * row['class_right']:.1f} %"]
        lines.append([*line, seeds_of(record, name)] if several else line)
    return table(["", "kB", "distance, 95 %", "class right", *(["by seed"] if several else [])], lines, words)


def pages_table(record: Mapping[str, Any]) -> Table:
    """What the pages load: for each shipped model kilobytes and Frechet distance as before and in eight bits, and which runs."""
    lines = []
    for name, row in record["pages"].items():
        full, eight = row["full"], row["eight"]
        sizes = [f"{found['bytes'] / 1000:.0f}" for found in (full, eight)]
        said = [distance(full), f"{eight['frechet_distance']:.2f}", f"{eight['grey_levels']:.1f}"]
        lines.append([name, *sizes, *said, "8 bits" if row["free"] else "as before"])
    columns = ["", "kB", "8 bits", "distance, 95 %", "8 bits", "grey levels", "in the pages"]
    return table(columns, lines, "models in the pages, n = 10,000 images each")


def times_table(record: Mapping[str, Any], names: Mapping[str, str]) -> Table:
    """Processor time per image, in shares of the first network's in PyTorch, one image at a time and a hundred; a row an engine."""
    times = record["times"]
    first = times[next(iter(names))]["ms"]
    engines = {
        "torch 1": "PyTorch, one image",
        "ort 1": "ONNX Runtime, one image",
        "ort-qdq 1": "ONNX Runtime, int8, one image",
        "javascript 1": "JavaScript, one image",
        "torch 100": "PyTorch, a hundred",
        "ort 100": "ONNX Runtime, a hundred",
        "ort-qdq 100": "ONNX Runtime, int8, a hundred",
    }
    lines = []
    for key, said in engines.items():
        if all(key in times[name]["ms"] for name in names):
            lines.append([said, *(f"{times[name]['ms'][key] / first['torch 1']:.3f}" for name in names)])
    return table(["", *names.values()], lines, "processor time per image, PyTorch on the teacher, one image, being 1")


def rounding_picture(weight: Tensor, steps: Mapping[str, float], bits: int) -> Picture:
    """The histogram of weights, and the levels that each step keeps of them, a line each."""
    figure, axes = figure_and_axes(6.0, 3.2, nrows=len(steps), sharex=True, squeeze=False)
    values = weight.flatten().numpy()
    most = 2 ** (bits - 1) - 1
    for ax, (name, step) in zip(axes[:, 0], steps.items(), strict=True):
        ax.hist(values, bins=120, **style.area(style.INK))
        for level in torch.arange(-most, most + 1).tolist():
            ax.axvline(level * step, color=style.MODEL, linewidth=style.THIN)
        ax.set(yticks=[], ylabel=name)
    axes[-1, 0].set_xlabel("weight")
    return figure
