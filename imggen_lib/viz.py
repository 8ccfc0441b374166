"""Pictures: functions from tensors to a matplotlib ``Figure`` (or a GIF), so that plot code stays off the page.

Text stays out of the pictures as far as it can: axes have the symbols of the formulas, the words are in the captions.
"""

import base64
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from imggen_lib.data import to_uint8

if TYPE_CHECKING:
    from PIL.Image import Image

DPI = 80


class Picture(Figure):
    """A matplotlib figure that shows itself in a notebook by itself, whichever backend is set."""

    def _repr_png_(self) -> bytes:
        from PIL import Image

        out = io.BytesIO()
        self.savefig(out, format="png", dpi=DPI)
        with Image.open(out) as picture:
            return _png(picture.convert("RGB"), colours=64)

    def _repr_html_(self) -> None:
        return None

    def __repr__(self) -> str:
        return "<Picture>"


def _png(picture: "Image", colours: int) -> bytes:
    """A PNG with a palette, a third of the size of one without: stored outputs stay small. No dithering."""
    from PIL import Image

    out = io.BytesIO()
    picture.quantize(colours, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


class Sheet:
    """Images side by side that show themselves in a notebook, each pixel `scale` pixels wide, in 32 levels."""

    def __init__(self, sheet: np.ndarray, scale: int) -> None:
        self.sheet, self.scale = sheet, scale

    def _repr_png_(self) -> bytes:
        return _png(_enlarged(self.sheet, self.scale), colours=32)

    def __repr__(self) -> str:
        return "<Sheet>"


class Html:
    """Something for the page that is neither text nor a figure, with its HTML."""

    def __init__(self, html: str, words: str) -> None:
        self.html, self.words = html, words

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return f"<{self.words}>"


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


def _enlarged(sheet: np.ndarray, scale: int) -> "Image":
    from PIL import Image

    picture = Image.fromarray(sheet)
    return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)


def save_grid(images: Tensor, path: str | Path, columns: int | None = None, scale: int = 2) -> Path:
    """Write a sheet of images as a picture; the file's ending says the format. The folder must exist."""
    path = Path(path)
    if not path.parent.is_dir():
        raise ValueError(f"{path.parent} is not a folder")
    from PIL import Image

    Image.init()
    if Image.EXTENSION.get(path.suffix.lower()) not in Image.SAVE:
        raise ValueError(f"{path.name}: cannot tell the picture format from the ending {path.suffix!r}; use .png")
    _enlarged(tile(images, columns), scale).save(path)
    return path


def _figure(width: float, height: float, **kwargs: Any) -> tuple[Picture, Any]:
    """A figure outside pyplot's list, so that nothing is shown twice and nothing stays in memory."""
    figure = Picture(figsize=(width, height), dpi=DPI, layout="constrained")
    return figure, figure.subplots(**kwargs)


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
    figure, axes = _figure(width, height + 0.1, nrows=len(groups), squeeze=False)
    for ax, (name, sheet) in zip(axes[:, 0], sheets.items(), strict=True):
        ax.imshow(sheet, interpolation="nearest")
        ax.set(xticks=[], yticks=[])
        ax.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
        ax.spines[:].set_visible(False)
    return figure


def smooth(values: Sequence[float] | np.ndarray, span: int) -> np.ndarray:
    """Running mean of the last `span` values (fewer at the start)."""
    total = np.cumsum(np.insert(np.asarray(values, dtype=np.float64), 0, 0.0))
    last = np.arange(1, len(total))
    first = np.maximum(0, last - span)
    return (total[last] - total[first]) / (last - first)


def column(records: Sequence[Mapping[str, Any]], name: str) -> np.ndarray:
    """One term of a list of records, as an array."""
    return np.array([float(r[name]) for r in records])


def curves(
    records: Sequence[Mapping[str, Any]], *panels: Sequence[str], span: int = 50, labels: Mapping[str, str] | None = None
) -> Picture:
    """Terms of the records against images seen, one panel a group of names; running means over `span` records."""
    if not records or not panels:
        raise ValueError("curves need at least one record and one panel")
    labels = labels or {}
    figure, axes = _figure(3.6 * len(panels), 2.6, ncols=len(panels), squeeze=False)
    images = column(records, "images")
    for ax, names in zip(axes[0], panels, strict=True):
        for name in names:
            ax.plot(images, smooth(column(records, name), span), label=labels.get(name, name), linewidth=1.4)
        ax.xaxis.set_major_formatter(lambda value, _: f"{value / 1000:g}k")
        ax.grid(alpha=0.3)
        ax.legend(frameon=False, fontsize=8)
    return figure


