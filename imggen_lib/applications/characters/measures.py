"""What can be counted about a sheet of characters: ink, pieces, the slope of the field at its outline, and copies."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from imggen_lib.applications.characters.fields import UNIT, Fields, enlarged

#: Pixels a side on which ink and pieces are counted.
SIZE = 128
#: A piece below this share of the square is a speck.
SPECK = 0.01


class Counted(NamedTuple):
    """Of each field: the share of ink, the number of pieces, how many of them are specks, and the slope at the outline."""

    ink: Float[np.ndarray, " n"]
    pieces: Float[np.ndarray, " n"]
    specks: Float[np.ndarray, " n"]
    slope: Float[np.ndarray, " n"]


def ink_of(fields: Fields, size: int = SIZE) -> Bool[np.ndarray, "n s s"]:
    """Which pixels are ink: the interpolated field is above 0."""
    return enlarged(fields, size) > 0


def slope(field: Float[np.ndarray, "h w"], size: int = SIZE) -> float:
    r"""The mean of :math:`|\nabla f|` where :math:`|f| < 1`, in units a unit: 1 for an exact distance field (eikonal equation).

    Of the interpolated field, by central differences of its `size` by `size` pixels; NaN without an outline.
    """
    big = enlarged(field, size)
    step = UNIT * field.shape[0] / size
    down, right = np.gradient(big, step)
    near = np.abs(big) < 1
    return float(np.hypot(down, right)[near].mean()) if near.any() else float("nan")


def counted(fields: Fields) -> Counted:
    """Ink, pieces, specks and slope of each field. Pieces touch at least at corners; specks cover less than 1 % of the square."""
    from skimage.measure import label

    rows = []
    for field, ink in zip(fields, ink_of(fields), strict=True):
        areas = np.bincount(label(ink, connectivity=2).ravel())[1:]
        rows.append((ink.mean(), len(areas), (areas < SPECK * ink.size).sum(), slope(field)))
    return Counted(*np.array(rows, dtype=float).reshape(-1, 4).T)


class Nearest(NamedTuple):
    """Of each field, the reference with the largest overlap of ink, and that overlap (intersection over union)."""

    iou: Float[np.ndarray, " n"]
    index: Int[np.ndarray, " n"]  # type: ignore[assignment]


def nearest(fields: Fields, references: Fields, size: int = 64) -> Nearest:
    """The reference whose ink overlaps most with each field's: intersection over union on `size` by `size` pixels."""
    ours, theirs = (torch.from_numpy(ink_of(part, size).reshape(len(part), -1).astype(np.float32)) for part in (fields, references))
    both = ours @ theirs.T
    union = ours.sum(1)[:, None] + theirs.sum(1) - both
    iou, index = (both / union.clamp(min=1)).max(1)
    return Nearest(iou.double().numpy(), index.numpy())
