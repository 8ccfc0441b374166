"""The eyes of the distribution metrics: networks that turn images into features, by name.

Every one takes the library's images, ``(n, c, h, w)`` in [-1, 1], and says in `about` what it does to them before it looks:
numbers compare only where all of that is the same. :func:`imggen_lib.metrics.distribution.features` takes these, and any
network or function of your own.

====================  =================================================================================================
name                  features
====================  =================================================================================================
``mnist-features``    128, this book's classifier of digits; ``fashion-features`` likewise. Shipped, needs no network
``inception``         2048, the Inception-v3 of the published FID, as torch-fidelity has it
``resnet50``, ...     any classifier of torchvision with a dense last layer; ``resnet50:IMAGENET1K_V1`` chooses its weights
====================  =================================================================================================

Weights that do not ship are looked for in the folder of PyTorch Hub, ``$TORCH_HOME/hub/checkpoints``, and fetched into it once.
"""

import os
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate

from imggen_lib.data import to_uint8, to_unit
from imggen_lib.data.download import TRANSFER_ERRORS, offline, sha256
from imggen_lib.errors import unknown_name
from imggen_lib.machine import first_weights, full_precision

INCEPTION_URL = "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth"
_INCEPTION = {
    "network": "Inception-v3 of 2015-12-05, converted from TensorFlow by torch-fidelity",
    "weights": INCEPTION_URL.rpartition("/")[2],
    "pixels": "rounded to bytes; grey repeated to three channels; (byte - 128) / 128",
    "resize": "to 299 x 299, bilinear as in TensorFlow 1: no antialiasing, half a pixel off",
    "features": "2048, the means of the last maps",
}


class FeaturesUnavailable(ValueError):
    """A feature network's weights, or the package that it needs, are not here. The message says what to do."""


class Extractor(nn.Module):
    """A frozen feature network: images ``(n, c, h, w)`` in [-1, 1] to features ``(n, d)``.

    `prepare` makes the images what `net` expects; `net` returns the features. At most `batch` images are in the network at a
    time, whatever is asked for. Always in evaluation mode. `about` describes all of it in words, for the record.
    """

    def __init__(self, net: nn.Module, prepare: Callable[[Tensor], Tensor], about: dict[str, str], batch: int = 32) -> None:
        super().__init__()
        self.net, self.prepare, self.about, self.batch = net, prepare, about, batch
        self.requires_grad_(False)
        self.train(False)

    def train(self, mode: bool = True) -> "Extractor":
        """Nothing: a feature network only measures."""
        return super().train(False)

    @full_precision()
    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        return torch.cat([self.net(self.prepare(part)) for part in images.split(self.batch)])


