"""Images as they are: sheets, rows of sheets, files, films."""

import base64
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from imggen_lib import files
from imggen_lib.checks import whole
from imggen_lib.data import to_uint8
from imggen_lib.viz.figure import Picture, figure_and_axes, palette_png

if TYPE_CHECKING:
    from PIL.Image import Image


class Sheet:
    """Images side by side that show themselves in a notebook, each pixel `scale` pixels wide, in 32 levels."""

    def __init__(self, sheet: np.ndarray, scale: int) -> None:
        self.sheet, self.scale = sheet, scale

    def _repr_png_(self) -> bytes:
        return palette_png(enlarged(self.sheet, self.scale), colours=32)

    def __repr__(self) -> str:
        return "<Sheet>"


def recorded_png(images: Tensor, columns: int = 8) -> str:
    """A sheet of grey images as a PNG of 16 levels in base64: how records keep samples to be looked at."""
    from PIL import Image

    out = io.BytesIO()
    grey = Image.fromarray(tile(images, columns)).convert("L")
    grey.quantize(16, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return base64.b64encode(out.getvalue()).decode()


def tile(images: Tensor, columns: int | None = None, gap: int = 1, background: int = 96) -> np.ndarray:
    """A sheet of images ``(n, c, h, w)`` in [-1, 1] as uint8 ``(H, W, 3)``; as near to a square as can be by default."""
    if images.ndim != 4 or len(images) == 0 or images.shape[1] not in (1, 3):
        raise ValueError(f"expected images of shape (n, 1 or 3, h, w) with n >= 1, got {tuple(images.shape)}")
    pixels = to_uint8(images).cpu().expand(-1, 3, -1, -1).permute(0, 2, 3, 1).numpy()
    n, h, w, _ = pixels.shape
    columns = min(n, columns or math.ceil(math.sqrt(n)))
    rows = math.ceil(n / columns)
    sheet = np.full((rows * (h + gap) + gap, columns * (w + gap) + gap, 3), background, dtype=np.uint8)
    for k, image in enumerate(pixels):
        top, left = gap + (k // columns) * (h + gap), gap + (k % columns) * (w + gap)
        sheet[top : top + h, left : left + w] = image
    return sheet


def enlarged(sheet: np.ndarray, scale: int) -> "Image":
    """A sheet with every pixel repeated `scale` times in both directions, as a Pillow image."""
    from PIL import Image

    picture = Image.fromarray(sheet)
    return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)


def save_grid(images: Tensor, path: str | Path, columns: int | None = None, scale: int = 2) -> Path:
    """Write a sheet of images as a picture; the file's ending says the format. The folder must exist."""
    path = files.expanded(path)
    if not path.parent.is_dir():
        raise ValueError(f"{path.parent} is not a folder")
    from PIL import Image

    Image.init()
    if Image.EXTENSION.get(path.suffix.lower()) not in Image.SAVE:
        raise ValueError(f"{path.name}: cannot tell the picture format from the ending {path.suffix!r}; use .png")
    return files.write(path, enlarged(tile(images, columns), scale).save)


def grid(images: Tensor, columns: int | None = None, scale: int | None = None) -> Sheet:
    """A sheet of images, enlarged to about 900 pixels unless `scale` says otherwise."""
    sheet = tile(images, columns)
    return Sheet(sheet, scale or max(1, round(900 / sheet.shape[1])))


def rows(groups: Mapping[str, Tensor], width: float = 7.0) -> Picture:
    """One row of images for each name, the name at its left: originals above reconstructions, say."""
    if not groups:
        raise ValueError("there is nothing to show")
    columns = max(len(v) for v in groups.values())
    sheets = {k: tile(v, columns) for k, v in groups.items()}
    height = width * sum(s.shape[0] for s in sheets.values()) / max(s.shape[1] for s in sheets.values())
    figure, axes = figure_and_axes(width, height + 0.1, nrows=len(groups), squeeze=False)
    figure.set_layout_engine("compressed")  # pictures keep their proportions, so a long name would end outside
    for ax, (name, sheet) in zip(axes[:, 0], sheets.items(), strict=True):
        ax.imshow(sheet, interpolation="nearest")
        ax.set(xticks=[], yticks=[])
        ax.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
        ax.spines[:].set_visible(False)
    return figure


def gif(
    frames: Sequence[Tensor],
    columns: int | None = None,
    scale: int = 1,
    milliseconds: int = 120,
    colours: int = 12,
    hold: bool = True,
) -> bytes:
    """An animated GIF with one sheet of images a frame; the last one is held unless `hold` says no. `colours`: from 2 to 256."""
    whole(colours, "colours", 2, 256)
    if not frames:
        raise ValueError("a film needs at least one frame")
    pictures = [enlarged(tile(f, columns), scale).quantize(colours) for f in frames]
    durations = [milliseconds] * (len(pictures) - 1) + [max(milliseconds, 2000) if hold else milliseconds]
    out = io.BytesIO()
    pictures[0].save(out, "GIF", save_all=True, append_images=pictures[1:], duration=durations, loop=0, optimize=True)
    return out.getvalue()
