"""Copies of images moved by whole pixels: more of few, for a training on photographs."""

from collections.abc import Iterable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from imggen_lib.checks import tensor, whole
from imggen_lib.noise import generator_for

_STREAM = 32  # of random numbers for shifts; see noise.generator_for


def shifted(images: Float[Tensor, "n c h w"], most: int, generator: torch.Generator) -> Float[Tensor, "n c h w"]:
    """Each image moved by -`most` to `most` pixels down and to the right, all equally likely; the rim is repeated outwards."""
    most = whole(most, "the largest shift", 0)
    if tensor(images, "images").ndim != 4:
        raise ValueError(f"the images must have four dimensions (n, c, h, w), got the shape {tuple(images.shape)}")
    if most == 0:
        return images
    h, w = images.shape[2:]
    wide = pad(images, (most,) * 4, mode="replicate")
    moves = torch.randint(2 * most + 1, (len(images), 2), generator=generator).tolist()
    return torch.stack([image[:, down : down + h, right : right + w] for image, (down, right) in zip(wide, moves, strict=True)])


def shifted_batches(batches: Iterable[tuple[Tensor, Tensor]], most: int = 1, seed: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of ``(images, labels)`` with every image :func:`shifted`; batch k moves by random numbers of ``(seed, k)``."""
    for k, (images, labels) in enumerate(batches):
        yield shifted(images, most, generator_for(seed, _STREAM, k)), labels
