r"""A generator of land without borders: convolutions without padding over noise that is a hash of the coordinates.

Noise enters at six resolutions, 32, 16, 8, 4, 2 and 1 cells a sample. Each stage joins what comes from below, doubled, with its
own noise, and convolves :math:`k` times with 3x3, without padding. Nothing knows where a window ends, so a cell has the same height
in every window that contains it. The price is a halo: see :func:`plan`.
"""

from copy import deepcopy
from functools import cache
from importlib.resources import as_file, files
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from imggen_lib.applications.worlds.noise import field
from imggen_lib.noise import generator_for

TILE = 64  # cells a side
RIM = 2  # further cells on each side of a tile: one to close the mesh, one for its normals
CELL = 90.0  # metres
UNIT = 100.0  # metres of height for an output of 1
SLOPE = 0.2  # of the leaky ReLU below 0
#: Channels of noise, channels of features and number of 3x3 convolutions of each stage, the coarsest first.
STAGES = ((8, 32, 2), (4, 32, 2), (2, 32, 2), (2, 32, 2), (2, 24, 2), (2, 16, 1))


class Window(NamedTuple):
    """The noise that a stage reads: its first sample and its number of samples, along one axis, on the stage's own lattice."""

    start: int
    size: int


def plan(start: int, size: int) -> list[Window]:
    r"""The noise that `size` cells from `start` on need along one axis, a window a stage, the coarsest first.

    With :math:`[a, b)` what is asked of a stage with :math:`k` convolutions, it reads :math:`[a - k, b + k)`, and of the
    stage below :math:`[\lfloor (a-k)/2 \rfloor,\ \lfloor (b+k-1)/2 \rfloor + 2)`. The last convolution adds one cell.
    """
    low, high = start - 1, start + size + 1
    windows = []
    for _, _, convolutions in reversed(STAGES):
        low, high = low - convolutions, high + convolutions
        windows.append(Window(low, high - low))
        low, high = low // 2, (high - 1) // 2 + 2
    return windows[::-1]


