r"""Intervals and tail probabilities that several metrics share: exact where it is short, seeded where it is random.

An interval here is a **confidence interval for the mean of the number over repetitions with as many images (or raters)**: of
intervals made so, the share `level` holds that mean. It is no prediction. Where *another* measurement will fall scatters as well,
so an interval for that is sqrt(2) times as wide; of the 95 % intervals here about 83 % hold the next measurement, because
:math:`2\Phi(1.96/\sqrt2) - 1 = 0.834`.
"""

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from imggen_lib.checks import check_values, real, tensor, whole
from imggen_lib.noise import generator_for

_STREAM = 20  # of random numbers for resampling; see noise.generator_for


class Estimate(NamedTuple):
    """A number, its standard error, and the confidence interval from `low` to `high` for what it is on average."""

    value: float
    standard_error: float
    low: float
    high: float


def upper_tail(level: Any) -> float:
    """The probability below the upper end of a two-sided interval of this level: 0.975 for 0.95."""
    level = real(level, "level")
    if not 0 < level < 1:
        raise ValueError(f"the level of an interval lies between 0 and 1, such as 0.95; got {level:g}")
    return 0.5 + level / 2


def normal_quantile(p: float) -> float:
    """The z below which a standard normal number lies with probability `p`."""
    p = real(p, "p")
    if not 0 < p < 1:
        raise ValueError(f"a probability strictly between 0 and 1 is needed, got {p}")
    return NormalDist().inv_cdf(p)


def _central_t(angle: float, df: int) -> float:
    r"""P(\|T\| < sqrt(df) tan(angle)) for Student's t with `df` degrees of freedom: the finite series in the angle."""
    cos2, odd = math.cos(angle) ** 2, df % 2
    term = math.cos(angle) if odd else 1.0
    total = 0.0
    for j in range(1 + odd, df, 2):
        total += term
        term *= cos2 * j / (j + 1)
    series = math.sin(angle) * total
    return 2 / math.pi * (angle + series) if odd else series


def t_quantile(p: float, df: int) -> float:
    """The t below which Student's t with `df` degrees of freedom lies with probability `p`, to about 12 digits.

    Source: the series 26.7.3 and 26.7.4 in Abramowitz and Stegun 1964, solved by bisection.
    """
    p, df = real(p, "p"), whole(df, "df")
    if not 0 < p < 1 or df < 1:
        raise ValueError(f"need a probability strictly between 0 and 1 and df of at least 1, got {p} and {df}")
    low, high, central = 0.0, math.pi / 2, abs(2 * p - 1)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _central_t(middle, df) < central else (low, middle)
    return math.copysign(math.sqrt(df) * math.tan((low + high) / 2), p - 0.5)


def t_tail(t: float, df: int) -> float:
    r""":math:`P(|T| \ge |t|)` for Student's t with `df` degrees of freedom: the two-sided p-value of a mean `t` errors from 0."""
    t, df = float(t), whole(df, "df")  # t may be infinite
    if df < 1 or math.isnan(t):
        raise ValueError(f"need a number and df of at least 1, got {t} and {df}")
    return max(0.0, 1 - _central_t(math.atan(abs(t) / math.sqrt(df)), df))


def holm(p_values: Sequence[float]) -> list[float]:
    r"""Holm's correction of p-values that are read together, in the order given.

    .. math:: \tilde p_{(i)} = \min\left(1, \max_{j \le i}\,(m - j + 1)\, p_{(j)}\right)

    with :math:`p_{(1)} \le \dots \le p_{(m)}`. Whoever calls a difference found where the corrected value is at most 0.05
    raises any false alarm among the m in at most 5 % of studies, however the m depend on each other. Source: Holm 1979.
    """
    p_values = [real(p, "a p-value") for p in p_values]
    if any(not 0 <= p <= 1 for p in p_values):
        raise ValueError(f"p-values lie between 0 and 1, got {list(p_values)}")
    corrected, worst = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        worst = min(1.0, max(worst, (len(p_values) - rank) * p_values[i]))
        corrected[i] = worst
    return corrected


