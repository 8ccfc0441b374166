r"""Distances between images, pixel by pixel or by statistics: one number per image, for images in units of [-1, 1]."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.checks import tensor
from imggen_lib.pyramid import laplacian_pyramid

Images = Float[Tensor, "n c h w"]
PerImage = Float[Tensor, " n"]


def _same_shape(x: Any, y: Any) -> None:
    tensor(x, "images"), tensor(y, "images")
    if x.shape != y.shape:
        raise ValueError(f"the images have the shapes {tuple(x.shape)} and {tuple(y.shape)}; they must agree")


def squared_error(x: Images, y: Images) -> PerImage:
    r"""Sum of squared differences over an image's pixels, :math:`\lVert x - y \rVert_2^2`."""
    _same_shape(x, y)
    return (x - y).square().flatten(1).sum(1)


def absolute_error(x: Images, y: Images) -> PerImage:
    r"""Sum of absolute differences over an image's pixels, :math:`\lVert x - y \rVert_1`."""
    _same_shape(x, y)
    return (x - y).abs().flatten(1).sum(1)


def lap1(x: Images, y: Images, levels: int = 4) -> PerImage:
    r"""The Laplacian-pyramid distance.

    .. math:: \operatorname{Lap}_1(x, y) = \sum_j 2^{2j} \left\lVert L_j(x) - L_j(y) \right\rVert_1

    Level j has a quarter of the pixels of level j - 1, and the factor makes up for that: each scale has the same say.
    The last level is the coarsest image itself. 0 for equal images only. Source: Ling and Okada 2006; as a loss for generators
    Bojanowski et al. 2018, arXiv:1707.05776.
    """
    _same_shape(x, y)
    detail = laplacian_pyramid(x - y, levels)  # the pyramid is linear
    parts = [4**j * level.abs().flatten(1).sum(1) for j, level in enumerate(detail)]
    return torch.stack(parts).sum(0)


def gram(maps: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c c"]:
    r"""Mean product of every pair of feature maps over positions.

    .. math:: G_{ij} = \frac1M \sum_{p=1}^{M} F_{ip} F_{jp}

    with M = h w positions. Any rearrangement of the positions leaves it unchanged. Symmetric, no negative eigenvalue.
    Source: Gatys et al. 2015, arXiv:1505.07376 (who divide later).
    """
    flat = tensor(maps, "maps").flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def _size(target: Tensor) -> Tensor:
    """The squared length of each target, ``(n,)``. A target of zeros has none that an error could be relative to."""
    size = target.square().flatten(1).sum(1)
    if not torch.compiler.is_compiling() and bool((size == 0).any()):
        raise ValueError("a target is 0 everywhere, as that of a flat image may be: an error relative to it has no meaning")
    return size


def gram_loss(grams: Sequence[Tensor], targets: Sequence[Tensor]) -> PerImage:
    r"""How far Gram matrices are from those of a texture, relative to their size and averaged over layers.

    .. math:: \frac1L \sum_{l=1}^{L} \frac{\lVert G^l - T^l \rVert^2}{\lVert T^l \rVert^2}

    with Frobenius norms, for matrices ``(n, c, c)`` and one target a layer, ``(1, c, c)``: 0 for equal Gram matrices, 1 for
    those of a black image. Without a unit. Source: Gatys et al. 2015, arXiv:1505.07376, with another normalisation.
    """
    if len(grams) != len(targets) or not grams:
        raise ValueError(f"as many targets as Gram matrices, and at least one: got {len(targets)} and {len(grams)}")
    parts = []
    for g, t in zip(grams, targets, strict=True):
        if tensor(g, "Gram matrices").shape[1:] != tensor(t, "targets").shape[1:]:
            raise ValueError(f"a Gram matrix of {tuple(g.shape[1:])} cannot be compared with one of {tuple(t.shape[1:])}")
        parts.append((g - t).square().sum((1, 2)) / _size(t))
    return torch.stack(parts).mean(0)


def out_of_range(x: Images) -> PerImage:
    """Mean square of what lies outside [-1, 1]: 0 for an image that can be shown."""
    return (tensor(x, "images") - x.clamp(-1, 1)).square().mean((1, 2, 3))


def content_error(maps: Sequence[Tensor], targets: Sequence[Tensor]) -> PerImage:
    r"""How far feature maps are from those of an image, place by place, relative to their size and averaged over layers.

    .. math:: \frac1L \sum_{l=1}^{L} \frac{\lVert F^l - C^l \rVert^2}{\lVert C^l \rVert^2}

    For maps ``(n, c, h, w)`` and targets of the same shape, layer by layer. Source: Gatys et al. 2016, arXiv:1508.06576, with
    another normalisation.
    """
    if len(maps) != len(targets) or not maps:
        raise ValueError(f"as many targets as sets of maps, and at least one: got {len(targets)} and {len(maps)}")
    parts = [
        (tensor(f, "maps") - tensor(c, "targets")).square().sum((1, 2, 3)) / _size(c) for f, c in zip(maps, targets, strict=True)
    ]
    return torch.stack(parts).mean(0)
