r"""Fixed random filters on every level of an image pyramid: features for texture that nobody has trained.

A layer of random filters with a ReLU, at several scales, is enough to synthesise many textures: Ustyuzhaninov et al. 2016,
arXiv:1606.00021. Here one bank of small filters looks at every level of a pyramid instead of several banks of large ones.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, pad

from imggen_lib.noise import generator_for
from imggen_lib.pyramid import gaussian_pyramid

_FILTERS = 6  # the stream of random numbers for filters; see noise.generator_for
Images = Float[Tensor, "n c h w"]


class Palette(NamedTuple):
    """Colour units of a texture: its mean, and a matrix after which its colours are uncorrelated, with variance about 1."""

    mean: Tensor  # (c,)
    matrix: Tensor  # (c, c)

    @classmethod
    def of(cls, texture: Images, floor: float = 0.1) -> "Palette":
        """The palette of an image. `floor` limits how much a direction in which the colours hardly vary is enlarged."""
        colours = texture.transpose(0, 1).flatten(1)
        values, vectors = torch.linalg.eigh(torch.cov(colours).view(len(colours), len(colours)))
        scale = (values.clamp(min=0) + floor * values.max() + 1e-6).rsqrt()
        return cls(colours.mean(1), scale.view(-1, 1) * vectors.T)

    def units(self, pixels: Images) -> Images:
        """From pixels in [-1, 1] to this palette's units."""
        return torch.einsum("dc,nchw->ndhw", self.matrix, pixels - self.mean.view(1, -1, 1, 1))

    def pixels(self, units: Images) -> Images:
        """Back to pixels; not clipped."""
        return torch.einsum("dc,nchw->ndhw", torch.linalg.inv(self.matrix), units) + self.mean.view(1, -1, 1, 1)

    def tinted(self, image: Images) -> Images:
        """The brightness of `image` along the one direction in which this palette's colours vary most, dark to bright; pixels."""
        grey = image.mean(1, keepdim=True)
        grey = (grey - grey.mean()) / grey.std().clamp(min=1e-6)
        strongest = self.matrix[-1]  # the eigenvector of the largest eigenvalue, scaled
        units = torch.zeros_like(image)
        units[:, -1:] = grey * strongest.sum().sign()
        return self.pixels(units)


class RandomFilters(nn.Module):
    """Random filters with zero mean and unit norm, then a ReLU, on each level of a pyramid; borders wrap around.

    ``forward`` returns one set of maps ``(n, filters + channels + 1, h, w)`` a level: responses, the image itself, and a
    constant 1 (so that products of maps hold their means, too). Where a level is large enough, its maps come a second time,
    averaged over blocks of `pool` by `pool` pixels. Nothing in here is trained.
    """

    scales: Tensor
    filters: Tensor

    def __init__(self, channels: int = 3, filters: int = 64, size: int = 7, levels: int = 5, pool: int = 4, seed: int = 0) -> None:
        super().__init__()
        if size % 2 == 0 or min(channels, filters, levels, pool) < 1:
            raise ValueError("filters need an odd size; channels, filters, levels and pool must be at least 1")
        self.levels, self.pool = levels, pool
        bank = torch.randn(filters, channels, size, size, generator=generator_for(seed, _FILTERS))
        bank = bank - bank.mean((2, 3), keepdim=True)
        self.register_buffer("filters", bank / bank.flatten(1).norm(dim=1).view(-1, 1, 1, 1))
        self.register_buffer("scales", torch.ones(levels))

    @torch.no_grad()
    def adapt(self, image: Images, floor: float = 0.3) -> "RandomFilters":
        """Scale each level so that its responses to `image` have a root mean square of 1; returns itself.

        `floor` limits how much a scale on which little happens is enlarged, as a share of the liveliest scale's.
        """
        self.scales.fill_(1.0)
        sizes = torch.stack([self.responses(level).square().mean().sqrt() for level in self.pyramid(image)])
        self.scales[: len(sizes)] = sizes.clamp(min=floor * sizes.max().item() + 1e-6)
        return self

    def pyramid(self, x: Images) -> list[Tensor]:
        """The image at up to `levels` scales, none smaller than 6 pixels."""
        side, levels = min(x.shape[2:]), 1
        while levels < self.levels and side >> levels >= 6:
            levels += 1
        return gaussian_pyramid(x, levels, wrap=True)

    def responses(self, level: Images) -> Float[Tensor, "n f h w"]:
        """What the filters answer on one level, after the ReLU."""
        edge = self.filters.shape[-1] // 2
        return conv2d(pad(level, (edge,) * 4, mode="circular"), self.filters).relu()

    def forward(self, x: Images) -> list[Tensor]:
        out = []
        for level, scale in zip(self.pyramid(x), self.scales, strict=False):
            maps = torch.cat([self.responses(level) / scale, level / scale, torch.ones_like(level[:, :1])], 1)
            out.append(maps)
            if min(maps.shape[2:]) >= 2 * self.pool > 2:
                out.append(avg_pool2d(maps, self.pool))
        return out
