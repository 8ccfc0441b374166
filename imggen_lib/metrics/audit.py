r"""How well a score tells two groups apart: the area under the ROC curve, its error, and what a threshold does.

Scores are numbers ``(n,)``, **higher for the positive group** (the ill, the anomalous). A score is never turned round after a look
at the data that it is judged on: an area of 0.27 is then 0.27. Positives and negatives are given apart, as two tensors.
Calibration and what a decision is worth are in :mod:`imggen_lib.metrics.calibration`.
"""

import math
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.checks import check_values, real, whole
from imggen_lib.metrics.intervals import Estimate, normal_quantile, resampled, upper_tail, wilson_interval


class Share(NamedTuple):
    """A share of `n` independent cases, with Wilson's interval."""

    value: float
    low: float
    high: float
    n: int


class Paired(NamedTuple):
    """The difference of two areas on the same cases, with its error, interval and two-sided p-value."""

    value: float
    standard_error: float
    low: float
    high: float
    p: float


class Roc(NamedTuple):
    """The ROC curve: for each threshold, from none called positive to all, both rates."""

    false_alarms: Float[Tensor, " k"]  # the share of negatives at or above the threshold, rising from 0 to 1
    sensitivity: Float[Tensor, " k"]  # the same of positives
    thresholds: Float[Tensor, " k"]  # falling from infinity


def check_groups(positive: Any, negative: Any, least: int = 1) -> None:
    """Raises ``ValueError`` unless both are finite numbers ``(n,)``, at least `least` of each."""
    check_values(positive, "scores of positives")
    check_values(negative, "scores of negatives")
    if min(len(positive), len(negative)) < least:
        raise ValueError(f"at least {least} positives and {least} negatives are needed, got {len(positive)} and {len(negative)}")


def by_truth(scores: Float[Tensor, " n"], truth: Any) -> tuple[Float[Tensor, " p"], Float[Tensor, " q"]]:
    """The scores of the positives (truth 1 or True) and of the negatives (0 or False).

    Raises ``ValueError`` unless there is one truth a score and some of each kind.
    """
    check_values(scores, "scores")
    truth = torch.as_tensor(truth)
    if truth.shape != scores.shape:
        raise ValueError(f"{len(scores)} scores need {len(scores)} truths, one for each, got the shape {tuple(truth.shape)}")
    if not ((truth == 0) | (truth == 1)).all():
        raise ValueError("the truth is 1 (or True) for a positive and 0 (or False) for a negative")
    positive, negative = scores[truth == 1], scores[truth == 0]
    if not len(positive) or not len(negative):
        raise ValueError(f"some positives and some negatives are needed, got {len(positive)} and {len(negative)}")
    return positive, negative


def _placements(scores: Tensor, others: Tensor) -> Float[Tensor, " n"]:
    """Of each score, the share of `others` below it, ties counted half; float64."""
    ordered, scores = others.double().sort().values, scores.double().contiguous()
    below = torch.searchsorted(ordered, scores).double()
    return (below + torch.searchsorted(ordered, scores, right=True).double()) / 2 / len(others)


def auroc(positive: Float[Tensor, " p"], negative: Float[Tensor, " q"]) -> float:
    r"""The area under the ROC curve: how often a positive has the higher score of a random pair, ties counted half.

    .. math:: \frac1{pq}\sum_{i,j} \left(\mathbb 1[x_i > y_j] + \tfrac12 \mathbb 1[x_i = y_j]\right)

    0.5 for a score that knows nothing, 1 for one that is always right, and **below 0.5 for one that is the wrong way round**. It
    does not depend on how many positives there are, nor on any threshold, so it says nothing about how a threshold does.
    Source: Hanley and McNeil 1982.
    """
    check_groups(positive, negative)
    return float(_placements(positive, negative).mean())


def roc(positive: Float[Tensor, " p"], negative: Float[Tensor, " q"]) -> Roc:
    """The ROC curve, with one point a different score; the area under its straight lines is :func:`auroc`."""
    check_groups(positive, negative)
    levels = torch.cat([positive, negative]).double().unique().flip(0)
    rates = [1 - torch.searchsorted(x.double().sort().values, levels).double() / len(x) for x in (negative, positive)]
    zero, infinite = torch.zeros(1, dtype=torch.float64), torch.full((1,), math.inf, dtype=torch.float64)
    false_alarms, sensitivity = (torch.cat([zero, r]) for r in rates)
    return Roc(false_alarms, sensitivity, torch.cat([infinite, levels]))


def delong(positive: Float[Tensor, " p"], negative: Float[Tensor, " q"], level: float = 0.95) -> Estimate:
    r"""The area under the ROC curve with DeLong's standard error, and a normal interval cut at 0 and 1.

    .. math:: \mathrm{SE}^2 = \frac{\operatorname{Var}_i V_i}{p} + \frac{\operatorname{Var}_j W_j}{q}

    with :math:`V_i` the share of negatives below positive i, and :math:`W_j` the share of positives above negative j (ties half).
    Source: DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44, 837-845; here in n log n steps, as in Sun and Xu 2014.
    """
    check_groups(positive, negative, 2)
    v, w = _placements(positive, negative), 1 - _placements(negative, positive)
    error = math.sqrt(v.var().item() / len(v) + w.var().item() / len(w))
    value, half = v.mean().item(), normal_quantile(upper_tail(level)) * error
    return Estimate(value, error, max(0.0, value - half), min(1.0, value + half))


