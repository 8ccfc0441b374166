"""Images from a model: one seed an image, so that image 17 is the same in any batch and on any device."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imggen_lib.models.vae import VAE
from imggen_lib.noise import latents, slerp


def decode(model: nn.Module, z: Float[Tensor, "n d"], labels: Tensor | None = None, batch: int = 500) -> Float[Tensor, "n c h w"]:
    """Images in [-1, 1] for latents: the generator's output, or the mean of a VAE's p(x|z)."""
    if z.ndim != 2 or z.shape[1] != model.latent_dim:
        raise ValueError(f"this model takes latents of shape (n, {model.latent_dim}), got {tuple(z.shape)}")
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    out = []
    with torch.no_grad():
        for k in range(0, len(z), batch):
            part = z[k : k + batch].to(device)
            y = None if labels is None else labels[k : k + batch].to(device)
            out.append(model.images(model.decode(part, y)) if isinstance(model, VAE) else model(part, y))
    model.train(was_training)
    shape: tuple[int, ...] = model.image_shape  # type: ignore[assignment]
    return torch.cat(out) if out else torch.empty(0, *shape, device=device)


def sample(
    model: nn.Module, n: int | None = None, *, seed: int = 0, seeds: Sequence[int] | None = None, labels: Tensor | None = None
) -> Float[Tensor, "n c h w"]:
    """`n` images with the seeds ``seed, seed + 1, ...``, or one image for each of `seeds`; in [-1, 1], on the model's device.

    A class-conditional model goes through its classes in turn unless `labels` ``(n,)`` says otherwise.
    """
    if seeds is None:
        if n is None or n < 1:
            raise ValueError(f"at least one image must be asked for, got n = {n}")
        seeds = range(seed, seed + n)
    elif n is not None and n != len(seeds):
        raise ValueError(f"n = {n}, but there are {len(seeds)} seeds")
    classes: int = model.classes  # type: ignore[assignment]
    if labels is None and classes:
        labels = torch.arange(len(seeds)) % classes
    if labels is not None and classes == 0:
        raise ValueError("labels were given, but this model is not class-conditional")
    return decode(model, latents(seeds, model.latent_dim), labels)  # type: ignore[arg-type]


def interpolate(
    model: nn.Module, a: Float[Tensor, "n d"], b: Float[Tensor, "n d"], steps: int = 8, labels: Tensor | None = None
) -> Float[Tensor, "m c h w"]:
    """Images along the arc from each latent of `a` to that of `b`, both ends included, row by row: ``(n * steps, c, h, w)``."""
    if steps < 2:
        raise ValueError(f"an interpolation has at least its two ends: steps must be at least 2, got {steps}")
    path = torch.stack([slerp(a, b, k / (steps - 1)) for k in range(steps)], 1)  # (n, steps, d)
    repeated = None if labels is None else labels.repeat_interleave(steps)
    return decode(model, path.flatten(0, 1), repeated)
