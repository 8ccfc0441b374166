"""What a flow's run is."""

from dataclasses import dataclass, field
from math import prod
from typing import Any, ClassVar

from torch import nn

from imggen_lib import own
from imggen_lib.entries import Config, Options, Thing, at_least_one, nameless, plain
from imggen_lib.errors import unknown_name
from imggen_lib.losses.flow import TIMES
from imggen_lib.models.flow import Flow, UNet, VectorNet, check_sampler
from imggen_lib.train.state import FlowState, Schedule, cosine_or_constant


@dataclass(frozen=True)
class FlowConfig(Config):
    """A flow: noise is moved to images along a velocity that was learned by flow matching. Its latents are the noise itself."""

    KIND: ClassVar[str] = "flow"
    NETS: ClassVar[tuple[str, ...]] = ("conv", "mlp")

    latent_dim: int = 0  # as many as the image has numbers: nothing to choose
    width: int = 48  # conv: channels of the first map of the U-Net; mlp: of each layer
    blocks: int = 1  # residual blocks a map, on the way down and on the way up; mlp: four times as many
    schedule_images: int = 0  # length of the cosine; 0 for a constant rate
    drop: float = 0.1  # share of the images whose class is not told, so that there is a velocity to guide from
    times: str = "logit-normal"  # or uniform
    ema_half_life: float = 50_000.0
    solver: str = "midpoint"  # how it is sampled from; heun and euler also ask at the ends, where least was learned
    steps: int = 4
    guidance: float = 1.0
    model: Thing = ""  # a velocity network of one's own: a class or function of (image_shape, classes, **options), or its name
    model_options: Options = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        numbers = prod(plain(self.image_shape, tuple[int, int, int], "image_shape"))
        if self.latent_dim not in (0, numbers):
            raise ValueError(f"the latents of a flow are its noise, {numbers} numbers here; latent-dim cannot be {self.latent_dim}")
        object.__setattr__(self, "latent_dim", numbers)
        super().__post_init__()
        at_least_one(self, "blocks")
        nameless("model", self.model, self.model_options)
        if not 0 <= self.drop < 1:
            raise ValueError(f"drop must lie from 0 to below 1, got {self.drop}")
        if self.times not in TIMES:
            raise ValueError(unknown_name("way to draw times", self.times, TIMES))
        if self.ema_half_life <= 0:
            raise ValueError(f"ema-half-life must be a positive number of images, got {self.ema_half_life}")
        check_sampler(self.solver, self.steps, self.guidance, self.classes)

    @property
    def architecture(self) -> dict[str, Any]:
        names = ("image_shape", "classes", "model", "model_options") if "model" in self.own else ("blocks", "width")
        same = {} if "model" in self.own else {**super().architecture, "model": ""}
        return {k: v for k, v in same.items() if k != "hidden"} | {name: getattr(self, name) for name in names}

    def build_network(self) -> nn.Module:
        """The velocity network."""
        if "model" in self.own:
            return own.velocity(self.own["model"], self.model_options, self.image_shape, self.classes)
        if self.net == "mlp":
            return VectorNet(self.image_shape, self.width, self.classes, 4 * self.blocks)
        return UNet(self.image_shape, self.width, self.classes, self.blocks)

    def build(self) -> Flow:
        return Flow(self.build_network(), self.solver, self.steps, self.guidance)

    def state(self, device: str = "cpu") -> FlowState:
        """A fresh state."""
        return FlowState.create(self.build().to(device), lr=self.lr)

    @property
    def lr_schedule(self) -> Schedule:
        return cosine_or_constant(self.schedule_images, self.batch)

    @property
    def options(self) -> dict[str, Any]:
        """The keyword arguments of :func:`imggen_lib.train.flow.train_flow`."""
        names = ("drop", "times", "ema_half_life", "seed")
        return {name: getattr(self, name) for name in names} | {"lr_schedule": self.lr_schedule}
