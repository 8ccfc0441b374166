"""What every image metric asks of its images, and how it cuts them into batches. One plain sentence for each way to be wrong."""

import warnings
from collections.abc import Iterator

import torch
from torch import Tensor

_SLACK = 1e-3  # half a step of an 8-bit image is 4e-3


def check_images(images: Tensor, name: str = "images") -> None:
    """Raises ``ValueError`` unless `images` are floats ``(n, c, h, w)``, not empty, finite and in [-1, 1].

    Pixels that run from exactly 0 to exactly 1 are allowed, since a bright image may do that, but they warn: they look like [0, 1].
    """
    if images.ndim != 4:
        raise ValueError(f"the {name} must have four dimensions (n, c, h, w), got the shape {tuple(images.shape)}")
    if not images.is_floating_point():
        raise ValueError(f"the {name} are {images.dtype}, not floats in [-1, 1]; imggen_lib.data.to_float converts bytes")
    if images.numel() == 0:
        raise ValueError(f"the {name} are empty: their shape is {tuple(images.shape)}")
    low, high = (value.item() for value in torch.aminmax(images.detach()))  # NaN if a pixel is; no copy of the images
    if not abs(low) + abs(high) < float("inf"):
        raise ValueError(f"the {name} have NaN or infinite pixels")
    if max(-low, high) > 2:
        raise ValueError(f"the {name} have pixels from {low:.4g} to {high:.4g}, not in [-1, 1]: is this [0, 255]?")
    if max(-low, high) > 1 + _SLACK:
        raise ValueError(f"the {name} have pixels from {low:.4g} to {high:.4g}, not in [-1, 1]: clamp them first")
    if low == 0 and high == 1:
        warnings.warn(f"the pixels of the {name} run from exactly 0 to exactly 1: is this [0, 1]? Expected [-1, 1].", stacklevel=3)


def check_sets(reference: Tensor, images: Tensor) -> None:
    """Two sets of images, of any two numbers of images but of the same channels, height and width."""
    check_images(reference, "reference images")
    check_images(images, "images")
    if reference.shape[1:] != images.shape[1:]:
        raise ValueError(
            f"the reference images are {tuple(reference.shape[1:])}, the images {tuple(images.shape[1:])}; they must agree"
        )


def check_pair(reference: Tensor, image: Tensor) -> None:
    """As many images as references, of the same shape: image i is compared with reference i."""
    check_sets(reference, image)
    if len(reference) != len(image):
        raise ValueError(f"{len(reference)} reference images for {len(image)} images: image i is compared with reference i")


def batches(*images: Tensor, batch: int) -> Iterator[list[Tensor]]:
    """The first `batch` images of each set in float64, then the next, so that memory does not grow with their number."""
    if batch < 1:
        raise ValueError(f"a batch needs at least one image, got batch = {batch}")
    for first in range(0, len(images[0]), batch):
        yield [x[first : first + batch].double() for x in images]
