"""What enters the library is checked where it enters: one function a kind, one plain sentence for each way to be wrong.

Numbers (:func:`whole`, :func:`real`), tensors (:func:`tensor`, :func:`check_values`), images (:func:`check_images`, `check_sets`,
`check_pair`), labels (:func:`check_labels`), and networks of one's own (:func:`attribute`).
"""

import math
import operator
import warnings
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

_MANY = 16
_SLACK = 1e-3  # half a step of an 8-bit image is 4e-3
NEEDS = "a generator needs image_shape, latent_dim and classes (0 for none), a critic image_shape and classes"


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool) or "bool" in str(getattr(value, "dtype", ""))


def _between(number: float, name: str, least: float | None, most: float | None, value: Any) -> None:
    if least is not None and number < least:
        raise ValueError(f"{name} must be at least {least:,}, got {value!r}")
    if most is not None and number > most:
        raise ValueError(f"{name} must be at most {most:,}, got {value!r}")


def whole(value: Any, name: str, least: int | None = None, most: int | None = None) -> int:
    """`value` as a plain int: an int of any library, or a float without a fraction; no bool, no text.

    Raises:
        ValueError: if it is none of these, or below `least`, or above `most`.
    """
    number = None
    if not _is_bool(value):
        try:
            number = operator.index(value)
        except (TypeError, ValueError):  # ValueError: an array of several
            if isinstance(value, float) or getattr(value, "ndim", None) == 0:
                number = int(value) if math.isfinite(value) and value == int(value) else None
    if number is None:
        raise ValueError(f"{name} must be a whole number, got {value!r}")
    _between(number, name, least, most, value)
    return number


def real(value: Any, name: str, least: float | None = None, most: float | None = None) -> float:
    """`value` as a plain float: a finite number of any library; no bool, no text. ``ValueError`` as for :func:`whole`."""
    number = math.nan
    if not _is_bool(value) and not isinstance(value, str | bytes | complex):
        with suppress(TypeError, ValueError, RuntimeError, OverflowError):
            number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{name} must be a finite number, got {value!r}")
    _between(number, name, least, most, value)
    return number


def tensor(x: Any, name: str) -> Tensor:
    """`x`, which must be a tensor. ``ValueError`` for arrays and lists: it says how one becomes a tensor."""
    if isinstance(x, Tensor):
        return x
    how = "torch.from_numpy" if type(x).__module__ == "numpy" else "torch.as_tensor"
    raise ValueError(f"the {name} must be a tensor, got a {type(x).__name__}; {how} makes one")


def check_values(x: Any, name: str) -> None:
    """Raises ``ValueError`` unless `x` holds real numbers ``(n,)``, is not empty and is finite."""
    tensor(x, name)
    if x.ndim != 1 or x.is_complex() or x.dtype == torch.bool:
        raise ValueError(f"the {name} must be numbers in one dimension (n,), got {x.dtype} of the shape {tuple(x.shape)}")
    if x.numel() == 0:
        raise ValueError(f"the {name} are empty")
    if not torch.isfinite(x).all():
        raise ValueError(f"the {name} have NaN or infinite numbers")


def attribute(net: Any, name: str) -> Any:
    """``net.name``, which the library asks of every network. ``ValueError`` for a network of one's own that lacks it."""
    if not hasattr(net, name):
        raise ValueError(f"the {type(net).__name__} has no attribute {name!r}: {NEEDS}")
    return getattr(net, name)


def check_labels(labels: Any, n: int, classes: int | None, *, look: bool = True, name: str = "labels") -> Tensor:
    """The labels of `n` images as int64 ``(n,)``: from a tensor, an array or a list, of integers of any size.

    `look` at the numbers themselves, which on a GPU means to wait for it.

    Raises:
        ValueError: unless they are `n` whole numbers from 0 to ``classes - 1``; from 0 on without a number of classes.
    """
    span = "from 0 on" if classes is None else f"from 0 to {classes - 1}"
    try:
        found = labels if isinstance(labels, Tensor) else torch.as_tensor(labels)
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(f"{name} must be whole numbers {span}, got a {type(labels).__name__}") from None
    numbers = found.is_floating_point() or found.is_complex() or found.dtype == torch.bool
    if numbers and (found.numel() or isinstance(labels, Tensor)):
        raise ValueError(f"{name} must be whole numbers {span}, got {found.dtype}")
    if tuple(found.shape) != (n,):
        raise ValueError(f"{n} images need {n} {name}, one for each, got the shape {tuple(found.shape)}")
    found = found.long()
    if look and n:
        low, high = (int(number) for number in torch.aminmax(found))
        if low < 0 or (classes is not None and high >= classes):
            raise ValueError(f"{name} must lie {span}, got {low} to {high}")
    return found


def check_images(images: Any, name: str = "images", slack: float = _SLACK) -> None:
    """Raises ``ValueError`` unless `images` are floats ``(n, c, h, w)``, not empty, finite and in [-1, 1] up to `slack`.

    Bright images are allowed, but what looks like [0, 1] warns: pixels from exactly 0 to exactly 1, or `_MANY` or more images
    without a single pixel below 0, which is mid grey.
    """
    tensor(images, name)
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
    if max(-low, high) > 1 + slack:
        raise ValueError(f"the {name} have pixels from {low:.4g} to {high:.4g}, not in [-1, 1]: clamp them first")
    if (low == 0 and high == 1) or (low >= 0 and high > 0.5 and low < high and len(images) >= _MANY):
        warnings.warn(f"the pixels of the {name} run from {low:.3g} to {high:.3g}: is this [0, 1]? Expected [-1, 1].", stacklevel=3)


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
    batch = whole(batch, "batch", 1)
    for first in range(0, len(images[0]), batch):
        yield [x[first : first + batch].double() for x in images]
