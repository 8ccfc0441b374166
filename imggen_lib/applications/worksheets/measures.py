"""What is measured of worksheets: whether a hand is seen, whether a key holds, and what a filter does to both."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.checks import check_images, real, whole
from imggen_lib.metrics.intervals import Estimate, group_jackknife


class Style(NamedTuple):
    """Of each digit: its slant (pixels to the right a pixel up), the thickness of its stroke, and its height, in pixels."""

    slant: Float[Tensor, " n"]
    thickness: Float[Tensor, " n"]
    height: Float[Tensor, " n"]


def style_of(images: Float[Tensor, "n 1 h w"]) -> Style:
    r"""Slant, thickness and height of digits.

    Slant is the shear that takes the digit upright, :math:`-\mu_{xy}/\mu_{yy}` with the ink's second moments; thickness twice the
    ink over the length of its outline, by total variation (a long stroke of width w has the ink wL and the outline 2L); height is
    four standard deviations of the ink downwards.
    """
    check_images(images, "digits")
    ink = (images[:, 0].double() + 1) / 2
    high, wide = ink.shape[1:]
    mass = ink.sum((1, 2)).clamp(min=1e-9)
    x, y = torch.arange(wide, dtype=torch.float64), torch.arange(high, dtype=torch.float64)
    dx, dy = x - (ink.sum(1) @ x / mass)[:, None], y - (ink.sum(2) @ y / mass)[:, None]
    down = torch.einsum("nhw,nh->n", ink, dy.square()) / mass
    across = torch.einsum("nhw,nh,nw->n", ink, dy, dx) / mass
    padded = torch.nn.functional.pad(ink, (1, 1, 1, 1))
    right, below = padded.diff(dim=2)[:, :-1], padded.diff(dim=1)[:, :, :-1]
    outline = torch.hypot(right, below).sum((1, 2)).clamp(min=1e-9)
    return Style(-across / down.clamp(min=1e-9), 2 * mass / outline, 4 * down.sqrt())


def intraclass(values: Float[Tensor, "hands digits"]) -> float:
    r"""Which share of the variance of a measure is the hand's: the intraclass correlation of a one-way analysis of variance.

    .. math:: \hat\rho = \frac{B - W}{B + (k - 1)W}

    for g hands of k digits each, with the mean squares between hands, :math:`B = \frac{k}{g-1}\sum_i (\bar x_i - \bar x)^2`, and
    within them, :math:`W = \frac1{g(k-1)}\sum_{ij}(x_{ij} - \bar x_i)^2`. 1 if a hand's digits are all alike, about 0 if hands
    differ no more than chance has it. A column's mean and scale are taken out first: a 1 is thinner than an 8 in every hand.
    Source: Fisher 1925; Shrout and Fleiss 1979, ICC(1, 1).
    """
    if values.ndim != 2 or min(values.shape) < 2:
        raise ValueError(f"two hands of two digits are needed at least, got {tuple(values.shape)}")
    x = values.double()
    x = (x - x.mean(0)) / x.std(0).clamp(min=1e-12)
    g, k = x.shape
    between = k / (g - 1) * x.mean(1).square().sum() - k / (g - 1) * g * x.mean().square()
    within = (x - x.mean(1, keepdim=True)).square().sum() / (g * (k - 1))
    return float((between - within) / (between + (k - 1) * within))


def hand_seen(values: Float[Tensor, "hands digits"], groups: int = 20) -> Estimate:
    """:func:`intraclass` with an interval: hands are left out, a twentieth at a time."""
    return group_jackknife(intraclass, values.double(), groups=groups)


def key_holds(error: float, digits: int) -> float:
    r"""The probability :math:`(1 - \varepsilon)^n` that none of `digits` digits contradicts the key, were they independent."""
    error, digits = real(error, "the error"), whole(digits, "the number of digits", 0)
    if not 0 <= error <= 1:
        raise ValueError(f"an error is a probability, got {error:g}")
    return (1 - error) ** digits


def after_filter(right: float, kept_right: float, kept_wrong: float) -> tuple[float, float]:
    r"""Bayes' rule for a filter: the share of right digits among the kept ones, and the share that is kept.

    .. math:: P(\text{right} \mid \text{kept}) = \frac{a\,p}{a\,p + b\,(1 - p)}

    with `right` p before the filter, and the shares a of right and b of wrong digits that pass it.
    """
    p, a, b = real(right, "right"), real(kept_right, "kept_right"), real(kept_wrong, "kept_wrong")
    if not all(0 <= share <= 1 for share in (p, a, b)):
        raise ValueError(f"shares lie between 0 and 1, got {p:g}, {a:g} and {b:g}")
    kept = a * p + b * (1 - p)
    return (a * p / kept if kept else math.nan), kept
