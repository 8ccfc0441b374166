r"""How far an image is from the very image it should be, pixel by pixel: for reconstructions, not for samples.

Every function compares image i with reference i, in [-1, 1], and returns one number per image, in float64 on the CPU. The order
is always **reference first**. Colour channels are measured apart and averaged. `batch` bounds the memory and changes numbers
by rounding only.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d

from imggen_lib.checks import batches, check_pair, whole

Images = Float[Tensor, "n c h w"]
PerImage = Float[Tensor, " n"]

RANGE = 2.0  # from the darkest to the brightest pixel, L in the papers
_WINDOW, _SIGMA = 11, 1.5  # pixels
_C1, _C2 = (0.01 * RANGE) ** 2, (0.03 * RANGE) ** 2
_SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # the published weights, finest scale first


@torch.no_grad()
def _each(measure: Callable[[Images, Images], PerImage], reference: Images, image: Images, batch: int, scales: int = 0) -> PerImage:
    check_pair(reference, image)
    _check_side(reference, scales)
    return torch.cat([measure(x, y).cpu() for x, y in batches(reference, image, batch=batch)])


def mse(reference: Images, image: Images, batch: int = 64) -> PerImage:
    r"""Mean squared error over pixels and channels.

    .. math:: \frac1{chw} \sum_{i} (x_i - y_i)^2

    From 0 for equal images to 4 (black for white), **lower is better**; a quarter of it is the error of pixels in [0, 1].
    Symmetric: which argument is the reference does not change the number. Blind to where an error is and what it looks like:
    noise, a blur and a change of brightness may cost the same, while a shift by one pixel, which nobody sees, costs much.
    """
    return _each(lambda x, y: (x - y).square().mean((1, 2, 3)), reference, image, batch)


def psnr(reference: Images, image: Images, batch: int = 64) -> PerImage:
    r"""Peak signal-to-noise ratio in dB, the mean squared error on a logarithmic scale.

    .. math:: 10 \log_{10} \frac{L^2}{\operatorname{MSE}(x, y)}, \qquad L = 2

    From 0 dB (black for white) to infinity for equal images, **higher is better**: 6 dB more is half the error of a pixel.
    The mean over images is not the PSNR of the mean error, and one equal pair makes it infinite. Symmetric; as blind as
    :func:`mse`, of which it is a function.
    """
    return 10 * torch.log10(RANGE**2 / mse(reference, image, batch))


def _local_means(x: Images) -> Float[Tensor, "n c h2 w2"]:
    """The Gaussian-weighted mean of each window that lies inside the image: ``(n, c, h - 10, w - 10)``."""
    at = torch.arange(_WINDOW, dtype=x.dtype, device=x.device) - _WINDOW // 2
    weights = torch.exp(-at.square() / (2 * _SIGMA**2))
    weights = weights / weights.sum()
    rows = conv2d(x.flatten(0, 1)[:, None], weights.view(1, 1, -1, 1))
    return conv2d(rows, weights.view(1, 1, 1, -1)).view(*x.shape[:2], x.shape[2] - _WINDOW + 1, x.shape[3] - _WINDOW + 1)


def _similarities(x: Images, y: Images) -> tuple[PerImage, PerImage]:
    """The mean over windows and channels of the whole similarity, and of its part without the brightness."""
    mx, my = _local_means(x), _local_means(y)
    varx, vary = _local_means(x * x) - mx * mx, _local_means(y * y) - my * my
    cov = _local_means(x * y) - mx * my
    structure = (2 * cov + _C2) / (varx + vary + _C2)
    brightness = (2 * mx * my + _C1) / (mx * mx + my * my + _C1)
    return (brightness * structure).mean((1, 2, 3)), structure.mean((1, 2, 3))


def ssim(reference: Images, image: Images, batch: int = 64) -> PerImage:
    r"""Structural similarity: do brightness, contrast and pattern agree, window by window?

    .. math:: \frac{(2\mu_x\mu_y + C_1)(2\sigma_{xy} + C_2)}{(\mu_x^2 + \mu_y^2 + C_1)(\sigma_x^2 + \sigma_y^2 + C_2)},
        \qquad C_1 = (0.01 L)^2,\; C_2 = (0.03 L)^2,\; L = 2

    averaged over all windows: 11 by 11 pixels with Gaussian weights (sigma 1.5 pixels), only those inside the image, as in the
    paper (libraries that mirror the border and keep it give other numbers). The paper's pixels are in [0, 255]; means of
    brightness in [-1, 1] have a sign, so the window is taken in [0, 2], where nothing but the unit differs from the paper.
    From -1 to 1 for equal images, **higher is better**. Symmetric. Needs sides of at least 11 pixels. Blind to small shifts of
    colour, strict about small shifts in place, and flat windows (the black around a digit) are all alike: many of them make any
    pair look similar, so only numbers of the same data compare. Source: Wang, Bovik, Sheikh and Simoncelli 2004.
    """
    return _each(lambda x, y: _similarities(x + 1, y + 1)[0], reference, image, batch, scales=1)


def ms_ssim(reference: Images, image: Images, scales: int = 5, batch: int = 64) -> PerImage:
    r"""Structural similarity on several scales, each half as wide as the last (means of 2 by 2 pixels).

    .. math:: s_M^{w_M} \prod_{j=1}^{M-1} c_j^{w_j}

    with :math:`c_j` the similarity on scale j without its factor for brightness, and :math:`s_M` the whole similarity on the
    coarsest; both averaged over windows and channels, and at least 0. The published weights :math:`w_j` are for five scales,
    which need 176 pixels a side; with fewer `scales` the first weights are used, divided by their sum, and the number compares
    only with itself: two scales fit 28 pixels, and one scale is :func:`ssim`, unless that is negative. From 0 to 1 for equal
    images, **higher is better**. Symmetric. Blind to what :func:`ssim` is, but milder towards fine noise.
    Source: Wang, Simoncelli and Bovik 2003.
    """
    scales = whole(scales, "scales")
    if not 1 <= scales <= len(_SCALES):
        raise ValueError(f"there are weights for 1 to {len(_SCALES)} scales, got scales = {scales}")
    total = sum(_SCALES[:scales]) if scales < len(_SCALES) else 1.0  # the published ones add up to 1.0001
    weights = [w / total for w in _SCALES[:scales]]

    def measure(x: Images, y: Images) -> PerImage:
        x, y, product = x + 1, y + 1, torch.ones(len(x), dtype=x.dtype, device=x.device)
        for j, weight in enumerate(weights):
            whole, structure = _similarities(x, y)
            product = product * (whole if j == scales - 1 else structure).clamp(min=0) ** weight
            x, y = avg_pool2d(x, 2), avg_pool2d(y, 2)
        return product

    return _each(measure, reference, image, batch, scales)


def _check_side(images: Tensor, scales: int) -> None:
    """Raises ``ValueError`` if a window does not fit on the coarsest of so many scales; no scale, no window."""
    side = min(images.shape[2:])
    if scales == 0 or side >= _WINDOW << (scales - 1):
        return
    fit = max((s for s in range(1, scales) if side >= _WINDOW << (s - 1)), default=0)
    way_out = f"this size allows scales={fit}" if fit else "enlarge the images, or use mse"
    number = "scale needs" if scales == 1 else "scales need"
    raise ValueError(f"{scales} {number} images of at least {_WINDOW << (scales - 1)} pixels a side, got {side}: {way_out}")
