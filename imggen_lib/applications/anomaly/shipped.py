"""The models of normal chest X-rays that ship with the library, each with its card. Not for clinical use."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from imggen_lib.applications.anomaly.anogan import Anogan, Encoder
from imggen_lib.checkpoint.reading import _load
from imggen_lib.checkpoint.stored import read_json, read_tensors
from imggen_lib.configs import from_json
from imggen_lib.errors import unknown_name
from imggen_lib.models.vae import VAE

FOLDER = Path(__file__).parent / "models"
ANOGAN = "chest-anogan"


def names() -> list[str]:
    """The models there are: VAEs with three seeds, and the networks of f-AnoGAN."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def card(name: str) -> dict[str, Any]:
    """What is to be known of a model: how it was made, from which data, what was measured, its licence."""
    if name not in names():
        raise ValueError(unknown_name("model", name, names()))
    return dict(read_json(FOLDER / f"{name}.json"))


def chest_vae(seed: int = 0) -> VAE:
    """The VAE of normal chest X-rays that was trained with this seed (0, 1 or 2), ready to use.

    Raises ``ValueError`` for a seed that none was trained with.
    """
    name = f"chest-vae-{seed}"
    if name not in names():
        raise ValueError(unknown_name("model", name, names()))
    model: VAE = _load(FOLDER / f"{name}.json").model()
    return model


def chest_anogan() -> Anogan:
    """Generator, critic and encoder of f-AnoGAN for normal chest X-rays, ready to use."""
    meta = read_json(FOLDER / f"{ANOGAN}.json")
    tensors = read_tensors(FOLDER / meta["weights"]["file"], meta["weights"]["sha256"], None)
    config = from_json(meta["config"])
    encoder = Encoder(config.image_shape, config.latent_dim, meta["card"]["encoder_width"])
    nets = Anogan(config.build_generator(), config.build_critic(), encoder)
    for prefix, net in zip(("ema", "critic", "encoder"), nets, strict=True):
        _fill(net, {k.removeprefix(f"{prefix}."): v for k, v in tensors.items() if k.startswith(f"{prefix}.")})
    return nets


def _fill(net: nn.Module, weights: dict[str, torch.Tensor]) -> None:
    expected = net.state_dict()
    net.load_state_dict({name: value.to(expected[name].dtype) for name, value in weights.items()})
    net.eval().requires_grad_(False)
