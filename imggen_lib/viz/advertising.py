"""Pictures of the chapter on advertising: banners on a sheet, dots beside enlarged pixels, and what colours reach."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from imggen_lib.applications.campaign.checks import Verdict
from imggen_lib.applications.campaign.export import Piece
from imggen_lib.applications.campaign.halftone import cell_size, halftone
from imggen_lib.applications.campaign.palette import Palette
from imggen_lib.applications.campaign.render import DUST, enlarged_pixels
from imggen_lib.viz import style
from imggen_lib.viz.figure import Picture, figure_and_axes, palette_png
from imggen_lib.viz.tables import Table, table

#: Where each size lies on a sheet of all ten: left and upper corner.
PLACES = {
    "970x250": (0, 0), "970x90": (0, 274), "728x90": (0, 388), "640x1136": (0, 502), "300x250": (664, 502), "160x600": (664, 776),
    "300x1050": (994, 0), "120x60": (848, 776), "320x50": (664, 1400), "300x50": (664, 1474),
}  # fmt: skip
GROUND = 206


class Banners:
    """Banners, pixel by pixel, that show themselves in a notebook; in 128 colours."""

    def __init__(self, pixels: UInt8[np.ndarray, "h w 3"]) -> None:
        self.pixels = pixels

    def _repr_png_(self) -> bytes:
        from PIL import Image

        return palette_png(Image.fromarray(self.pixels), colours=128)

    def __repr__(self) -> str:
        return "<Banners>"


def campaign_sheet(pieces: Sequence[Piece], gap: int = 20) -> Banners:
    """All sizes of a campaign on one sheet, as they are at one device pixel a CSS pixel."""
    shown = {piece.size.name: piece.banner.pixels for piece in pieces if piece.banner.scale == 1 and piece.size.name in PLACES}
    if not shown:
        raise ValueError("there is no banner at one pixel a CSS pixel to show")
    right = max(PLACES[name][0] + pixels.shape[1] for name, pixels in shown.items())
    bottom = max(PLACES[name][1] + pixels.shape[0] for name, pixels in shown.items())
    sheet = np.full((bottom + 2 * gap, right + 2 * gap, 3), GROUND, np.uint8)
    for name, pixels in shown.items():
        x, y = PLACES[name]
        sheet[gap + y : gap + y + pixels.shape[0], gap + x : gap + x + pixels.shape[1]] = pixels
    return Banners(sheet)


def side_by_side(pictures: Sequence[UInt8[np.ndarray, "_ _ 3"]], gap: int = 16) -> Banners:
    """Pictures of any sizes in a row, their upper edges aligned."""
    if not pictures:
        raise ValueError("there is no picture to show")
    wide = sum(picture.shape[1] for picture in pictures) + gap * (len(pictures) + 1)
    sheet = np.full((max(picture.shape[0] for picture in pictures) + 2 * gap, wide, 3), GROUND, np.uint8)
    x = gap
    for picture in pictures:
        sheet[gap : gap + picture.shape[0], x : x + picture.shape[1]] = picture
        x += picture.shape[1] + gap
    return Banners(sheet)


def dots_beside_pixels(image: Float[np.ndarray, "h w"], colours: Palette, sides: Sequence[int] = (300, 140, 44)) -> Banners:
    """A garment's ink in squares of these sides: enlarged as it is on the left, in dots on the right."""
    squares = []
    for smooth in (True, False):
        for side in sides:
            box = (0.06 * side, 0.06 * side, 0.88 * side, 0.88 * side)
            make = enlarged_pixels if smooth else halftone
            options = {} if smooth else {"cell": cell_size(int(box[2])), "least": DUST}
            cover = make(image, side, side, box, **options)
            pixels = np.asarray(colours.panel) + cover[..., None] * (np.asarray(colours.dots) - np.asarray(colours.panel))
            squares.append(np.floor(pixels + 0.5).astype(np.uint8))
    return side_by_side(squares)


def contrast_by_hue(found: Mapping[str, Sequence[float]], bar: float = 4.5) -> Picture:
    """The contrast of text on its button at equally spaced hues, a curve a rule, with the bar that it has to meet."""
    if not found:
        raise ValueError("there is no curve to show")
    figure, ax = figure_and_axes(5.4, 2.8)
    for k, (name, ratios) in enumerate(found.items()):
        ax.plot(np.arange(len(ratios)) * 360 / len(ratios), ratios, label=name, linewidth=style.LINE, **style.series(k))
    ax.axhline(bar, color=style.REFERENCE, linestyle="--", linewidth=style.THIN)
    ax.set(xlabel="hue in degrees", ylabel="contrast of text on its button", xlim=(0, 360), ylim=(1, None))
    ax.set_xticks(range(0, 361, 60))
    ax.grid(alpha=style.GRID)
    ax.legend(frameon=False, fontsize=8)
    return figure


def verdict_rows(verdicts: Sequence[Verdict], words: str = "the checks of a banner") -> Table:
    """The checks of a banner as a table: what was found, the bar, the result."""
    rows = [
        [
            v.name,
            f"{v.value:.2f}",
            f"{'at least' if v.at_least else 'at most'} {v.bar:g}",
            "passed" if v.passed else "failed",
            v.words,
        ]
        for v in verdicts
    ]
    return table(["check", "found", "bar", "result", "in words"], rows, words)


def called_by_day(found: Mapping[str, Sequence[float]], level: float = 0.95) -> Picture:
    """The share of experiments in which a difference was called up to each evening, a curve a way to decide."""
    if not found:
        raise ValueError("there is no curve to show")
    figure, ax = figure_and_axes(5.4, 2.8)
    for k, (name, shares) in enumerate(found.items()):
        ax.plot(range(1, len(shares) + 1), shares, label=name, linewidth=style.LINE, **style.series(k))
    ax.axhline(1 - level, color=style.REFERENCE, linestyle="--", linewidth=style.THIN)
    ax.set(xlabel="evenings", ylabel="share called different", xlim=(1, None), ylim=(0, None))
    ax.grid(alpha=style.GRID)
    ax.legend(frameon=False, fontsize=8)
    return figure


def clicks_lost(races: Mapping[str, Mapping[str, Any]]) -> Picture:
    """What each policy loses, with intervals, a panel for each spread of the arms' rates."""
    figure, axes = figure_and_axes(2.5 * len(races) + 0.8, 2.6, ncols=len(races), squeeze=False, sharey=True)
    for ax, (spread, found) in zip(axes[0], races.items(), strict=True):
        for k, row in enumerate(found["policies"].values()):
            value, low, high, _ = row["lost"]
            colour = style.series(k)["color"]
            ax.plot([k, k], [low, high], color=colour, linewidth=style.BOLD)
            ax.plot(k, value, "o", color=colour)
        ax.set(title=f"differ by {float(spread):.0%}", xlim=(-0.6, len(found["policies"]) - 0.4))
        ax.set_xticks(range(len(found["policies"])), list(found["policies"]), rotation=30, ha="right")
        ax.grid(alpha=style.GRID, axis="y")
        ax.margins(y=0.2)
    axes[0, 0].set_ylabel("clicks lost")
    axes[0, 0].set_ylim(0, None)
    return figure
