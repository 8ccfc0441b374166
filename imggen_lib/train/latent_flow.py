"""Codes of a VAE for a flow to learn (by :func:`~imggen_lib.train.flow.train_flow`), and two ways to one step."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from imggen_lib.checks import attribute, check_labels, real, whole
from imggen_lib.data import ImageSet
from imggen_lib.data.imageset import shares
from imggen_lib.losses.flow import logit_normal_times
from imggen_lib.losses.mean_flow import mean_flow_loss
from imggen_lib.machine import evaluating
from imggen_lib.models.latent_flow import LatentFlow
from imggen_lib.models.mean_flow import MeanFlow
from imggen_lib.models.vae import VAE
from imggen_lib.noise import generator_for
from imggen_lib.train.state import (
    FlowState,
    Record,
    Schedule,
    check_batch,
    check_finite,
    check_start,
    checked,
    constant,
    update_ema,
)

_NOISE = 14  # the stream of random numbers for codes, pairs and times; see noise.generator_for


class Codes(NamedTuple):
    """The posteriors of a set of images: means and log-variances, and the images' classes."""

    mu: Float[Tensor, "n z"]
    logvar: Float[Tensor, "n z"]
    labels: Int[Tensor, " n"]

    def draw(self, index: Int[Tensor, " b"], noise: torch.Generator, temperature: float = 1.0) -> Float[Tensor, "b z"]:
        r"""A code of each image at `index`: :math:`\mu + \tau \sigma \varepsilon`; :math:`\tau` = 1 is the posterior."""
        mu = self.mu[index]
        eps = torch.randn(mu.shape, generator=noise, device="cpu").to(mu)
        return mu + temperature * torch.exp(0.5 * self.logvar[index]) * eps


@torch.no_grad()
def encode(vae: VAE, images: ImageSet, batch: int = 500) -> Codes:
    """The posteriors of all images, grey as they are; of a VAE that knows classes, given the image's class.

    Raises ``ValueError`` for what is no VAE, for images of another shape than the VAE's, and for labels that it has no class for.
    """
    if not isinstance(vae, VAE):
        raise ValueError(f"codes are a VAE's; a {type(vae).__name__} has no encoder")
    if images.image_shape != vae.image_shape:
        raise ValueError(f"the VAE is for images of shape {vae.image_shape}, {images.name} has {images.image_shape}")
    parts, batch = [], whole(batch, "batch", 1)
    with evaluating(vae):
        for index in torch.arange(len(images), device=images.images.device).split(batch):
            x, y = images.batch(index)
            parts.append(vae.encode(x.to(vae.bias), y.to(vae.bias.device) if vae.classes else None))
    mu, logvar = (torch.cat(part) for part in zip(*parts, strict=True))
    return Codes(mu, logvar, images.labels.to(mu.device))


