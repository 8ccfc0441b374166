"""What a run is, as plain data: it is built from the command line, stored in every checkpoint, and rebuilt from there.

This is the only place where strings stand for networks and losses. Inside the library, functions and modules are passed.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar

import torch
from torch import nn

from imggen_lib.checks import real, whole
from imggen_lib.errors import CheckpointError, unknown_name
from imggen_lib.losses import gan as gan_losses
from imggen_lib.machine import channels_last_pays
from imggen_lib.models.features import FeatureNet
from imggen_lib.models.gan import ConvCritic, ConvGenerator, MLPDiscriminator, MLPGenerator
from imggen_lib.models.vae import LIKELIHOODS, MLPVAE, VAE, ConvVAE, ResVAE
from imggen_lib.train.state import GanState, Schedule, VaeState, constant, cosine, falling, warm_up

LOSSES = {loss.name: loss for loss in gan_losses.ALL}


# What cannot be meant is refused before memory is asked for it; what float32 cannot hold, before a training.
MOST = {"latent_dim": 2**16, "width": 2**14, "batch": 2**20, "classes": 2**20, "draws": 10_000, "critic_steps": 10_000}
_MOST_SIDE, _MOST_HIDDEN, _MOST_REAL, _MOST_IMAGES = 4096, 2**18, 1e30, 2**53


def _at_least_one(config: "Config", *names: str) -> None:
    for name in names:
        whole(getattr(config, name), name.replace("_", "-"), least=1)


def _sizes(value: Any, name: str, most: int) -> tuple[int, ...]:
    """A tuple of whole numbers from 1 to `most`, from any sequence of them."""
    try:
        parts = tuple(value)
    except TypeError:
        parts = ()
    if not parts or isinstance(value, str | bytes):
        raise ValueError(f"{name} must be a sequence of whole numbers, got {value!r}")
    return tuple(whole(part, f"each number of {name}", 1, most) for part in parts)


def _plain(value: Any, kind: Any, name: str) -> Any:
    """`value` as the plain object that a field holds and that JSON can store; ``ValueError`` if it is nothing of the kind."""
    words = "the learning rate" if name == "lr" else name.replace("_", "-")
    if kind is int:
        least = None if name == "seed" else 0
        return whole(value, words, least, None if name == "seed" else MOST.get(name, _MOST_IMAGES))
    if kind is float:
        return real(value, words, most=_MOST_REAL)
    if kind is bool:
        if not isinstance(value, bool) and str(getattr(value, "dtype", "")) != "bool":
            raise ValueError(f"{words} must be True or False, got {value!r}")
        return bool(value)
    if kind is str:
        if not isinstance(value, str):
            hint = "; a loss of your own is passed to train_gan itself" if name == "loss" else ""
            raise ValueError(f"{words} must be a name, got {value!r}{hint}")
        return str(value)
    if name == "image_shape":
        shape = _sizes(value, words, _MOST_SIDE)
        if len(shape) != 3 or shape[1] != shape[2]:
            raise ValueError(f"image-shape must be (channels, side, side), got {value!r}")
        return shape
    return _sizes(value, words, _MOST_HIDDEN)


@dataclass(frozen=True)
class Config:
    """What every run has. ``classes`` is 0 for an unconditional model."""

    NETS: ClassVar[tuple[str, ...]] = ("mlp", "conv", "res")

    image_shape: tuple[int, int, int] = (1, 28, 28)
    net: str = "conv"  # mlp, conv, or res: convolutions with residual blocks between them
    latent_dim: int = 64
    width: int = 64  # conv: channels, see the networks
    hidden: tuple[int, ...] = (256, 512)  # mlp: sizes of the hidden layers, generator's or encoder's order
    classes: int = 0
    batch: int = 64
    lr: float = 2e-3
    seed: int = 0
    begin_from: str = ""  # a model that ships with the package, or a checkpoint's folder: its weights instead of random ones

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, _plain(getattr(self, field.name), field.type, field.name))
        if self.net not in self.NETS:
            raise ValueError(unknown_name(f"network of a {self.kind}", self.net, self.NETS))
        _at_least_one(self, "latent_dim", "width", "batch")
        if not 0 < self.lr < 1:
            raise ValueError(f"the learning rate must lie between 0 and 1, got {self.lr}")

    @property
    def architecture(self) -> dict[str, Any]:
        """What the shapes and the meaning of the weights depend on: a model can begin from another only where these agree."""
        names = ("image_shape", "net", "latent_dim", "hidden" if self.net == "mlp" else "width", "classes")
        return {name: getattr(self, name) for name in names}

    @property
    def kind(self) -> str:
        return {GanConfig: "gan", VaeConfig: "vae", FeatureConfig: "features"}[type(self)]

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True)
class GanConfig(Config):
    """A GAN: the defaults are the recipe that the book recommends."""

    loss: str = "relativistic"
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

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.loss not in LOSSES:
            raise ValueError(unknown_name("loss", self.loss, LOSSES))
        for name in ("r1", "r2", "gp"):
            if getattr(self, name) < 0:
                raise ValueError(f"the weight {name} must not be negative, got {getattr(self, name)}")
        _at_least_one(self, "penalty_every", "critic_steps")
        for name in ("beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must lie from 0 to below 1, got {getattr(self, name)}")
        if self.ema_half_life <= 0:
            raise ValueError(f"ema-half-life must be a positive number of images, got {self.ema_half_life}")
        if self.simultaneous and not (LOSSES[self.loss].steep and self.critic_steps == 1 and self.head_start == 0):
            raise ValueError("simultaneous goes with one critic step, no head-start, and a loss whose slope never vanishes")
        if self.decay_start and not 0 < self.decay_start < self.decay_end:
            raise ValueError(f"the learning rates fall from decay-start to a later end, got {self.decay_start} to {self.decay_end}")

    @classmethod
    def article(cls, **changes: Any) -> "GanConfig":
        """The article's program: fully connected, Adam at 2e-4, binary cross-entropy (the non-saturating form)."""
        recipe = cls(net="mlp", loss="non-saturating", lr=2e-4, r1=0.0, penalty_every=1, beta1=0.9, beta2=0.999)
        return replace(recipe, **changes)

    @property
    def blocks(self) -> int:
        """Residual blocks a map."""
        return 1 if self.net == "res" else 0

    def build_generator(self) -> nn.Module:
        if self.net == "mlp":
            return MLPGenerator(self.image_shape, self.latent_dim, self.hidden, self.classes)
        return ConvGenerator(self.image_shape, self.latent_dim, self.width, self.classes, self.blocks)

    def build_critic(self) -> nn.Module:
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
        g, c = self.build_generator().to(device), self.build_critic().to(device)
        if self.net != "mlp" and channels_last_pays(device):
            g, c = g.to(memory_format=torch.channels_last), c.to(memory_format=torch.channels_last)
        return GanState.create(g, c, lr=self.lr, betas=(self.beta1, self.beta2))

    @property
    def lr_schedule(self) -> Schedule:
        return falling(self.decay_start, self.decay_end) if self.decay_end else constant

    @property
    def options(self) -> dict[str, Any]:
        """The keyword arguments of :func:`imggen_lib.train.gan.train_gan`, or of :func:`train_gan_simultaneous` there."""
        names = ["r1", "r2", "gp", "penalty_every", "ema_half_life", "seed"]
        names += [] if self.simultaneous else ["critic_steps", "head_start"]
        return {name: getattr(self, name) for name in names} | {"lr_schedule": self.lr_schedule}


