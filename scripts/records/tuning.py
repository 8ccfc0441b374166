"""A second stage for a generator that was trained to its end: a fresh critic, small steps, and the mean of before and after.

What ships has no critic, and a fresh one that does not know the images yet takes a generator away from what it has learned. So the
critic learns alone first, and then the generator takes steps far smaller than the critic's (two rates: Heusel et al. 2017,
arXiv:1706.08500). The two sets of weights stay near enough to each other for their mean to be a good generator, too; it is better
than either (Wortsman et al. 2022, arXiv:2203.05482, average what several tunings of one model have found).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from imggen_lib.configs import LOSSES, GanConfig
from imggen_lib.data import ImageSet
from imggen_lib.runs import Run, start
from imggen_lib.train.gan import train_gan
from imggen_lib.train.state import GanState, Record


@dataclass(frozen=True)
class Tuning:
    """The second stage. Images are those that the critic has seen; both rates fall in a straight line to a twentieth at the end."""

    images: int
    head_start: int = 256_000  # of them, for the critic alone; its rate falls from `head_lr` to three tenths of it meanwhile
    head_lr: float = 1e-3
    critic_lr: float = 3e-4
    lr: float = 1e-4  # of the generator
    warm_up: int = 20_000  # images over which it rises to that
    ema_half_life: float = 50_000
    share: float = 0.5  # of the tuned weights in the mean
    seed: int = 5

    def rates(self, images: int) -> tuple[float, float]:
        """Those of the generator and of the critic."""
        if images < self.head_start:
            return 0.0, self.head_lr * (1 - 0.7 * images / self.head_start)
        since = images - self.head_start
        left = 1 - 0.95 * min(1.0, since / (self.images - self.head_start))
        return self.lr * left * min(1.0, since / self.warm_up + 0.01), self.critic_lr * left


def set_rates(state: GanState, tuning: Tuning) -> None:
    """In place of one factor on both rates: each player's own."""
    for optimizer, rate in zip((state.generator_optimizer, state.critic_optimizer), tuning.rates(state.images), strict=True):
        for group in optimizer.param_groups:
            group["lr"] = rate


def records(run: Run, tuning: Tuning) -> Iterator[Record]:
    """Train `run`, which begins from a model, to the end of the second stage."""
    state, config = run.state, run.config
    assert isinstance(state, GanState) and isinstance(config, GanConfig)
    state.set_lr = lambda factor: set_rates(state, tuning)  # type: ignore[method-assign]
    options = config.options | {"ema_half_life": tuning.ema_half_life, "seed": tuning.seed, "lr_schedule": lambda images: 1.0}
    batches, loss = partial(run.data.batches, config.batch, seed=tuning.seed), LOSSES[config.loss]
    state.generator.requires_grad_(False)
    options["head_start"] = tuning.head_start + config.batch
    yield from train_gan(state, batches(images=tuning.head_start), loss, **options)
    state.generator.requires_grad_(True)
    options["head_start"] = 0
    yield from train_gan(state, batches(images=tuning.images, start=state.images), loss, **options)


def mean(one: Mapping[str, Tensor], other: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """Weights between those of two networks of one kind: ``(1 - share) * one + share * other``; counts are those of `other`."""
    return {k: torch.lerp(one[k].float(), v.float(), share) if v.is_floating_point() else v for k, v in other.items()}


def begun_from(model: str | Path, config: GanConfig, data: ImageSet, tuning: Tuning, device: str) -> Run:
    """The run of the second stage, before its first step."""
    return start(replace(config, begin_from=str(model), seed=tuning.seed, image_shape=data.image_shape), data, device)
