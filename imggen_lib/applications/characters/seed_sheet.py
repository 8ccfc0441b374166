"""The sheet of seeds: each character with its number, and under it the nearest real one and how much ink they share. A PDF."""

from collections.abc import Sequence
from pathlib import Path as File
from typing import TYPE_CHECKING

import numpy as np

from imggen_lib.applications.characters.fields import Fields
from imggen_lib.applications.characters.measures import Nearest, ink_of
from imggen_lib.data import kanji
from imggen_lib.data.kanjivg import to_distance

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def seed_sheet(seeds: Sequence[int], fields: Fields, near: Nearest, *, columns: int = 10) -> "Figure":
    """A figure of A4 size, lying. `near` holds positions in the training split; U+... is the real character's code point."""
    from matplotlib.figure import Figure

    train = kanji("train")
    codes = train.factors["code"].numpy()[near.index]
    real = to_distance(train.floats())[:, 0].double().numpy()[near.index]
    rows = -(-len(seeds) // columns)
    figure = Figure(figsize=(11.69, 8.27))
    grid = figure.subplots(2 * rows, columns, squeeze=False, gridspec_kw={"height_ratios": [2, 1] * rows, "hspace": 0.75})
    for axes in grid.ravel():
        axes.set_axis_off()
    for k, (made, theirs) in enumerate(zip(ink_of(fields, 160), ink_of(real, 80), strict=True)):
        row, column = divmod(k, columns)
        for axes, ink, size in ((grid[2 * row, column], made, 6.5), (grid[2 * row + 1, column], theirs, 5)):
            axes.imshow(~ink, cmap="gray", vmin=0, vmax=1, interpolation="antialiased")
            name = f"seed {seeds[k]}" if ink is made else f"U+{codes[k]:X}, IoU {near.iou[k]:.2f}"
            axes.set_title(name, fontsize=size, pad=1.5)
    figure.suptitle("Each character, and the real one that shares most ink with it (KanjiVG, CC BY-SA 3.0)", fontsize=9, y=0.95)
    return figure


def save_seed_sheet(path: str | File, seeds: Sequence[int], fields: Fields, near: Nearest) -> File:
    """Write :func:`seed_sheet` as a PDF; the same bytes for the same seeds."""
    import matplotlib as mpl

    if len(seeds) != len(fields) or len(seeds) != len(np.asarray(near.iou)):
        raise ValueError(f"a field and a neighbour for each seed, got {len(fields)} and {len(near.iou)} for {len(seeds)}")
    with mpl.rc_context({"pdf.fonttype": 42}):
        seed_sheet(seeds, fields, near).savefig(path, format="pdf", metadata={"CreationDate": None, "Title": "Sheet of seeds"})
    return File(path)
