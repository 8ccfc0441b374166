"""What a flow's run is."""

from dataclasses import dataclass, field
from math import prod
from typing import Any, ClassVar

from torch import nn

from imggen_lib import own
from imggen_lib.configs.vae import VaeConfig
from imggen_lib.entries import Config, Options, Thing, at_least_one, nameless, plain
from imggen_lib.errors import unknown_name
from imggen_lib.losses.flow import TIMES
from imggen_lib.models.flow import Flow, UNet, VectorNet, check_sampler
from imggen_lib.models.latent_flow import LatentFlow
from imggen_lib.own import Own
from imggen_lib.train.state import FlowState, Schedule, cosine_or_constant


@dataclass(frozen=True)
class FlowConfig(Config):
    """A flow: noise is moved to images along a velocity that was learned by flow matching. Its latents are the noise itself.

    With ``vae`` it is a flow in the latent space of that VAE: noise is moved to codes, and the VAE's decoder draws them
    (:class:`~imggen_lib.models.latent_flow.LatentFlow`).
    """

    KIND: ClassVar[str] = "flow"
    NETS: ClassVar[tuple[str, ...]] = ("conv", "mlp")
    COUNTS: ClassVar[tuple[str, ...]] = ("width", "batch")
    SETTLED: ClassVar[tuple[str, ...]] = ("latent_dim", "hidden")

    net: str = ""  # conv, of images; mlp, of images as vectors, and of codes; "" for the first that can be meant
    latent_dim: int = 0  # as many as the image, or the VAE's code, has numbers: nothing to choose
    width: int = 0  # conv: channels of the first map of the U-Net; mlp: of each layer; 0 for 48, of codes 256
    blocks: int = 1  # residual blocks a map, on the way down and on the way up; mlp: four times as many
    schedule_images: int = 0  # length of the cosine; 0 for a constant rate
    drop: float = 0.1  # share of the images whose class is not told, so that there is a velocity to guide from
    times: str = "logit-normal"  # or uniform
    ema_half_life: float = 50_000.0
    solver: str = "midpoint"  # how it is sampled from; heun and euler also ask at the ends, where least was learned
    steps: int = 4
    guidance: float = 1.0
    vae: str = ""  # a VAE that ships with the package, or a checkpoint's folder: the flow moves its codes
    vae_config: VaeConfig | None = None  # what that VAE is; imggen_lib.runs.start looks
    model: Thing = ""  # a velocity network of one's own: a class or function of (image_shape, classes, **options), or its name
    model_options: Options = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.vae_config is not None and not self.vae:
            raise ValueError("vae-config says what the VAE is that vae names: name one")
        self._fill_in()
        super().__post_init__()
        if self.vae and self.net != "mlp":
            raise ValueError(f"codes are vectors: the network of a flow in a VAE's latent space is an mlp, not {self.net}")
        at_least_one(self, "blocks")
        nameless("model", self.model, self.model_options)
        if not 0 <= self.drop < 1:
            raise ValueError(f"drop must lie from 0 to below 1, got {self.drop}")
        if self.times not in TIMES:
            raise ValueError(unknown_name("way to draw times", self.times, TIMES))
        if self.ema_half_life <= 0:
            raise ValueError(f"ema-half-life must be a positive number of images, got {self.ema_half_life}")
        check_sampler(self.solver, self.steps, self.guidance, self.classes)

    def _fill_in(self) -> None:
        """The entries that follow from others. The size of a VAE's codes is 0 until it is known."""
        numbers = prod(plain(self.image_shape, tuple[int, int, int], "image_shape"))
        if self.vae:
            numbers = 0 if (known := plain(self.vae_config, VaeConfig | None, "vae_config")) is None else known.latent_dim
        if self.latent_dim not in (0, numbers):
            whose = "its VAE's codes" if self.vae else "its noise"
            raise ValueError(f"the latents of a flow are {whose}, {numbers} numbers here; latent-dim cannot be {self.latent_dim}")
        chosen = {"net": "mlp" if self.vae else "conv", "width": 256 if self.vae else 48}
        for name, value in {"latent_dim": numbers, **{k: v for k, v in chosen.items() if getattr(self, k) in ("", 0)}}.items():
            object.__setattr__(self, name, value)

    @property
    def own(self) -> dict[str, Own]:
        """The velocity network, and the VAE's, where they are not the library's."""
        return super().own | {f"vae_{k}": v for k, v in (self.vae_config.own if self.vae_config else {}).items()}

    def to_json(self) -> dict[str, Any]:
        known = {} if self.vae_config is None else {"vae_config": self.vae_config.to_json()}
        return {**super().to_json(), **known}

    @property
    def architecture(self) -> dict[str, Any]:
        names = ("image_shape", "classes", "model", "model_options") if "model" in self.own else ("blocks", "width")
        same = {} if "model" in self.own else {**super().architecture, "model": ""}
        entries = {k: v for k, v in same.items() if k != "hidden"} | {name: getattr(self, name) for name in names}
        return {"vae": self.vae, **entries, "vae_config": self.vae_config}

    def build_network(self) -> nn.Module:
        """The velocity network: of images, or of a VAE's codes."""
        if self.vae and self.vae_config is None:
            raise ValueError(f"what the VAE {self.vae!r} is, nobody has looked yet: imggen_lib.runs.start does, or give vae_config")
        shape = (self.latent_dim,) if self.vae else self.image_shape
        if "model" in self.own:
            return own.velocity(self.own["model"], self.model_options, shape, self.classes)
        if self.net == "mlp":
            return VectorNet(shape, self.width, self.classes, 4 * self.blocks)
        return UNet(self.image_shape, self.width, self.classes, self.blocks)

    def build_flow(self) -> Flow:
        """What is trained: the flow of images, or of codes."""
        return Flow(self.build_network(), self.solver, self.steps, self.guidance)

    def build(self) -> Flow | LatentFlow:
        """What makes images: the flow; where there is a VAE, with its decoder behind it."""
        return self._drawn(self.build_flow())

    def _drawn(self, flow: Flow) -> Flow | LatentFlow:
        if self.vae_config is None:
            return flow
        if self.vae_config.image_shape != self.image_shape:
            raise ValueError(f"the VAE is for images of shape {self.vae_config.image_shape}, the flow for {self.image_shape}")
        return LatentFlow(self.vae_config.build(), flow)

    def state(self, device: str = "cpu") -> FlowState:
        """A fresh state; with a VAE, its ``ema`` is the flow's average with the decoder behind it."""
        state = FlowState.create(self.build_flow().to(device), lr=self.lr)
        state.ema = self._drawn(state.average).to(device).eval().requires_grad_(False)
        return state

    @property
    def lr_schedule(self) -> Schedule:
        return cosine_or_constant(self.schedule_images, self.batch)

    @property
    def options(self) -> dict[str, Any]:
        """The keyword arguments of :func:`imggen_lib.train.flow.train_flow`."""
        names = ("drop", "times", "ema_half_life", "seed")
        codes = {"dequantise": False} if self.vae else {}
        return {name: getattr(self, name) for name in names} | {"lr_schedule": self.lr_schedule, **codes}
