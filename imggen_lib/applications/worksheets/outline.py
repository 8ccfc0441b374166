"""A digit of 28 pixels as it is printed: a curve instead of pixels, and what a scanner of 28 pixels would see of it.

The ink, 0 to 1, is interpolated by cubic convolution and cut at a level (:mod:`imggen_lib.applications.characters.fields`), so the
edge is sharp at any size, and the paper between two pixels is either white or black.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.applications.characters.fields import Outline, between, outlines

CUT = 0.4  # the share of ink from which on paper is black
RESOLUTION = 6  # points of a curve a pixel: 0.08 mm in a digit that is printed 13 mm high
SIDE = 28
SPECK = 4.0  # square pixels; a smaller piece of ink is no part of a digit (a digit has about a hundred)


def ink_field(image: Float[Tensor, "1 h w"]) -> Float[np.ndarray, "h w"]:
    """The ink of a digit, from -8 (paper) to 8, as the characters' functions take it."""
    if image.ndim != 3 or image.shape[0] != 1:
        raise ValueError(f"one grey digit (1, h, w) is needed, got {tuple(image.shape)}")
    return 8 * image[0].double().numpy()


def _level(cut: float) -> float:
    if not 0 < cut < 1:
        raise ValueError(f"the cut lies between 0 (paper) and 1 (ink), got {cut}")
    return 16 * cut - 8


def digit_outlines(image: Float[Tensor, "1 h w"], cut: float = CUT) -> list[Outline]:
    """The closed curves of a digit, in pixels, y downwards; areas of holes are negative, pieces below `SPECK` are left out."""
    found = outlines(ink_field(image), level=_level(cut), resolution=RESOLUTION)
    return [outline for outline in found if not 0 < outline.area < SPECK]


def _without_specks(black: np.ndarray, least: float) -> np.ndarray:
    """The black points of each picture ``(n, h, w)`` that belong to a piece of at least `least` points."""
    from skimage.measure import label

    for picture in black:
        parts = label(picture, connectivity=1)
        picture &= (np.bincount(parts.ravel()) >= least)[parts]
    return black


def as_printed(images: Float[Tensor, "n 1 h w"], cut: float = CUT, fine: int = 8) -> Float[Tensor, "n 1 h w"]:
    """The printed digits, seen by a scanner of as many pixels: in each, the share of `fine` by `fine` points that is black."""
    side, shares = images.shape[-1], [np.empty((0, images.shape[-1], images.shape[-1]))]
    places = (np.arange(side * fine) + 0.5) / fine
    for first in range(0, len(images), 200):
        fields = np.stack([ink_field(image) for image in images[first : first + 200]])
        black = _without_specks(between(fields, places, places) > _level(cut), SPECK * fine * fine)
        shares.append(black.reshape(-1, side, fine, side, fine).mean((2, 4)))
    return torch.from_numpy(np.concatenate(shares) * 2 - 1).float()[:, None]
