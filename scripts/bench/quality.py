"""Seconds of training to a stated quality, ours beside the peers' recipes, one after the other on one machine, each in a process.

The clock of either side runs while it trains and stands while it is measured. Ours are the library's default recipes. Of the VAE
only the size of z is the peer's (20, not 50), and its schedule ends with the budget, as any training's schedule does.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from bench import nets, peers
from bench.apart import apart
from bench.throughput import grey_pixels
from imggen_lib.configs import GanConfig, VaeConfig
from imggen_lib.data import ImageSet, load
from imggen_lib.losses.vae import bernoulli_log_prob, standard_normal_kl
from imggen_lib.metrics.distribution import Statistics, features, frechet_distance, statistics
from imggen_lib.protocol import feature_network
from imggen_lib.runs import start
from imggen_lib.sampling import sample
from imggen_lib.train.state import VaeState

SAMPLES = 10_000
EVERY = 20_000  # images of ours between two looks at its samples


class Side(NamedTuple):
    """What one side needed, and where it got."""

    seconds: float
    value: float  # lower is better
    images: int


def trained_for(images_seen: Iterator[int], done: Callable[[int, float], bool]) -> tuple[int, float]:
    """Train until `done(images, seconds)`; images and seconds. What `done` takes does not count."""
    seconds, began = 0.0, time.perf_counter()
    for images in images_seen:
        seconds += time.perf_counter() - began
        if done(images, seconds):
            return images, seconds
        began = time.perf_counter()
    raise RuntimeError("the training ended before it was done")


@torch.no_grad()
def grey_objective(parts: Callable[[Tensor], tuple[Tensor, Tensor, Tensor]], images: Tensor) -> float:
    """pytorch/examples' objective: cross-entropy of grey pixels in nats plus the KL term, the mean over images.

    A Bernoulli variable is 0 or 1, so with grey pixels this is *not* minus a log-likelihood; it is what that program prints.
    `parts` maps images in [0, 1] to logits, mu and logvar, with one draw of z.
    """
    total = 0.0
    for x in images.split(1000):
        logits, mu, logvar = parts(x)
        total += (standard_normal_kl(mu, logvar) - bernoulli_log_prob(x, logits.view_as(x))).double().sum().item()
    return total / len(images)


def _their_parts(model: nets.Vae) -> Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]:
    def parts(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        decoded, mu, logvar = model(x)
        return torch.logit(decoded.double().clamp(1e-38, 1 - 1e-16)).float(), mu, logvar

    return parts


def _our_parts(model: Any) -> Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]:
    def parts(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        out = model(x * 2 - 1, None, torch.randn(len(x), model.latent_dim))
        return out.decoded, out.mu, out.logvar

    return parts


def their_vae(data: ImageSet, epochs: int) -> Side:
    """pytorch/examples' program: so many passes over the images."""
    torch.manual_seed(0)
    model = nets.Vae()
    loop = peers.vae_loop(model, data.images[:, 0].numpy(), "cpu")
    seen, seconds = trained_for(loop, lambda images, _: images >= epochs * len(data))
    return Side(seconds, grey_objective(_their_parts(model.eval()), unit_test_images(data)), seen)


def our_vae(data: ImageSet, budget: int) -> Side:
    """The library's fully connected VAE, with a cosine schedule over `budget` images, on grey pixels as the peer's program."""
    run = start(VaeConfig(image_shape=data.image_shape, net="mlp", latent_dim=20, schedule_images=budget), data, "cpu")
    assert isinstance(run.state, VaeState)
    with grey_pixels():
        seen, seconds = trained_for((r["images"] for r in run.records(budget)), lambda images, _: images >= budget)
    return Side(seconds, grey_objective(_our_parts(run.state.model.eval()), unit_test_images(data)), seen)


def unit_test_images(data: ImageSet) -> Tensor:
    return load(data.name, "test").floats() / 2 + 0.5


def _row(work: str, target: str, peer: str, theirs: Side, ours: Side, wanted: float) -> dict[str, Any]:
    """What the record keeps: both sides, whether ours got as far (lower is better), and how many times sooner."""
    row: dict[str, Any] = {"work": work, "target": target, "peer": peer}
    for who, side in (("their", theirs), ("our", ours)):
        row |= {f"{who}_seconds": round(side.seconds, 1), f"{who}_value": round(side.value, 2), f"{who}_images": side.images}
    return row | {"reached": ours.value <= theirs.value, "ratio": round(theirs.seconds / ours.seconds, 2), "wanted": wanted}


