"""Images from a model: one seed an image, so that image 17 is the same in any batch and on any device."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imggen_lib.checks import attribute, check_labels, real, tensor, whole
from imggen_lib.machine import evaluating
from imggen_lib.models.vae import VAE
from imggen_lib.noise import latents, slerp


def decode(model: nn.Module, z: Float[Tensor, "n d"], labels: Any = None, batch: int = 500) -> Float[Tensor, "n c h w"]:
    """Images in [-1, 1] for latents: the generator's output, or the mean of a VAE's p(x|z)."""
    dim, labels = attribute(model, "latent_dim"), _labels(model, labels, len(tensor(z, "latents")))
    if z.ndim != 2 or z.shape[1] != dim:
        raise ValueError(f"this model takes latents of shape (n, {dim}), got {tuple(z.shape)}")
    weight, step = next(model.parameters()), whole(batch, "batch", 1)
    out = []
    with torch.no_grad(), evaluating(model):
        for k in range(0, len(z), step):
            part = z[k : k + step].to(weight)
            y = None if labels is None else labels[k : k + step].to(weight.device)
            out.append(model.images(model.decode(part, y)) if isinstance(model, VAE) else model(part, y))
    return torch.cat(out) if out else weight.new_empty(0, *attribute(model, "image_shape"))


def _labels(model: nn.Module, labels: Any, n: int) -> Tensor | None:
    """Labels ``(n,)`` for a model with classes, from a tensor, an array, a list, or one number for all; None without classes."""
    classes: int = attribute(model, "classes")
    if labels is None:
        return None
    if not classes:
        raise ValueError("labels were given, but this model is not class-conditional")
    if getattr(labels, "ndim", None) == 0 or isinstance(labels, int | float):
        labels = [whole(labels, "a label")] * n
    return check_labels(labels, n, classes)


def sample(
    model: nn.Module,
    n: int | None = None,
    *,
    seed: int = 0,
    seeds: Sequence[int] | None = None,
    labels: Any = None,
    truncation: float = 1.0,
) -> Float[Tensor, "n c h w"]:
    """`n` images with the seeds ``seed, seed + 1, ...``, or one image for each of `seeds`; in [-1, 1], on the model's device.

    A class-conditional model goes through its classes in turn unless `labels` says otherwise: ``(n,)``, or one number for all.
    `truncation`, above 0 and at most 1, shortens every latent in this proportion: images nearer to the usual ones, and less varied.
    """
    short = shortening(truncation)
    if seeds is None:
        if n is None or whole(n, "n") < 1:
            raise ValueError(f"at least one image must be asked for, got n = {n}")
        first = whole(seed, "the seed")
        seeds = range(first, first + whole(n, "n"))
    elif not hasattr(seeds, "__len__"):
        raise ValueError(f"seeds must be a sequence of whole numbers, got {seeds!r}")
    elif n is not None and n != len(seeds):
        raise ValueError(f"n = {n}, but there are {len(seeds)} seeds")
    classes: int = attribute(model, "classes")
    if labels is None and classes:
        labels = torch.arange(len(seeds)) % classes
    return decode(model, short * latents(seeds, attribute(model, "latent_dim")), labels)


def shortening(truncation: float) -> float:
    """The number, if it can be meant. Raises ``ValueError`` else."""
    value = real(truncation, "truncation")
    if not 0 < value <= 1:
        why = "at 0 all images are the same one" if value == 0 else "the model has learned no longer latents" if value > 1 else ""
        raise ValueError(f"truncation must be above 0 and at most 1, got {value:g}{': ' if why else ''}{why}")
    return value


def walk(
    model: nn.Module, seeds: Sequence[int], steps: int = 12, *, label: int | None = None, truncation: float = 1.0
) -> Float[Tensor, "m c h w"]:
    """Frames of a closed walk from seed to seed along arcs (:func:`~imggen_lib.noise.slerp`), `steps` from each to the next.

    ``(len(seeds) * steps, c, h, w)``; the frame after the last is the first. A model with classes keeps to the class `label`.
    """
    if len(seeds) < 2:
        raise ValueError(f"a walk goes between at least two seeds, got {len(seeds)}")
    steps = whole(steps, "steps", 1)
    if attribute(model, "classes") and label is None:
        raise ValueError("this model is class-conditional, and a walk keeps to one class: choose it")
    ends = shortening(truncation) * latents(seeds, attribute(model, "latent_dim"))
    path = torch.stack([slerp(ends, ends.roll(-1, 0), k / steps) for k in range(steps)], 1)
    return decode(model, path.flatten(0, 1), label)


def interpolate(
    model: nn.Module, a: Float[Tensor, "n d"], b: Float[Tensor, "n d"], steps: int = 8, labels: Any = None
) -> Float[Tensor, "m c h w"]:
    """Images along the arc from each latent of `a` to that of `b`, both ends included, row by row: ``(n * steps, c, h, w)``."""
    if (steps := whole(steps, "steps")) < 2:
        raise ValueError(f"an interpolation has at least its two ends: steps must be at least 2, got {steps}")
    a, b = tensor(a, "latents"), tensor(b, "latents")
    path = torch.stack([slerp(a, b, k / (steps - 1)) for k in range(steps)], 1)  # (n, steps, d)
    one_each = _labels(model, labels, len(a))
    return decode(model, path.flatten(0, 1), None if one_each is None else one_each.repeat_interleave(steps))