def latent_map(points: Tensor, labels: Tensor, classes: Sequence[str], limit: float = 3.5) -> Picture:
    """Two-dimensional latents ``(n, 2)`` coloured by class, the class's name at the median of its points."""
    if points.ndim != 2 or points.shape[1] != 2 or len(points) != len(labels):
        raise ValueError(f"expected points (n, 2) and labels (n,), got {tuple(points.shape)} and {tuple(labels.shape)}")
    from matplotlib import colormaps

    figure, ax = _figure(5.2, 5.0)
    xy, y = points.cpu().numpy(), labels.cpu().numpy()
    for k, name in enumerate(classes):
        mine, colour = xy[y == k], colormaps["tab10"](k % 10)
        ax.scatter(mine[:, 0], mine[:, 1], s=3, color=colour, alpha=0.5, linewidths=0)
        if len(mine):
            where = np.median(mine, 0)
            box = {"boxstyle": "circle,pad=0.2", "facecolor": "white", "edgecolor": colour}
            ax.text(*where, name, ha="center", va="center", fontsize=11, weight="bold", bbox=box)
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), xlabel="$z_1$", ylabel="$z_2$", aspect="equal")
    return figure


def bars(shares: Mapping[str, Tensor], classes: Sequence[str], expected: float | None = None) -> Picture:
    """The share of each class, one group of bars a name; a line at the `expected` share."""
    figure, ax = _figure(6.0, 2.4)
    width = 0.8 / len(shares)
    for k, (name, values) in enumerate(shares.items()):
        where = np.arange(len(values)) + (k - (len(shares) - 1) / 2) * width
        ax.bar(where, values.cpu().numpy(), width, label=name)
    if expected is not None:
        ax.axhline(expected, color="black", linewidth=0.8, linestyle="--")
    ax.set_xticks(range(len(classes)), classes)
    ax.legend(frameon=False, fontsize=8)
    return figure


def _data_url(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def film(frames: Sequence[Tensor], alt: str, **options: Any) -> Html:
    """A training film for the page: see :func:`gif`; `alt` says in words what it shows."""
    source = _data_url(gif(frames, **options), "gif")
    return Html(f'<img src="{source}" alt="{escape(alt)}" style="width:100%;max-width:900px">', "training film")


def flipbook(frames: Sequence[Tensor], labels: Sequence[str], alt: str, columns: int | None = None, scale: int = 2) -> Html:
    """A slider through sheets of images that works without a kernel and without a network: all frames are in the page.

    `labels` has a text for each frame, shown beside the slider; the arrow keys move it. The frames lie below one another
    in one PNG.
    """
    if not frames or len(frames) != len(labels):
        raise ValueError(f"a flipbook needs a label for each frame, got {len(frames)} frames and {len(labels)} labels")
    sheets = [tile(f, columns) for f in frames]
    height, width = sheets[0].shape[:2]
    sprite = _png(_enlarged(np.concatenate(sheets), 1), colours=16)
    middle, last = len(frames) // 2, len(frames) - 1
    words = ",".join(escape(label) for label in labels)
    move = (
        "this.nextElementSibling.textContent=this.dataset.labels.split(',')[this.value];"
        "this.parentElement.parentElement.querySelector('div').style.backgroundPositionY=(100*this.value/this.max)+'%'"
    )
    style = (
        f"width:100%;max-width:{width * scale}px;aspect-ratio:{width}/{height};image-rendering:pixelated;"
        f"background-size:100% {100 * len(frames)}%;background-position-y:{100 * middle / max(last, 1)}%;"
        f"background-image:url({_data_url(sprite, 'png')})"
    )
    return Html(
        f'<div><div role="img" aria-label="{escape(alt)}" style="{style}"></div>'
        f'<label style="display:flex;gap:.6em;align-items:center;max-width:{width * scale}px">'
        f'<input type="range" style="flex:1;min-width:0" min="0" max="{last}" value="{middle}" aria-label="{escape(alt)}" '
        f'data-labels="{words}" oninput="{move}"><output>{escape(labels[middle])}</output></label></div>',
        "flipbook",
    )


def gif(frames: Sequence[Tensor], columns: int | None = None, scale: int = 1, milliseconds: int = 120) -> bytes:
    """An animated GIF with one sheet of images a frame; the last frame is held. 12 grey levels or colours."""
    if not frames:
        raise ValueError("a film needs at least one frame")
    pictures = [_enlarged(tile(f, columns), scale).quantize(12) for f in frames]
    durations = [milliseconds] * (len(pictures) - 1) + [max(milliseconds, 2000)]
    out = io.BytesIO()
    pictures[0].save(out, "GIF", save_all=True, append_images=pictures[1:], duration=durations, loop=0, optimize=True)
    return out.getvalue()


def progress(records: Iterable[dict[str, Any]], images: int, *, start: int = 0, disable: bool = False) -> Iterator[dict[str, Any]]:
    """Pass the records of a training loop through, with a bar that counts images and estimates the time left."""
    from tqdm.auto import tqdm

    with tqdm(total=images, initial=start, unit="img", unit_scale=True, mininterval=0.5, smoothing=0.05, disable=disable) as bar:
        for record in records:
            bar.update(min(record["images"], images) - bar.n)
            yield record


def frames_at(images: int, count: int) -> list[int]:
    """`count` moments between 0 and `images`, close together at first (evenly spaced on a square-root scale)."""
    return sorted({round(images * (k / max(count - 1, 1)) ** 2) for k in range(count)})
