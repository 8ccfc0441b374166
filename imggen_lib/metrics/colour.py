r"""How far the colours of two sets of images are apart: histograms, moments, and differences in CIELAB.

Histograms and moments forget where a pixel was, so they compare any two sets; Delta E compares image i with reference i. The
order is always **reference first**. Everything is float64 on the CPU; `batch` bounds the memory and changes numbers by rounding
only.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.checks import batches, check_images, check_pair, check_sets, tensor, whole

Images = Float[Tensor, "n c h w"]
Lab = Float[Tensor, "n 3 h w"]
PerImage = Float[Tensor, " n"]
Histograms = Float[Tensor, "*rows bins"]

# sRGB primaries to CIE XYZ, and the white D65 for a viewing angle of 2 degrees (IEC 61966-2-1, CIE 15)
_XYZ = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
_WHITE = (0.95047, 1.0, 1.08883)


@torch.no_grad()
def histograms(images: Images, bins: int = 32, batch: int = 64) -> Float[Tensor, "c {bins}"]:
    """The share of a set's pixels in each of `bins` equal parts of [-1, 1], for each channel; every row adds up to 1."""
    check_images(images)
    bins = whole(bins, "bins")
    if bins < 2:
        raise ValueError(f"a histogram needs at least two bins, got {bins}")
    c = images.shape[1]
    counts = torch.zeros(c * bins, dtype=torch.float64)
    for (x,) in batches(images, batch=batch):
        which = ((x + 1) * (bins / 2)).long().clamp(0, bins - 1) + bins * torch.arange(c, device=x.device).view(-1, 1, 1)
        counts += torch.bincount(which.flatten(), minlength=c * bins).cpu()
    counts = counts.view(c, bins)
    return counts / counts.sum(1, keepdim=True)


def _same_bins(reference: Any, other: Any) -> None:
    for name, h in (("reference", reference), ("other", other)):
        if not tensor(h, f"{name} histograms").numel() or not bool((h >= 0).all()):  # NaN is not at least 0
            raise ValueError(f"the {name} histograms are empty, or hold NaN or negative numbers: expected shares of pixels")
        if (h.sum(-1) - 1).abs().max() > 1e-4:
            raise ValueError(f"each of the {name} histograms must add up to 1; these may be counts (divide them by their sum)")
    if reference.shape[-1] != other.shape[-1]:
        raise ValueError(f"histograms of {reference.shape[-1]} and {other.shape[-1]} bins cannot be compared")


def chi_square(reference: Histograms, other: Histograms) -> Float[Tensor, "*rows"]:
    r"""Chi-square distance of histograms, row by row.

    .. math:: \frac12 \sum_b \frac{(p_b - q_b)^2}{p_b + q_b}

    with empty bins left out. From 0 for equal histograms to 1 for those without a common bin, **lower is better**. Symmetric (the
    statistic of Pearson, which divides by the reference alone, is not). Biased upwards at small n, by about
    :math:`\frac{B - 1}{4}\left(\frac1n + \frac1m\right)` for B bins and n and m independent pixels; those of an image are not
    independent, which makes it worse. Blind to how far apart two bins are: a little darker costs as much as black for white.
    """
    _same_bins(reference, other)
    p, q = reference.double(), other.double()
    return ((p - q).square() / (p + q).clamp(min=torch.finfo(p.dtype).tiny)).sum(-1) / 2


def earth_movers(reference: Histograms, other: Histograms) -> Float[Tensor, "*rows"]:
    r"""Earth mover's (1-Wasserstein) distance of histograms over [-1, 1], row by row: how far the pixels' values have to move.

    .. math:: \frac2B \sum_{b=1}^{B} \left| \sum_{a \le b} (p_a - q_a) \right|

    In units of a pixel's value, from 0 for equal histograms to almost 2 (black to white), **lower is better**. Symmetric. Exact for
    pixels in the middle of the B bins, within 2 / B else. Biased upwards at small n, like :math:`1/\sqrt n`. Blind, as
    everything on single channels, to which values meet in one pixel. Source: Rubner, Tomasi and Guibas 2000.
    """
    _same_bins(reference, other)
    gaps = (reference.double() - other.double()).cumsum(-1).abs()
    return gaps.sum(-1) * 2 / reference.shape[-1]


