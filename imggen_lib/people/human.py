r"""What people say: preferences, opinion scores, their agreement, and how many judgements are needed.

**Raters, not ratings, are the independent unit**: a hundred answers of one person say what that person prefers. Functions that take
judgements give intervals over raters; :func:`preference` takes plain counts and is right only if every answer is another rater's.
The answers come from `study`; rankings of several systems are in `ranking`.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.checks import real, whole
from imggen_lib.metrics.intervals import (
    Estimate,
    binomial_tail,
    bounded_mean,
    log_binomial,
    mean_estimate,
    normal_quantile,
    resampled,
    t_quantile,
    upper_tail,
    wilson_interval,
)
from imggen_lib.people.study import Judgement

Scale = Literal["nominal", "ordinal", "interval"]


class Preference(NamedTuple):
    """The share of wins, its Wilson interval, and the two-sided p-value of "both are equally good"."""

    share: float
    low: float
    high: float
    p_value: float


def preference(wins: int, n: int, level: float = 0.95) -> Preference:
    r"""Two-alternative forced choice: how often one of two was chosen in `n` independent answers, against chance.

    .. math:: p = \min\left(1,\ 2\,P\left(X \ge \max(w, n - w)\right)\right), \qquad X \sim \mathrm{Bin}(n, 1/2)

    Share from 0 to 1, 1/2 is no preference. Exact at any n. Wrong (too sure) when one rater gave several answers: see
    :func:`preference_over_raters`. Blind to how strong a preference is. Interval: Wilson 1927.
    """
    wins, n = whole(wins, "wins"), whole(n, "n")
    low, high = wilson_interval(wins, n, level)
    return Preference(wins / n, low, high, min(1.0, 2 * binomial_tail(max(wins, n - wins), n)))


def preference_over_raters(judgements: Iterable[Judgement], system: str, other: str, level: float = 0.95) -> Estimate:
    """The mean over raters of the share of their choices that went to `system` rather than `other`, with an interval over raters.

    Takes unblinded judgements; a tie counts half. 0 to 1, 1/2 is no preference; each rater counts once, however many answers
    there are. At least two raters. The interval is Wilson's for as many answers as the raters' spread is worth: at least one a
    rater, at most all. So it stays inside [0, 1], and raters who all agree are worth one answer each. It is about other raters
    and **these images**; for other images, too: :func:`preference_over_images`.
    """
    points, given = _answered(judgements, system, other)
    estimate = mean_estimate(points.sum(1) / given.sum(1), level)
    half = t_quantile(upper_tail(level), len(points) - 1) * estimate.standard_error
    return _share(estimate, half, len(points), int(given.sum()), level)


def preference_over_images(
    judgements: Iterable[Judgement], system: str, other: str, *, resamples: int = 1000, level: float = 0.95, seed: int = 1
) -> Estimate:
    """:func:`preference_over_raters` with an interval for other raters **and other images**, by a crossed bootstrap.

    A resample draws raters with replacement and, apart from them, pairs of images with replacement; an answer counts as often
    as its rater was drawn times as often as its pair was. For claims about systems instead of the images on the sheet. Several
    raters must have judged each pair, which sheets of one plan see to. Too wide rather than too narrow, since an answer's own
    chance enters with both draws. Source: Owen 2007, doi:10.1214/07-AOAS122; why images must be drawn as well: Clark 1973.
    """
    points, given = _answered(judgements, system, other)
    raters, items = points.shape
    if items < 2:
        raise ValueError(f"an interval over images needs at least two pairs of images, got {items}")
    value = (points.sum(1) / given.sum(1)).mean()
    who = torch.nn.functional.one_hot(resampled(raters, resamples, seed), raters).sum(1).double()
    what = torch.nn.functional.one_hot(resampled(items, resamples, seed + 1), items).sum(1).double()
    answers = what @ given.T  # (resamples, raters)
    shares = torch.where(answers > 0, what @ points.T / answers.clamp(min=1), value)
    error = ((who * shares).sum(1) / raters).std().item()
    smaller = min(raters, items)
    half = t_quantile(upper_tail(level), smaller - 1) * error
    return _share(Estimate(value.item(), error, 0, 1), half, smaller, int(given.sum()), level)


def _answered(judgements: Iterable[Judgement], system: str, other: str) -> tuple[Tensor, Tensor]:
    """Of each rater and pair of images ``(raters, pairs)``: the points for `system`, and the number of answers."""
    rows = [j for j in judgements if {j.left, j.right} == {system, other}]
    raters, items = (
        {name: k for k, name in enumerate(sorted(names))} for names in ({j.rater for j in rows}, {j.item for j in rows})
    )
    if len(raters) < 2:
        raise ValueError(f"{len(raters)} raters judged {system} against {other}; an interval over raters needs at least two")
    points = torch.zeros(len(raters), len(items), dtype=torch.float64)
    given = torch.zeros_like(points)
    for j in rows:
        chosen = {"left": j.left, "right": j.right}.get(j.choice)
        points[raters[j.rater], items[j.item]] += 0.5 if chosen is None else float(chosen == system)
        given[raters[j.rater], items[j.item]] += 1
    return points, given


def _share(estimate: Estimate, half: float, least: int, most: int, level: float) -> Estimate:
    """Wilson's interval for as many answers as a half width is worth, at least `least` and at most `most`."""
    z, p = normal_quantile(upper_tail(level)), estimate.value
    spread = half > 1e-9
    worth = min(max(p * (1 - p) * (z / half) ** 2, float(least)), float(most)) if spread else float(least)
    low, high = wilson_interval(p * worth, worth, level)
    return Estimate(p, estimate.standard_error if spread else (high - low) / 2 / z, low, high)