@dataclass(frozen=True)
class VaeConfig(Config):
    """A VAE with a Bernoulli (or Gaussian, or discretised logistic) likelihood and a cosine learning rate."""

    latent_dim: int = 16
    width: int = 32
    hidden: tuple[int, ...] = (512, 512)
    batch: int = 128
    lr: float = 1.5e-3
    likelihood: str = (
        ""  # bernoulli, gaussian or logistic; "" for bernoulli where images are grey, gaussian where they have colours
    )
    beta: float = 1.0
    schedule_images: int = 0  # length of the cosine; 0 for a constant rate
    free_bits: float = 0.0  # nats a latent dimension that cost nothing
    beta_warmup: int = 0  # images over which beta rises from 0; 0 for none
    draws: int = 1  # of z an image; several: the importance-weighted bound is maximised
    draws_start: int = 0  # images seen before which one draw is taken

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
        _at_least_one(self, "draws")
        if self.draws > 1 and (self.beta != 1 or self.free_bits or self.beta_warmup):
            raise ValueError("several draws maximise the importance-weighted bound, which has neither beta nor free bits")

    @property
    def architecture(self) -> dict[str, Any]:
        return super().architecture | {"likelihood": self.likelihood}

    def build(self) -> VAE:
        rest: dict[str, Any] = {"classes": self.classes, "likelihood": self.likelihood}
        if self.net == "mlp":
            return MLPVAE(self.image_shape, self.latent_dim, self.hidden, **rest)
        net = {"conv": ConvVAE, "res": ResVAE}[self.net]
        return net(self.image_shape, self.latent_dim, self.width, **rest)

    def state(self, device: str = "cpu") -> VaeState:
        """A fresh state; residual networks compute channels-last: decoding 1.3 to 1.5 times as fast on a CPU."""
        model = self.build().to(device)
        lay_out = self.net == "res" and channels_last_pays(device)
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

    width: int = 32
    classes: int = 10

    def build(self) -> FeatureNet:
        return FeatureNet(self.image_shape, self.classes, self.width)


_KINDS: dict[str, type[Config]] = {"gan": GanConfig, "vae": VaeConfig, "features": FeatureConfig}


def from_json(values: Mapping[str, Any]) -> Any:
    """The configuration that :meth:`Config.to_json` wrote. Unknown kinds and entries are errors."""
    if not isinstance(values, Mapping):
        raise CheckpointError(f"a configuration is a table of entries, got a {type(values).__name__}")
    kind = values.get("kind", "")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise CheckpointError(unknown_name("kind of model", str(kind), _KINDS))
    cls = _KINDS[kind]
    plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k != "kind"}
    unknown = sorted(map(str, plain.keys() - {f.name for f in fields(cls)}))
    if unknown:
        raise CheckpointError(f"the configuration has unknown entries: {', '.join(unknown)}")
    try:
        return cls(**plain)
    except ValueError as error:
        raise CheckpointError(f"the configuration cannot be used: {error}") from error
