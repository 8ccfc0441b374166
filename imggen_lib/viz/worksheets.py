"""Pictures of the chapter on education: digits as they are printed, a corner of a page, and how often a key holds."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import to_rgb
from torch import Tensor

from imggen_lib.applications.characters.fields import enlarged
from imggen_lib.applications.worksheets.outline import CUT, ink_field
from imggen_lib.viz import style
from imggen_lib.viz.figure import Picture, figure_and_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image


def printed_digits(images: Tensor, size: int = 72) -> np.ndarray:
    """Digits ``(n, 1, 28, 28)`` side by side as they are printed, ``(size, n * size, 3)`` in bytes: curves, not pixels."""
    fields = np.stack([ink_field(image) for image in images])
    black = np.concatenate(list(enlarged(fields, size) > 16 * CUT - 8), 1)
    paper, ink = (np.round(255 * np.array(to_rgb(colour))).astype(np.uint8) for colour in (style.PAPER, style.MARK))
    return np.where(black[..., None], ink, paper)


def digit_rows(named: Mapping[str, Tensor]) -> Picture:
    """A row of digits for each name, as they are printed."""
    if not named:
        raise ValueError("a picture of digits needs one row at least")
    figure, axes = figure_and_axes(9, 0.95 * len(named), nrows=len(named), squeeze=False)
    for ax, (name, images) in zip(axes[:, 0], named.items(), strict=True):
        ax.imshow(printed_digits(images), interpolation="antialiased")
        ax.set(xticks=[], yticks=[])
        ax.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
        for side in ax.spines.values():
            side.set_visible(False)
    return figure


def page_picture(page: "Figure", box: tuple[float, float, float, float] = (0, 0, 1, 1), dpi: int = 80) -> "Image":
    """A page of a PDF as a picture with a mat of grey around it; `box` is the part that is shown, in shares of the page."""
    from io import BytesIO

    from PIL import Image, ImageOps

    stream = BytesIO()
    page.savefig(stream, format="png", dpi=dpi, facecolor=style.WHITE)
    with Image.open(stream) as whole:
        wide, high = whole.size
        part = whole.convert("L").crop((int(box[0] * wide), int(box[1] * high), int(box[2] * wide), int(box[3] * high)))
    return ImageOps.expand(part, 6, 121)


def key_chart(sets: Mapping[str, Mapping[str, Any]], names: Mapping[str, str]) -> Picture:
    """How often no digit of a sheet contradicts its key, with its interval, beside the product of its digits' probabilities.

    `sets` are those of the record; `names` gives each that is shown its words.
    """
    figure, ax = figure_and_axes(7.5, 0.6 * len(names) + 1.2)
    for k, name in enumerate(names):
        value, low, high = (100 * v for v in sets[name]["whole sheet"][:3])
        product, least, most = (100 * v for v in sets[name]["product"])
        ax.plot([least, most], [k + 0.18] * 2, color=style.REFERENCE, linewidth=style.THIN)
        ax.plot(product, k + 0.18, "s", color=style.REFERENCE, label="product of its digits" if k == 0 else None)
        ax.plot([low, high], [k - 0.18] * 2, color=style.MODEL, linewidth=style.LINE)
        ax.plot(value, k - 0.18, "o", color=style.MODEL, label="counted" if k == 0 else None)
    ax.set(yticks=range(len(names)), yticklabels=list(names.values()), xlim=(0, 102), ylim=(len(names) - 0.4, -0.6))
    ax.set_xlabel("sheets without a contradiction, %")
    ax.legend(loc="lower left")
    return figure
