"""Counting modes, where the data's modes are known."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.checks import real, tensor


class Modes(NamedTuple):
    """What was found: the number of modes, the share of points near any mode, and each mode's share ``(k,)``."""

    found: int
    near: float
    shares: Tensor


def modes_found(points: Float[Tensor, "n 2"], centres: Float[Tensor, "k 2"], sigma: float) -> Modes:
    r"""How many of the data's modes a generator reaches.

    A point belongs to the nearest centre if it lies within :math:`3\sigma` of it (98.9 % of a two-dimensional Gaussian do).
    A mode is found if at least a tenth of its fair share 1/k of all points belong to it. More is better; ``near`` is between 0
    and 1. With few points a mode can miss its tenth by chance, so at least 10 k are asked for. Blind to the shape and the width
    inside a mode. Raises ``ValueError`` for NaN. The 3 sigma rule follows
    Metz et al. 2017, arXiv:1611.02163, and Srivastava et al. 2017, arXiv:1705.07761, who count a mode with any point in it.
    """
    sigma = real(sigma, "sigma")
    if sigma <= 0:
        raise ValueError(f"sigma must be above 0, got {sigma:g}")
    tensor(points, "points"), tensor(centres, "centres")
    if points.ndim != 2 or centres.ndim != 2 or points.shape[1] != centres.shape[1] or not len(centres):
        raise ValueError(f"points and centres must be (n, 2) and (k, 2), got {tuple(points.shape)} and {tuple(centres.shape)}")
    for name, x in (("points", points), ("centres", centres)):
        if not torch.isfinite(x).all():
            raise ValueError(f"the {name} have NaN or infinite coordinates")
    if len(points) < 10 * len(centres):
        raise ValueError(f"{len(points)} points are too few to count {len(centres)} modes; use at least {10 * len(centres)}")
    distance, which = torch.cdist(points.double(), centres.double()).min(1)
    inside = distance <= 3 * sigma
    shares = torch.bincount(which[inside], minlength=len(centres)).double() / len(points)
    return Modes(int((shares >= 0.1 / len(centres)).sum()), float(inside.double().mean()), shares)
