r"""Image pyramids: the same image at every scale, and the detail that each scale adds.

Source: Burt and Adelson 1983, "The Laplacian pyramid as a compact image code".
"""

from functools import lru_cache
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

Images = Float[Tensor, "n c h w"]


@lru_cache(maxsize=64)
def _weights(side: int, wrap: bool, dtype: torch.dtype, device: torch.device) -> Float[Tensor, "{side} {side}"]:
    """The matrix that blurs a column of `side` pixels: the images here are small, so that two products beat a convolution."""
    if side < 3:
        raise ValueError(f"an image must have sides of at least 3 pixels to be blurred, got {side}")
    matrix = torch.zeros(side, side, dtype=dtype, device=device)
    rows = torch.arange(side, device=device)
    for offset, weight in zip(range(-2, 3), (1, 4, 6, 4, 1), strict=True):
        at = rows + offset
        at = at % side if wrap else side - 1 - (side - 1 - at.abs()).abs()  # mirrored at both ends
        matrix.index_put_((rows, at), torch.tensor(weight / 16, dtype=dtype, device=device), accumulate=True)
    return matrix


def _matrices(x: Tensor, size: tuple[int, int], wrap: bool) -> tuple[Tensor, Tensor]:
    return _weights(size[0], wrap, x.dtype, x.device), _weights(size[1], wrap, x.dtype, x.device)


def blur(x: Images, wrap: bool = False) -> Images:
    r"""Weighted mean over 5 by 5 pixels with the binomial weights :math:`\frac1{16}(1, 4, 6, 4, 1)` in each direction.

    At the border the image is mirrored, or goes on at the other side (`wrap`). Raises ``ValueError`` for sides below 3 pixels.
    """
    down, across = _matrices(x, (x.shape[2], x.shape[3]), wrap)
    return down @ x @ across.T


def shrink(x: Images, wrap: bool = False) -> Float[Tensor, "n c h2 w2"]:
    """Half the side: blur, then every second row and column (rounded up)."""
    down, across = _matrices(x, (x.shape[2], x.shape[3]), wrap)
    return down[::2] @ x @ across[::2].T


def grow(x: Images, size: tuple[int, int], wrap: bool = False) -> Float[Tensor, "n c h2 w2"]:
    """Twice the side (`size` says which of the two possible): zeros between the pixels, then a blur that fills them in."""
    if tuple((side + 1) // 2 for side in size) != tuple(x.shape[2:]):
        raise ValueError(f"an image of {tuple(x.shape[2:])} does not grow to {tuple(size)}: that shrinks to another size")
    down, across = _matrices(x, size, wrap)
    return (2 * down[:, ::2]) @ x @ (2 * across[:, ::2]).T


def gaussian_pyramid(x: Images, levels: int, wrap: bool = False) -> list[Tensor]:
    """The image at `levels` scales, each half as wide as the last; the first is `x` itself."""
    if levels < 1:
        raise ValueError(f"a pyramid has at least one level, got {levels}")
    out = [x]
    for _ in range(levels - 1):
        out.append(shrink(out[-1], wrap))
    return out


def laplacian_pyramid(x: Images, levels: int, wrap: bool = False) -> list[Tensor]:
    r"""The detail of each scale, finest first, and at last the image at the coarsest scale.

    .. math:: L_j = G_j - \operatorname{grow}(G_{j+1}), \qquad L_{J} = G_{J}

    with the Gaussian pyramid :math:`G_0 = x, \dots, G_J`, where J + 1 is `levels`. Linear in `x`.
    """
    images = gaussian_pyramid(x, levels, wrap)
    detail = [a - grow(b, (a.shape[2], a.shape[3]), wrap) for a, b in pairwise(images)]
    return [*detail, images[-1]]


def collapse(pyramid: list[Tensor], wrap: bool = False) -> Images:
    """The image that has this Laplacian pyramid: exact, whatever the blur."""
    if not pyramid:
        raise ValueError("an empty pyramid has no image")
    x = pyramid[-1]
    for detail in reversed(pyramid[:-1]):
        x = detail + grow(x, (detail.shape[2], detail.shape[3]), wrap)
    return x