def wilson_interval(successes: float, n: float, level: float = 0.95) -> tuple[float, float]:
    r"""Wilson's interval for a probability of which `n` independent trials had `successes`.

    .. math:: \frac{s + z^2/2}{n + z^2} \pm \frac{z}{n + z^2}\sqrt{\frac{s(n-s)}{n} + \frac{z^2}{4}}

    Stays inside [0, 1] and keeps its level at small n and near 0 and 1, where the textbook interval does not. Source: Wilson 1927.
    """
    successes, n = real(successes, "successes"), real(n, "n")
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"need at least one trial and between 0 and n successes, got {successes:g} of {n:g}")
    z = normal_quantile(upper_tail(level))
    centre = (successes + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(successes * (n - successes) / n + z * z / 4)
    return max(0.0, centre - half), min(1.0, centre + half)


def log_binomial(n: int, p: float) -> Float[Tensor, " outcomes"]:
    """log P(X = i) for i = 0 .. n successes in `n` trials of probability `p`, float64."""
    n, p = whole(n, "n", 0), real(p, "p", 0, 1)
    i = torch.arange(n + 1, dtype=torch.float64)
    ways = math.lgamma(n + 1) - torch.lgamma(i + 1) - torch.lgamma(n - i + 1)
    chance = torch.tensor([p, 1 - p], dtype=torch.float64)
    return ways + torch.xlogy(i, chance[0]) + torch.xlogy(n - i, chance[1])


def binomial_tail(successes: int, n: int, p: float = 0.5) -> float:
    """P(X >= successes) in `n` independent trials of probability `p`: the one-sided exact binomial test."""
    successes, n = whole(successes, "successes"), whole(n, "n")
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"need at least one trial and between 0 and n successes, got {successes} of {n}")
    return min(1.0, log_binomial(n, p)[successes:].logsumexp(0).exp().item())


def mean_estimate(values: Float[Tensor, " n"], level: float = 0.95) -> Estimate:
    """Mean of independent values with Student's t interval; at least two values.

    Values that are all equal have an interval of no width, which says nothing about values not seen: see :func:`bounded_mean`.
    """
    check_values(values, "values")
    if len(values) < 2:
        raise ValueError(f"a standard error needs at least two independent values, got {len(values)}")
    x = values.double()
    value, error = x.mean().item(), x.std().item() / math.sqrt(len(x))
    half = t_quantile(upper_tail(level), len(x) - 1) * error
    return Estimate(value, error, value - half, value + half)


def bounded_mean(values: Float[Tensor, " n"], least: float, most: float, level: float = 0.95) -> Estimate:
    r"""Mean of independent values between `least` and `most`, with an interval that stays inside and never shrinks to a point.

    A t interval, cut at the ends of the scale. Where all n values are v, their spread says nothing about values not seen. Then up
    to a share :math:`w = z^2 / (n + z^2)` of all may differ from v (Wilson's interval for n of n), at worst by the whole way,

    .. math:: v - w\,(v - \text{least}) \quad\text{to}\quad v + w\,(\text{most} - v)

    and the standard error is given as the interval's half width over z. At least two values.
    """
    check_values(values, "values")
    least, most = real(least, "least"), real(most, "most")
    if not least <= float(values.min()) <= float(values.max()) <= most:
        raise ValueError(f"values from {least:g} to {most:g} are needed, got {float(values.min()):g} to {float(values.max()):g}")
    found = mean_estimate(values, level)
    if found.standard_error > 1e-9 * (most - least):
        return found._replace(low=max(least, found.low), high=min(most, found.high))
    v, n = found.value, len(values)
    w = 1 - wilson_interval(n, n, level)[0]
    low, high = v - w * (v - least), v + w * (most - v)
    return Estimate(v, (high - low) / 2 / normal_quantile(upper_tail(level)), low, high)


def jackknife(value: float, left_out: Float[Tensor, " g"], level: float = 0.95) -> Estimate:
    r"""Standard error of `value` from what the same formula gives with one of g groups left out, and a t interval around `value`.

    .. math:: \mathrm{SE}^2 = \frac{g-1}{g}\sum_i \left(\theta_{(-i)} - \bar\theta_{(-)}\right)^2

    Too large rather than too small on average. It knows nothing of a bias of the formula itself.
    Source: Efron and Stein 1981, The Jackknife Estimate of Variance.
    """
    check_values(left_out, "results without a group")
    value, left_out, g = real(value, "value"), left_out.double(), len(left_out)
    if g < 2:
        raise ValueError(f"the jackknife needs at least two groups, got {g}")
    error = math.sqrt((g - 1) / g * (left_out - left_out.mean()).square().sum().item())
    half = t_quantile(upper_tail(level), g - 1) * error
    return Estimate(value, error, value - half, value + half)


def random_groups(n: int, groups: int, seed: int, sample: int) -> tuple[Tensor, ...]:
    """The indices 0 .. n-1, shuffled, in `groups` disjoint parts of nearly equal size; `sample` tells several data sets apart."""
    n, groups = whole(n, "n", 0), whole(groups, "groups", 1)
    return torch.randperm(n, generator=generator_for(seed, _STREAM, sample), device="cpu").tensor_split(groups)


