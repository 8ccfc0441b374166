r"""How far the textures of two sets of images are apart: pairs of grey levels, small patterns, feature products, frequencies.

Each of them counts something at every place and forgets the place, so that any two sets compare. First come statistics of one set,
then the distance of two; the order is always **reference first**. Colour images are looked at in grey (ITU-R 709 luma), so
that all but :func:`gram_distance` are blind to colour. Results are float64 on the CPU; `batch` bounds the memory and changes
numbers by rounding only.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from imggen_lib.checks import batches, check_images, check_sets, tensor, whole
from imggen_lib.losses.image import gram, gram_loss

Images = Float[Tensor, "n c h w"]
Others = Float[Tensor, "m c h w"]
PerImage = Float[Tensor, " n"]

_GREY = (0.2125, 0.7154, 0.0721)
_AROUND = ((0, 1), (1, 1), (1, 0), (1, -1))  # the four directions to a neighbour, rows down and columns right
_STEP = 2 / 255  # from one byte to the next


def grey(images: Images) -> Float[Tensor, "n h w"]:
    """The luma of sRGB images ``0.2125 R + 0.7154 G + 0.0721 B``, float64 in [-1, 1]; of grey images their only channel."""
    if tensor(images, "images").ndim != 4 or not images.is_floating_point():
        raise ValueError(f"the images must be floats (n, c, h, w), got {images.dtype} of the shape {tuple(images.shape)}")
    if images.shape[1] == 1:
        return images[:, 0].double()
    if images.shape[1] != 3:
        raise ValueError(f"images are grey (1 channel) or sRGB (3 channels), got {images.shape[1]} channels")
    return torch.einsum("c,nchw->nhw", torch.tensor(_GREY, dtype=torch.float64, device=images.device), images.double())


def grey_levels(images: Images, levels: int) -> Int[Tensor, "n h w"]:
    """Which of `levels` equal parts of [-1, 1] each pixel's grey is in; with 256 levels, its byte."""
    levels = whole(levels, "levels")
    if levels < 2:
        raise ValueError(f"grey needs at least two levels, got {levels}")
    return ((grey(images) + 1) * (levels / 2)).long().clamp(0, levels - 1)


class Cooccurrence(NamedTuple):
    r"""Four statistics of co-occurrence matrices, each ``(n,)``: see :func:`cooccurrence_statistics`."""

    contrast: Tensor
    homogeneity: Tensor
    energy: Tensor
    correlation: Tensor


@torch.no_grad()
def cooccurrence(
    images: Images, levels: int = 16, offset: tuple[int, int] = (0, 1), batch: int = 64
) -> Float[Tensor, "n {levels} {levels}"]:
    """How often grey level i stands beside grey level j: one symmetric matrix an image, whose entries add up to 1.

    Beside means `offset` (rows down, columns right) further, or as far the other way.
    Source: Haralick, Shanmugam and Dinstein 1973.
    """
    check_images(images)
    levels, offset = whole(levels, "levels"), (whole(offset[0], "offset"), whole(offset[1], "offset"))
    down, right = offset if offset[1] >= 0 else (-offset[0], -offset[1])  # the same pairs
    h, w = images.shape[2:]
    if abs(down) >= h or right >= w or offset == (0, 0):
        raise ValueError(f"no two pixels of a {h} by {w} image are {offset} apart")
    out = []
    for (x,) in batches(images, batch=batch):
        q = grey_levels(x, levels)
        first = q[:, max(0, -down) : h - max(0, down), : w - right]
        second = q[:, max(0, down) : h - max(0, -down), right:]
        which = torch.arange(len(x), device=x.device).view(-1, 1, 1) * levels + first
        counts = torch.bincount((which * levels + second).flatten(), minlength=len(x) * levels**2).view(-1, levels, levels)
        counts = (counts + counts.transpose(1, 2)).double()
        out.append((counts / counts.sum((1, 2), keepdim=True)).cpu())
    return torch.cat(out)


def cooccurrence_statistics(images: Images, levels: int = 16, distance: int = 1, batch: int = 64) -> Cooccurrence:
    r"""Contrast, homogeneity, energy and correlation of neighbouring grey levels, one number per image.

    .. math::
        & \sum_{ij} p_{ij} (i - j)^2, \quad \sum_{ij} \frac{p_{ij}}{1 + (i - j)^2}, \\
        & \left(\sum_{ij} p_{ij}^2\right)^{1/2}, \quad \sum_{ij} p_{ij} \frac{(i - \mu)(j - \mu)}{\sigma^2}

    means over four directions, for neighbours `distance` pixels apart along rows or columns or both. Contrast is in squared levels,
    0 to (levels - 1)²; homogeneity and energy are in (0, 1], correlation in [-1, 1]; an image of one level has 0, 1, 1 and 1.
    None is better high or low: compare the means over a set with the **reference's**. Only numbers with the same `levels`,
    `distance` and size compare. Energy is biased upwards in small images. They see pairs of pixels only.
    Source: Haralick, Shanmugam and Dinstein 1973.
    """
    distance = whole(distance, "distance", 1)
    matrices = [cooccurrence(images, levels, (distance * a, distance * b), batch) for a, b in _AROUND]
    each = [_haralick(p) for p in matrices]
    return Cooccurrence(*(torch.stack(values).mean(0) for values in zip(*each, strict=True)))