@torch.no_grad()
def colour_moments(images: Images, batch: int = 64) -> Float[Tensor, "c 3"]:
    r"""Mean, standard deviation and skewness of a set's pixels, for each channel.

    .. math:: \mu, \qquad \left(\tfrac1N \sum_i (x_i - \mu)^2\right)^{1/2}, \qquad \left(\tfrac1N \sum_i (x_i - \mu)^3\right)^{1/3}

    over the N pixels of all images, so that all three are in units of a pixel's value; the last has the sign of the longer tail.
    The mean is in [-1, 1], the deviation in [0, 1]; none is better high or low: compare with the **reference's**
    (:func:`moment_distance`). The deviation is biased downwards at small n, the skewness scatters most. Blind to where a pixel is
    and to which values of different channels meet in it.
    Source: Stricker and Orengo 1995 (who use them in another colour space).
    """
    check_images(images)
    n = images.shape[0] * images.shape[2] * images.shape[3]
    mean = torch.stack([x.sum((0, 2, 3)).cpu() for (x,) in batches(images, batch=batch)]).sum(0) / n
    sums = torch.zeros(2, images.shape[1], dtype=torch.float64)
    for (x,) in batches(images, batch=batch):
        d = x - mean.to(x.device).view(-1, 1, 1)
        sums += torch.stack([d.pow(k).sum((0, 2, 3)) for k in (2, 3)]).cpu()
    second, third = sums / n
    return torch.stack([mean, second.sqrt(), third.sign() * third.abs().pow(1 / 3)], 1)


def moment_distance(reference: Images, images: Float[Tensor, "m c h w"], batch: int = 64) -> float:
    r"""Distance of two sets' colour moments: the sum over channels of the differences in mean, deviation and skewness.

    .. math:: \sum_c |\mu_c - \mu_c'| + |\sigma_c - \sigma_c'| + |s_c - s_c'|

    In units of a pixel's value, 0 for equal moments, at most a few units a channel (the means of black and white are 2 apart),
    **lower is better**, all three of the same weight. Symmetric. Biased upwards
    at small n, the skewness most. Blind to everything else about a colour's distribution and to all arrangement in the image.
    Source: Stricker and Orengo 1995.
    """
    check_sets(reference, images)
    return float((colour_moments(reference, batch) - colour_moments(images, batch)).abs().sum())


def to_lab(images: Images) -> Lab:
    r"""CIELAB of sRGB images in [-1, 1]: lightness L* in 0..100, a* (green to red) and b* (blue to yellow), for the white D65.

    .. math:: L^* = 116 f(Y) - 16, \quad a^* = 500 (f(X) - f(Y)), \quad b^* = 200 (f(Y) - f(Z))

    of the linear light X, Y, Z relative to white, with f the cube root, continued by a straight line near black. Grey images have
    a* = b* = 0. Source: CIE 15; sRGB is IEC 61966-2-1.
    """
    check_images(images)
    return _lab(images)


def _lab(images: Images) -> Lab:
    if images.shape[1] not in (1, 3):
        raise ValueError(f"colours are grey (1 channel) or sRGB (3 channels), got {images.shape[1]} channels")
    unit = ((images.double() + 1) / 2).clamp(0, 1)
    light = torch.where(unit > 0.04045, ((unit + 0.055) / 1.055) ** 2.4, unit / 12.92)
    if images.shape[1] == 1:
        xyz = light.expand(-1, 3, -1, -1)
    else:
        matrix = torch.tensor(_XYZ, dtype=light.dtype) / torch.tensor(_WHITE, dtype=light.dtype).view(3, 1)
        xyz = torch.einsum("dc,nchw->ndhw", matrix.to(light.device), light)
    fx, fy, fz = torch.where(xyz > 0.008856, xyz.clamp(min=1e-9) ** (1 / 3), 7.787 * xyz + 16 / 116).unbind(1)
    return torch.stack([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)], 1)


def _check_lab(reference: Any, image: Any) -> None:
    tensor(reference, "reference"), tensor(image, "image")
    if reference.shape != image.shape or reference.ndim != 4 or reference.shape[1] != 3:
        shapes = f"{tuple(reference.shape)} and {tuple(image.shape)}"
        raise ValueError(f"two sets of CIELAB colours (n, 3, h, w) of the same shape are compared, got {shapes}; to_lab makes them")