def delong_paired(positive: Float[Tensor, "p 2"], negative: Float[Tensor, "q 2"], level: float = 0.95) -> Paired:
    r"""The area of the first score less that of the second, on the same cases, with DeLong's error of the difference.

    Columns are the two scores. The placements of the two scores are subtracted case by case, so what they share drops out; the
    p-value is that of :math:`z = (A_1 - A_2)/\mathrm{SE}`, two-sided, 1 where the two scores rank alike.
    Source: DeLong, DeLong and Clarke-Pearson 1988.
    """
    for name, x in (("positives", positive), ("negatives", negative)):
        if x.ndim != 2 or x.shape[1] != 2:
            raise ValueError(f"the two scores of the {name} must be the columns of a table (n, 2), got the shape {tuple(x.shape)}")
    for k in range(2):
        check_groups(positive[:, k], negative[:, k], 2)
    v = [_placements(positive[:, k], negative[:, k]) for k in range(2)]
    w = [1 - _placements(negative[:, k], positive[:, k]) for k in range(2)]
    value = (v[0].mean() - v[1].mean()).item()
    error = math.sqrt((v[0] - v[1]).var().item() / len(v[0]) + (w[0] - w[1]).var().item() / len(w[0]))
    half = normal_quantile(upper_tail(level)) * error
    p = math.erfc(abs(value) / error / math.sqrt(2)) if error > 0 else float(value == 0)
    return Paired(value, error, value - half, value + half, p)


def bootstrap(
    positive: Float[Tensor, " p"], negative: Float[Tensor, " q"], *, resamples: int = 1000, seed: int = 0, level: float = 0.95
) -> Estimate:
    """The area with a stratified bootstrap: positives and negatives drawn anew with replacement, each as many as there are.

    The interval is that of the middle `level` of the resampled areas, the standard error their deviation. The value is that of the
    data themselves.
    """
    check_groups(positive, negative, 2)
    resamples, tail = whole(resamples, "resamples", 10), 1 - upper_tail(level)
    rows = resampled(len(positive), resamples, seed), resampled(len(negative), resamples, seed + 1)
    wins = _wins(positive, negative)
    weights = [
        torch.zeros(resamples, n, dtype=torch.float32).scatter_add_(1, row, torch.ones(row.shape))
        for n, row in zip((len(positive), len(negative)), rows, strict=True)
    ]
    areas = ((weights[0] @ wins) * weights[1]).sum(1).double() / (len(positive) * len(negative))
    low, high = areas.quantile(tail).item(), areas.quantile(1 - tail).item()
    return Estimate(auroc(positive, negative), areas.std().item(), low, high)


def _wins(positive: Tensor, negative: Tensor) -> Float[Tensor, "p q"]:
    """1 where the positive has the higher score of the pair, a half where they tie."""
    x, y = positive.double()[:, None], negative.double()
    return (x > y).float() + (x == y).float() / 2


def share(successes: int, n: int, level: float = 0.95) -> Share:
    """`successes` of `n` as a share, with Wilson's interval (:func:`imggen_lib.metrics.intervals.wilson_interval`)."""
    successes, n = whole(successes, "successes", 0), whole(n, "n", 1)
    return Share(successes / n, *wilson_interval(successes, n, level), n)


def threshold_at(negative: Float[Tensor, " q"], false_alarms: float) -> float:
    r"""The lowest threshold at which at most this share of `negative` raises an alarm (a score **above** it).

    It is one of the scores: with q of them, the one that :math:`\lfloor fq \rfloor` scores lie above if there are no ties.
    Chosen on validation images, never on those that it is judged on.
    """
    check_values(negative, "scores of negatives")
    allowed = real(false_alarms, "the rate of false alarms", 0, 1)
    ordered = negative.double().sort(descending=True).values
    if allowed >= 1:
        return -math.inf
    return float(ordered[math.floor(allowed * len(ordered) + 1e-9)])


def alarms(scores: Float[Tensor, " n"], threshold: float, level: float = 0.95) -> Share:
    """The share of scores above a threshold: sensitivity if they are of positives, false alarms if of negatives."""
    check_values(scores, "scores")
    return share(int((scores.double() > threshold).sum()), len(scores), level)


class Transferred(NamedTuple):
    """A threshold that was chosen on validation negatives, and what it does elsewhere."""

    threshold: float
    wanted: float  # the rate of false alarms that was asked for
    validation: Share  # the rate it has where it was chosen
    false_alarms: Share  # and on the negatives of the test
    sensitivity: Share  # on its positives


def transfer(
    validation: Float[Tensor, " v"], positive: Float[Tensor, " p"], negative: Float[Tensor, " q"], false_alarms: float
) -> Transferred:
    """Choose a threshold on `validation` negatives for a rate of false alarms; count both rates on the test.

    A threshold carries over only as far as validation and test negatives are alike: where they are not, the realised rate is
    another one, and its interval says by how much that can be chance. The interval is for the threshold as it stands; that the
    threshold itself was chosen from few images, is the interval of `validation`.
    """
    check_groups(positive, negative)
    threshold = threshold_at(validation, false_alarms)
    return Transferred(
        threshold, false_alarms, alarms(validation, threshold), alarms(negative, threshold), alarms(positive, threshold)
    )
