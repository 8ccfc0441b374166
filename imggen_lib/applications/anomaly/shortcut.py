"""Is it the disease, or the sharpness? Two ways to take a shortcut away: blur all images alike, or compare like with like."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import pad

from imggen_lib.applications.anomaly.scores import edges
from imggen_lib.checks import check_images, check_values, real

_WIDEST = 7.0  # pixels
_STEPS = 25


def _blurred(images: Float[Tensor, "n c h w"], sigma: Float[Tensor, " n"]) -> Float[Tensor, "n c h w"]:
    """Each image blurred by a Gaussian of its own width in pixels; the rim is repeated outwards. A width of 0 changes nothing."""
    reach = int(4 * _WIDEST)
    at = torch.arange(-reach, reach + 1, dtype=torch.float64)
    weights = torch.exp(-0.5 * (at / sigma.double().clamp(min=1e-6)[:, None]) ** 2)  # (n, taps)
    weights = (weights / weights.sum(1, keepdim=True)).to(images)
    x = pad(images, (reach,) * 4, mode="replicate").unfold(3, 2 * reach + 1, 1)  # (n, c, h + 2 reach, w, taps)
    x = torch.einsum("nchwt,nt->nchw", x, weights).unfold(2, 2 * reach + 1, 1)
    return torch.einsum("nchwt,nt->nchw", x, weights).clamp(-1, 1)


def blurred_to(images: Float[Tensor, "n c h w"], target: float, batch: int = 200) -> Float[Tensor, "n c h w"]:
    """Each image blurred, by as much as it takes, until its :func:`~imggen_lib.applications.anomaly.scores.edges` are `target`.

    Images that are smoother from the start stay as they are: nothing can be sharpened back. The width is found by bisection.
    """
    check_images(images)
    target = real(target, "the target", 0)
    parts = []
    for x in images.split(batch):
        low, high = torch.zeros(len(x), dtype=torch.float64), torch.full((len(x),), _WIDEST, dtype=torch.float64)
        high[edges(x) <= target] = 0.0
        for _ in range(_STEPS if bool(high.any()) else 0):
            middle = (low + high) / 2
            above = edges(_blurred(x, middle)) > target
            low, high = torch.where(above, middle, low), torch.where(above, high, middle)
        parts.append(_blurred(x, high) if bool(high.any()) else x)
    return torch.cat(parts)


def pairs(first: Float[Tensor, " n"], second: Float[Tensor, " m"], caliper: float) -> tuple[Int[Tensor, " k"], Int[Tensor, " k"]]:
    """Positions of pairs, one of each group, whose values differ by at most `caliper`; nobody is in two pairs.

    The longest list there is: both groups are walked through in rising order, and whoever is too low for the other is left out.
    """
    check_values(first, "values of the first group")
    check_values(second, "values of the second group")
    caliper = real(caliper, "the caliper", 0)
    a, b = first.double().sort(stable=True), second.double().sort(stable=True)
    i, j, found = 0, 0, []
    while i < len(first) and j < len(second):
        gap = float(a.values[i] - b.values[j])
        if abs(gap) <= caliper:
            found.append((int(a.indices[i]), int(b.indices[j])))
        i, j = i + (gap <= caliper), j + (gap >= -caliper)
    chosen = torch.tensor(found, dtype=torch.int64).view(-1, 2)
    return chosen[:, 0], chosen[:, 1]


def is_smoother(images: Float[Tensor, "n c h w"], target: float) -> Bool[Tensor, " n"]:
    """Which images have fewer edges than `target` from the start."""
    return edges(images) < real(target, "the target", 0)
