r"""The energy distance of two sets of points, with its interval: a two-sample distance that needs no features and no kernel."""

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.checks import whole
from imggen_lib.metrics.intervals import Estimate, jackknife, random_groups
from imggen_lib.metrics.neighbours import check_features_pair


def _sums(x: Tensor, y: Tensor, xs: tuple[Tensor, ...], ys: tuple[Tensor, ...]) -> Tensor:
    """Sums of the distances between the points of two groups, for every pair of groups ``(g, g)``."""
    rows = []
    for part in xs:
        far = torch.cdist(x[part], y, compute_mode="donot_use_mm_for_euclid_dist")
        rows.append(torch.stack([far[:, other].sum() for other in ys]))
    return torch.stack(rows)


def _without(sums: Tensor) -> Tensor:
    """The total of a table of sums without row and column i, for each i ``(g,)``."""
    return sums.sum() - sums.sum(1) - sums.sum(0) + sums.diagonal()


@torch.no_grad()
def energy_distance(
    real: Float[Tensor, "n d"], generated: Float[Tensor, "m d"], *, groups: int = 20, seed: int = 1, level: float = 0.95
) -> Estimate:
    r"""The energy distance of two distributions, estimated without bias from all pairs, with a jackknife interval.

    .. math:: 2\, E\lVert x - y\rVert - E\lVert x - x'\rVert - E\lVert y - y'\rVert

    for independent real x, x' and generated y, y'. 0 only if the distributions are equal, and on average for equal ones **at any
    n**, so single values may be negative; in the unit of the points; no upper limit, **lower is better**. Sees every difference,
    faintly if it is small; no memorisation. The points' distances are what they are in the space they lie in, so it is for few
    dimensions. Source: Szekely and Rizzo 2013, Energy statistics: a class of statistics based on distances.
    """
    check_features_pair(real, generated)
    n, m, groups = len(real), len(generated), whole(groups, "groups")
    if groups < 2 or min(n, m) < max(3, groups):
        raise ValueError(f"{groups} groups need at least 2 groups, 3 points and a point per group; got {n} real and {m} generated")
    x, y = real.double(), generated.double()
    xs, ys = random_groups(n, groups, seed, 0), random_groups(m, groups, seed, 1)
    xx, yy, xy = _sums(x, x, xs, xs), _sums(y, y, ys, ys), _sums(x, y, xs, ys)
    value = 2 * xy.sum() / (n * m) - xx.sum() / (n * (n - 1)) - yy.sum() / (m * (m - 1))
    p, q = (total - torch.tensor([len(part) for part in parts]).double() for total, parts in ((n, xs), (m, ys)))
    left_out = 2 * _without(xy) / (p * q) - _without(xx) / (p * (p - 1)) - _without(yy) / (q * (q - 1))
    return jackknife(value.item(), left_out, level)
