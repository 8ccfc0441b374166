"""Feature networks that this library trained, for images of any size: the shipped ones, and one's own of ``train features``."""

from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from imggen_lib.files import expanded
from imggen_lib.metrics import extractors
from imggen_lib.metrics.extractors import Extractor
from imggen_lib.models.features import FeatureNet

_LUMA = (0.299, 0.587, 0.114)  # ITU-R 601, as for pictures that are read in grey


def trained_network(name: str, image_shape: tuple[int, int, int]) -> Extractor | None:
    """The feature network in a checkpoint's folder, or the shipped one of that name, for images of that shape; None for others.

    It was trained on images of one shape; others are brought to it: grey by luma or repeated, resized, antialiased. Numbers through
    it compare with each other only. Raises ``ValueError`` for the checkpoint of something else.
    """
    from imggen_lib.checkpoint import find, shipped

    folder = expanded(name).is_dir()  # before a shipped network of that name, as in find()
    if not folder and name not in shipped():
        return None
    saved = find(name)
    if saved.config.kind != "features":
        raise ValueError(f"{name} is a {saved.config.kind}, no feature network: `train features` makes one")
    if not folder and saved.config.image_shape == tuple(image_shape):
        return extractors.shipped_network(name)
    return _fitted(saved.model(), name, str(saved.meta["weights"]["sha256"]))


def _resized(images: Tensor, channels: int, side: int) -> Tensor:
    luma = torch.tensor(_LUMA, device=images.device, dtype=images.dtype).view(1, 3, 1, 1)
    x = (images * luma).sum(1, keepdim=True) if (images.shape[1], channels) == (3, 1) else images
    x = x.expand(-1, channels, -1, -1)
    return x if x.shape[2] == side else interpolate(x, size=(side, side), mode="bilinear", antialias=True)


def _fitted(net: FeatureNet, name: str, sha256: str) -> Extractor:
    channels, side, _ = net.image_shape
    about = {
        "network": f"{name}, a classifier of this library",
        "weights": f"SHA-256 {sha256[:12]}...",
        "pixels": f"in [-1, 1], {'grey' if channels == 1 else 'RGB'}",
        "resize": f"to {side} x {side}, bilinear, antialiased",
        "features": "128, after the dense layer's ReLU",
    }
    return Extractor(net.body, partial(_resized, channels=channels, side=side), about, batch=1000)