def doubled(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h2 w2"]:
    """Bilinear doubling without a border: between samples i and i + 1 lie outputs 2i (3/4 and 1/4) and 2i + 1 (1/4 and 3/4).

    n samples become 2(n - 1). First the rows, then the columns.
    """
    for axis in (2, 3):
        a, b = x.narrow(axis, 0, x.shape[axis] - 1), x.narrow(axis, 1, x.shape[axis] - 1)
        pair = torch.stack((0.75 * a + 0.25 * b, 0.25 * a + 0.75 * b), axis + 1)
        x = pair.flatten(axis, axis + 1)
    return x


class Terrain(nn.Module):
    """The generator: six stages of doubling, noise and 3x3 convolutions without padding, and a last convolution to one channel."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        stages, below = [], 0
        for noise, width, convolutions in STAGES:
            sizes = [below + noise] + [width] * convolutions
            stages.append(nn.ModuleList(nn.Conv2d(a, b, 3) for a, b in pairwise(sizes)))
            below = width
        self.stages, self.last = nn.ModuleList(stages), nn.Conv2d(below, 1, 3)
        generator = generator_for(seed)
        with torch.no_grad():
            for p in self.parameters():
                fan_in = p[0].numel()
                p.copy_(torch.randn(p.shape, generator=generator) * (2 / (1 + SLOPE**2) / fan_in) ** 0.5 if p.ndim > 1 else p * 0)
            self.last.weight.copy_(-self.last.weight.abs())  # a ReLU's kink bends up: ridges begin sharper than valleys

    def forward(self, noises: list[Tensor], rows: list[Window], columns: list[Window]) -> Tensor:
        """Heights ``(n, 1, h, w)`` in units of ``UNIT`` from the stages' noise ``(n, c, rows, columns)``."""
        x: Tensor | None = None
        for k, convolutions in enumerate(self.stages):
            if x is not None:  # the first doubled sample has an even number, the window may begin with an odd one
                (top, height), (left, width) = rows[k], columns[k]
                x = doubled(x)[:, :, top % 2 :, left % 2 :][:, :, :height, :width]
            x = noises[k] if x is None else torch.cat((x, noises[k]), 1)
            for convolution in convolutions.children():
                x = leaky_relu(convolution(x), SLOPE)
        assert x is not None
        heights: Tensor = self.last(x)
        return heights


def noise_of(seed: int, rows: list[Window], columns: list[Window]) -> list[Tensor]:
    """The noise ``(1, c, rows, columns)`` of every stage; channel c of stage k is channel 16 k + c of the hash."""
    found = []
    for k, (count, _, _) in enumerate(STAGES):
        (top, height), (left, width) = rows[k], columns[k]
        maps = [field(seed, 16 * k + c, left, top, height, width) for c in range(count)]
        found.append(torch.from_numpy(np.stack(maps))[None])
    return found


def heights(model: Terrain, seed: int, left: int, top: int, height: int, width: int) -> Float32[np.ndarray, "height width"]:
    """The land in metres on the window of `height` times `width` cells whose first cell is (`left`, `top`).

    It is computed in float64 and rounded at the end: in float32, windows of different sizes differ by a millimetre, as programs do.
    """
    if height < 1 or width < 1:
        raise ValueError(f"a window has at least one cell, got {height} x {width}")
    rows, columns = plan(top, height), plan(left, width)
    with torch.no_grad():
        noises = [noise.double() for noise in noise_of(seed, rows, columns)]
        land = deepcopy(model).double()(noises, rows, columns)
        return (land[0, 0] * UNIT).float().numpy()


def tile(x: int, y: int, seed: int = 0, *, model: Terrain | None = None, rim: int = RIM) -> Float32[np.ndarray, "side side"]:
    """Tile (`x`, `y`) of world `seed` in metres: ``TILE`` cells a side and `rim` cells of its neighbours around them."""
    side = TILE + 2 * rim
    return heights(model or shipped(), seed, TILE * x - rim, TILE * y - rim, side, side)


def walled_tile(x: int, y: int, seed: int = 0, *, model: Terrain | None = None) -> Float32[np.ndarray, "side side"]:
    """The same weights with zero padding, tile by tile: what a generator usually is, and why its tiles do not meet."""
    model = model or shipped()
    strides = [2**k for k in reversed(range(len(STAGES)))]
    rows, columns = ([Window(TILE * place // s, TILE // s) for s in strides] for place in (y, x))
    with torch.no_grad():
        land = _padded(model, noise_of(seed, rows, columns))
    return (land[0, 0] * UNIT).numpy()


def _padded(model: Terrain, noises: list[Tensor]) -> Tensor:
    """The generator with padding 1 and PyTorch's own doubling, which repeats the border."""
    x: Tensor | None = None
    for noise, convolutions in zip(noises, model.stages, strict=True):
        x = noise if x is None else torch.cat((nn.functional.interpolate(x, scale_factor=2, mode="bilinear"), noise), 1)
        for convolution in convolutions.children():
            x = leaky_relu(convolution(nn.functional.pad(x, (1, 1, 1, 1))), SLOPE)
    assert x is not None
    land: Tensor = model.last(nn.functional.pad(x, (1, 1, 1, 1)))
    return land


def save(model: Terrain, path: Path) -> None:
    """The weights as float16, by their names, in one safetensors file."""
    save_file({name: value.half().contiguous() for name, value in model.state_dict().items()}, path)


def load(path: Path) -> Terrain:
    """A generator from such a file; it computes in float32 with the rounded weights."""
    model = Terrain()
    model.load_state_dict({name: value.float() for name, value in load_file(path).items()})
    return model.eval().requires_grad_(False)


@cache
def shipped() -> Terrain:
    """The generator that the library ships."""
    with as_file(files("imggen_lib.applications.worlds").joinpath("models", "land.safetensors")) as path:
        return load(path)
