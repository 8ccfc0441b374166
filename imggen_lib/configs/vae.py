"""What a VAE's run is."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch

from imggen_lib import own
from imggen_lib.entries import Config, Options, Thing, at_least_one, nameless
from imggen_lib.errors import unknown_name
from imggen_lib.machine import channels_last_pays
from imggen_lib.models.vae import LIKELIHOODS, MLPVAE, VAE, ConvVAE, ResVAE
from imggen_lib.train.state import Schedule, VaeState, cosine_or_constant, warm_up


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
        return cosine_or_constant(self.schedule_images, self.batch)

    @property
    def options(self) -> dict[str, Any]:
        """The keyword arguments of :func:`imggen_lib.train.vae.train_vae`."""
        beta = warm_up(self.beta, self.beta_warmup) if self.beta_warmup else self.beta
        more = {"draws": self.draws, "draws_start": self.draws_start, "lr_schedule": self.lr_schedule, "seed": self.seed}
        return {"beta": beta, "free_bits": self.free_bits, **more}