def _haralick(p: Float[Tensor, "n k k"]) -> Cooccurrence:
    i = torch.arange(p.shape[1], dtype=p.dtype)
    apart = (i.view(-1, 1) - i).square()
    row = p.sum(2)  # and column: p is symmetric
    mean = row @ i
    d = i - mean.view(-1, 1)
    variance = (row * d.square()).sum(1)
    covariance = torch.einsum("nij,ni,nj->n", p, d, d)
    correlation = torch.where(variance > 1e-12, covariance / variance.clamp(min=1e-12), 1.0)
    return Cooccurrence((p * apart).sum((1, 2)), (p / (1 + apart)).sum((1, 2)), p.square().sum((1, 2)).sqrt(), correlation)


@torch.no_grad()
def binary_patterns(images: Images) -> Int[Tensor, "n h2 w2"]:
    r"""The local binary pattern of every pixel that is not at the border: a number from 0 to 9.

    .. math:: s_p = \left[g_p \ge g\right], \quad p = 0 \dots 7; \qquad
        \begin{cases} \sum_p s_p & \text{if } \sum_p [s_p \ne s_{p-1}] \le 2 \\ 9 & \text{else} \end{cases}

    with the byte g of the pixel and those of eight points around it, on a circle of one pixel's radius (bilinear between pixels).
    0 is a bright spot, 8 a dark one or an even place, 4 an edge, 9 anything more complicated. Turning an image by 90 degrees only
    moves the patterns; brightening or stretching its contrast changes none, so far as bytes allow.
    Source: Ojala, Pietikainen and Maenpaa 2002.
    """
    check_images(images)
    if min(images.shape[2:]) < 3:
        raise ValueError(f"a pattern needs 3 by 3 pixels, got images of {images.shape[2]} by {images.shape[3]}")
    g = grey_levels(images, 256).double()
    h, w = g.shape[1:]

    def beside(down: int, right: int) -> Tensor:
        return g[:, 1 + down : h - 1 + down, 1 + right : w - 1 + right] - g[:, 1:-1, 1:-1]

    def corner(down: int, right: int) -> Tensor:
        a = 0.5**0.5  # where the circle meets the diagonal
        return a * (1 - a) * (beside(down, 0) + beside(0, right)) + a * a * beside(down, right)

    around = [beside(0, 1), corner(-1, 1), beside(-1, 0), corner(-1, -1), beside(0, -1), corner(1, -1), beside(1, 0), corner(1, 1)]
    s = torch.stack(around) >= 0
    changes = (s != s.roll(1, 0)).sum(0)
    return torch.where(changes <= 2, s.sum(0), 9)


@torch.no_grad()
def pattern_histograms(images: Images, batch: int = 64) -> Float[Tensor, "n 10"]:
    """The share of each of the ten local binary patterns in every image; the mean over a set is the set's.

    Compare with :func:`imggen_lib.metrics.colour.chi_square`, the **reference's** first (it is symmetric): from 0 to 1, **lower is
    better**, biased upwards at small n. Patterns are blind to how strong an edge is, to anything larger than three pixels and to
    brightness; noise of one byte changes what they say about even places. Source: Ojala, Pietikainen and Maenpaa 2002.
    """
    check_images(images)
    out = []
    for (x,) in batches(images, batch=batch):
        codes = binary_patterns(x).flatten(1)
        which = codes + 10 * torch.arange(len(x), device=x.device).view(-1, 1)
        out.append(torch.bincount(which.flatten(), minlength=10 * len(x)).view(-1, 10).double().cpu() / codes.shape[1])
    return torch.cat(out)


@torch.no_grad()
def mean_grams(features: Callable[[Tensor], Sequence[Tensor]], images: Images, batch: int = 16) -> list[Float[Tensor, "1 k k"]]:
    """The mean Gram matrix of a set, one for each set of maps ``(n, k, h, w)`` that `features` returns.

    `features` is given images of their own type and device, and should be in evaluation mode.
    """
    check_images(images)
    sums: list[Tensor] = []
    for (x,) in batches(images, batch=batch):
        parts = [gram(maps.double()).sum(0, keepdim=True).cpu() for maps in features(x.to(images.dtype))]
        sums = [a + b for a, b in zip(sums, parts, strict=True)] if sums else parts
    if not sums:
        raise ValueError("the features are an empty list: a Gram matrix needs at least one set of maps")
    return [total / len(images) for total in sums]


