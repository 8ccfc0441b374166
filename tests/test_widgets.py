"""The explorer redraws when a slider moves, and the ring on its map is where the sliders say."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from imggen_lib.models.gan import MLPGenerator
from imggen_lib.models.vae import ConvVAE
from imggen_lib.viz import latent_map
from imggen_lib.widgets import explorer


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_each_control_changes_the_picture() -> None:
    torch.manual_seed(0)
    for model in (MLPGenerator((1, 28, 28), 3, (16,), classes=4), ConvVAE((1, 28, 28), 3, 4, classes=4)):
        box = explorer(model, dims=8)
        picture, *controls = box.children
        assert [c.description for c in controls] == ["z1", "z2", "z3", "class"]
        for control, value in ((controls[0], 2.0), (controls[2], -3.0), (controls[3], 2)):
            before = picture.value
            control.value = value
            assert picture.value != before and bytes(picture.value).startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="two sliders"):
        explorer(model, dims=1, latent_map=latent_map(torch.zeros(3, 2), torch.zeros(3), "a"))
    with pytest.raises(ValueError, match="at least one"):
        explorer(model, dims=0)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_ring_follows_the_sliders() -> None:
    model = MLPGenerator((1, 28, 28), 2, (4,))
    chart = latent_map(torch.tensor([[2.0, -1.0]]), torch.zeros(1), [""])
    box = explorer(model, dims=2, latent_map=chart)
    shown, first, second = box.children

    def pixels() -> np.ndarray:
        with Image.open(io.BytesIO(bytes(shown.children[0].value))) as picture:
            return np.asarray(picture.convert("L")).astype(int)

    first.value, second.value = -3.0, 3.0
    corner = pixels()
    for x, y in ((2.0, -1.0), (-1.0, 2.0)):
        first.value, second.value = x, y
        rows, columns = np.nonzero(np.abs(pixels() - corner) > 60)
        left, top = chart.axes[0].transData.transform((x, y))
        nearby = np.hypot(columns - left, rows - (corner.shape[0] - top)) < 12
        assert nearby.sum() > 20