def vae(data: ImageSet, epochs: int = 10, budget: int = 130_000) -> dict[str, Any]:
    """Theirs: ten epochs. Ours: a fixed budget; is its objective as low?

    Both see grey pixels, as the peer's program does; everywhere else in the book ours sees binary pixels, drawn anew each time.
    """
    with apart() as call:
        theirs = call(their_vae, data, epochs)
    with apart() as call:
        ours = call(our_vae, data, budget)
    target = f"cross-entropy of grey pixels + KL on the test set, at most that of the peer after {epochs} epochs"
    return _row("VAE, fully connected", target, "pytorch/examples vae (stand-in)", theirs, ours, 6.0)


def _fitted(images: Tensor) -> Tensor:
    """28x28 images in [-1, 1] to 32x32 and back, as the peer's samples have been through half of that."""
    large = nn.functional.interpolate(images, size=32, mode="bilinear", antialias=True)
    return nn.functional.interpolate(large, size=28, mode="bilinear", antialias=True)


def _their_samples(generator: nn.Module) -> Tensor:
    generator.eval()
    noise = torch.Generator().manual_seed(0)
    with torch.no_grad():
        made = [generator(torch.randn(500, 100, generator=noise)) for _ in range(SAMPLES // 500)]
    generator.train()
    return nn.functional.interpolate(torch.cat(made), size=28, mode="bilinear", antialias=True)


def their_gan(data: ImageSet, minutes: float) -> Side:
    """PyTorch-GAN's DCGAN for so many minutes.

    It paints 32x32: its samples are made smaller, and compared with test images that were made larger and smaller again.
    """
    torch.manual_seed(0)
    generator, critic = peers.dcgan()
    loop = peers.gan_loop(generator, critic, 32, data.images[:, 0].numpy(), "cpu")
    seen, seconds = trained_for(loop, lambda _, passed: passed >= 60 * minutes)
    net, test = feature_network(data.name), load(data.name, "test").floats()
    made = statistics(features(net, _their_samples(generator)))
    return Side(seconds, frechet_distance(statistics(features(net, _fitted(test))), made), seen)


def our_gan(data: ImageSet, target: float, limit: int) -> tuple[Side, list[tuple[int, float]]]:
    """The book's convolutional GAN until its Frechet distance is `target`; and all looks.

    It is looked at after every :data:`EVERY` images; the looks are not part of the time. It has seen `limit` images at most.
    """
    net = feature_network(data.name)
    real: Statistics = statistics(features(net, load(data.name, "test").floats()))
    run = start(replace(GanConfig(), image_shape=data.image_shape), data, "cpu")
    looks: list[tuple[int, float]] = []

    def done(images: int, seconds: float) -> bool:
        if images < EVERY * (len(looks) + 1):
            return False
        made = sample(run.state.ema, SAMPLES, seed=0)  # type: ignore[union-attr]
        looks.append((images, round(frechet_distance(real, statistics(features(net, made))), 2)))
        return looks[-1][1] <= target or images >= limit

    seen, seconds = trained_for((r["images"] for r in run.records(2**40)), done)
    return Side(seconds, looks[-1][1], seen), looks


def gan(data: ImageSet, minutes: float = 10.0, limit: int = 4_000_000) -> dict[str, Any]:
    """Theirs: so many minutes. Ours: as long as it takes to have their Frechet distance."""
    with apart() as call:
        theirs = call(their_gan, data, minutes)
    with apart() as call:
        ours, looks = call(our_gan, data, round(theirs.value, 2), limit)
    target = f"Frechet distance over mnist-features, {SAMPLES:,} samples, at most that of the peer after {minutes:g} minutes"
    return _row("GAN, convolutional", target, "PyTorch-GAN dcgan.py (stand-in)", theirs, ours, 8.0) | {"looks": looks}


def measure(data: ImageSet, minutes: float) -> list[dict[str, Any]]:
    return [vae(data), gan(data, minutes)]
