"""What the GAN has to stand beside: quarters of characters put together, their pieces exchanged, and a coordinate network.

The library ships fields, not strokes. So the classical rival to a learned model exchanges *connected pieces of ink* between real
characters: a piece goes where another one of about the same place and size was. Each piece is drawn by a real hand; what is new is
the company it keeps. The trivial rival cuts characters into quarters and pays no attention to what meets at the cuts.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import nn

from imggen_lib.applications.characters.fields import Field, Fields, enlarged
from imggen_lib.data.kanjivg import BOX, CELLS, RANGE, STROKE
from imggen_lib.noise import generator_for

FINE = 8  # points a cell in which pieces are cut out


def quarters(fields: Fields, n: int, seed: int = 0) -> Fields:
    """`n` fields, each of four quarters of four different fields in their own places: the trivial rival."""
    draw = np.random.default_rng(seed)
    half = CELLS // 2
    made = np.empty((n, CELLS, CELLS))
    for k in range(n):
        four = fields[draw.choice(len(fields), 4, replace=False)]
        made[k, :half, :half], made[k, :half, half:] = four[0, :half, :half], four[1, :half, half:]
        made[k, half:, :half], made[k, half:, half:] = four[2, half:, :half], four[3, half:, half:]
    return made


class Pieces(NamedTuple):
    """Connected pieces of ink: which field each is of ``(p,)``, its box ``(p, 4)`` in points, and its ink ``(p, s, s)``."""

    owner: Int[np.ndarray, " p"]
    box: Int[np.ndarray, "p 4"]
    ink: Bool[np.ndarray, "p s s"]


def pieces_of(fields: Fields) -> Pieces:
    """The connected pieces of each field's ink, on :data:`FINE` points a cell."""
    from skimage.measure import label, regionprops

    owner, box, ink = [], [], []
    for k, field in enumerate(fields):
        parts = label(enlarged(field, CELLS * FINE) > 0, connectivity=2)
        for region in regionprops(parts):
            owner.append(k)
            box.append(region.bbox)
            ink.append(parts == region.label)
    return Pieces(np.array(owner), np.array(box).reshape(-1, 4), np.array(ink))


def _box_overlap(one: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    low, high = np.maximum(one[:2], boxes[:, :2]), np.minimum(one[2:], boxes[:, 2:])
    both = np.clip(high - low, 0, None).prod(1)
    return both / (np.prod(one[2:] - one[:2]) + (boxes[:, 2:] - boxes[:, :2]).prod(1) - both)


def field_of(ink: Bool[np.ndarray, "s s"]) -> Field:
    """The signed distance field of a drawn character, in units of the box, clipped as the data are."""
    from scipy.ndimage import distance_transform_edt

    unit = BOX / len(ink)
    inside, outside = (distance_transform_edt(part) for part in (ink, ~ink))
    away = np.where(ink, inside - 0.5, 0.5 - outside) * unit
    fine = len(ink) // CELLS
    return np.clip(away.reshape(CELLS, fine, CELLS, fine).mean((1, 3)), RANGE[0], STROKE)


def exchanged(fields: Fields, n: int, seed: int = 0, choices: int = 8) -> Fields:
    """`n` fields of real pieces in new company: the classical rival.

    A field of two or more pieces is drawn; each of its pieces gives way to one of another character, drawn among the `choices`
    whose boxes overlap most with its own. Raises ``ValueError`` if no field has two pieces.
    """
    pieces = pieces_of(fields)
    several = np.flatnonzero(np.bincount(pieces.owner, minlength=len(fields)) >= 2)
    if not len(several):
        raise ValueError("no character has two pieces that could be exchanged")
    draw, made = np.random.default_rng(seed), []
    for _ in range(n):
        host = draw.choice(several)
        ink = np.zeros(pieces.ink.shape[1:], dtype=bool)
        for place in np.flatnonzero(pieces.owner == host):
            alike = np.where(pieces.owner == host, -1, _box_overlap(pieces.box[place], pieces.box))
            ink |= pieces.ink[draw.choice(np.argsort(-alike, kind="stable")[:choices])]
        made.append(field_of(ink))
    return np.array(made)


class CoordinateNet(nn.Module):
    r"""A compositional pattern-producing network: :math:`f(x, y, z)`, a small dense network with random weights, tanh throughout.

    It has a value at *every* point of the plane, so a picture of any size; untrained, it makes smooth patterns, no writing.
    Source: Stanley 2007; as picture generators: Ha 2015.
    """

    def __init__(self, latent_dim: int = 8, width: int = 32, depth: int = 4, seed: int = 0) -> None:
        super().__init__()
        sizes = [3 + latent_dim, *[width] * depth]
        self.layers = nn.ModuleList([nn.Linear(a, b) for a, b in pairwise(sizes)])
        self.last, self.latent_dim = nn.Linear(width, 1), latent_dim
        noise = generator_for(seed, 50)
        for layer in [*self.layers, self.last]:
            layer.weight.data.normal_(0, 1.5 / layer.in_features**0.5, generator=noise)
            layer.bias.data.zero_()

    def forward(self, z: Float[torch.Tensor, "n z"], size: int) -> Float[torch.Tensor, "n {size} {size}"]:
        """The value at each of `size` by `size` points, for each latent."""
        axis = (torch.arange(size) + 0.5) / size * 8 - 4
        y, x = torch.meshgrid(axis, axis, indexing="ij")
        where = torch.stack([x, y, (x * x + y * y).sqrt()], -1).view(1, -1, 3).expand(len(z), -1, -1)
        h = torch.cat([where, z[:, None].expand(-1, size * size, -1)], -1)
        for layer in self.layers:
            h = layer(h).tanh()
        return self.last(h).view(len(z), size, size)
