"""The picture and the tables of the chapter on tools."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from imggen_lib.tools.record import SHOWN, TOOLS, Exhibit, differences
from imggen_lib.viz import style
from imggen_lib.viz.figure import Picture, figure_and_axes
from imggen_lib.viz.tables import Table, table

_TIMES = 1e5  # what differences are multiplied by in the picture

_SHORT = {"caffe": "Caffe in OpenCV", "keras-tensorflow": "Keras on TF"}  # what is wider than a panel


def _sheet(images: np.ndarray, columns: int = 4) -> np.ndarray:
    """Images ``(n, 784)`` in rows of `columns`, as one grey picture."""
    rows = images.reshape(-1, columns, 28, 28)
    return rows.transpose(0, 2, 1, 3).reshape(len(rows) * 28, columns * 28)


def same_digits(exhibits: Sequence[Exhibit], truth: Float[np.ndarray, "n 784"], columns: int = 4) -> Picture:
    """Each tool's digits, and beneath them how far they are from those in float64, times 100,000, on the same scale of greys.

    `truth` are the pixels in float64, in [-1, 1]. Mid-grey is no difference; black and white would be 1e-5.
    """
    rows = -(-len(exhibits) // columns)
    fig, axes = figure_and_axes(2.2 * columns, 2.65 * rows, nrows=rows, ncols=columns)
    cells = list(np.ravel(np.asarray(axes, dtype=object)))
    for ax in cells:
        ax.set_axis_off()
    for ax, one in zip(cells, exhibits, strict=False):
        off = differences(one.row)
        both = np.vstack([_sheet(truth[:SHOWN] + off), np.full((3, 112), np.nan), _sheet(_TIMES * off)])
        ax.imshow(both, cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
        ax.set_title(_SHORT.get(one.name, TOOLS[one.name].title), fontsize=10, color=style.INK)
    return fig


def _power(value: float | None) -> str:
    return "-" if value is None else f"{value:.1e}".replace("e-0", "e-")


def differences_table(exhibits: Sequence[Exhibit]) -> Table:
    """How far each tool is from float64, at most: pixels, the ELBO, the gradient, the weights after Adam's first step."""
    rows, keys = [], ("pixels", "elbo", "gradient", "step", "step_all")
    for one in exhibits:
        found = one.row["found"]
        rows.append([TOOLS[one.name].title, *(_power(found.get(key)) for key in keys)])
    heads = ["", "pixels", "ELBO, nats", "gradient", "step, clear", "step, all"]
    return table(heads, rows, f"greatest differences of {len(rows)} tools from float64")


def costs_table(record: Mapping[str, Any]) -> Table:
    """What each tool takes: versions, megabytes, seconds to import, milliseconds per image, one at a time and a hundred at once."""
    rows = []
    for name, row in record["tools"].items():
        python = ".".join(row["python"].split(".")[:2])
        times = (f"{row['import_s']:.1f}", f"{row['ms_1']:.2f}", f"{row['ms_100']:.3f}")
        rows.append([TOOLS[name].title, row["version"], python, f"{row['install_mb']:,.0f}", *times])
    heads = ["", "version", "Python", "MB", "import, s", "ms, one", "ms, of 100"]
    return table(heads, rows, f"what {len(rows)} tools take")


def sources_table(exhibits: Sequence[Exhibit]) -> Table:
    """Where each line of this page is from, in which version, and why it was not run here."""
    rows = [[TOOLS[one.name].title, one.row["version"], one.source, one.why[:80] or "-"] for one in exhibits]
    return table(["", "version", "from", "why not here"], rows, f"where the lines of {len(rows)} tools are from")
