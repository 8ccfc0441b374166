"""One case: what a reader of a report sees of an image that was scored."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.checks import check_images, check_values, whole
from imggen_lib.machine import evaluating
from imggen_lib.metrics.neighbours import nearest_neighbours
from imggen_lib.models.vae import VAE

NEAREST = 3


class Case(NamedTuple):
    """An image with its score, and what stands beside it. Higher scores are less usual."""

    index: int  # type: ignore[assignment]  # in the set that it is from
    image: Float[Tensor, "c h w"]  # in [-1, 1]
    truth: str  # the class that the data set says it is of
    score: float
    percentile: float  # the share of reference scores (validation normals) at or below this one, 0 to 100
    reconstruction: Float[Tensor, "c h w"]  # the model's, in [-1, 1]
    nearest: Float[Tensor, "k c h w"]  # the nearest normal training images in pixels, nearest first


def percentiles(reference: Float[Tensor, " m"], scores: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """The share of `reference` scores at or below each score, 0 to 100."""
    for name, values in (("reference scores", reference), ("scores", scores)):
        check_values(values, name)
    below = torch.searchsorted(reference.double().sort().values, scores.double().contiguous(), right=True)
    return 100 * below.double() / len(reference)


@torch.no_grad()
def reconstructions(model: VAE, images: Float[Tensor, "n c h w"], batch: int = 1000) -> Float[Tensor, "n c h w"]:
    """What the model makes of each image: the mean image at the mean of q(z|x), in [-1, 1]."""
    check_images(images)
    with evaluating(model):
        parts = [model.images(model.decode(model.encode(x)[0])) for x in images.split(whole(batch, "batch", 1))]
    return torch.cat(parts)


def cases(
    model: VAE,
    images: Float[Tensor, "n c h w"],
    truths: Sequence[str],
    score: Callable[[Float[Tensor, "n c h w"]], Float[Tensor, " n"]],
    normals: Float[Tensor, "m c h w"],
    reference: Float[Tensor, " r"],
    *,
    indices: Sequence[int] | None = None,
    nearest: int = NEAREST,
) -> list[Case]:
    """A :class:`Case` for each image.

    Args:
        model: A VAE of normal images, which reconstructs.
        images: ``(n, c, h, w)`` in [-1, 1].
        truths: The class of each, in words.
        score: From images to one number each; higher is less usual.
        normals: The training images, among which the nearest in pixels are looked for.
        reference: Scores of validation normals, for the percentile.
        indices: Of the images in the set that they are from; 0, 1, 2, ... by default.
    """
    check_images(images)
    check_images(normals, "normal training images")
    places = range(len(images)) if indices is None else indices
    if len(truths) != len(images) or len(places) != len(images):
        raise ValueError(f"{len(images)} images need a truth and an index each, got {len(truths)} and {len(places)}")
    k = whole(nearest, "the number of nearest images", 1)
    scores = score(images)
    shares, rebuilt = percentiles(reference, scores), reconstructions(model, images)
    near = nearest_neighbours(images.flatten(1), normals.flatten(1), k).indices
    return [
        Case(int(places[i]), images[i], truths[i], float(scores[i]), float(shares[i]), rebuilt[i], normals[near[i]])
        for i in range(len(images))
    ]