def colour(images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 3 h w"]:
    """Grey images repeated to three channels; colour images as they are."""
    if images.shape[1] not in (1, 3):
        raise ValueError(f"this feature network takes grey (1 channel) or RGB images (3 channels), got {images.shape[1]} channels")
    return images.expand(-1, 3, -1, -1)


# What an extractor does before its network looks; functions of the module, so that an extractor can be copied and pickled.


def _as_bytes(images: Tensor) -> Tensor:
    return to_uint8(colour(images))


def _resized(images: Tensor, side: int, mode: str, mean: Sequence[float], deviation: Sequence[float]) -> Tensor:
    shown = interpolate(to_unit(colour(images)), size=(side, side), mode=mode, align_corners=False, antialias=True)
    centre, spread = (torch.tensor(v, device=images.device, dtype=images.dtype).view(-1, 1, 1) for v in (mean, deviation))
    return (shown.clamp(0, 1) - centre) / spread


def _of_shape(images: Tensor, shape: tuple[int, ...]) -> Tensor:
    if tuple(images.shape[1:]) != shape:
        raise ValueError(f"the feature network takes images of shape {shape}, got {tuple(images.shape[1:])}")
    return images


def weights_folder() -> Path:
    """Where weights are looked for and kept: PyTorch Hub's ``checkpoints``, which ``TORCH_HOME`` moves."""
    return Path(torch.hub.get_dir()) / "checkpoints"


def _weights(url: str, download: bool) -> Path:
    """The file of `url` in :func:`weights_folder`, fetched if need be; its name holds the start of its SHA-256."""
    name = url.rpartition("/")[2]
    path = weights_folder() / name
    found = re.search(r"-([0-9a-f]{8,})\.", name)
    digest = found[1] if found else ""
    advice = f"download {url} elsewhere and put it at {path}, or name another folder for it by TORCH_HOME"
    if not path.exists():
        if not download or offline():
            why = "IMGGEN_OFFLINE forbids downloads" if download else "this call does not download"
            raise FeaturesUnavailable(f"{name} is not at hand and {why}: {advice}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(path), digest or None, progress=True)
        except (*TRANSFER_ERRORS, RuntimeError) as error:
            reason = getattr(error, "reason", None) or error or type(error).__name__
            raise FeaturesUnavailable(f"{name} cannot be downloaded ({reason}): {advice}") from error
    if not sha256(path).startswith(digest):
        raise FeaturesUnavailable(f"{path} is damaged or another file: its SHA-256 does not start with {digest}; delete it")
    return path


def _tensors(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """The state dict in a file that may hold tensors and nothing else: nothing in it is executed."""
    path = Path(path)
    if not path.is_file():
        raise FeaturesUnavailable(f"there is no weights file at {path}")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file raises one of many
        raise FeaturesUnavailable(f"{path} holds no plain weights: {str(error).splitlines()[0]}") from error
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise FeaturesUnavailable(f"{path} holds no plain weights: expected tensors by name")
    return state


def _about(about: dict[str, str], weights: str | os.PathLike[str] | None) -> dict[str, str]:
    if weights is None:
        return dict(about)
    return about | {"weights": f"{Path(weights).name}, SHA-256 {sha256(Path(weights))[:12]}..., not the published ones"}


class _First(nn.Module):
    """The first of the tensors that a network returns."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)[0]


def inception(*, weights: str | os.PathLike[str] | None = None, download: bool = True) -> Extractor:
    """The network of the published FID, KID and Inception Score: 2048 features, before the last layer.

    The weights are those of the original TensorFlow program, the resizing is its own, and pixels are bytes, so that
    :func:`~imggen_lib.metrics.distribution.frechet_distance` of these features is the number that papers report **for the same
    reference images and the same n** (usually 50,000 samples against all training images). It needs the package torch-fidelity,
    whose class is used as it is, and the weights (95 MB), checked against the SHA-256 in the file's name. `weights` names another
    file with a state dict of the same network; then the numbers compare with nothing published.

    What the libraries do, as read in their sources: torch-fidelity 0.4 takes bytes and resizes as TensorFlow 1 did (pixel i of the
    output is read at i * h / 299, two neighbours weighted, no antialiasing), computes in float32, and takes covariances with
    n - 1 (as here). torchmetrics 1.9 runs the very same network and weights, but its ``FrechetInceptionDistance`` resizes with
    antialiasing and half-pixel centres **by default** (``antialias=False`` gives the original), and with ``normalize=True`` it
    cuts pixels off to bytes instead of rounding them. So its default is another number, for enlarged images too.
    TensorFlow's resizing aliases where it shrinks (Parmar et al. 2022, arXiv:2104.11222): images larger than 299 pixels are judged
    through that fault, as all published numbers are. Digits enlarged to 299 pixels are far from what it was taught on; on them
    its numbers compare with published ones but mean little.
    Source: Heusel et al. 2017, arXiv:1706.08500; Obukhov et al. 2020, torch-fidelity.
    """
    if weights is not None:
        _tensors(weights)  # complain before the package is imported
    path = _weights(INCEPTION_URL, download) if weights is None else Path(weights)
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3  # type: ignore[import-untyped]
    except ImportError as error:
        raise FeaturesUnavailable("the Inception of the published FID needs a package: pip install torch-fidelity") from error
    _tensors(path)  # torch-fidelity would also load a file that runs code; this refuses it first
    try:
        with first_weights(0):
            net = FeatureExtractorInceptionV3("inception-v3-compat", ["2048"], feature_extractor_weights_path=str(path))
    except RuntimeError as error:
        raise FeaturesUnavailable(f"{path} holds the weights of another network than torch-fidelity's Inception-v3") from error
    return Extractor(_First(net), _as_bytes, _about(_INCEPTION, weights))


def _choice(name: str) -> tuple[str, Any]:
    """Torchvision's name of a network, and its entry for the weights asked for."""
    from torchvision import models  # type: ignore[import-untyped]

    base, _, wanted = name.partition(":")
    known = models.list_models(module=models)
    if base not in known:
        raise ValueError(unknown_name("feature network", base, ["mnist-features", "fashion-features", "inception", *known]))
    entries = models.get_model_weights(base)
    if not wanted:
        return base, entries.DEFAULT
    if wanted not in entries.__members__:
        raise ValueError(unknown_name(f"weights of {base}", wanted, entries.__members__))
    return base, entries[wanted]


def without_last_layer(net: nn.Module, name: str = "this network") -> int:
    """Take the last dense layer off, in place, so that `net` returns what it was given; how many features these are."""
    dense = [(where, m) for where, m in net.named_modules() if isinstance(m, nn.Linear)]
    last_weights = next((m for m in reversed(list(net.modules())) if isinstance(getattr(m, "weight", None), nn.Parameter)), None)
    if not dense or dense[-1][1] is not last_weights:
        raise ValueError(f"{name} does not end in a dense layer that could be taken off; pass a function of your own instead")
    where, layer = dense[-1]
    parent, _, child = where.rpartition(".")
    setattr(net.get_submodule(parent), child, nn.Identity())
    return layer.in_features


def torchvision_network(name: str, *, weights: str | os.PathLike[str] | None = None, download: bool = True) -> Extractor:
    """A classifier of torchvision without its last layer, as features: ``resnet50``, or ``resnet50:IMAGENET1K_V1``.

    Weights are torchvision's own (its best, unless one is named) and come by its own interface; `weights` names a file with a
    state dict instead. Grey images are repeated to three channels; the **whole** image is resized to the network's square side,
    antialiased, with the filter that the weights were trained for; then the weights' mean and deviation are taken off. This
    differs from torchvision's transform for classification, which enlarges a little more and cuts the border off: a metric should
    not be blind to borders. Nothing is rounded to bytes.
    Numbers compare with the same name, the same weights and this resizing only. ``inception_v3`` is torchvision's own training
    of that network and **not** the one of the published FID (:func:`inception`).
    """
    from torchvision import models

    base, entry = _choice(name)
    if weights is None:
        _weights(entry.url, download)
    state = None if weights is None else _tensors(weights)
    with first_weights(0):
        plain = {"init_weights": False} if base in ("googlenet", "inception_v3") and state is not None else {}
        net = models.get_model(base, weights=entry if state is None else None, **plain)
    if state is not None:
        try:
            net.load_state_dict(state)
        except RuntimeError as error:
            raise FeaturesUnavailable(f"{weights} holds the weights of another network than {base}") from error
    width, how = without_last_layer(net, base), entry.transforms()
    side, mode = how.crop_size[0], how.interpolation.value
    about = {
        "network": f"torchvision's {base} without its last layer",
        "weights": entry.url.rpartition("/")[2],
        "pixels": f"grey repeated to three channels; less {how.mean}, over {how.std}",
        "resize": f"the whole image to {side} x {side}, {mode}, antialiased",
        "features": f"{width}, before the last layer",
    }
    prepare = partial(_resized, side=side, mode=mode, mean=tuple(how.mean), deviation=tuple(how.std))
    return Extractor(net, prepare, _about(about, weights))


def shipped_network(name: str) -> Extractor:
    """A classifier that comes with this library, up to its 128 features. Images must have its size; nothing is resized."""
    from imggen_lib.checkpoint import pretrained

    net = pretrained(name).model()
    about = {
        "network": f"{name} of this library",
        "weights": f"{name}.safetensors",
        "pixels": "as they are, in [-1, 1]",
        "resize": "none",
        "features": "128, after the dense layer's ReLU",
    }
    return Extractor(net.body, partial(_of_shape, shape=tuple(net.image_shape)), about, batch=1000)


def extractor(name: str, *, weights: str | os.PathLike[str] | None = None, download: bool = True) -> Extractor:
    """The feature network of that name; see the list at the top of this module.

    Raises :class:`FeaturesUnavailable`, with what to do in the message, where the weights are not here and cannot be fetched (or
    `download` is False), or a package is missing; ``ValueError`` for a name that nothing has.

    `weights` of one's own are read as tensors and nothing else. PyTorch up to 2.5.1 can be made to run code by a crafted file even
    so (CVE-2025-32434): there, name only files that you trust.
    """
    from imggen_lib.checkpoint import shipped

    if name == "inception":
        return inception(weights=weights, download=download)
    if name not in shipped():
        return torchvision_network(name, weights=weights, download=download)
    if not name.endswith("-features") or weights is not None:
        raise ValueError(f"{name} is no feature network" if weights is None else f"{name} comes with its weights: leave them out")
    return shipped_network(name)


def describe(name: str) -> dict[str, str]:
    """What :func:`extractor` of that name does, in words, without its weights. Shipped networks and ``inception`` only."""
    if name == "inception":
        return dict(_INCEPTION)
    return shipped_network(name).about
