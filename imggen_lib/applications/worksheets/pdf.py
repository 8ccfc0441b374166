"""A worksheet on paper: the sums on page 1, the key on page 2, as a PDF of curves and of text that can be selected."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float
from torch import Tensor

from imggen_lib.applications.worksheets.hand import MODEL
from imggen_lib.applications.worksheets.outline import CUT, SIDE, digit_outlines
from imggen_lib.applications.worksheets.sheet import Worksheet, sheet_images
from imggen_lib.errors import unknown_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MM = 25.4  # an inch
#: Width and height in millimetres.
PAPERS = {"a4": (210.0, 297.0), "letter": (215.9, 279.4)}
MARGIN = 18.0
TOP, BOTTOM = 42.0, 26.0  # where the sums begin and end, from the upper and the lower edge
HIGH = 13.0  # the square of a digit; the digit itself is about 9 mm high
FINE = 0.02  # pixels, a hundredth of a millimetre: points that change a curve by less are left out
GAP = 2.5  # pixels of paper between two digits of a number
SIGN = 9.0  # millimetres between two numbers, for the sign
INK = "black"
WORDS = {
    "title": "Worksheet {seed}",
    "key": "Worksheet {seed}: the key",
    "name": "Name",
    "date": "Date",
    "made": "The handwriting is nobody's: hand {hand} of the generator {model}, which learnt from MNIST. Difficulty: {level}.",
    "again": "Made again by: {command}",
    "checked": "Look at every digit once before you copy this sheet: the key says what each was meant to be.",
}


class Placed(NamedTuple):
    """A digit on the page: which one of the sheet, and the left upper corner of its square in millimetres."""

    nth: int
    digit: int
    x: float
    y: float


class Line(NamedTuple):
    """A sum on the page: its number, where its baseline and its sign are, and its digits."""

    number: int
    x: float
    y: float
    sign: str
    sign_x: float
    equals_x: float
    digits: list[Placed]


def _extent(image: Tensor) -> tuple[float, float]:
    """Left and right edge of a digit's ink, in pixels; a digit without ink has the middle half of its square."""
    columns = ((image[0] + 1) / 2 > CUT).any(0).nonzero()[:, 0]
    return (float(columns[0]), float(columns[-1]) + 1) if len(columns) else (SIDE / 4, 3 * SIDE / 4)


def layout(sheet: Worksheet, images: Float[Tensor, "n 1 h w"], paper: str = "a4") -> list[Line]:
    """Where everything stands: two columns of sums, digits set by the edges of their ink, signs between the numbers."""
    if paper not in PAPERS:
        raise ValueError(unknown_name("paper", paper, tuple(PAPERS)))
    wide, high = PAPERS[paper]
    rows = -(-len(sheet.sums) // 2)
    row = min(22.0, (high - TOP - BOTTOM) / rows)
    scale = min(HIGH, row) / SIDE
    lines, index = [], 0
    for k, one in enumerate(sheet.sums):
        column, down = divmod(k, rows)
        left, top = MARGIN + column * (wide - 2 * MARGIN + 6) / 2, TOP + down * row
        x, first, digits = left + 10, len(str(one.a)), []
        sign_x = 0.0
        for j, digit in enumerate(one.digits):
            if j == first:
                sign_x, x = x + (SIGN - GAP * scale) / 2, x + SIGN
            start, end = _extent(images[index])
            digits.append(Placed(index, digit, x - start * scale, top))
            x += (end - start + GAP) * scale
            index += 1
        lines.append(Line(k + 1, left, top + 0.5 * SIDE * scale, one.sign, sign_x, x + 2, digits))
    ends = {left: max(line.equals_x for line in lines if line.x == left) for left in {line.x for line in lines}}
    return [line._replace(equals_x=ends[line.x]) for line in lines]


def _page(paper: str) -> "Figure":
    """An empty page whose axes count millimetres from the upper left corner."""
    from matplotlib.figure import Figure

    wide, high = PAPERS[paper]
    figure = Figure(figsize=(wide / MM, high / MM))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, wide), ylim=(high, 0))
    axes.set_axis_off()
    return figure


