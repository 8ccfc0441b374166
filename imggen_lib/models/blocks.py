"""Pieces that the GANs and VAEs share."""

from itertools import pairwise

import torch
from torch import Tensor, nn

Shape = tuple[int, int, int]


def doublings(size: int) -> int:
    """How often an image side is halved on its way to the smallest map: 28 -> 7 (2), 32 -> 8 (2), 64 -> 8 (3), 128 -> 8 (4)."""
    if size < 8 or size % 4:
        raise ValueError(f"convolutional networks need an image side that is a multiple of 4 and at least 8, got {size}")
    count = 2
    while size % 2 ** (count + 1) == 0 and size // 2 ** (count + 1) >= 8:
        count += 1
    return count


def check_shape(image_shape: Shape) -> Shape:
    """(channels, height, width), square and positive."""
    c, h, w = image_shape
    if c < 1 or h != w or h < 1:
        raise ValueError(f"image_shape must be (channels, side, side), got {image_shape}")
    return c, h, w


def mlp(sizes: list[int], activation: type[nn.Module], **options: float) -> nn.Sequential:
    """Linear layers of the given sizes with an activation after each but the last."""
    layers: list[nn.Module] = []
    for k, (a, b) in enumerate(pairwise(sizes)):
        layers += [nn.Linear(a, b)] + ([activation(**options)] if k + 2 < len(sizes) else [])
    return nn.Sequential(*layers)


def one_hot(labels: Tensor | None, classes: int, like: Tensor) -> Tensor | None:
    """Labels ``(n,)`` as ``(n, classes)`` floats; None for a model without classes. Refuses what would train on nonsense."""
    if classes == 0:
        return None
    if labels is None:
        raise ValueError(f"this model is conditional on {classes} classes: labels are needed")
    if labels.shape != like.shape[:1]:
        raise ValueError(f"{len(like)} inputs but labels of shape {tuple(labels.shape)}")
    return nn.functional.one_hot(labels, classes).to(like.dtype)


def joined(x: Tensor, classes: Tensor | None) -> Tensor:
    """`x` with the one-hot classes beside it, if there are any."""
    return x if classes is None else torch.cat([x, classes], 1)