def resampled(n: int, resamples: int, seed: int) -> Int[Tensor, "{resamples} {n}"]:
    """Indices of `resamples` bootstrap samples: n draws from n with replacement, one a row."""
    n, resamples = whole(n, "n", 1), whole(resamples, "resamples", 1)
    return torch.randint(n, (resamples, n), generator=generator_for(seed, _STREAM, -1), device="cpu")


def _cut(x: Tensor, indices: tuple[Tensor, ...]) -> list[Tensor]:
    return [x[i.to(x.device)] for i in indices]


def split_estimates(
    statistic: Callable[..., Sequence[float]], *samples: Float[Tensor, "..."], parts: int = 2, repeats: int = 10, seed: int = 1,
    level: float = 0.95,
) -> list[Estimate]:  # fmt: skip
    r"""Standard errors and t intervals of numbers computed from samples, from how they differ between disjoint parts.

    .. math:: \mathrm{SE}^2 = \frac1R \sum_{r=1}^R \frac1g
        \operatorname*{Var}_{i=1 \dots g}\left(\theta(\text{part } i \text{ of split } r)\right)

    Each sample is shuffled and cut into g = `parts`, R = `repeats` times over; part i of every sample goes together. Two parts
    share no image, so their variance is that of a sample of their size, however the points depend on each other inside the
    statistic; divided by g it is that of the whole **if variances fall like 1/n** and the statistic behaves at n/g as at n. This
    is for numbers made of neighbours: a bootstrap repeats images, whose neighbours are then themselves, and leaving a few images
    out (:func:`jackknife`) counts twice what pairs of images do together. Not for a sample with repeated or dependent images,
    and nothing about a bias. Source: subsampling as in Politis, Romano and Wolf 1999, Subsampling, with disjoint subsets.
    """
    parts, repeats = whole(parts, "parts"), whole(repeats, "repeats")
    smallest = min(len(tensor(x, "sample")) for x in samples)
    if parts < 2 or repeats < 1 or smallest < 2 * parts:
        raise ValueError(f"need 2 parts of 2 images and one repeat at least, got {parts}, {repeats} and {smallest} images")
    values = [float(v) for v in statistic(*samples)]
    variances = torch.zeros(len(values), dtype=torch.float64)
    for r in range(repeats):
        cut = [_cut(x, random_groups(len(x), parts, seed, 100 + len(samples) * r + s)) for s, x in enumerate(samples)]
        table = torch.tensor([list(statistic(*one)) for one in zip(*cut, strict=True)], dtype=torch.float64)
        variances += table.var(0) / (parts * repeats)
    t = t_quantile(upper_tail(level), repeats * (parts - 1))
    errors = variances.sqrt().tolist()
    return [Estimate(v, e, v - t * e, v + t * e) for v, e in zip(values, errors, strict=True)]


def share_estimate(estimate: Estimate, n: int, level: float = 0.95) -> Estimate:
    r"""The same value and standard error for a share of `n` images, with an interval that stays inside [0, 1].

    Wilson's interval for the number of **independent** images that would have this value and a t interval of this width,
    :math:`n_e = \hat p (1 - \hat p) (z / h)^2` with h half the width of the t interval; at most `n`, which also serves where every
    part agreed that the share is 0 or 1.
    """
    n = whole(n, "n", 1)
    p, half = estimate.value, (estimate.high - estimate.low) / 2
    z = normal_quantile(upper_tail(level))
    effective = max(1.0, min(float(n), p * (1 - p) * (z / half) ** 2)) if half > 0 and 0 < p < 1 else float(n)
    low, high = wilson_interval(p * effective, effective, level)
    return Estimate(p, estimate.standard_error, low, high)


def group_jackknife(
    statistic: Callable[[Tensor], float], sample: Float[Tensor, "n *d"], *, groups: int = 20, seed: int = 1, level: float = 0.95
) -> Estimate:
    """:func:`jackknife` of a smooth statistic of one sample (a mean, an entropy): shuffled into `groups`, each left out in turn."""
    groups = whole(groups, "groups")
    if groups < 2 or len(tensor(sample, "sample")) < 2 * groups:
        raise ValueError(f"{groups} groups: need at least 2 groups of 2 images, got {len(sample)} images")
    cut = _cut(sample, random_groups(len(sample), groups, seed, 0))
    without = [statistic(torch.cat([part for j, part in enumerate(cut) if j != i])) for i in range(groups)]
    return jackknife(float(statistic(sample)), torch.tensor(without, dtype=torch.float64), level)