def _means(points: dict[str, list[float]], what: str) -> Tensor:
    if len(points) < 2:
        raise ValueError(f"{len(points)} raters judged {what}; an interval over raters needs at least two")
    return torch.tensor([sum(p) / len(p) for p in points.values()], dtype=torch.float64)


@dataclass(frozen=True)
class Rating:
    """One opinion: a rater's pseudonym, the system, the image, the score (1 to 5, say)."""

    rater: str
    system: str
    item: str
    score: float


def mean_opinion_score(ratings: Iterable[Rating], level: float = 0.95, *, points: int = 5) -> dict[str, Estimate]:
    """Of each system, the mean over raters of their mean scores from 1 to `points`, with a t interval over raters.

    In the scale's units, **higher is better**; each rater counts once. Raters use scales differently, so compare two systems by
    :func:`opinion_difference`, not by whether their intervals overlap. The mean takes the steps of the scale for equally large.
    At least two raters a system. The interval ends where the scale does, and raters who all agree do not make it a point
    (:func:`imggen_lib.metrics.intervals.bounded_mean`). Source: ITU-T P.800 (1996) for the score; the interval over raters is
    Student's.
    """
    scores: dict[str, dict[str, list[float]]] = {}
    for r in _on_the_scale(ratings, points):
        scores.setdefault(r.system, {}).setdefault(r.rater, []).append(r.score)
    return {system: bounded_mean(_means(p, system), 1, points, level) for system, p in scores.items()}


def _on_the_scale(ratings: Iterable[Rating], points: int) -> Iterator[Rating]:
    for r in ratings:
        if not 1 <= r.score <= points:
            raise ValueError(f"the score of {r.item} by {r.rater} is {r.score}, not between 1 and points = {points}")
        yield r


def opinion_difference(ratings: Iterable[Rating], system: str, other: str, level: float = 0.95, *, points: int = 5) -> Estimate:
    """The mean over raters of the mean score of `system` less that of `other`, by those who judged both; above 0 it is better.

    In the scale's units, with a t interval over raters (at least two); unbiased at any number of them. What a rater's private
    scale adds to both systems cancels. Blind to raters who judged one of them only. The same difference of all raters does not
    make the interval a point.
    """
    scores: dict[str, dict[str, list[float]]] = {}
    for r in _on_the_scale(ratings, points):
        if r.system in (system, other):
            scores.setdefault(r.rater, {}).setdefault(r.system, []).append(r.score)
    both = {rater: p for rater, p in scores.items() if len(p) == 2}
    gaps = {rater: [sum(p[system]) / len(p[system]) - sum(p[other]) / len(p[other])] for rater, p in both.items()}
    return bounded_mean(_means(gaps, f"both {system} and {other}"), 1 - points, points - 1, level)


def _disagreement(values: Tensor, counts: Tensor, scale: Scale) -> Tensor:
    """The squared difference between any two values ``(v, v)``; `counts` says how often each value was given."""
    if scale == "nominal":
        return 1 - torch.eye(len(values), dtype=torch.float64)
    place = values if scale == "interval" else counts.cumsum(0) - counts / 2  # the mid-rank of each value
    return (place[:, None] - place).square()


