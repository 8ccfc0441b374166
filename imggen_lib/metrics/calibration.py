r"""Probabilities that mean what they say, and what a decision by them is worth.

`probabilities` are of the positive class ``(n,)`` in [0, 1]; `truth` is 1 for a positive and 0 for a negative.
"""

import math
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.checks import check_values, whole
from imggen_lib.metrics.audit import Share, share
from imggen_lib.metrics.intervals import Estimate, mean_estimate, resampled, upper_tail


def _checked(probabilities: Any, truth: Any) -> tuple[Tensor, Tensor]:
    check_values(probabilities, "probabilities")
    if float(probabilities.min()) < 0 or float(probabilities.max()) > 1:
        raise ValueError("probabilities lie between 0 and 1; is this a score? platt makes probabilities of scores")
    truth = torch.as_tensor(truth)
    if truth.shape != probabilities.shape or not ((truth == 0) | (truth == 1)).all():
        raise ValueError(f"{len(probabilities)} probabilities need as many truths, 1 for a positive and 0 for a negative")
    return probabilities.double(), truth.double()


def brier(probabilities: Float[Tensor, " n"], truth: Any, level: float = 0.95) -> Estimate:
    r"""The Brier score, :math:`\frac1n\sum_i (p_i - y_i)^2`, with Student's interval over cases.

    0 at best; who always says the share :math:`\pi` of positives gets :math:`\pi(1-\pi)`. Lower is better, and the true
    probabilities are the best answer on average. Source: Brier 1950.
    """
    p, y = _checked(probabilities, truth)
    return mean_estimate((p - y).square(), level)


class Bin(NamedTuple):
    """One bin of a reliability diagram: what was said on average, and what came true."""

    said: float
    true: Share


def _groups(p: Tensor, bins: int) -> list[Tensor]:
    """Positions in at most `bins` groups of nearly equal size, by rising `p`; cases of one probability stay together."""
    order = p.sort(stable=True).indices
    rising, cuts = p[order].contiguous(), torch.arange(1, bins) * len(p) // bins
    ends = torch.searchsorted(rising, rising[cuts - 1], right=True).unique() if len(cuts) else cuts
    return [group for group in order.tensor_split(ends[ends < len(p)]) if len(group)]


def reliability(probabilities: Float[Tensor, " n"], truth: Any, bins: int = 10) -> list[Bin]:
    """The cases in `bins` groups of nearly equal size by what was said; of each the mean of that, and the share of positives.

    Cases of one probability stay in one group, so with many ties there are fewer groups.
    """
    p, y = _checked(probabilities, truth)
    bins = whole(bins, "bins", 1, len(p))
    return [Bin(p[i].mean().item(), share(int(y[i].sum()), len(i))) for i in _groups(p, bins)]


def _error(p: Tensor, y: Tensor, bins: int) -> float:
    gaps = [abs((p[i] - y[i]).mean().item()) * len(i) for i in _groups(p, bins)]
    return sum(gaps) / len(p)


def calibration_error(
    probabilities: Float[Tensor, " n"], truth: Any, bins: int = 10, *, resamples: int = 500, seed: int = 0, level: float = 0.95
) -> Estimate:
    r"""The expected calibration error with bins of equal size, :math:`\sum_b \frac{n_b}{n}\,|\bar y_b - \bar p_b|`.

    0 at best, and never quite reached: it is biased upwards, because a gap of chance counts as one. The interval is a basic
    bootstrap over cases, reflected at the value, which takes off as much as resampling adds, and cut at 0. It depends on the
    bins: give their number with it. Source: Guo et al. 2017, arXiv:1706.04599, there with bins of equal width.
    """
    p, y = _checked(probabilities, truth)
    bins, resamples = whole(bins, "bins", 1, len(p)), whole(resamples, "resamples", 10)
    value, tail = _error(p, y, bins), 1 - upper_tail(level)
    found = torch.tensor([_error(p[i], y[i], bins) for i in resampled(len(p), resamples, seed)], dtype=torch.float64)
    low, high = 2 * value - found.quantile(1 - tail).item(), 2 * value - found.quantile(tail).item()
    return Estimate(value, found.std().item(), max(0.0, min(low, value)), max(high, value))


