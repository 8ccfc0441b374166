"""A program that changed PyTorch's default dtype gets the same data as any other."""

from collections.abc import Callable

import pytest
import torch

from imggen_lib.data import degrade, glyphs
from imggen_lib.data.textures import TEXTURES, texture
from imggen_lib.data.toy import Ring

MADE: dict[str, Callable[[], torch.Tensor]] = {
    **{name: (lambda name=name: texture(name, 32)) for name in TEXTURES},  # type: ignore[misc]
    "ring": lambda: next(Ring().batches(8, images=8))[0],
    "glyphs": lambda: glyphs.make(n=4).floats(),
    **{
        kind.__name__: (lambda kind=kind: kind(torch.linspace(-1, 1, 4 * 64, dtype=torch.float32).view(4, 1, 8, 8), 0.25, 3))  # type: ignore[misc]
        for kind in (degrade.blur, degrade.noise, degrade.salt, degrade.occlude, degrade.fade, degrade.cast)
    },
}


@pytest.mark.parametrize("name", MADE)
def test_data_is_float32_whatever_the_default(name: str) -> None:
    expected = MADE[name]()
    torch.set_default_dtype(torch.float64)
    try:
        found = MADE[name]()
    finally:
        torch.set_default_dtype(torch.float32)
    assert found.dtype == torch.float32 and torch.equal(found, expected)


def test_sizes_and_splits_that_cannot_be_meant() -> None:
    with pytest.raises(ValueError, match="at most 10,000,000"):
        glyphs.make(n=10**12)
    with pytest.raises(ValueError, match="Did you mean 'train'"):
        glyphs.make("trian", n=4)
    with pytest.raises(ValueError, match="at most 1024"):
        texture("bricks", 10**6)
