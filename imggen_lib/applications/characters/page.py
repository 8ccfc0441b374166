"""A sheet of paper: where its cells are, how much of each pixel is ink, and the print as a PNG with its size and colour space."""

from dataclasses import dataclass
from pathlib import Path as File

import numpy as np
from jaxtyping import Float

from imggen_lib.applications.characters.colours import Palette, mixed
from imggen_lib.applications.characters.fields import Field, Fields, between
from imggen_lib.checks import real, whole

MM = 25.4  # an inch
FINE = 4  # points a pixel and direction, so 17 shares of ink


@dataclass(frozen=True)
class Sheet:
    """A sheet in millimetres with rows and columns of square cells in its middle: A3 lying, 60 cells of 36 mm, by default."""

    width: float = 420.0
    height: float = 297.0
    columns: int = 10
    rows: int = 6
    cell: float = 36.0
    gap: float = 2.0
    dpi: int = 300

    def __post_init__(self) -> None:
        for name in ("columns", "rows", "dpi"):
            whole(getattr(self, name), name, 1)
        for name, least in {"width": 1, "height": 1, "cell": 1, "gap": 0}.items():
            real(getattr(self, name), name, least)
        wide, high = (n * self.cell + (n - 1) * self.gap for n in (self.columns, self.rows))
        if wide > self.width or high > self.height:
            raise ValueError(f"{self.rows} rows of {self.columns} cells need {wide:g} by {high:g} mm, more than the sheet has")

    @property
    def count(self) -> int:
        """How many characters fit."""
        return self.columns * self.rows

    @property
    def pixels(self) -> tuple[int, int]:
        """Width and height of the print: 4961 by 3508 for A3 at 300 dots per inch."""
        return round(self.width / MM * self.dpi), round(self.height / MM * self.dpi)

    def corner(self, k: int) -> tuple[float, float]:
        """The upper left corner of cell `k`, row by row, in millimetres."""
        row, column = divmod(k, self.columns)
        step = self.cell + self.gap
        left, top = ((side - n * step + self.gap) / 2 for side, n in ((self.width, self.columns), (self.height, self.rows)))
        return left + column * step, top + row * step


def coverage(field: Field, sheet: Sheet, k: int, *, level: float = 0.0, speck: float = 0.01, fine: int = FINE) -> tuple:
    """How much of each pixel of cell `k` is ink ``(h, w)``, from `fine` by `fine` points; and the pixel of its upper left corner.

    Pixels are the sheet's, so the cell's edge falls inside some. Pieces below the share `speck` of the cell are left out.
    """
    from skimage.measure import label

    a = MM / sheet.dpi
    left, top = sheet.corner(k)
    x0, y0 = int(np.floor(left / a)), int(np.floor(top / a))
    w, h = int(np.ceil((left + sheet.cell) / a)) - x0, int(np.ceil((top + sheet.cell) / a)) - y0
    scale = field.shape[-1] / sheet.cell
    x, y = (((first + (np.arange(n * fine) + 0.5) / fine) * a - edge) * scale for first, n, edge in ((x0, w, left), (y0, h, top)))
    ink = between(field, y, x) > level
    parts = label(ink, connectivity=1)
    small = np.bincount(parts.ravel()) < speck * (sheet.cell / a * fine) ** 2
    ink &= ~small[parts]
    return ink.reshape(h, fine, w, fine).mean((1, 3)), (y0, x0)


def page_coverage(fields: Fields, sheet: Sheet, *, level: float = 0.0, speck: float = 0.01) -> Float[np.ndarray, "h w"]:
    """The share of ink in each pixel of the whole sheet."""
    if len(fields) > sheet.count:
        raise ValueError(f"the sheet has {sheet.count} cells, got {len(fields)} characters")
    wide, high = sheet.pixels
    page = np.zeros((high, wide), dtype=np.float32)
    for k, field in enumerate(fields):
        part, (y, x) = coverage(field, sheet, k, level=level, speck=speck)
        page[y : y + part.shape[0], x : x + part.shape[1]] += part
    return np.minimum(page, 1)


def save_print(path: str | File, page: Float[np.ndarray, "h w"], colours: Palette, sheet: Sheet) -> File:
    """A page's shares of ink as a PNG with a palette, its resolution (pHYs) and its colour space (sRGB, perceptual intent)."""
    from PIL import Image, PngImagePlugin

    steps = FINE * FINE + 1
    picture = Image.fromarray(np.round(page * (steps - 1)).astype(np.uint8))
    table = mixed(colours.paper, colours.ink, steps)
    shown = Image.frombytes("P", picture.size, picture.tobytes())
    shown.putpalette(table.tobytes())
    chunks = PngImagePlugin.PngInfo()
    chunks.add(b"sRGB", b"\x00")
    shown.save(path, "PNG", pnginfo=chunks, dpi=(sheet.dpi, sheet.dpi), optimize=True)
    return File(path)


def grey_band(page: Float[np.ndarray, "h w"]) -> float:
    """How wide the grey at edges is, in pixels: grey pixels (10 to 90 % ink) over the length of the outline."""
    from skimage.measure import perimeter_crofton

    grey = ((page > 0.1) & (page < 0.9)).sum()
    return float(grey / perimeter_crofton(page > 0.5, directions=4))