def krippendorff_alpha(ratings: Float[Tensor, "raters items"], scale: Scale = "nominal") -> float:
    r"""Krippendorff's alpha: how much raters agree, beyond chance.

    .. math:: \alpha = 1 - \frac{D_o}{D_e}

    Observed disagreement over all pairs of answers to the same item, against that over all pairs of answers. 1 is full
    agreement, **0 is chance**, below 0 raters contradict each other. `ratings` has one row a rater, one column an item, NaN
    where there is no answer; items with one answer say nothing. `scale`: "nominal" (kinds), "ordinal" (ranks), "interval"
    (numbers). Hardly biased at small n, but it scatters: with ten items hardly more than a hint. Low agreement can mean
    careless raters or images that are equally good; high agreement can mean a shared mistake. Source: Hayes and Krippendorff
    2007.
    """
    if ratings.ndim != 2 or torch.isinf(ratings).any():
        raise ValueError("the ratings must be a table (raters, items) of finite numbers, NaN where there is no answer")
    x = ratings.double()
    values = x[~x.isnan()].unique()
    given = (x.T[:, :, None] == values).sum(1).double()  # (items, values): how many raters gave that value
    given = given[given.sum(1) >= 2]
    if not len(given):
        raise ValueError("no item was judged by two raters, so there is no agreement to measure")
    weight = 1 / (given.sum(1) - 1)
    observed = torch.einsum("u,ua,ub->ab", weight, given, given) - torch.diag(weight @ given)
    totals = observed.sum(0)
    expected = (torch.outer(totals, totals) - torch.diag(totals)) / (totals.sum() - 1)
    apart = _disagreement(values, totals, scale)
    chance = (expected * apart).sum()
    if chance == 0:
        raise ValueError("all answers are the same: agreement beyond chance is undefined")
    return 1 - ((observed * apart).sum() / chance).item()


def preference_power(p: float, n: int, significance: float = 0.05) -> float:
    """The probability that `n` answers, each for one side with probability `p`, make the exact test against 1/2 significant."""
    n = whole(n, "n", 0)
    upper = log_binomial(n, 0.5).exp().flip(0).cumsum(0).flip(0)  # P(X >= i)
    reject = 2 * upper <= significance
    if not reject.any():
        return 0.0
    least = int(reject.double().argmax())
    chance = log_binomial(n, p).exp()
    return float(chance[least:].sum() + chance[: n - least + 1].sum())


def judgements_needed(
    p: float, power: float = 0.8, significance: float = 0.05, *, per_rater: int = 1, correlation: float = 0.0
) -> int:
    r"""How many answers tell a preference of `p` from 1/2 with the given power: from this n on, the exact test always has it.

    About :math:`n \approx \left(z_{1-\alpha/2}/2 + z_{\text{power}}\sqrt{p(1-p)}\right)^2 / (p - 1/2)^2`. If each rater gives
    `per_rater` answers whose choices correlate by `correlation` within a rater (0: as good as strangers', 1: always the same),
    the number is multiplied by :math:`1 + (\text{per\_rater} - 1)\cdot\text{correlation}`. Source: Kish 1965, Survey Sampling,
    for this design effect.
    """
    per_rater = whole(per_rater, "per_rater")
    p, power, correlation = real(p, "p"), real(power, "power"), real(correlation, "correlation")
    if not (0 < p < 1 and abs(p - 0.5) >= 0.005 and 0 < significance < power < 1):
        raise ValueError(
            f"need p between 0 and 1 at least 0.005 from 1/2, significance below power; got {p}, {significance}, {power}"
        )
    if per_rater < 1 or not 0 <= correlation <= 1:
        raise ValueError(f"need at least one answer a rater and a correlation from 0 to 1, got {per_rater} and {correlation}")
    gap, z = abs(p - 0.5), normal_quantile(1 - significance / 2)
    n = math.ceil(((z / 2 + normal_quantile(power) * math.sqrt(p * (1 - p))) / gap) ** 2 + 3 / gap + 10)
    while n > 1 and preference_power(p, n - 1, significance) >= power:
        n -= 1
    return math.ceil(n * (1 + (per_rater - 1) * correlation))
