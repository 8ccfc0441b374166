"""Sliders over a trained model, for a notebook with a kernel (Jupyter, Colab). For the page see :func:`imggen_lib.viz.flipbook`."""

import io
from collections.abc import Callable
from typing import Any

import ipywidgets
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from imggen_lib.sampling import decode
from imggen_lib.viz import DPI, tile


def _png(model: nn.Module, z: Tensor, labels: Tensor | None, scale: int) -> bytes:
    from PIL import Image

    sheet = tile(decode(model, z, labels), gap=0)
    out = io.BytesIO()
    size = (sheet.shape[1] * scale, sheet.shape[0] * scale)
    Image.fromarray(sheet).resize(size, Image.Resampling.NEAREST).save(out, "PNG")
    return out.getvalue()


def _marker(figure: Figure) -> Callable[[float, float], bytes]:
    """A function that gives the figure as a PNG with a ring at (x, y); the figure itself is drawn only once."""
    from PIL import Image, ImageDraw

    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=DPI)
    with Image.open(out) as drawn:
        background = drawn.convert("RGB")
    transform = figure.axes[0].transData

    def at(x: float, y: float) -> bytes:
        px, py = transform.transform((x, y))
        px, py = px * DPI / figure.dpi, background.height - py * DPI / figure.dpi
        picture, result = background.copy(), io.BytesIO()
        for radius, colour in ((9, "white"), (8, "black"), (7, "black"), (6, "white")):
            ImageDraw.Draw(picture).ellipse((px - radius, py - radius, px + radius, py + radius), outline=colour)
        picture.save(result, "PNG")
        return result.getvalue()

    return at


def explorer(
    model: nn.Module, dims: int = 4, limit: float = 3.0, scale: int = 6, latent_map: Figure | None = None
) -> ipywidgets.VBox:
    """One image and a slider for each of the first `dims` latent dimensions; a class selector for conditional models.

    The other dimensions stay 0. Each move decodes once: a few milliseconds on a CPU. With a `latent_map` (see
    :func:`imggen_lib.viz.latent_map`) a ring on it shows where the first two sliders are.
    """
    latent_dim: int = model.latent_dim  # type: ignore[assignment]
    classes: int = model.classes  # type: ignore[assignment]
    if dims < 1:
        raise ValueError(f"at least one dimension must be shown, got {dims}")
    sliders = [
        ipywidgets.FloatSlider(0.0, min=-limit, max=limit, step=0.05, description=f"z{k + 1}", continuous_update=True)
        for k in range(min(dims, latent_dim))
    ]
    if latent_map is not None and len(sliders) < 2:
        raise ValueError("a latent map needs two sliders")
    chooser = ipywidgets.Dropdown(options=range(classes), description="class") if classes else None
    picture = ipywidgets.Image(format="png")
    chart = None if latent_map is None else ipywidgets.Image(format="png")
    ring = None if latent_map is None else _marker(latent_map)

    def redraw(change: Any = None) -> None:
        z = torch.zeros(1, latent_dim)
        z[0, : len(sliders)] = torch.tensor([s.value for s in sliders])
        labels = None if chooser is None else torch.tensor([chooser.value])
        picture.value = _png(model, z, labels, scale)
        if chart is not None and ring is not None:
            chart.value = ring(sliders[0].value, sliders[1].value)

    controls = [*sliders, *([chooser] if chooser is not None else [])]
    for control in controls:
        control.observe(redraw, "value")
    redraw()
    shown = picture if chart is None else ipywidgets.HBox([chart, picture])
    return ipywidgets.VBox([shown, *controls])