def code_batches(
    codes: Codes, model: LatentFlow, size: int, *, images: int, seed: int = 0, temperature: float = 1.0, start: int = 0,
    part: tuple[int, int] = (0, 1),
) -> Iterator[tuple[Tensor, Tensor]]:  # fmt: skip
    """Batches of ``(scaled codes, labels)`` from a shuffled, endless stream: a new draw of each code every time it comes.

    A run that stopped after `start` images goes on where it was. With ``part = (k, m)`` these are the k-th of m equal shares of
    the same batches, as :meth:`imggen_lib.data.ImageSet.batches` gives them.
    """
    mine, of = part
    size, temperature = whole(size, "the batch size", 1), real(temperature, "temperature", 0.0)
    if size % of:
        raise ValueError(f"the batch size must be a multiple of the {of} processes, got {size}")
    every = shares(len(codes.mu), size, images=images, seed=seed, start=start, device=codes.mu.device)
    for k, index in enumerate(every, start // size):
        drawn = model.scaled(codes.draw(index, generator_for(seed, _NOISE, k), temperature))
        rows = slice(mine * size // of, (mine + 1) * size // of)
        yield drawn[rows], codes.labels[index[rows]]


class Pairs(NamedTuple):
    """Noise, class, and where a flow takes it: ``(n, z), (n,), (n, z)``."""

    noise: Float[Tensor, "n z"]
    labels: Int[Tensor, " n"]
    ends: Float[Tensor, "n z"]


@torch.no_grad()
def flow_pairs(model: LatentFlow, n: int, *, seed: int = 0, batch: int = 1000) -> Pairs:
    """`n` pairs of a teacher, classes in turn; the ends are scaled codes, made with its own solver, steps and guidance."""
    n, batch, flow = whole(n, "n", 1), whole(batch, "batch", 1), attribute(model, "flow")
    noise = torch.randn(n, flow.latent_dim, generator=generator_for(seed, _NOISE, -1)).to(model.centre)
    labels = torch.arange(n, device=noise.device) % max(1, flow.classes)
    with evaluating(flow):
        ends = [flow(z, y if flow.classes else None) for z, y in zip(noise.split(batch), labels.split(batch), strict=True)]
    return Pairs(noise, labels, torch.cat(ends))


def train_on_pairs(
    state: FlowState, pairs: Pairs, *, images: int, batch: int = 256, ema_half_life: float = 50_000,
    lr_schedule: Schedule = constant, seed: int = 0,
) -> Iterator[Record]:  # fmt: skip
    r"""Teach one Euler step to go where a flow went in many: regression on its pairs; yield a record a step.

    .. math:: \min_v\; E\,\tfrac1d \left\lVert \varepsilon + v(\varepsilon, 0, c) - \Phi_c(\varepsilon) \right\rVert^2

    Unlike flow matching's, this loss can reach 0: each noise has one end. Source: Liu et al. 2023, arXiv:2209.03003, section 2.2
    (distillation).
    """
    model = state.model.train()
    check_batch(pairs.noise, model.image_shape)
    check_start(pairs.noise, next(model.parameters()))
    if model.classes:
        check_labels(pairs.labels, len(pairs.noise), model.classes)
    for index in shares(len(pairs.noise), batch, images=images, seed=seed, start=state.images):
        z, y = pairs.noise[index], pairs.labels[index]
        moved = z + model.net(z, torch.zeros_like(z[:, 0]), y if model.classes else None)
        yield _step(state, (moved - pairs.ends[index]).square().flatten(1).mean(1).mean(), len(z), ema_half_life, lr_schedule)


def train_mean_flow(
    state: FlowState, batches: Iterable[tuple[Tensor, Tensor]], *, instant: float = 0.5, ema_half_life: float = 50_000,
    lr_schedule: Schedule = constant, seed: int = 0,
) -> Iterator[Record]:  # fmt: skip
    """Teach the mean velocity over stretches of time, from data alone; yield a record a step.

    A share `instant` of each batch has stretches of no length, which is plain flow matching; the loss is
    :func:`~imggen_lib.losses.mean_flow.mean_flow_loss`, each row weighted by one over its own size as in the paper. Batches
    are looked at as by :func:`~imggen_lib.train.flow.train_flow`.
    """
    instant = real(instant, "the share of instants", 0.0, 1.0)
    model = state.model.train()
    if not isinstance(model, MeanFlow):
        raise ValueError(f"mean flow trains a MeanFlow, got a {type(model).__name__}")
    for x, y in checked(batches, model, classes=model.classes):
        noise = generator_for(seed, _NOISE, state.images, 1, device=x.device)
        times = torch.stack([logit_normal_times(len(x), noise), logit_normal_times(len(x), noise)]).sort(0).values
        plain = torch.rand(len(x), generator=noise, device=x.device) < instant
        t, until = times[0], torch.where(plain, times[0], times[1])
        eps = torch.randn(x.shape, generator=noise, device=x.device)
        each = mean_flow_loss(lambda at, t, y=y, until=until: model.net(at, t, y, until), x, eps, t, until)  # type: ignore[misc]
        loss = (each / (each.detach() + 1e-3)).mean()
        yield _step(state, loss, len(x), ema_half_life, lr_schedule) | {"error": each.detach().mean()}


def _step(state: FlowState, loss: Tensor, n: int, half_life: float, schedule: Schedule) -> Record:
    state.set_lr(schedule(state.images))
    state.optimizer.zero_grad()
    loss.backward()
    state.optimizer.step()
    update_ema(state.average, state.model, images=state.images, batch=n, half_life=half_life)
    state.images, state.steps = state.images + n, state.steps + 1
    return check_finite({"images": state.images, "loss": loss.detach()}, state.steps)
