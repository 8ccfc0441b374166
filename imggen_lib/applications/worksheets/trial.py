"""Many sheets at once, on paper only: which of their digits are read as the key has them."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from imggen_lib.applications.worksheets.sums import COUNT, draw_sums
from imggen_lib.chance import Chance


def sheet_shares(
    right: Bool[Tensor, "hands 10 v"], kept: Bool[Tensor, "hands 10 v"] | None = None, *, mixed: bool = False,
    kind: str = "addition", count: int = COUNT,
) -> Float[Tensor, " hands"]:  # fmt: skip
    """For one sheet of each hand, the share of its digits that are right; 1 where the whole key holds.

    Args:
        right: Whether a hand's variation of a digit is read as it was meant.
        kept: Which variations may be used; all if not given.
        mixed: Every digit of a sheet is drawn from all hands, so that no two belong together.

    Raises:
        ValueError: if a hand has no variation of a digit that may be used.
    """
    may = torch.ones_like(right) if kept is None else kept
    if not bool(may.any(2).all()):
        raise ValueError("each hand needs a variation of every digit that may be used")
    places = [[may[k, d].nonzero()[:, 0].tolist() for d in range(10)] for k in range(len(right))]
    shares = []
    for k in range(len(right)):
        chance = Chance(k)
        digits = [d for one in draw_sums(chance, kind, count) for d in one.digits]
        good = 0
        for d in digits:
            by = chance.below(len(right)) if mixed else k
            good += bool(right[by, d, places[by][d][chance.below(len(places[by][d]))]])
        shares.append(good / len(digits))
    return torch.tensor(shares, dtype=torch.float64)
