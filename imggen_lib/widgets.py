"""Sliders over a trained model, for a notebook with a kernel (Jupyter, Colab). For the page see :func:`imggen_lib.viz.flipbook`."""

import io
from typing import Any

import ipywidgets
import torch
from torch import nn

from imggen_lib.sampling import decode
from imggen_lib.viz import tile


def _png(model: nn.Module, z: torch.Tensor, labels: torch.Tensor | None, scale: int) -> bytes:
    from PIL import Image

    sheet = tile(decode(model, z, labels), gap=0)
    out = io.BytesIO()
    size = (sheet.shape[1] * scale, sheet.shape[0] * scale)
    Image.fromarray(sheet).resize(size, Image.Resampling.NEAREST).save(out, "PNG")
    return out.getvalue()


def explorer(model: nn.Module, dims: int = 4, limit: float = 3.0, scale: int = 6) -> ipywidgets.VBox:
    """One image and a slider for each of the first `dims` latent dimensions; a class selector for conditional models.

    The other dimensions stay 0. Each move decodes once: a few milliseconds on a CPU.
    """
    latent_dim: int = model.latent_dim  # type: ignore[assignment]
    classes: int = model.classes  # type: ignore[assignment]
    if not dims >= 1:
        raise ValueError(f"at least one dimension must be shown, got {dims}")
    sliders = [
        ipywidgets.FloatSlider(0.0, min=-limit, max=limit, step=0.05, description=f"z{k + 1}", continuous_update=True)
        for k in range(min(dims, latent_dim))
    ]
    chooser = ipywidgets.Dropdown(options=range(classes), description="class") if classes else None
    picture = ipywidgets.Image(format="png")

    def redraw(change: Any = None) -> None:
        z = torch.zeros(1, latent_dim)
        z[0, : len(sliders)] = torch.tensor([s.value for s in sliders])
        labels = None if chooser is None else torch.tensor([chooser.value])
        picture.value = _png(model, z, labels, scale)

    controls = [*sliders, *([chooser] if chooser is not None else [])]
    for control in controls:
        control.observe(redraw, "value")
    redraw()
    return ipywidgets.VBox([picture, *controls])
