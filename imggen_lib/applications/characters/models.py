"""The networks of the chapter on art: the book's ordinary GAN, whose images are signed distance fields; and the one that ships."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from imggen_lib.checkpoint import Checkpoint
from imggen_lib.checkpoint import pretrained as _pretrained
from imggen_lib.checkpoint import shipped as _shipped
from imggen_lib.checks import attribute
from imggen_lib.configs import GanConfig, VaeConfig
from imggen_lib.data.kanjivg import CELLS, to_distance
from imggen_lib.machine import evaluating
from imggen_lib.noise import latents

#: Where the model of characters is that ships with the package.
WEIGHTS = Path(__file__).parent / "weights"
SHAPE = (1, CELLS, CELLS)
#: The name of the model that ships.
NAME = "characters-gan"
LICENCE = "CC BY-SA 3.0, as KanjiVG, which it learnt from (Ulrich Apel and contributors, kanjivg.tagaini.net)"


def gan_config(**changes: Any) -> GanConfig:
    """The GAN of the chapter on art: the book's convolutions, 48 latent dimensions, both penalties, augmentation as needed."""
    values: dict[str, Any] = {"image_shape": SHAPE, "latent_dim": 48, "width": 32, "r1": 0.5, "r2": 0.5, "augment": "ada"}
    return GanConfig(**values | changes)


def vae_config(**changes: Any) -> VaeConfig:
    """The VAE of the same fields, with a Gaussian a value: shown because it fails."""
    values: dict[str, Any] = {"image_shape": SHAPE, "latent_dim": 48, "width": 24, "likelihood": "gaussian"}
    return VaeConfig(**values | changes)


def shipped() -> tuple[str, ...]:
    """The names of the models of characters that ship."""
    return _shipped(WEIGHTS)


def pretrained(name: str = NAME) -> Checkpoint:
    """A model of characters that ships; ``.model()`` gives the network, ``.meta["card"]`` says how it was made. CC BY-SA 3.0."""
    return _pretrained(name, WEIGHTS)


def made_fields(model: nn.Module, z: Float[Tensor, "n z"], batch: int = 500) -> Float[np.ndarray, "n h w"]:
    """The distance field of each latent, in units of the box, float64."""
    parts = []
    with torch.no_grad(), evaluating(model):
        for part in z.split(batch):
            parts.append(to_distance(model(part))[:, 0].double().cpu().numpy())
    return np.concatenate(parts) if parts else np.empty((0, CELLS, CELLS))


def draw_fields(model: nn.Module, seeds: range | list[int]) -> Float[np.ndarray, "n h w"]:
    """The distance field of each seed, in units of the box."""
    return made_fields(model, latents(seeds, attribute(model, "latent_dim")))
