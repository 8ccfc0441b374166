"""The figure that shows itself in a notebook: one picture that is read on a white page and on a dark one, at a desk and on a phone.

A stored picture has no ground of its own. So what is drawn in it must be told from white and from near black: greys become one grey
that has the contrast 4.3 to both, colours are made darker or lighter until they have 3 to both, and pale greys become transparent.
Text is at least 10 pixels high where the picture is made as narrow as a phone.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.collections import Collection
from matplotlib.colors import to_hex, to_rgba, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

from imggen_lib.viz.style import CYCLE, INK, ON_COLOUR

if TYPE_CHECKING:
    from PIL.Image import Image

DPI = 80
DARKEST, LIGHTEST = 0.127, 0.300  # relative luminance: 3 to 1 on the dark ground and on white
COLUMN, LETTER = 358, 10  # the width of a phone's column, and the least size of text there, in pixels

_STYLE: dict[Any, Any] = {
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "grid.color"), INK),
    **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor", "legend.facecolor"), "none"),
}


class Picture(Figure):
    """A matplotlib figure that shows itself in a notebook by itself, whichever backend is set."""

    def pixels(self) -> "Image":
        """What is shown, with its transparency."""
        from PIL import Image

        out = io.BytesIO()
        with _style(self):
            for_both_grounds(self)
            self.savefig(out, format="png", dpi=DPI)
        with Image.open(out) as picture:
            return picture.convert("RGBA")

    def _repr_png_(self) -> bytes:
        return palette_png(self.pixels(), colours=256)

    def _repr_html_(self) -> None:
        return None

    def __repr__(self) -> str:
        return "<Picture>"


def least_size(width: float) -> float:
    """The size in points of text that is still 10 pixels high when a figure of `width` inches is shrunk to a phone's column."""
    return max(width * DPI / COLUMN, 1.0) * LETTER * 72 / DPI


@contextmanager
def _style(figure: Figure) -> Iterator[None]:
    from matplotlib.rcsetup import cycler

    size = max(10.0, least_size(figure.get_figwidth()))
    with rc_context({**_STYLE, "axes.prop_cycle": cycler(color=CYCLE), "font.size": size}):
        yield


def luminance(colour: Any) -> float:
    """Relative luminance of a colour, 0 to 1. Source: WCAG 2.1."""
    red, green, blue = _linear(np.array(to_rgba(colour)[:3]))
    return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)


def _linear(values: np.ndarray) -> np.ndarray:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _encoded(linear: np.ndarray) -> tuple[float, float, float]:
    red, green, blue = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055).tolist()
    return (red, green, blue)


def on_both(colour: Any) -> tuple[float, float, float, float]:
    """The colour that stands for this one on a white and on a dark ground. A grey is so much ink: white is none."""
    red, green, blue, alpha = to_rgba(colour)
    if max(red, green, blue) - min(red, green, blue) < 0.04:
        ink = to_rgba(INK)[0]
        return (ink, ink, ink, alpha * min(1.0, (1 - green) / (1 - ink)))
    linear, light = _linear(np.array([red, green, blue])), luminance(colour)
    if light > LIGHTEST:
        linear = linear * LIGHTEST / light
    elif light < DARKEST:
        linear = linear + (1 - linear) * (DARKEST - light) / (1 - light)
    return (*_encoded(linear), alpha)


def cell(colour: Any, share: float) -> tuple[float, float, float]:
    """An opaque ground for white text in a table: a grey for the share 0, the colour for 1; white has 4.5 to 1 on all of them."""
    mixed = share * np.array(on_both(colour)[:3]) + (1 - share) * np.array(to_rgba(INK)[:3])
    linear = _linear(mixed) * min(1.0, 0.183 / luminance(mixed))
    return _encoded(linear)


def for_both_grounds(figure: Figure) -> None:
    """Change colours and sizes of all that is drawn, except white text and text in a box, which have a ground of their own."""
    least = least_size(figure.get_figwidth())
    texts = [artist for artist in figure.findobj(Text) if isinstance(artist, Text)]
    boxes = {id(text.get_bbox_patch()) for text in texts if text.get_bbox_patch() is not None}
    for text in texts:
        text.set_fontsize(max(text.get_fontsize(), least))
        if text.get_bbox_patch() is None and to_hex(text.get_color()) != to_hex(ON_COLOUR):
            text.set_color(on_both(text.get_color()))
    for artist in figure.findobj(lambda a: id(a) not in boxes):
        _recolour(artist)


def _recolour(artist: Artist) -> None:
    if isinstance(artist, Line2D):
        alpha = artist.get_alpha()
        parts = ("color", "markerfacecolor", "markeredgecolor")
        found = {part: to_rgba(getattr(artist, f"get_{part}")(), alpha) for part in parts}
        artist.set_alpha(None)
        artist.set(**{part: on_both(colour) for part, colour in found.items()})
    elif isinstance(artist, Patch):
        face, edge = artist.get_facecolor(), artist.get_edgecolor()
        artist.set_alpha(None)
        artist.set(facecolor=on_both(face), edgecolor=on_both(edge))
    elif isinstance(artist, Collection) and artist.get_array() is None:
        faces, edges = to_rgba_array(artist.get_facecolor()), to_rgba_array(artist.get_edgecolor())
        artist.set_alpha(None)
        artist.set_facecolor([on_both(colour) for colour in faces])
        artist.set_edgecolor([on_both(colour) for colour in edges])


def palette_png(picture: "Image", colours: int) -> bytes:
    """A PNG with a palette, a third of the size of one without: stored outputs stay small. No dithering."""
    from PIL import Image

    out = io.BytesIO()
    if picture.mode == "RGBA" and np.asarray(picture)[..., 3].min() < 255:
        small = picture.quantize(colours, Image.Quantize.FASTOCTREE)
    else:
        small = picture.convert("RGB").quantize(colours, dither=Image.Dither.NONE)
    small.save(out, "PNG", optimize=True)
    return out.getvalue()


def figure_and_axes(width: float, height: float, **kwargs: Any) -> tuple[Picture, Any]:
    """A figure outside pyplot's list, so that nothing is shown twice and nothing stays in memory."""
    figure = Picture(figsize=(width, height), dpi=DPI, layout="constrained")
    with _style(figure):
        figure.set_facecolor("none")
        return figure, figure.subplots(**kwargs)
