"""The figure that shows itself in a notebook."""

import io
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

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
            return palette_png(picture.convert("RGB"), colours=64)

    def _repr_html_(self) -> None:
        return None

    def __repr__(self) -> str:
        return "<Picture>"


def palette_png(picture: "Image", colours: int) -> bytes:
    """A PNG with a palette, a third of the size of one without: stored outputs stay small. No dithering."""
    from PIL import Image

    out = io.BytesIO()
    picture.quantize(colours, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def figure_and_axes(width: float, height: float, **kwargs: Any) -> tuple[Picture, Any]:
    """A figure outside pyplot's list, so that nothing is shown twice and nothing stays in memory."""
    figure = Picture(figsize=(width, height), dpi=DPI, layout="constrained")
    return figure, figure.subplots(**kwargs)
