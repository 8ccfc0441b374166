"""Distances between two large sets of features, in blocks: the whole matrix of distances never exists."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from imggen_lib.checks import tensor, whole


class Neighbours(NamedTuple):
    """Of every point, the distances to its nearest references ``(n, k)``, rising, float64, and which those are ``(n, k)``."""

    distances: Float[Tensor, "n k"]
    indices: Int[Tensor, "n k"]


def check_features(x: Any, name: str = "features") -> None:
    """Raises ``ValueError`` unless `x` holds floats ``(n, d)``, is not empty and is finite."""
    tensor(x, name)
    if x.ndim != 2:
        raise ValueError(f"the {name} must have two dimensions (n, d), got the shape {tuple(x.shape)}")
    if not x.is_floating_point():
        raise ValueError(f"the {name} are {x.dtype}, not floats")
    if x.numel() == 0:
        raise ValueError(f"the {name} are empty: their shape is {tuple(x.shape)}")
    low, high = (value.item() for value in torch.aminmax(x.detach()))  # no copy; NaN if one is
    if not abs(low) + abs(high) < float("inf"):
        raise ValueError(f"the {name} have NaN or infinite numbers")


def check_features_pair(real: Any, generated: Any, names: tuple[str, str] = ("real features", "generated features")) -> None:
    """Two sets of features of the same dimension."""
    check_features(real, names[0])
    check_features(generated, names[1])
    if real.shape[1] != generated.shape[1]:
        raise ValueError(f"the {names[0]} have {real.shape[1]} dimensions, the {names[1]} {generated.shape[1]}; they must agree")


def blocks(x: Tensor, block: int, centre: Tensor) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """Rows of `x` in float64, less `centre` (which keeps squares small, and rounding with them), and their squared lengths."""
    block = whole(block, "block", 1)
    for first in range(0, len(x), block):
        rows = x[first : first + block].double() - centre
        yield slice(first, first + len(rows)), rows, rows.square().sum(1)


def mean_of(x: Float[Tensor, "n d"], block: int = 1024) -> Float[Tensor, " d"]:
    """The mean in float64 without a float64 copy of `x`."""
    return torch.stack([part.double().sum(0) for part in x.split(whole(block, "block", 1))]).sum(0) / len(x)


def squared_distances(a: Tensor, a_squares: Tensor, b: Tensor, b_squares: Tensor) -> Tensor:
    """All squared Euclidean distances of two blocks, by one matrix product."""
    return (a_squares[:, None] + b_squares).addmm_(a, b.T, alpha=-2)


def _nearest_in_blocks(rows: Tensor, squares: Tensor, first: int, references: Tensor, centre: Tensor, k: int, block: int) -> Tensor:
    """Indices ``(b, k)`` of the references nearest to a block of points; `first` >= 0 says which reference each point is itself."""
    best = torch.full((len(rows), 0), torch.inf, dtype=torch.float64, device=rows.device)
    index = torch.empty(best.shape, dtype=torch.int64, device=rows.device)
    for place, refs, ref_squares in blocks(references, block, centre):
        d2 = squared_distances(rows, squares, refs, ref_squares)
        if first >= 0:
            own = torch.arange(first, first + len(rows), device=rows.device) - place.start
            inside = (own >= 0) & (own < len(refs))
            d2[inside, own[inside]] = torch.inf
        values, where = d2.topk(min(k, d2.shape[1]), largest=False)
        best, index = torch.cat([best, values], 1), torch.cat([index, where + place.start], 1)
        best, keep = best.topk(min(k, best.shape[1]), largest=False)
        index = index.gather(1, keep)
    return index


@torch.no_grad()
def nearest_neighbours(
    points: Float[Tensor, "n d"], references: Float[Tensor, "m d"], k: int = 1, *, block: int = 1024, skip_self: bool = False
) -> Neighbours:
    """The `k` references nearest to every point; with `skip_self`, when both sets are the same, a point is not its own neighbour.

    Memory: about 24 block^2 bytes (25 MB at 1024) and some blocks of rows, whatever n and m; the sets may stay in float32. The
    matrix product finds the neighbours, then their distances are computed again from differences, so that a copy is at distance
    0 exactly and `block` changes no number.
    """
    check_features_pair(references, points, ("references", "points"))
    k, block = whole(k, "k"), whole(block, "block", 1)
    if skip_self and points.shape != references.shape:
        raise ValueError("skip_self needs the same set twice")
    if not 1 <= k <= len(references) - skip_self:
        raise ValueError(f"k = {k} neighbours asked for, but there are {len(references) - skip_self} to choose from")
    centre = mean_of(references)
    distances, indices = [], []
    for place, rows, squares in blocks(points, block, centre):
        index = _nearest_in_blocks(rows, squares, place.start if skip_self else -1, references, centre, k, block)
        exact = torch.stack([(rows - (references[i].double() - centre)).square().sum(1).sqrt() for i in index.T], 1)
        exact, order = exact.sort(dim=1, stable=True)
        distances.append(exact)
        indices.append(index.gather(1, order))
    return Neighbours(torch.cat(distances), torch.cat(indices))