def _curve(image: Tensor, x: float, y: float, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """The outlines of a digit as one path of a page; holes turn the other way, so a filled path leaves them free."""
    from matplotlib.path import Path as Curve
    from skimage.measure import approximate_polygon

    points, codes = [np.empty((0, 2))], [np.empty(0, dtype=np.uint8)]
    for outline in digit_outlines(image):
        kept = approximate_polygon(outline.points, FINE)
        count = len(kept)
        points.append(kept * scale + (x, y))
        codes.append(np.array([Curve.MOVETO] + [Curve.LINETO] * (count - 2) + [Curve.CLOSEPOLY], dtype=np.uint8))
    return np.concatenate(points), np.concatenate(codes)


def draw_sheet(sheet: Worksheet, images: Float[Tensor, "n 1 h w"], paper: str = "a4", words: dict[str, str] = WORDS) -> "Figure":
    """Page 1: numbered sums, a line for each answer, and who wrote it."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Curve

    figure = _page(paper)
    axes, (wide, high) = figure.axes[0], PAPERS[paper]
    lines = layout(sheet, images, paper)
    axes.text(MARGIN, 20, words["title"].format(seed=sheet.seed), size=17, va="center")
    for label, x, end in ((words["name"], 85.0, 145.0), (words["date"], 150.0, wide - MARGIN)):
        axes.text(x, 22, label, size=10, va="baseline")
        axes.plot([x + 12, end], [22.5, 22.5], color=INK, linewidth=0.5)
    scale = min(HIGH, 22.0, (high - TOP - BOTTOM) / -(-len(lines) // 2)) / SIDE
    for line in lines:
        axes.text(line.x, line.y, f"{line.number})", size=9, va="center")
        axes.text(line.sign_x, line.y, line.sign, size=17, va="center", ha="center")
        axes.text(line.equals_x, line.y, "=", size=17, va="center")
        axes.plot([line.equals_x + 6, line.equals_x + 26], [line.y + 5.5] * 2, color=INK, linewidth=0.5)
        for placed in line.digits:
            points, codes = _curve(images[placed.nth], placed.x, placed.y, scale)
            if len(points):
                axes.add_patch(PathPatch(Curve(points, codes), facecolor=INK, edgecolor="none"))
    _foot(figure, sheet, paper, ("made", "again"), words)
    return figure


def draw_key(sheet: Worksheet, paper: str = "a4", words: dict[str, str] = WORDS) -> "Figure":
    """Page 2: every sum with its answer, as text."""
    figure = _page(paper)
    axes = figure.axes[0]
    wide, high = PAPERS[paper]
    axes.text(MARGIN, 20, words["key"].format(seed=sheet.seed), size=17, va="center")
    rows = -(-len(sheet.sums) // 2)
    step = min(12.0, (high - TOP - BOTTOM) / rows)
    for k, one in enumerate(sheet.sums):
        column, down = divmod(k, rows)
        axes.text(MARGIN + column * (wide - 2 * MARGIN) / 2, TOP + down * step, f"{k + 1})  {one.text}", size=13, va="center")
    _foot(figure, sheet, paper, ("checked", "made", "again"), words)
    return figure


def _foot(figure: "Figure", sheet: Worksheet, paper: str, names: tuple[str, ...], words: dict[str, str]) -> None:
    said = {"hand": sheet.hand.seed, "model": MODEL, "level": sheet.level, "command": sheet.command}
    for k, name in enumerate(reversed(names)):
        figure.axes[0].text(MARGIN, PAPERS[paper][1] - 10 - 4 * k, words[name].format(**said), size=7, va="center")


def provenance(sheet: Worksheet) -> dict[str, str]:
    """What stands in the file's metadata: where the digits come from and how the sheet is made again."""
    from imggen_lib.checkpoint import pretrained

    stored = pretrained(MODEL).meta["weights"]["sha256"]
    return {
        "Title": f"Worksheet {sheet.seed}",
        "Subject": f"Generated handwriting: {sheet.kind}, {sheet.level}, seed {sheet.seed}, hand {sheet.hand.seed}",
        "Keywords": f"model {MODEL}, sha256 {stored}; learnt from MNIST; {sheet.command}",
        "Creator": "imggen_lib.applications.worksheets",
    }


def save_pdf(path: str | Path, sheet: Worksheet, images: Float[Tensor, "n 1 h w"] | None = None, *, paper: str = "a4") -> Path:
    """Write the sheet and its key; the same bytes for the same sheet, by the same versions."""
    import matplotlib as mpl
    from matplotlib.backends.backend_pdf import PdfPages

    drawn = sheet_images(sheet) if images is None else images
    if len(drawn) != len(sheet.written):
        raise ValueError(f"the sheet has {len(sheet.written)} digits, got {len(drawn)} images")
    pages = [draw_sheet(sheet, drawn, paper), draw_key(sheet, paper)]
    with mpl.rc_context({"pdf.fonttype": 42}), PdfPages(path, metadata={**provenance(sheet), "CreationDate": None}) as file:
        for page in pages:
            file.savefig(page)
    return Path(path)
