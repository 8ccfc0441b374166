"""What a training run carries along: networks, optimisers, images seen; and the rules that depend on images seen alone."""

import copy
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from imggen_lib.checks import attribute, check_images, check_labels, tensor
from imggen_lib.errors import TrainingDiverged
from imggen_lib.models.flow import Flow
from imggen_lib.models.latent_flow import LatentFlow
from imggen_lib.models.vae import VAE

Record = dict[str, Any]  # "images": int; every other value a detached tensor of no dimensions
Schedule = Callable[[int], float]  # images seen -> factor


def adam(params: Iterable[nn.Parameter], lr: float, betas: tuple[float, float]) -> torch.optim.Adam:
    """Adam, with one fused kernel an update (three times faster than the default on small nets)."""
    return torch.optim.Adam(params, lr=lr, betas=betas, fused=True)


@dataclass
class GanState:
    """A GAN in training. ``ema`` is the generator to sample from: a running average of the generator's weights."""

    generator: nn.Module
    critic: nn.Module
    ema: nn.Module
    generator_optimizer: torch.optim.Adam
    critic_optimizer: torch.optim.Adam
    images: int = 0  # real images seen by the critic
    steps: int = 0  # critic updates
    generator_loss: Tensor = field(default_factory=lambda: torch.zeros(()))  # the latest
    p: float = 0.0  # of augmentation that adapts (train.augment.Adaptive)
    surety: Tensor = field(default_factory=lambda: torch.zeros(()))  # of the critic, since p was last looked at

    @classmethod
    def create(
        cls, generator: nn.Module, critic: nn.Module, *, lr: float = 2e-3, betas: tuple[float, float] = (0.0, 0.99)
    ) -> "GanState":
        """A fresh state around two networks; `lr` and `betas` are Adam's, for both."""
        ema = copy.deepcopy(generator).eval().requires_grad_(False)
        optimizers = adam(generator.parameters(), lr, betas), adam(critic.parameters(), lr, betas)
        zeros = (torch.zeros((), device=next(critic.parameters()).device) for _ in range(2))
        return cls(generator, critic, ema, *optimizers, generator_loss=next(zeros), surety=next(zeros))

    def modules(self) -> dict[str, nn.Module]:
        return {"generator": self.generator, "critic": self.critic, "ema": self.ema}

    def optimizers(self) -> dict[str, torch.optim.Adam]:
        return {"generator": self.generator_optimizer, "critic": self.critic_optimizer}

    def set_lr(self, factor: float) -> None:
        """Set both learning rates to `factor` times the first ones."""
        for optimizer in self.optimizers().values():
            set_lr(optimizer, factor)


@dataclass
class VaeState:
    """A VAE in training: one network, one optimiser."""

    model: VAE
    optimizer: torch.optim.Adam
    images: int = 0
    steps: int = 0

    @classmethod
    def create(cls, model: VAE, *, lr: float = 1.5e-3, betas: tuple[float, float] = (0.9, 0.999)) -> "VaeState":
        """A fresh state around a model; `lr` and `betas` are Adam's."""
        return cls(model, adam(model.parameters(), lr, betas))

    def modules(self) -> dict[str, nn.Module]:
        return {"model": self.model}

    def optimizers(self) -> dict[str, torch.optim.Adam]:
        return {"model": self.optimizer}


@dataclass
class FlowState:
    """A flow in training. ``ema`` is the one to sample with: a running average of the weights.

    For a flow of a VAE's codes, ``model`` is the flow, and ``ema`` its average with the VAE's decoder behind it.
    """

    model: Flow
    ema: Flow | LatentFlow
    optimizer: torch.optim.Adam
    images: int = 0
    steps: int = 0

    @classmethod
    def create(cls, model: Flow, *, lr: float = 2e-3, betas: tuple[float, float] = (0.9, 0.99)) -> "FlowState":
        """A fresh state around a model; `lr` and `betas` are Adam's."""
        ema = copy.deepcopy(model).eval().requires_grad_(False)
        return cls(model, ema, adam(model.parameters(), lr, betas))

    @property
    def average(self) -> Flow:
        """The running average of ``model``."""
        return self.ema.flow if isinstance(self.ema, LatentFlow) else self.ema

    def modules(self) -> dict[str, nn.Module]:
        return {"model": self.model, "ema": self.ema}

    def optimizers(self) -> dict[str, torch.optim.Adam]:
        return {"model": self.optimizer}

    def set_lr(self, factor: float) -> None:
        """Set the learning rate to `factor` times the first one."""
        set_lr(self.optimizer, factor)


@torch.no_grad()
def update_ema(ema: nn.Module, model: nn.Module, *, images: int, batch: int, half_life: float) -> None:
    """Move the average towards the model: a weight `half_life` images ago counts half as much as today's.

    Early on the half-life is at most a twentieth of the images seen, so that the random start is forgotten
    (Karras et al. 2020, arXiv:2006.06676, use the same ramp). Floating-point buffers (BatchNorm's statistics) are averaged too.
    """
    half_life = min(half_life, max(images, 1) / 20)
    weight = 1 - 0.5 ** (batch / max(half_life, 1e-8))
    mine, theirs = ([*net.parameters(), *net.buffers()] for net in (ema, model))
    floats = [k for k, x in enumerate(mine) if x.is_floating_point()]
    torch._foreach_lerp_([mine[k] for k in floats], [theirs[k] for k in floats], weight)
    for k in set(range(len(mine))) - set(floats):
        mine[k].copy_(theirs[k])


