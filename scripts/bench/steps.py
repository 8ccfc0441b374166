"""Steps on the way to the library's loop that leave the result as it is, each without and with it, in turns, alone in a process."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from bench import nets
from bench.apart import apart
from bench.curves import CONV, noise
from bench.lost import row
from bench.throughput import gan, padded, speed, vae
from imggen_lib.data import ImageSet
from imggen_lib.runs import start
from imggen_lib.train.gan import train_gan_simultaneous
from imggen_lib.train.state import GanState

Training = Iterator[int]


def in_two(critic: nn.Module, batch: int) -> None:
    """From now on real and generated images, which come as one batch of twice as many, go through `critic` one after the other."""
    whole = critic.forward

    def forward(x: Tensor, labels: Tensor | None = None) -> Tensor:
        return torch.cat([whole(part) for part in x.split(batch)]) if len(x) == 2 * batch else whole(x)

    critic.forward = forward  # type: ignore[method-assign]


def critic_twice(data: ImageSet, together: bool) -> Training:
    small = noise(2_000, 28)
    run = start(replace(CONV, image_shape=small.image_shape), small, "cpu")
    assert isinstance(run.state, GanState)
    if not together:
        in_two(run.state.critic, CONV.batch)
    return (record["images"] for record in run.records(2**40))


STEPS: dict[str, Callable[[ImageSet, bool], Training]] = {
    "book's GAN: real and generated images in one pass": critic_twice,
    "DCGAN 32x32: doubling and convolving as one": lambda d, on: gan(
        nets.DcganGenerator(fast=True, merge=on), nets.DcganCritic(), padded(d), 64
    ),
    "convolutional VAE: activations in place": lambda d, on: vae(nets.our_conv_vae(fast=on), d, 128, fast=True),
    "MLP GAN: the average of the weights at every fourth step": lambda d, on: gan(
        nets.MlpGenerator(), nets.MlpCritic(), d, 64, train_gan_simultaneous, ema_every=4 if on else 1
    ),
}
_running: dict[str, Training] = {}  # in a side's own process: its training


def begin(name: str, on: bool, data: ImageSet) -> None:
    _running["side"] = STEPS[name](data, on)


def go(seconds: float) -> float:
    return speed(_running["side"], seconds)


def measure(data: ImageSet, seconds: float) -> list[dict[str, Any]]:
    rows = []
    for name in STEPS:
        with apart(prepared="cpu") as without, apart(prepared="cpu") as with_it:
            for on, call in enumerate((without, with_it)):
                call(begin, name, bool(on), data)
            rows.append(row(name, partial(without, go), partial(with_it, go), seconds))
    return rows
