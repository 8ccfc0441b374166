"""Feature networks of this library for images of any size: the shipped ones, one's own of ``train features``, a random one."""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from imggen_lib.checkpoint import shipped
from imggen_lib.files import expanded
from imggen_lib.finding import find
from imggen_lib.machine import first_weights
from imggen_lib.metrics import extractors
from imggen_lib.metrics.extractors import Extractor
from imggen_lib.models.features import FeatureNet

_LUMA = (0.299, 0.587, 0.114)  # ITU-R 601, as for pictures that are read in grey


def trained_network(name: str, image_shape: tuple[int, int, int]) -> Extractor | None:
    """The feature network in a checkpoint's folder, the shipped one of that name, or ``random``, for such images; else None.

    It was trained on images of one shape; others are brought to it: grey by luma or repeated, resized, antialiased. Numbers through
    it compare with each other only. Raises ``ValueError`` for the checkpoint of something else.
    """
    folder = expanded(name).is_dir()  # before a shipped network of that name, as in find()
    if not folder and name == "random":
        return random_network(image_shape)
    if not folder and name not in shipped():
        return None
    saved = find(name)
    if saved.config.kind != "features":
        raise ValueError(f"{name} is a {saved.config.kind}, no feature network: `train features` makes one")
    if not folder and saved.config.image_shape == tuple(image_shape):
        return extractors.shipped_network(name)
    return _fitted(saved.model(), name, str(saved.meta["weights"]["sha256"]))


def random_network(image_shape: tuple[int, int, int]) -> Extractor:
    """A feature network that has learned nothing: random weights of one seed, for images of any shape, at most 64 pixels wide.

    It is at hand for every kind of picture and knows none better than another, but sees less than a network that has learned
    something. Features before the last ReLU, each with mean 0 and deviation 1 over 256 soft random pictures, so that the kernel
    distance bends where it should. Weights as in He et al. 2015, arXiv:1502.01852; such features for comparing sets of images:
    Naeem et al. 2020, arXiv:2002.09797. Numbers through it compare with each other only, and only for images of one shape.
    """
    channels, side = image_shape[0], min(image_shape[1], 64)
    with first_weights(0), torch.no_grad():
        net = FeatureNet((channels, side, side), classes=10).body[:-1].eval()
        for layer in net:
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        soft = interpolate(torch.randn(256, channels, 4, 4), size=(side, side), mode="bilinear").clamp(-1, 1)
        seen = net(soft)
    about = {
        "network": "random: a classifier of this library before its training",
        "weights": "random, seed 0",
        "pixels": f"in [-1, 1], {'grey' if channels == 1 else 'RGB'}",
        "resize": f"to {side} x {side}, bilinear, antialiased",
        "features": "128, before the last ReLU, of mean 0 and deviation 1 over soft random pictures",
    }
    whole = nn.Sequential(net, _Standard(seen.mean(0), seen.std(0)))
    return Extractor(whole, partial(_resized, channels=channels, side=side), about, batch=1000)


class _Standard(nn.Module):
    """``(x - mean) / deviation``; where a feature never changes, 0."""

    def __init__(self, mean: Tensor, deviation: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("factor", torch.where(deviation > 0, 1 / deviation, 0))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) * self.factor  # type: ignore[operator]


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
