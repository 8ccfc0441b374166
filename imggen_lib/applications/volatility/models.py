"""Two VAEs of surfaces: one draws 256 volatilities, the other the parameters of SSVI, and so cannot draw arbitrage.

Both ship with the library, trained on the same 20,000 surfaces; see the record ``volatility``. Not for trading.
"""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imggen_lib.applications.volatility import ssvi
from imggen_lib.applications.volatility.completion import Decoded
from imggen_lib.applications.volatility.surfaces import MONEYNESS, SHAPE, TIMES, Parameters, Surfaces, from_images, to_images
from imggen_lib.checkpoint.stored import read_tensors
from imggen_lib.errors import unknown_name
from imggen_lib.models.blocks import mlp
from imggen_lib.models.vae import MLPVAE
from imggen_lib.noise import generator_for
from imggen_lib.train.state import Record, VaeState, cosine
from imggen_lib.train.vae import train_vae

WEIGHTS = Path(__file__).parent / "weights"
LATENT, HIDDEN, BATCH, LR = 6, (128, 128), 128, 1.5e-3
KINDS = ("volatilities", "parameters")
START_SIGMA = 0.05  # of the likelihood, in the images' units: below the pixels' spread of 0.13, and far above where it ends
_MATURITIES = len(TIMES)
_SHUFFLE = 63  # stream of random numbers; see noise.generator_for


class ToParameters(nn.Module):
    r"""Any 19 numbers to parameters without arbitrage: :math:`\theta` rises, :math:`|\rho| < 1`, :math:`\eta(1 + |\rho|) < 2`,
    :math:`\gamma < 1/2`."""

    steps: Float[Tensor, " times"]

    def __init__(self) -> None:
        super().__init__()
        steps = torch.diff(TIMES, prepend=torch.zeros(1, dtype=torch.float64)).float() * 0.04
        self.register_buffer("steps", steps, persistent=False)

    def forward(self, raw: Float[Tensor, "n 19"]) -> Parameters:
        theta = (self.steps * raw[:, :_MATURITIES].exp()).cumsum(1)
        skew, size, decay = raw[:, _MATURITIES:].split(1, 1)
        rho = 0.999 * torch.tanh(skew)
        return Parameters(theta, rho, 2 / (1 + rho.abs()) * torch.sigmoid(size), 0.5 * torch.sigmoid(decay))


class ParameterVae(MLPVAE):
    """A VAE whose decoder ends in SSVI's formula: 19 numbers, then 256 log-volatilities in the images' units."""

    moneyness: Float[Tensor, " strikes"]
    times: Float[Tensor, "times 1"]

    def __init__(self, latent_dim: int = LATENT, hidden: tuple[int, ...] = HIDDEN) -> None:
        super().__init__(SHAPE, latent_dim, hidden, likelihood="gaussian")
        self.decoder = mlp([latent_dim, *reversed(hidden), _MATURITIES + 3], nn.GELU)
        self.to_parameters = ToParameters()
        self.register_buffer("moneyness", MONEYNESS.float(), persistent=False)
        self.register_buffer("times", TIMES.float()[:, None], persistent=False)
        self.bias.requires_grad_(False)  # a mean image that is added would undo what the formula promises

    def start_at(self, mean: Float[Tensor, "c h w"]) -> None:
        """Centre the encoder's input; the decoder has no mean image."""
        super().start_at(mean)
        with torch.no_grad():
            self.bias.zero_()

    def decode(self, z: Float[Tensor, "n z"], labels: Tensor | None = None) -> Float[Tensor, "n 1 16 16"]:
        theta, rho, eta, gamma = (value[..., None] for value in self.to_parameters(self.decoder(z)))
        w = ssvi.total_variance(self.moneyness, theta, rho, ssvi.phi(theta, eta, gamma))
        return ((0.5 * (w / self.times).log() - math.log(0.2)) / math.log(10)).view(-1, *SHAPE)


def build(kind: str, seed: int, surfaces: Surfaces) -> MLPVAE:
    """A fresh model of one of `KINDS`, its weights drawn from the seed, centred at the surfaces' mean."""
    if kind not in KINDS:
        raise ValueError(unknown_name("kind of VAE", kind, KINDS))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = MLPVAE(SHAPE, LATENT, HIDDEN, likelihood="gaussian") if kind == "volatilities" else ParameterVae()
    model.start_at(to_images(surfaces).mean(0))
    with torch.no_grad():
        model.log_sigma.fill_(math.log(START_SIGMA))  # type: ignore[union-attr]
    return model


def training(kind: str, seed: int, surfaces: Surfaces, images: int, lr: float = LR) -> tuple[MLPVAE, Iterator[Record]]:
    """The model and its training for `images` surfaces, drawn from these with a cosine rate: iterate over the records."""
    model, x = build(kind, seed, surfaces), to_images(surfaces)

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        for step in range(images // BATCH):
            index = torch.randint(len(x), (BATCH,), generator=generator_for(seed, _SHUFFLE, step))
            yield x[index], torch.zeros(BATCH, dtype=torch.int64)

    rate = cosine(images, warmup=min(20_000, images // 10))
    return model, train_vae(VaeState.create(model, lr=lr), batches(), lr_schedule=rate, seed=seed)


def completer(model: MLPVAE) -> Decoded:
    """The model's way to complete a surface, in float64; the model itself is left as it is."""
    copy = build("parameters" if isinstance(model, ParameterVae) else "volatilities", 0, torch.zeros(2, 256, dtype=torch.float64))
    copy.load_state_dict(model.state_dict())
    copy = copy.double().eval().requires_grad_(False)
    sigma = float(model.log_sigma.exp()) * math.log(10)  # type: ignore[union-attr]
    return Decoded(lambda z: from_images(copy.decode(z)), model.latent_dim, sigma)


def names() -> list[str]:
    """The models that ship."""
    return sorted(path.stem for path in WEIGHTS.glob("*.json"))


def card(name: str) -> dict[str, Any]:
    """What is to be known of a model: how it was made, what was measured, its licence."""
    if name not in names():
        raise ValueError(unknown_name("model of surfaces", name, names()))
    return dict(json.loads((WEIGHTS / f"{name}.json").read_text(encoding="utf-8")))


def halved(model: MLPVAE) -> dict[str, Tensor]:
    """What is stored of a model: its tensors in half precision."""
    return {name: value.detach().half().contiguous() for name, value in model.state_dict().items()}


def filled(kind: str, tensors: Mapping[str, Tensor]) -> MLPVAE:
    """A model of this kind with stored tensors, ready to use."""
    model = build(kind, 0, torch.zeros(2, 256, dtype=torch.float64))
    model.load_state_dict({name: value.float() for name, value in tensors.items()})
    return model.eval().requires_grad_(False)


def pretrained(kind: str) -> MLPVAE:
    """The shipped VAE of this kind.

    Raises:
        ValueError: for a kind that is not of `KINDS`.
    """
    if kind not in KINDS:
        raise ValueError(unknown_name("kind of VAE", kind, KINDS))
    said = card(f"volatility-{kind}")
    return filled(kind, read_tensors(WEIGHTS / said["weights"]["file"], said["weights"]["sha256"], None))
