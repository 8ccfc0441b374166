r"""What clicks can tell: how many impressions a difference needs, what looking every day does, and what choosing costs.

Rates are clicks per impression, between 0 and 1. Arms are what is compared: banners, for instance.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from imggen_lib.checks import real, whole
from imggen_lib.metrics.intervals import normal_quantile, upper_tail

POLICIES = ("uniform", "A/B", "Thompson")


def impressions_needed(rate: float, lift: float, *, power: float = 0.8, level: float = 0.95) -> int:
    r"""Impressions for **each** of two arms, so that a true lift is found with probability `power` by a two-sided test.

    .. math:: n = \frac{(z_{1-\alpha/2} + z_{1-\beta})^2 \left(p(1-p) + q(1-q)\right)}{(q-p)^2}, \qquad q = p\,(1 + \text{lift})

    `rate` is p, `lift` is relative (0.1 is 10 % more), `power` is :math:`1-\beta`. Normal approximation.
    """
    p, q = real(rate, "the rate"), real(rate, "the rate") * (1 + real(lift, "the lift"))
    if not (0 < p < 1 and 0 < q < 1 and p != q and 0.5 <= power < 1):
        raise ValueError(f"rates lie between 0 and 1 and differ, the power between 0.5 and 1; got {rate}, {lift}, {power}")
    z = normal_quantile(upper_tail(level)) + normal_quantile(power)
    return math.ceil(z * z * (p * (1 - p) + q * (1 - q)) / (q - p) ** 2)


class Homogeneity(NamedTuple):
    """Pearson's statistic, its degrees of freedom, and the p-value of "all arms have the same rate"."""

    statistic: float
    freedom: int
    p_value: float


def homogeneity(clicks: Int[Tensor, " k"], impressions: Int[Tensor, " k"]) -> Homogeneity:
    r"""Do the arms differ at all? :math:`\chi^2 = \sum_i (c_i - n_i \hat p)^2 / (n_i \hat p (1 - \hat p))`.

    It has k - 1 degrees of freedom, and :math:`\hat p` is the rate of all together. The p-value is that of the chi-square
    distribution, good from about one expected click an arm on when there are many arms.
    """
    from scipy.stats import chi2

    c, n = clicks.double(), impressions.double()
    if len(c) < 2 or c.shape != n.shape or (c < 0).any() or (c > n).any() or not 0 < c.sum() < n.sum():
        raise ValueError("at least two arms are needed, with clicks between 0 and their impressions, and some of both kinds")
    p = c.sum() / n.sum()
    value = float(((c - n * p) ** 2 / (n * p * (1 - p))).sum())
    return Homogeneity(value, len(c) - 1, float(chi2.sf(value, len(c) - 1)))


def difference_z(a: Int[Tensor, "*s"], b: Int[Tensor, "*s"], n: Int[Tensor, "*s"] | int) -> Float[Tensor, "*s"]:
    """The z-score of b's clicks over a's, `n` impressions each, with the common rate's deviation; 0 where there is no click."""
    x, y, m = a.double(), b.double(), torch.as_tensor(n).double()
    p = (x + y) / (2 * m)
    spread = (2 * m * p * (1 - p)).sqrt()
    return torch.where(spread > 0, (y - x) / spread.clamp(min=1e-300), torch.zeros_like(spread))


def evidence(wins: Int[Tensor, "*s"], losses: Int[Tensor, "*s"], width: float = 50.0) -> Float[Tensor, "*s"]:
    r"""An e-value against "both arms have the same rate", as its logarithm: **may be looked at as often as one likes**.

    Pair the impressions, one of each arm. Of pairs in which exactly one was clicked, count those won by b, s, and by a, f:

    .. math:: E = 2^{s+f} \, \frac{B(\kappa + s, \kappa + f)}{B(\kappa, \kappa)}

    Where both rates are the same, each such pair is a fair coin, so E has the mean 1 at all times and ever reaches
    :math:`1/\alpha` with probability at most :math:`\alpha` (Ville 1939). `width` is :math:`\kappa`: the larger, the smaller the
    lifts for which the test is made; 50 is for about a fifth.
    """
    s, f, k = wins.double(), losses.double(), torch.tensor(real(width, "the width"), dtype=torch.float64)
    if k <= 0 or (s < 0).any() or (f < 0).any():
        raise ValueError("wins and losses are counts, and the width is above 0")

    def beta(x: Tensor, y: Tensor) -> Tensor:
        return torch.lgamma(x) + torch.lgamma(y) - torch.lgamma(x + y)

    return (s + f) * math.log(2) + beta(k + s, k + f) - beta(k, k)


class Looks(NamedTuple):
    """Of each simulated experiment and evening: whether the z-test calls a difference, and whether the e-value does."""

    by_z: Bool[Tensor, "n days"]
    by_evidence: Bool[Tensor, "n days"]


