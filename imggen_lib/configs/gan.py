"""What a GAN's run is."""

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar

import torch
from torch import nn

from imggen_lib import own
from imggen_lib.entries import Config, Options, Thing, at_least_one, nameless
from imggen_lib.errors import unknown_name
from imggen_lib.losses import gan as gan_losses
from imggen_lib.losses.gan import GanLoss
from imggen_lib.machine import channels_last_pays
from imggen_lib.models.gan import ConvCritic, ConvGenerator, MLPDiscriminator, MLPGenerator
from imggen_lib.train.augment import Adaptive, diff_augment
from imggen_lib.train.state import GanState, Schedule, constant, falling

LOSSES = {loss.name: loss for loss in gan_losses.ALL}
AUGMENTATIONS = ("diff", "ada")


@dataclass(frozen=True)
class GanConfig(Config):
    """A GAN: the defaults are the recipe that the book recommends."""

    KIND: ClassVar[str] = "gan"

    loss: Thing = "relativistic"  # or a GanLoss of one's own, or its name
    r1: float = 0.5
    r2: float = 0.0
    gp: float = 0.0
    penalty_every: int = 4
    critic_steps: int = 1
    beta1: float = 0.0
    beta2: float = 0.99
    ema_half_life: float = 40_000.0
    decay_start: int = 0  # images between which the learning rates fall to a fiftieth
    decay_end: int = 0  # 0: they stay as they are
    head_start: int = 0  # images that the critic sees before the generator begins to learn
    simultaneous: bool = False  # both players move at once instead of in turns
    augment: str = ""  # diff: colours, shifts and cut-outs of what the critic sees; ada: as often as it needs (train.augment)
    augment_p: float = 0.4  # the probability of each; of ada, the most that it may become
    augment_target: float = Adaptive.target  # ada: how sure the critic should be of real images, 0 to 1
    augment_images: int = Adaptive.images  # ada: in which the probability can go from 0 to 1
    generator: Thing = ""  # one's own: a class or function of (image_shape, latent_dim, classes, **options), or its name
    generator_options: Options = field(default_factory=dict, hash=False)
    critic: Thing = ""  # of (image_shape, classes, **options)
    critic_options: Options = field(default_factory=dict, hash=False)
    loss_options: Options = field(default_factory=dict, hash=False)  # for a loss of one's own that a function makes

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.loss not in LOSSES and "loss" not in self.own:
            raise ValueError(unknown_name("loss", str(self.loss), LOSSES))
        nameless("generator", self.generator, self.generator_options)
        nameless("critic", self.critic, self.critic_options)
        nameless("loss", self.own.get("loss", ""), self.loss_options)
        if self.augment and self.augment not in AUGMENTATIONS:
            raise ValueError(unknown_name("augmentation", self.augment, AUGMENTATIONS))
        if not 0 < self.augment_p <= 1:
            raise ValueError(f"augment-p must lie above 0 and at most at 1, got {self.augment_p}")
        if not 0 < self.augment_target < 1 or self.augment_images < 1:
            told = f"got {self.augment_target} and {self.augment_images}"
            raise ValueError(f"augment-target must lie between 0 and 1, and augment-images be a number of images, {told}")
        for name in ("r1", "r2", "gp"):
            if getattr(self, name) < 0:
                raise ValueError(f"the weight {name} must not be negative, got {getattr(self, name)}")
        at_least_one(self, "penalty_every", "critic_steps")
        for name in ("beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must lie from 0 to below 1, got {getattr(self, name)}")
        if self.ema_half_life <= 0:
            raise ValueError(f"ema-half-life must be a positive number of images, got {self.ema_half_life}")
        if self.simultaneous and not (self.loss_function.steep and self.critic_steps == 1 and self.head_start == 0):
            raise ValueError("simultaneous goes with one critic step, no head-start, and a loss whose slope never vanishes")
        if self.decay_start and not 0 < self.decay_start < self.decay_end:
            raise ValueError(f"the learning rates fall from decay-start to a later end, got {self.decay_start} to {self.decay_end}")

    @classmethod
    def article(cls, **changes: Any) -> "GanConfig":
        """The article's program: fully connected, Adam at 2e-4, binary cross-entropy (the non-saturating form)."""
        recipe = cls(net="mlp", loss="non-saturating", lr=2e-4, r1=0.0, penalty_every=1, beta1=0.9, beta2=0.999)
        return replace(recipe, **changes)

    @property
    def loss_function(self) -> GanLoss:
        return own.loss(self.own["loss"], self.loss_options) if "loss" in self.own else LOSSES[str(self.loss)]

    @property
    def architecture(self) -> dict[str, Any]:
        if "generator" not in self.own:
            return super().architecture | {"generator": ""}
        names = ("image_shape", "latent_dim", "classes", "generator", "generator_options")
        return {name: getattr(self, name) for name in names}

    @property
    def blocks(self) -> int:
        """Residual blocks a map."""
        return 1 if self.net == "res" else 0

    def build_generator(self) -> nn.Module:
        if "generator" in self.own:
            shapes = (self.image_shape, self.latent_dim, self.classes)
            return own.generator(self.own["generator"], self.generator_options, *shapes)
        if self.net == "mlp":
            return MLPGenerator(self.image_shape, self.latent_dim, self.hidden, self.classes)
        return ConvGenerator(self.image_shape, self.latent_dim, self.width, self.classes, self.blocks)

    def build_critic(self) -> nn.Module:
        if "critic" in self.own:
            return own.critic(self.own["critic"], self.critic_options, self.image_shape, self.classes)
        if self.net == "mlp":
            return MLPDiscriminator(self.image_shape, tuple(reversed(self.hidden)), self.classes)
        return ConvCritic(self.image_shape, max(1, self.width // 2), self.classes, self.blocks)

    def build(self) -> nn.Module:
        """The part that samples."""
        return self.build_generator()

    def state(self, device: str = "cpu") -> GanState:
        """A fresh state; reproducible if PyTorch's global generator is seeded first (see runs.start).

        Convolutions compute channels-last: the same numbers up to rounding, 0.92 to 1.25 times as fast on the CPUs tried.
        """
        nets = {"generator": self.build_generator().to(device), "critic": self.build_critic().to(device)}
        if self.net != "mlp" and channels_last_pays(device):  # one's own stay as they are: .view() may rely on it
            nets |= {k: net.to(memory_format=torch.channels_last) for k, net in nets.items() if k not in self.own}
        return GanState.create(**nets, lr=self.lr, betas=(self.beta1, self.beta2))

    @property
    def lr_schedule(self) -> Schedule:
        return falling(self.decay_start, self.decay_end) if self.decay_end else constant

    @property
    def options(self) -> dict[str, Any]:
        """The keyword arguments of :func:`imggen_lib.train.gan.train_gan`, or of :func:`train_gan_simultaneous` there."""
        names = ["r1", "r2", "gp", "penalty_every", "ema_half_life", "seed"]
        names += [] if self.simultaneous else ["critic_steps", "head_start"]
        more: dict[str, Any] = {"lr_schedule": self.lr_schedule}
        if self.augment == "diff":
            more["augment"] = partial(diff_augment, p=self.augment_p)
        if self.augment == "ada":
            more["augment"] = Adaptive(self.augment_target, self.augment_images, most=self.augment_p)
        return {name: getattr(self, name) for name in names} | more