class Platt(NamedTuple):
    """A logistic curve from scores to probabilities: :math:`\\sigma(a s + b)`."""

    slope: float
    offset: float

    def __call__(self, scores: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        check_values(scores, "scores")
        return torch.sigmoid(self.slope * scores.double() + self.offset)


def platt(scores: Float[Tensor, " n"], truth: Any, steps: int = 100) -> Platt:
    r"""Fit :math:`P(y = 1 \mid s) = \sigma(a s + b)` by maximum likelihood: Newton's method, to the rounding error.

    The targets are Platt's, :math:`(n_+ + 1)/(n_+ + 2)` for positives and :math:`1/(n_- + 2)` for negatives, so that the curve
    stays finite where a threshold parts the classes. Fit it on validation images. It changes no ranking if the slope is positive.
    Source: Platt 1999, Probabilistic outputs for support vector machines.
    """
    check_values(scores, "scores")
    truth = torch.as_tensor(truth)
    if truth.shape != scores.shape or not ((truth == 0) | (truth == 1)).all():
        raise ValueError(f"{len(scores)} scores need as many truths, 1 for a positive and 0 for a negative")
    positives = int(truth.sum())
    if not 0 < positives < len(scores):
        raise ValueError("some positives and some negatives are needed to fit a curve")
    s = scores.double()
    centre, scale = s.mean(), s.std().clamp(min=1e-300)
    x = torch.stack([(s - centre) / scale, torch.ones_like(s)], 1)
    target = torch.where(truth == 1, (positives + 1) / (positives + 2), 1 / (len(s) - positives + 2)).double()
    w = torch.tensor([0.0, math.log((positives + 1) / (len(s) - positives + 1))], dtype=torch.float64)
    for _ in range(whole(steps, "steps", 1)):
        p = torch.sigmoid(x @ w)
        hessian = (x.T * (p * (1 - p))) @ x + 1e-12 * torch.eye(2, dtype=torch.float64)
        step = torch.linalg.solve(hessian, x.T @ (p - target))
        while _loss(x, target, w - step) > _loss(x, target, w) + 1e-12:
            step = step / 2
        w = w - step
        if step.abs().max() < 1e-12:
            break
    slope = (w[0] / scale).item()
    return Platt(slope, (w[1] - w[0] * centre / scale).item())


def _loss(x: Tensor, target: Tensor, w: Tensor) -> float:
    z = x @ w
    return float((torch.nn.functional.softplus(z) - target * z).sum())


class NetBenefit(NamedTuple):
    """A decision curve: what treating by a model is worth at each threshold, beside treating all; treating none is worth 0."""

    thresholds: Float[Tensor, " t"]
    model: Float[Tensor, " t"]
    all: Float[Tensor, " t"]


def net_benefit(probabilities: Float[Tensor, " n"], truth: Any, thresholds: Float[Tensor, " t"]) -> NetBenefit:
    r"""True positives a case, less false positives at the rate of exchange that the threshold :math:`t` itself states.

    .. math:: \frac{\mathrm{TP}}{n} - \frac{t}{1-t}\,\frac{\mathrm{FP}}{n}

    Who acts from a probability of t on thinks that a missed case is (1 - t)/t times as bad as a needless act. A model is of use at
    t where it lies above both others. It depends on how many positives there are: 62.5 % in a test set is not 62.5 % in a clinic.
    Source: Vickers and Elkin 2006, Medical Decision Making 26, 565-574.
    """
    p, y = _checked(probabilities, truth)
    check_values(thresholds, "thresholds")
    t = thresholds.double()
    if float(t.min()) <= 0 or float(t.max()) >= 1:
        raise ValueError("thresholds of a decision lie strictly between 0 and 1")
    odds = t / (1 - t)
    called = p >= t[:, None]
    true, false = (called * y).sum(1) / len(p), (called * (1 - y)).sum(1) / len(p)
    share_ill = y.mean()
    return NetBenefit(t, true - odds * false, share_ill - odds * (1 - share_ill))
