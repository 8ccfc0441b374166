"""From levels to what the library's networks take, and back; the models that ship; and a density of codes to draw from.

A window of a level becomes an image with a channel a kind of tile, so the ordinary ``ImageSet``, ``VaeConfig`` with the likelihood
``categorical`` and ``GanConfig`` with the networks of :mod:`imggen_lib.models.levels` train on it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from imggen_lib.applications.levels.tiles import COLUMNS, ROWS, SIGNS
from imggen_lib.checkpoint import Checkpoint
from imggen_lib.checkpoint import pretrained as _pretrained
from imggen_lib.checkpoint import shipped as _shipped
from imggen_lib.checks import attribute
from imggen_lib.configs import GanConfig, VaeConfig
from imggen_lib.data import ImageSet
from imggen_lib.machine import evaluating
from imggen_lib.models.vae import VAE
from imggen_lib.noise import latents

#: Where the models of levels are that ship with the package.
WEIGHTS = Path(__file__).parent / "weights"
#: Kinds of tiles, rows and columns: what the networks of this chapter make.
SHAPE = (len(SIGNS), ROWS, COLUMNS)
Windows = UInt8[np.ndarray, "n _rows _columns"]


def vae_config(**changes: Any) -> VaeConfig:
    """The VAE of the chapter on games: convolutions, 32 latent dimensions, a softmax a tile."""
    values: dict[str, Any] = {
        "image_shape": SHAPE,
        "likelihood": "categorical",
        "latent_dim": 32,
        "batch": 64,
        "lr": 2e-3,
        "model": "imggen_lib.models.levels:TileVAE",
    }
    return VaeConfig(**values | changes)


def gan_config(**changes: Any) -> GanConfig:
    """The GAN of the chapter on games: the relativistic loss with both penalties, and networks for tiles."""
    values: dict[str, Any] = {
        "image_shape": SHAPE,
        "latent_dim": 32,
        "batch": 32,
        "r2": 0.5,
        "ema_half_life": 5000.0,
        "generator": "imggen_lib.models.levels:TileGenerator",
        "critic": "imggen_lib.models.levels:TileCritic",
        "generator_options": {"width": 64, "hard": True},
        "critic_options": {"width": 24},
    }
    return GanConfig(**values | changes)


def level_set(levels: Windows, name: str = "levels") -> ImageSet:
    """Windows as a set of one-hot images ``(n, 13, rows, columns)``: 255 in the channel of the tile's kind, 0 elsewhere."""
    kinds = torch.from_numpy(np.asarray(levels, dtype=np.int64))
    tiles = nn.functional.one_hot(kinds, len(SIGNS)).movedim(-1, 1).to(torch.uint8) * 255
    return ImageSet(tiles.contiguous(), torch.zeros(len(tiles), dtype=torch.int64), ("level",), name)


def as_levels(images: Float[Tensor, "n k h w"]) -> Windows:
    """The most probable kind at each place, of what a model made, or of logits or probabilities."""
    if images.ndim != 4 or images.shape[1] != len(SIGNS):
        raise ValueError(f"levels have a channel for each of the {len(SIGNS)} kinds of tiles, got the shape {tuple(images.shape)}")
    return images.argmax(1).to(torch.uint8).cpu().numpy()


def shipped() -> tuple[str, ...]:
    """The names of the models of levels that ship."""
    return _shipped(WEIGHTS)


def pretrained(name: str) -> Checkpoint:
    """A model of levels that ships; ``.model()`` gives the network, ``.meta["card"]`` says how it was made."""
    return _pretrained(name, WEIGHTS)


class Codes(NamedTuple):
    """A Gaussian over latents: the mean and a lower triangular factor, so that ``mean + factor @ noise`` is a draw."""

    mean: Float[Tensor, " z"]
    factor: Float[Tensor, "z z"]

    def at(self, noise: Float[Tensor, "n z"]) -> Float[Tensor, "n z"]:
        """Latents for standard normal noise."""
        return self.mean + noise.to(self.mean) @ self.factor.T


def standard_codes(dim: int) -> Codes:
    """The standard normal prior."""
    return Codes(torch.zeros(dim), torch.eye(dim))


def fit_codes(model: VAE, images: Float[Tensor, "n k h w"], batch: int = 1000) -> Codes:
    r"""The Gaussian over latents that the encoder's answers to `images` have on average: an **ex-post density**.

    .. math:: m = \frac1n\sum_i \mu_i, \qquad C = \frac1n\sum_i (\mu_i - m)(\mu_i - m)^\top + \operatorname{diag}\sigma_i^2

    The mean and covariance of the mixture of all :math:`q(z|x_i)`. Where the weight of the KL term is small, that mixture is not
    the prior, and draws from the prior fall where the decoder was never trained. Give *training* images: with others the density
    would know what it is later tested on. Source: Ghosh et al. 2020, arXiv:1903.12436.
    """
    if len(images) < 2:
        raise ValueError(f"a covariance needs at least two levels, got {len(images)}")
    with torch.no_grad(), evaluating(model):
        parts = [model.encode(x) for x in images.split(batch)]
    mu, variance = torch.cat([m for m, _ in parts]).double(), torch.cat([v for _, v in parts]).double().exp()
    mean = mu.mean(0)
    covariance = (mu - mean).T @ (mu - mean) / len(mu) + torch.diag(variance.mean(0))
    return Codes(mean.float(), torch.linalg.cholesky(covariance).float())


def decode_levels(model: nn.Module, z: Float[Tensor, "n z"], batch: int = 500) -> Windows:
    """The level of each latent: the most probable kind at each place."""
    made = []
    with torch.no_grad(), evaluating(model):
        for part in z.split(batch):
            made.append(as_levels(model.decode(part) if isinstance(model, VAE) else model(part)))
    return np.concatenate(made) if made else np.empty((0, ROWS, COLUMNS), np.uint8)


def draw_levels(model: nn.Module, n: int, *, seed: int = 0, codes: Codes | None = None) -> Windows:
    """`n` levels with the seeds ``seed, seed + 1, ...``, from the prior or from the density `codes`."""
    noise = latents(range(seed, seed + n), attribute(model, "latent_dim"))
    return decode_levels(model, noise if codes is None else codes.at(noise))


def draw_tiles(model: VAE, n: int, *, seed: int = 0, codes: Codes | None = None) -> Windows:
    """As :func:`draw_levels`, but each tile is drawn from its probabilities, alone, as the likelihood means it."""
    noise = latents(range(seed, seed + n), model.latent_dim)
    with torch.no_grad(), evaluating(model):
        logits = model.decode(noise if codes is None else codes.at(noise)).movedim(1, -1)
    chosen = torch.multinomial(logits.softmax(-1).flatten(0, 2), 1, generator=torch.Generator().manual_seed(seed))
    return chosen.view(n, ROWS, COLUMNS).to(torch.uint8).numpy()


def codes_to_json(codes: Codes) -> Mapping[str, Any]:
    """As a card stores them, to five digits."""
    return {name: [[float(f"{v:.5g}") for v in row] for row in np.atleast_2d(value)] for name, value in codes._asdict().items()}


def codes_from_json(values: Mapping[str, Any]) -> Codes:
    """What :func:`codes_to_json` wrote."""
    return Codes(torch.tensor(values["mean"][0]), torch.tensor(values["factor"]))
