"""Optimising the pixels themselves: no network is trained, the image is the parameter."""

from collections.abc import Callable, Iterator
from itertools import count

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.losses.image import content_error, gram, gram_loss, out_of_range
from imggen_lib.machine import full_precision
from imggen_lib.models.texture import Palette, RandomFilters
from imggen_lib.noise import generator_for
from imggen_lib.pyramid import gaussian_pyramid, grow
from imggen_lib.train.state import Record, check_finite

Image = Float[Tensor, "1 c h w"]
Objective = Callable[[Tensor], Tensor]  # an image (1, c, h, w) -> a number to minimise

_START = 7  # the stream of random numbers for first images; see noise.generator_for
_SCALE = 1000.0  # L-BFGS ignores curvature below 1e-10; the objectives here are numbers near 1


def optimise_pixels(image: Image, objective: Objective, *, images: int, history: int = 20) -> Iterator[Record]:
    """Minimise ``objective(image)`` over the pixels of `image`, in place, by L-BFGS; yield a record every ten updates.

    Progress counts in images that the objective has looked at (several for an update whose step length has to be searched for);
    the loop ends after the first record with at least `images` of them. A record holds ``images`` and, detached, ``loss``. Ten
    updates a record, since PyTorch's optimiser forgets its history when it makes one at a time.
    """
    if not image.is_floating_point() or images < 1:
        raise ValueError("the image must be of floats, and the objective must look at one image or more")
    pixels = image.requires_grad_(True)
    optimizer = torch.optim.LBFGS(
        [pixels], max_iter=10, history_size=history, line_search_fn="strong_wolfe", tolerance_grad=0, tolerance_change=0
    )
    seen, loss = 0, torch.zeros(())

    def closure() -> Tensor:
        nonlocal seen, loss
        seen += 1
        optimizer.zero_grad()
        with full_precision():  # a line search lives on exact slopes
            value = objective(pixels)
            (_SCALE * value).backward()
        loss = value.detach()
        return _SCALE * loss

    try:
        for step in count(1):
            optimizer.step(closure)
            check_finite({"images": seen, "loss": loss.cpu()}, step)  # L-BFGS has waited for the device: each one is looked at
            yield {"images": seen, "loss": loss}
            if seen >= images:
                break
    finally:
        image.requires_grad_(False)


def texture_objective(texture: Image, filters: RandomFilters, palette: Palette) -> Objective:
    """An objective for images in the palette's units: the Gram loss to `texture` (pixels), and a little to keep it in range."""
    targets = [gram(maps) for maps in filters(palette.units(texture))]

    def objective(y: Tensor) -> Tensor:
        loss = gram_loss([gram(maps) for maps in filters(y)], targets) + 0.1 * out_of_range(palette.pixels(y))
        return loss.sum()

    return objective


def synthesise(
    texture: Image,
    filters: RandomFilters,
    *,
    stages: int = 2,  # 1: at full size from the start; each further stage begins at half the size
    images: int = 120,  # that the objective looks at, a stage
    seed: int = 0,
) -> Iterator[Record]:
    """Make a new image with the Gram matrices of `texture`, coarse to fine, from noise; yield a record every ten updates.

    A record holds ``images`` (over all stages), ``loss`` and ``image`` ``(1, c, h, w)`` in [-1, 1], which grows from stage to
    stage. Method: Gatys et al. 2015, arXiv:1505.07376; random filters: Ustyuzhaninov et al. 2016, arXiv:1606.00021.
    """
    palette, seen = Palette.of(texture), 0
    sizes = gaussian_pyramid(texture, stages, wrap=True)
    noise = torch.randn(sizes[-1].shape, generator=generator_for(seed, _START), dtype=texture.dtype)
    y = 0.5 * noise.to(texture.device)
    for k, target in enumerate(reversed(sizes)):
        if k:
            y = grow(y, (target.shape[2], target.shape[3]), wrap=True)
        filters.adapt(palette.units(target))
        objective = texture_objective(target, filters, palette)
        for record in optimise_pixels(y, objective, images=images):
            shown = palette.pixels(y.detach()).clamp(-1, 1)
            yield {"images": seen + record["images"], "loss": record["loss"], "image": shown}
        seen += record["images"]


def style_objective(
    content: Image, style: Image, filters: RandomFilters, palette: Palette, *, weight: float, first: int = 2
) -> Objective:
    r"""Content of one image, statistics of another: an objective for images in the palette's units.

    .. math:: \frac1K \sum_k \frac{\lVert F_k - C_k \rVert^2}{\lVert C_k \rVert^2} + w \cdot \text{the style's texture objective}

    over the maps from position `first` of the list that `filters` returns (the finest ones are left to the style).
    Source: Gatys et al. 2016, arXiv:1508.06576.
    """
    kept = filters(palette.units(content))[first:]
    texture = texture_objective(style, filters, palette)

    def objective(y: Tensor) -> Tensor:
        return content_error(filters(y)[first:], kept).sum() + weight * texture(y)

    return objective


def restyle(
    content: Image, style: Image, filters: RandomFilters, *, weight: float, images: int = 100, first: int = 2
) -> Iterator[Record]:
    """Draw `content` with the statistics of `style`, starting from the content; yield a record every ten updates.

    The content counts by its brightness alone, drawn in the colours of the style: see :meth:`Palette.tinted`. Both are
    ``(1, 3, side, side)`` in [-1, 1]. A record holds ``images``, ``loss`` and ``image``, in [-1, 1].
    """
    palette = Palette.of(style)
    filters.adapt(palette.units(style))
    drawn = palette.tinted(content)
    objective = style_objective(drawn, style, filters, palette, weight=weight, first=first)
    y = palette.units(drawn)
    for record in optimise_pixels(y, objective, images=images):
        yield {**record, "image": palette.pixels(y.detach()).clamp(-1, 1)}
