"""Pictures of two things at once: what was drawn for each sentence, framed by who got which colour, and the table of shares."""

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

from jaxtyping import Float
from matplotlib.patches import Patch
from torch import Tensor

from imggen_lib.applications.sentence.binding import OTHER
from imggen_lib.applications.verdict import Measured
from imggen_lib.data.two_glyphs import RELATIVES
from imggen_lib.viz import style
from imggen_lib.viz.figure import Picture, figure_and_axes
from imggen_lib.viz.tables import Table, table

#: How a picture is framed: colour and dashes say the same, so that either is enough.
FRAMES: dict[str, dict[str, Any]] = {
    RELATIVES[0]: {"edgecolor": style.CYCLE[2], "linestyle": "-"},
    RELATIVES[1]: {"edgecolor": style.CYCLE[0], "linestyle": (0, (4, 1))},
    RELATIVES[2]: {"edgecolor": style.CYCLE[1], "linestyle": (0, (2, 1))},
    RELATIVES[3]: {"edgecolor": style.CYCLE[4], "linestyle": (0, (1, 1))},
    OTHER: {"edgecolor": style.INK, "linestyle": (0, (4, 1, 1, 1))},
}
BOUND = "bound, of those with all four"
COLUMNS = (*RELATIVES, "both glyphs", "both colours", BOUND)  # what is left of 1 is something else


def drawn_by_outcome(rows: Mapping[str, tuple[Float[Tensor, "n 3 h w"], Sequence[str]]]) -> Picture:
    """Rows of pictures, each row with its name, each picture framed by its outcome; in a row those as asked come first.

    `rows` has for each name the pictures, in [-1, 1], and the outcome of each as :func:`imggen_lib.applications.sentence.binding.
    outcomes` names it. Raises `ValueError` where a row has other than one outcome a picture, or rows are of different lengths.
    """
    counts = {len(images) for images, _ in rows.values()} | {len(names) for _, names in rows.values()}
    if len(counts) != 1 or 0 in counts:
        raise ValueError(f"each row needs as many pictures as the others, and an outcome for each; got {sorted(counts)}")
    columns, order = counts.pop(), list(FRAMES)
    figure, axes = figure_and_axes(0.8 * columns + 1.6, 0.85 * len(rows) + 0.6, nrows=len(rows), ncols=columns, squeeze=False)
    met: set[str] = set()
    for line, (name, (images, outcomes)) in zip(axes, rows.items(), strict=True):
        met |= set(outcomes)
        for ax, k in zip(line, sorted(range(columns), key=lambda k: order.index(outcomes[k])), strict=True):
            ax.imshow(((images[k] + 1) / 2).clamp(0, 1).permute(1, 2, 0).numpy(), interpolation="nearest")
            ax.set(xticks=[], yticks=[])
            for spine in ax.spines.values():
                spine.set(linewidth=3, capstyle="butt", **FRAMES[outcomes[k]])
        line[0].set_ylabel(fill(name, 18), rotation=0, ha="right", va="center", fontsize=9, labelpad=8)
    handles = [Patch(facecolor="none", linewidth=2, label=name, **kind) for name, kind in FRAMES.items() if name in met]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    return figure


def binding_table(sets: Mapping[str, Mapping[str, Any]], words: str) -> Table:
    """Shares, a row a set, a column an outcome; with intervals for what is as asked and for what is bound.

    The number of sentences stands in the heading; raises ``ValueError`` where rows have different ones.
    """
    counts = {cells[RELATIVES[0]][3] for cells in sets.values()}
    if len(counts) != 1:
        raise ValueError(f"all rows are of as many sentences, got {sorted(counts)}")
    rows = []
    for name, cells in sets.items():
        row = [name]
        for column in COLUMNS:
            if column not in cells:
                row.append("-")
                continue
            cell = Measured(*cells[column])
            exact = column in (RELATIVES[0], BOUND)
            row.append(f"{cell.value:.3f} [{cell.low:.3f}, {cell.high:.3f}]" if exact else f"{cell.value:.2f}")
        rows.append(row)
    return table([f"{counts.pop():,} sentences", *COLUMNS], rows, words)