def gram_distance(features: Callable[[Tensor], Sequence[Tensor]], reference: Images, images: Others, batch: int = 16) -> float:
    r"""How far the mean Gram matrices of two sets are apart, relative to the reference's and averaged over layers.

    .. math:: \frac1L \sum_{l=1}^{L} \frac{\lVert G^l - R^l \rVert^2}{\lVert R^l \rVert^2}

    with the mean Gram matrices R of the reference and G of the images (:func:`imggen_lib.losses.image.gram`). 0 for equal ones,
    1 for images without features, no upper limit; **lower is better**. **Not symmetric**: the reference is the measure. Biased
    upwards at small n. Sees what the features see, and which of them come together; compares only with the same features.
    Source: Gatys et al. 2015, arXiv:1505.07376, with another normalisation.
    """
    check_sets(reference, images)
    targets = mean_grams(features, reference, batch)
    if any(not target.any() for target in targets):
        raise ValueError("the reference has features that are all zero: nothing can be measured relative to them")
    return float(gram_loss(mean_grams(features, images, batch), targets))


@torch.no_grad()
def power_spectra(images: Images, batch: int = 64) -> Float[Tensor, "n k"]:
    r"""The power at each spatial frequency, whatever its direction: the radial power spectrum of every image.

    .. math:: S_k = \operatorname*{mean}_{(u, v) \in R_k}
        \frac{1}{hw} \left| \sum_{y, x} g_{yx}\, e^{-2\pi i (uy/h + vx/w)} \right|^2

    with the grey g in [-1, 1] and the ring :math:`R_k` of all frequencies that round to k / m cycles a pixel, for the smaller side
    m and k from 0 (the mean brightness) to m // 2 (up and down from pixel to pixel). White noise has its variance at every
    k > 0. No power is better high or low: compare with the **reference's** (:func:`spectrum_gap`). The
    mean over a set, which is the set's spectrum, is unbiased at any n. Borders that do not fit together when the image
    is repeated add power.
    Blind to phase, which is where shapes are: noise can have the spectrum of any set.
    Source: the azimuthal average of Durall et al. 2020, arXiv:2003.01826.
    """
    check_images(images)
    h, w = images.shape[2:]
    m = min(h, w)
    if m < 2:
        raise ValueError(f"a spectrum needs at least 2 by 2 pixels, got {h} by {w}")
    radius = torch.hypot(torch.fft.fftfreq(h, dtype=torch.float64).view(-1, 1), torch.fft.fftfreq(w, dtype=torch.float64))
    ring = (radius * m + 0.5 + 1e-9).floor().long().flatten()  # halves go up, whatever their rounding error
    inside = ring <= m // 2  # the corners have frequencies that rows and columns cannot have
    sizes = torch.bincount(ring[inside])
    out = []
    for (x,) in batches(images, batch=batch):
        power = torch.fft.fft2(grey(x)).abs().square().flatten(1).cpu() / (h * w)
        sums = torch.zeros(len(x), len(sizes), dtype=torch.float64).index_add_(1, ring[inside], power[:, inside])
        out.append(sums / sizes)
    return torch.cat(out)


def spectrum_gap(reference: Images, images: Others, batch: int = 64) -> Float[Tensor, " k"]:
    r"""Which frequencies the images have too much of (above 0) or lack (below 0), in dB.

    .. math:: 10 \log_{10} \frac{S_k + s}{R_k + s}, \qquad k = 1 \dots m // 2

    with the mean spectra R of the reference and S of the images, and the power s = (2/255)²/12 that rounding to bytes adds
    anyway: below it nothing is seen. Frequency k is k / m cycles a pixel; the mean brightness (k = 0) is left out.
    0 is best at every frequency, without limits otherwise. **Changes its sign** when the arguments are swapped. At small n, rare
    frequencies scatter. Blind to what :func:`power_spectra` is blind to, phase above all.
    Source: Durall et al. 2020, arXiv:2003.01826.
    """
    check_sets(reference, images)
    floor = _STEP**2 / 12
    r, s = (power_spectra(x, batch).mean(0)[1:] + floor for x in (reference, images))
    return 10 * torch.log10(s / r)


def spectrum_distance(reference: Images, images: Others, batch: int = 64) -> float:
    r"""Log-spectral distance: the root mean square of :func:`spectrum_gap` over frequencies, in dB.

    0 for equal spectra, no upper limit, **lower is better**; 3 dB is a factor of 2 in power at every frequency. Symmetric. Biased
    upwards at small n. All frequencies count alike, however little power they have, which is why it notices the fingerprints
    of upsampling that the eye overlooks. Blind to what :func:`power_spectra` is blind to.
    Source: Durall et al. 2020, arXiv:2003.01826, who train a classifier on the spectra.
    """
    return float(spectrum_gap(reference, images, batch).square().mean().sqrt())
