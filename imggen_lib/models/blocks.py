"""Pieces that the GANs and VAEs share."""

from itertools import pairwise
from typing import Any, cast

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import gelu

from imggen_lib.checks import check_labels

Shape = tuple[int, int, int]


def doublings(size: int) -> int:
    """How often an image side is halved on its way to the smallest map: 28 -> 7 (2), 32 -> 8 (2), 64 -> 8 (3), 128 -> 8 (4)."""
    if size < 8 or size % 4:
        raise ValueError(f"convolutional networks need an image side that is a multiple of 4 and at least 8, got {size}")
    count = 2
    while size % 2 ** (count + 1) == 0 and size // 2 ** (count + 1) >= 8:
        count += 1
    return count


def halvings(height: int, width: int) -> int:
    """How often both sides of an image are halved: as often as the side that allows fewer, :func:`doublings`."""
    return min(doublings(height), doublings(width))


def check_shape(image_shape: Shape) -> Shape:
    """(channels, height, width), all positive."""
    c, h, w = image_shape
    if min(c, h, w) < 1:
        raise ValueError(f"image_shape must be (channels, height, width), got {image_shape}")
    return c, h, w


def mlp(sizes: list[int], activation: type[nn.Module], **options: float) -> nn.Sequential:
    """Linear layers of the given sizes with an activation after each but the last."""
    layers: list[nn.Module] = []
    for k, (a, b) in enumerate(pairwise(sizes)):
        layers += [nn.Linear(a, b)] + ([activation(**options)] if k + 2 < len(sizes) else [])
    return nn.Sequential(*layers)


class _SumOverProcesses(torch.autograd.Function):
    """The sum of all processes' tensors, at each of them. Each sum enters every process's loss, so its slope is a sum as well."""

    @staticmethod
    def forward(_: Any, x: Tensor) -> Tensor:
        total = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(_: Any, slope: Tensor) -> Tensor:
        return over_processes(slope)


def over_processes(x: Tensor) -> Tensor:
    """The sum of `x` over the processes of the default group, differentiable any number of times."""
    return cast("Tensor", _SumOverProcesses.apply(x))


class BatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation over the batches of all processes together, so that a result does not depend on how many there are.

    In one process, and in evaluation mode, it is PyTorch's own. PyTorch's ``SyncBatchNorm`` does the same on GPUs alone.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not (self.training and dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1):
            return super().forward(x)
        n = x.numel() // x.shape[1] * dist.get_world_size()
        exact = x.to(self.weight.dtype)  # where a convolution computed in bfloat16, too
        mean = over_processes(exact.sum((0, 2, 3))) / n
        centred = exact - mean[:, None, None]
        variance = over_processes(centred.square().sum((0, 2, 3))) / n
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            with torch.no_grad():
                self.num_batches_tracked.add_(1)
                self.running_mean.lerp_(mean, self.momentum or 0.1)
                self.running_var.lerp_(variance * n / (n - 1), self.momentum or 0.1)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)


def one_hot(labels: Tensor | None, classes: int, like: Tensor) -> Tensor | None:
    """Labels ``(n,)`` as ``(n, classes)`` floats; None for a model without classes. Refuses what would train on nonsense."""
    if classes == 0:
        return None
    if labels is None:
        raise ValueError(f"this model is conditional on {classes} classes: labels are needed")
    if getattr(torch.compiler, "is_exporting", bool)():  # the number of rows is a symbol there, and must stay one
        return nn.functional.one_hot(labels, classes).to(like.dtype)
    numbers = check_labels(labels, len(like), classes, look=False)
    try:
        return nn.functional.one_hot(numbers.to(like.device), classes).to(like.dtype)
    except RuntimeError:  # PyTorch has looked at the numbers itself: not a second time at every step
        check_labels(numbers, len(like), classes)
        raise


def joined(x: Tensor, classes: Tensor | None) -> Tensor:
    """`x` with the one-hot classes beside it, if there are any."""
    return x if classes is None else torch.cat([x, classes], 1)


class Residual(nn.Module):
    """``x + conv(GELU(conv(GELU(x))))`` with 3x3 convolutions; the second one starts at zero, so the block starts as the identity.

    Source: He et al. 2016, arXiv:1603.05027 (activations before the convolutions); zero start: Goyal et al. 2017, arXiv:1706.02677.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(width, width, 3, 1, 1), nn.Conv2d(width, width, 3, 1, 1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        return x + self.second(gelu(self.first(gelu(x))))