def lab_difference_76(reference: Lab, image: Lab) -> Float[Tensor, "n h w"]:
    r"""CIE76, the straight line in CIELAB: :math:`\sqrt{(\Delta L^*)^2 + (\Delta a^*)^2 + (\Delta b^*)^2}`, for each pixel."""
    _check_lab(reference, image)
    return (reference - image).square().sum(1).sqrt()


def lab_difference_2000(reference: Lab, image: Lab) -> Float[Tensor, "n h w"]:
    r"""CIEDE2000, for each pixel: differences in lightness, chroma and hue, each divided by how coarsely the eye sees it there.

    .. math:: \sqrt{x^2 + y^2 + z^2 + R_T\, y z}, \qquad
        x = \frac{\Delta L'}{S_L},\; y = \frac{\Delta C'}{S_C},\; z = \frac{\Delta H'}{S_H}

    with the letters and all constants of the source: Sharma, Wu and Dalal 2005.
    """
    _check_lab(reference, image)
    l1, a1, b1 = reference.unbind(1)
    l2, a2, b2 = image.unbind(1)
    chroma7 = ((torch.hypot(a1, b1) + torch.hypot(a2, b2)) / 2) ** 7
    stretch = 1.5 - 0.5 * (chroma7 / (chroma7 + 25**7)).sqrt()  # 1 + G
    a1, a2 = stretch * a1, stretch * a2
    c1, c2 = torch.hypot(a1, b1), torch.hypot(a2, b2)
    h1, h2 = torch.atan2(b1, a1), torch.atan2(b2, a2)
    grey = c1 * c2 == 0  # then there is no hue to differ
    turn = torch.remainder(h2 - h1 + math.pi, 2 * math.pi) - math.pi  # the shorter way round
    hue = torch.where(grey, h1 + h2, h1 + turn / 2)  # half way
    dh = torch.where(grey, 0.0, 2 * (c1 * c2).sqrt() * torch.sin(turn / 2))
    lightness, chroma = (l1 + l2) / 2 - 50, (c1 + c2) / 2
    t = 1 - 0.17 * (hue - math.radians(30)).cos() + 0.24 * (2 * hue).cos()
    t = t + 0.32 * (3 * hue + math.radians(6)).cos() - 0.20 * (4 * hue - math.radians(63)).cos()
    x = (l2 - l1) / (1 + 0.015 * lightness.square() / (20 + lightness.square()).sqrt())
    y = (c2 - c1) / (1 + 0.045 * chroma)
    z = dh / (1 + 0.015 * chroma * t)
    degrees = torch.remainder(torch.rad2deg(hue), 360)
    angle = math.radians(60) * torch.exp(-(((degrees - 275) / 25) ** 2))
    rotation = -2 * (chroma**7 / (chroma**7 + 25**7)).sqrt() * torch.sin(angle)
    return (x.square() + y.square() + z.square() + rotation * y * z).clamp(min=0).sqrt()


@torch.no_grad()
def _mean_difference(formula: Callable[[Lab, Lab], Tensor], reference: Images, image: Images, batch: int) -> PerImage:
    check_pair(reference, image)
    pairs = batches(reference, image, batch=batch)
    return torch.cat([formula(_lab(x), _lab(y)).mean((1, 2)).cpu() for x, y in pairs])


def delta_e_76(reference: Images, image: Images, batch: int = 64) -> PerImage:
    """Mean colour difference of an image's pixels after CIE76, one number per image: see :func:`lab_difference_76`.

    0 for equal images, 100 for black and white, more for some strong colours; **lower is better**, and about 2.3 can just be seen.
    Symmetric. Overrates differences among strong colours; blind to arrangement as every mean over pixels is.
    Source: CIE 15; the 2.3 is from Mahy, Van Eycken and Oosterlinck 1994.
    """
    return _mean_difference(lab_difference_76, reference, image, batch)


def delta_e_2000(reference: Images, image: Images, batch: int = 64) -> PerImage:
    """Mean colour difference of an image's pixels after CIEDE2000, one number per image: see :func:`lab_difference_2000`.

    0 for equal images, 100 for black and white, little more for any two colours; **lower is better**. Symmetric. Made for patches
    of colour side by side: a mean over pixels does not know that fine noise is hard to see, nor where a difference is. Grey
    images differ in lightness only. Source: Sharma, Wu and Dalal 2005.
    """
    return _mean_difference(lab_difference_2000, reference, image, batch)
