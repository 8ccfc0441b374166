"""What a run is, as plain data: it is built from the command line, stored in every checkpoint, and rebuilt from there.

This is the only place where strings stand for networks and losses. Inside the library, functions and modules are passed.
Those of one's own are named by module and name (:mod:`imggen_lib.own`); a class or a function that is given instead gets its name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial
from typing import Any, ClassVar

import torch
from torch import nn

from imggen_lib import own
from imggen_lib.entries import Config as Config
from imggen_lib.entries import Options, Thing, at_least_one, nameless
from imggen_lib.errors import CheckpointError, unknown_name
from imggen_lib.losses import gan as gan_losses
from imggen_lib.losses.gan import GanLoss
from imggen_lib.machine import channels_last_pays
from imggen_lib.models.features import FeatureNet
from imggen_lib.models.gan import ConvCritic, ConvGenerator, MLPDiscriminator, MLPGenerator
from imggen_lib.models.vae import LIKELIHOODS, MLPVAE, VAE, ConvVAE, ResVAE
from imggen_lib.train.augment import Adaptive, diff_augment
from imggen_lib.train.state import GanState, Schedule, VaeState, constant, cosine, falling, warm_up

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


@dataclass(frozen=True)
class VaeConfig(Config):
    """A VAE with a Bernoulli (or Gaussian, or discretised logistic) likelihood and a cosine learning rate."""

    KIND: ClassVar[str] = "vae"

    latent_dim: int = 16
    width: int = 32
    hidden: tuple[int, ...] = (512, 512)
    batch: int = 128
    lr: float = 1.5e-3
    likelihood: str = (
        ""  # bernoulli, gaussian, logistic, categorical; "" for bernoulli where images are grey, gaussian where they have colours
    )
    beta: float = 1.0
    schedule_images: int = 0  # length of the cosine; 0 for a constant rate
    free_bits: float = 0.0  # nats a latent dimension that cost nothing
    beta_warmup: int = 0  # images over which beta rises from 0; 0 for none
    draws: int = 1  # of z an image; several: the importance-weighted bound is maximised
    draws_start: int = 0  # images seen before which one draw is taken
    model: Thing = ""  # one's own: a class or function of (image_shape, latent_dim, classes, likelihood, **options), or its name
    model_options: Options = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        colours = self.image_shape[0] > 1
        if not self.likelihood:
            object.__setattr__(self, "likelihood", "gaussian" if colours else "bernoulli")
        if colours and self.likelihood == "bernoulli":
            raise ValueError("a Bernoulli pixel is black or white: images with colours need the likelihood gaussian or logistic")
        if self.likelihood not in LIKELIHOODS:
            raise ValueError(unknown_name("likelihood", self.likelihood, LIKELIHOODS))
        for name in ("beta", "free_bits", "beta_warmup"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name.replace('_', '-')} must not be negative, got {getattr(self, name)}")
        at_least_one(self, "draws")
        nameless("model", self.model, self.model_options)
        if self.draws > 1 and (self.beta != 1 or self.free_bits or self.beta_warmup):
            raise ValueError("several draws maximise the importance-weighted bound, which has neither beta nor free bits")

    @property
    def architecture(self) -> dict[str, Any]:
        if "model" not in self.own:
            return super().architecture | {"likelihood": self.likelihood, "model": ""}
        names = ("image_shape", "latent_dim", "classes", "likelihood", "model", "model_options")
        return {name: getattr(self, name) for name in names}

    def build(self) -> VAE:
        if "model" in self.own:
            shapes = (self.image_shape, self.latent_dim, self.classes, self.likelihood)
            return own.vae(self.own["model"], self.model_options, *shapes)
        rest: dict[str, Any] = {"classes": self.classes, "likelihood": self.likelihood}
        if self.net == "mlp":
            return MLPVAE(self.image_shape, self.latent_dim, self.hidden, **rest)
        net = {"conv": ConvVAE, "res": ResVAE}[self.net]
        return net(self.image_shape, self.latent_dim, self.width, **rest)

    def state(self, device: str = "cpu") -> VaeState:
        """A fresh state; residual networks compute channels-last: decoding 1.3 to 1.5 times as fast on a CPU."""
        model = self.build().to(device)
        lay_out = self.net == "res" and not self.own and channels_last_pays(device)
        return VaeState.create(model.to(memory_format=torch.channels_last) if lay_out else model, lr=self.lr)

    @property
    def lr_schedule(self) -> Schedule:
        total = self.schedule_images
        return cosine(total, warmup=min(200 * self.batch, total // 10)) if total else constant

    @property
    def options(self) -> dict[str, Any]:
        """The keyword arguments of :func:`imggen_lib.train.vae.train_vae`."""
        beta = warm_up(self.beta, self.beta_warmup) if self.beta_warmup else self.beta
        more = {"draws": self.draws, "draws_start": self.draws_start, "lr_schedule": self.lr_schedule, "seed": self.seed}
        return {"beta": beta, "free_bits": self.free_bits, **more}


@dataclass(frozen=True)
class FeatureConfig(Config):
    """The feature network that compares sets of images."""

    KIND: ClassVar[str] = "features"

    width: int = 32
    classes: int = 10

    def build(self) -> FeatureNet:
        return FeatureNet(self.image_shape, self.classes, self.width)


_KINDS: dict[str, type[Config]] = {"gan": GanConfig, "vae": VaeConfig, "features": FeatureConfig}


def from_json(values: Mapping[str, Any], allow: own.Allow = ()) -> Any:
    """The configuration that :meth:`Config.to_json` wrote. Unknown kinds and entries are errors.

    Networks and losses of one's own are imported from the modules in `allow` alone (:func:`imggen_lib.own.permitted`).
    """
    if not isinstance(values, Mapping):
        raise CheckpointError(f"a configuration is a table of entries, got a {type(values).__name__}")
    kind = values.get("kind", "")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise CheckpointError(unknown_name("kind of model", str(kind), _KINDS))
    cls = _KINDS[kind]
    entries: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k != "kind"}
    unknown = sorted(map(str, entries.keys() - {f.name for f in fields(cls)}))
    if unknown:
        raise CheckpointError(f"the configuration has unknown entries: {', '.join(unknown)}")
    for entry in fields(cls):
        if entry.type == Thing and ":" in str(name := entries.get(entry.name, "")):
            entries[entry.name] = own.permitted(str(name), allow)
    try:
        return cls(**entries)
    except ValueError as error:
        raise CheckpointError(f"the configuration cannot be used: {error}") from error