def looked_at(
    rate: float, lift: float, daily: int, days: int, trials: int, *, level: float = 0.95, seed: int = 0, width: float = 50.0
) -> Looks:
    """Experiments with two arms of `daily` impressions each a day, looked at every evening for so many days.

    With ``lift=0`` whatever is called is a false alarm.
    """
    if min(whole(daily, "daily"), whole(days, "days"), whole(trials, "trials")) < 1:
        raise ValueError("impressions a day, days and trials are at least 1")
    draws = np.random.default_rng([seed, 62])
    p, q = rate, rate * (1 + lift)
    both, only = p * q, [p * (1 - q), q * (1 - p)]  # of a pair of impressions
    kinds = torch.from_numpy(draws.multinomial(daily, [both, *only, 1 - both - sum(only)], (trials, days))).cumsum(1)
    a, b = kinds[..., 0] + kinds[..., 1], kinds[..., 0] + kinds[..., 2]
    z = difference_z(a, b, daily * torch.arange(1, days + 1).expand(trials, days)).abs()
    called = z > normal_quantile(upper_tail(level))
    sure = evidence(kinds[..., 2], kinds[..., 1], width) >= -math.log(1 - level)
    return Looks(called, sure)


class Race(NamedTuple):
    """Of each world: expected clicks lost against always showing the best arm ``(worlds,)``, and whether the best arm was named."""

    lost: Float[np.ndarray, " worlds"]
    right: Bool[np.ndarray, " worlds"]


def worlds(rate: float, spread: float, arms: int, count: int, seed: int = 0) -> Float[np.ndarray, "count arms"]:
    """Rates of `arms` arms in so many worlds, from a beta distribution with this mean and relative standard deviation."""
    p, s = real(rate, "the rate"), real(spread, "the spread") * real(rate, "the rate")
    if not (0 < p < 1 and 0 < s * s < p * (1 - p)):
        raise ValueError(f"no beta distribution has the mean {rate} and the relative deviation {spread}")
    total = p * (1 - p) / (s * s) - 1
    return np.random.default_rng([seed, 63]).beta(p * total, (1 - p) * total, (count, arms))


def race(
    rates: Float[np.ndarray, "worlds arms"], impressions: int, policy: str, *, first: float = 0.2, batch: int = 500, seed: int = 0
) -> Race:
    """What a policy loses in each world, with so many impressions in all, and which arm it names at the end.

    ``uniform`` shows all arms equally often. ``A/B`` does so for the share `first` and then shows the one with the most clicks.
    ``Thompson`` draws a rate for each arm from its posterior, Beta(1 + clicks, 1/m - 1 + misses) with the mean rate m of a shop,
    and shows the arm with the largest; posteriors are brought up to date every `batch` impressions. (Beta(1, 1) would expect half
    of all impressions to be clicked.) Lost clicks are :math:`\\sum_i n_i (\\max_j p_j - p_i)`.
    """
    if policy not in POLICIES or not 0 < first < 1 or impressions < len(rates[0]):
        raise ValueError(f"the policies are {', '.join(POLICIES)}; the first share lies between 0 and 1; got {policy!r}, {first}")
    draws = np.random.default_rng([seed, 64, POLICIES.index(policy)])
    count, arms = rates.shape
    shown, clicked = np.zeros((count, arms), np.int64), np.zeros((count, arms), np.int64)

    def show(n: np.ndarray) -> None:
        nonlocal shown, clicked
        shown, clicked = shown + n, clicked + draws.binomial(n, rates)

    equal = impressions if policy == "uniform" else int(impressions * first) if policy == "A/B" else 0
    show(np.full((count, arms), equal // arms))
    if policy == "A/B":
        rest = np.zeros((count, arms), np.int64)
        rest[np.arange(count), _best(clicked / np.maximum(shown, 1), draws)] = impressions - equal
        named = rest.argmax(1)
        show(rest)
    elif policy == "Thompson":
        misses = 1 / float(rates.mean()) - 1
        for start in range(0, impressions, batch):
            size = min(batch, impressions - start)
            drawn = draws.beta((1 + clicked)[:, None], (misses + shown - clicked)[:, None], (count, size, arms)).argmax(2)
            show((drawn[..., None] == np.arange(arms)).sum(1))
        named = ((1 + clicked) / (1 + misses + shown)).argmax(1)
    else:
        named = _best(clicked / np.maximum(shown, 1), draws)
    lost = (shown * (rates.max(1, keepdims=True) - rates)).sum(1)
    return Race(lost, named == rates.argmax(1))


def _best(values: np.ndarray, draws: np.random.Generator) -> np.ndarray:
    """The position of the largest in each row, drawn by lot where several are largest."""
    found: np.ndarray = (values + draws.random(values.shape) * 1e-9).argmax(1)
    return found


def smallest_detectable(rate: float, impressions: int, lifts: Sequence[float] = (0.05, 0.1, 0.2, 0.5, 1.0)) -> float | None:
    """The smallest of these lifts that so many impressions an arm find with probability 0.8; None if there is none."""
    return next((lift for lift in sorted(lifts) if impressions_needed(rate, lift) <= impressions), None)
