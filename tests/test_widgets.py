"""The explorer redraws when a slider moves."""

import pytest
import torch

from imggen_lib.models.gan import MLPGenerator
from imggen_lib.models.vae import ConvVAE
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
    with pytest.raises(ValueError, match="at least one"):
        explorer(model, dims=0)