def cosine(total: int, *, warmup: int = 0, floor: float = 0.02) -> Schedule:
    """A factor on the learning rate: linear from 0 to 1 over `warmup` images, then half a cosine down to `floor` at `total`."""
    if not 0 <= warmup < total:
        raise ValueError(f"need 0 <= warmup < total images, got warmup {warmup} and total {total}")

    def factor(images: int) -> float:
        if images < warmup:
            return max(images, 1) / warmup
        t = min(1.0, (images - warmup) / (total - warmup))
        return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * t))

    return factor


def cosine_or_constant(total: int, batch: int) -> Schedule:
    """:func:`cosine` over `total` images after a warm-up of 200 batches, or a tenth where that is less; constant where it is 0."""
    return cosine(total, warmup=min(200 * batch, total // 10)) if total else constant


def falling(start: int, end: int, *, floor: float = 0.02) -> Schedule:
    """A factor on the learning rate: 1 until `start` images, then in a straight line down to `floor` at `end`, where it stays."""
    if not 0 <= start < end:
        raise ValueError(f"need 0 <= start < end images, got start {start} and end {end}")

    def factor(images: int) -> float:
        return 1 - (1 - floor) * min(1.0, max(0, images - start) / (end - start))

    return factor


def warm_up(end: float, images: int) -> Schedule:
    """A weight that rises linearly from 0 to `end` over the first `images` images seen, then stays; for beta, among others.

    Source: Bowman et al. 2016, arXiv:1511.06349; linear over the first epochs in Sonderby et al. 2016, arXiv:1602.02282.
    """
    if images < 1 or not (math.isfinite(end) and end >= 0):
        raise ValueError(f"a warm-up goes to a finite number >= 0 in at least one image, got {end} in {images}")

    def weight(seen: int) -> float:
        return end * min(1.0, seen / images)

    return weight


def constant(images: int) -> float:
    """The factor 1."""
    return 1.0


def set_lr(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Set the learning rate to `factor` times the one that the optimiser was made with."""
    for group in optimizer.param_groups:
        group["lr"] = group.setdefault("initial_lr", group["lr"]) * factor


def check_finite(record: Record, step: int) -> Record:
    """The record as it is. Raises :class:`TrainingDiverged` for a term that is NaN or infinite, naming it and the images seen.

    On a GPU, looking at a number waits for it, so there only every 64th record is looked at.
    """
    for name, value in record.items():
        if isinstance(value, Tensor):
            if value.device.type != "cpu" and step % 64:
                return record
            if not math.isfinite(value.item()):
                raise TrainingDiverged(
                    f"the term {name!r} is {value.item()} after {record['images']:,} images; "
                    "try a smaller learning rate or a stronger penalty, and check the images for NaN"
                )
    return record


def check_batch(x: Any, image_shape: tuple[int, ...]) -> None:
    """Raise ``ValueError`` unless a batch is float ``(n, c, h, w)`` of the model's image shape; of a flow of codes, ``(n, d)``."""
    tensor(x, "batch")
    if tuple(x.shape[1:]) != tuple(image_shape) or not x.is_floating_point():
        raise ValueError(
            f"this model takes float images of shape (n, {', '.join(map(str, image_shape))}), "
            f"the batch is {x.dtype} of shape {tuple(x.shape)}"
        )


def checked(batches: Iterable[tuple[Tensor, Tensor]], net: nn.Module, *, classes: int) -> Iterator[tuple[Tensor, Any]]:
    """The batches in the type of the network that sees them, with labels from 0 to ``classes - 1``; None if there are no classes.

    Raises ``ValueError``, before the first step, for images of another shape or range or on another device, for wrong labels,
    and where PyTorch keeps no gradients or rounds losses (``no_grad``, ``autocast``). The range of the images is looked at in the
    first batch only.
    """
    wanted = tuple(attribute(net, "image_shape"))
    weight = next(net.parameters())
    for step, (x, labels) in enumerate(batches):
        check_batch(x, wanted)
        if step == 0:
            check_start(x, weight)
        look = step == 0 or x.device.type == "cpu"
        yield x.to(weight.dtype), check_labels(labels, len(x), classes, look=look).to(x.device) if classes else None


def check_start(x: Tensor, weight: Tensor) -> None:
    """Raise ``ValueError`` where no training can start from a batch: without gradients, under ``autocast``, on another device."""
    if not torch.is_grad_enabled():
        raise ValueError("training needs gradients; it cannot run inside torch.no_grad() or torch.inference_mode()")
    if torch.is_autocast_enabled(x.device.type):
        raise ValueError("torch.autocast around a training would round its losses; Run.in_bfloat16() rounds products alone")
    if x.device != weight.device:
        raise ValueError(f"the images are on {x.device}, the network is on {weight.device}")
    if x.ndim == 4:  # codes have no range
        check_images(x, "images of the first batch")
