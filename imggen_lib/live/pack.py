"""A network as bytes for a page: half precision, or whole numbers where that is much smaller and the picture stays the same.

A packed network is a JSON object (``spec``) and bytes. ``spec["nets"]`` lists the layers of each network by kind, options, and the
numbers of their tensors; :mod:`imggen_lib.live.wire` says how those are stored. The script ``js/net.js`` computes it.

**What it costs: nothing that can be seen.** The shipped models are stored in half precision, so half precision is exact, and what
fits into the budget stays so: a page should not load more than 500 kB of weights by itself. In what does not fit, the large layers
of what draws are rounded to whole numbers (:mod:`imggen_lib.compress.calibrate`), as coarsely as leaves every pixel of the images
of 100 seeds within half a grey level of 255. What is still larger than the budget is a file that a page loads only when the reader
asks for it (``book/_ext/live.py``). What reads, a VAE's encoder, is always in half precision.

**Eight bits.** With the choice :data:`EIGHT` every weight of what draws is a whole number from -127 to 127 times a step, one a map
(:mod:`imggen_lib.compress.quantise`), and biases are in half precision. Pixels then move by some grey levels. The record of the
chapter "Smaller and faster" measures what that costs each shipped model, in Frechet distance, and the pages use it where no cost is
shown (:func:`imggen_lib.live.shipped.rounding`).
``spec["weights"]`` says which it is, ``spec["difference"]`` how far those images are from the full network's, in [-1, 1]: the
largest of any pixel, and the root mean square.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from math import log2
from typing import Any

import torch
from torch import Tensor, nn

from imggen_lib.compress.calibrate import Rounding, steps
from imggen_lib.compress.quantise import largest_steps, rows, unrows
from imggen_lib.live.layers import Layer, Layers, networks, run
from imggen_lib.live.wire import Writer, unpacked
from imggen_lib.models.blocks import one_hot
from imggen_lib.models.vae import VAE
from imggen_lib.noise import generator_for, latents
from imggen_lib.sampling import decode

FORMAT = 1
#: Bytes that a file's weights may have in half precision, deflated; with its JSON and as text, gzip makes 500 kB of it at most.
BUDGET = 490_000
HALF_A_GREY_LEVEL = 1 / 255  # of 255 from -1 to 1
_LARGE, _HUGE = 10_000, 100_000  # weights; small layers stay as they are, medium ones get finer steps: they cost little
EIGHT = {"weights": "int8"}  # a choice of :func:`pack`
_EIGHT = 127  # levels on either side of zero that eight bits have
_FEWEST, _MOST = 6, 32_000  # levels on either side of zero; two bytes hold 32,767
_STREAM = 11  # of random numbers for calibration; see noise.generator_for


@dataclass(frozen=True)
class Packed:
    """JSON and bytes; see the module."""

    spec: dict[str, Any]
    content: bytes  # deflated


@dataclass(frozen=True)
class _Coarse:
    """How a layer is to be rounded: its weights as rows over its input channels, and a share of the levels."""

    rounding: Rounding
    share: float

    def whole(self, layer: Layer, levels: float) -> tuple[Tensor, Tensor, Tensor]:
        """Whole numbers in the weights' shape, a step a channel, and what the rounding takes from each output in the mean."""
        weight, out = _weight(layer), _axis(layer)
        step = steps(weight.movedim(out, 0).flatten(1), min(levels * self.share, _MOST))
        across = step.view(*[-1 if d == out else 1 for d in range(weight.ndim)]).expand(weight.shape)
        moved = weight.movedim(1 - out, -1)
        rows = self.rounding(moved.reshape(-1, moved.shape[-1]), across.movedim(1 - out, -1).reshape(-1, moved.shape[-1])[:, 0])
        whole = rows.view(moved.shape).movedim(-1, 1 - out)
        # Behind a dense layer, the mean that is lost is known exactly; behind a convolution it would depend on the place.
        lost = (weight - whole * across) @ self.rounding.mean if layer.kind == "dense" else torch.zeros_like(step)
        return whole, step, lost


@dataclass(frozen=True)
class _Nearest:
    """A layer is rounded to the nearest, with a step for each of so many maps; nothing is cut off."""

    maps: int

    def whole(self, layer: Layer, levels: float) -> tuple[Tensor, Tensor, Tensor]:
        """As :meth:`_Coarse.whole`; nothing is lost in the mean."""
        weight, axis = _weight(layer), _axis(layer)
        flat = rows(weight.float(), axis, self.maps)
        step = largest_steps(flat, 8)
        each = step[:, 0].double().repeat_interleave(weight.shape[axis] // self.maps)
        return unrows((flat / step).round().double(), weight, axis), each, torch.zeros_like(each)


def _eight(layers: Sequence[Layer]) -> dict[int, _Nearest]:
    """How to round each layer to eight bits; a map of a dense layer in front of maps is a run of its outputs."""
    found: dict[int, _Nearest] = {}
    for layer, behind in zip_longest(layers, layers[1:]):
        if "weight" in layer.tensors:
            outputs = layer.tensors["weight"].shape[_axis(layer)]
            maps = behind.options["to"][0] if layer.kind == "dense" and behind and behind.kind == "shape" else 1
            found[id(layer)] = _Nearest(maps if maps > 1 else outputs)
        found |= _eight(layer.body)
    return found


def _axis(layer: Layer) -> int:
    """The dimension of the weights that holds the output channels."""
    return 1 if layer.kind == "transposed" else 0


def _weight(layer: Layer) -> Tensor:
    """The weights with their BatchNorm's factor."""
    weight, gain = layer.tensors["weight"], layer.tensors.get("gain")
    return weight if gain is None else weight * gain.view(*[-1 if d == _axis(layer) else 1 for d in range(weight.ndim)])


def _coarse(layers: Layers, x: Tensor, labels: Tensor | None) -> dict[int, _Coarse]:
    """How to round each large layer, given typical inputs of the network."""
    found: dict[int, _Coarse] = {}

    def note(layer: Layer, value: Tensor) -> None:
        if "weight" in layer.tensors and (count := layer.tensors["weight"].numel()) >= _LARGE:
            rows = value.movedim(1, -1).reshape(-1, value.shape[1])
            picked = torch.randperm(len(rows), generator=generator_for(0, _STREAM))[:20_000]
            found[id(layer)] = _Coarse(Rounding(rows[picked]), 1 if count >= _HUGE else 16)

    with torch.no_grad():
        run(layers, x, labels, note)
    return found


def _write(layer: Layer, writer: Writer, coarse: Mapping[int, _Coarse | _Nearest], levels: float) -> dict[str, Any]:
    """The JSON of one layer; its tensors go to `writer`."""
    said: dict[str, Any] = {"kind": layer.kind, **layer.options}
    tensors = dict(layer.tensors)
    if levels and id(layer) in coarse:
        whole, step, lost = coarse[id(layer)].whole(layer, levels)
        said["weight"] = writer.whole(whole, scale=writer.numbers(step), axis=_axis(layer))
        tensors["bias"] = tensors.get("bias", torch.zeros_like(lost)) + lost
    elif "gain" in tensors:
        scale = writer.numbers(tensors["gain"])
        said["weight"] = writer.numbers(tensors["weight"], exact=False, scale=scale, axis=_axis(layer))
    elif "weight" in tensors:
        said["weight"] = writer.numbers(tensors["weight"], exact=False)
    said |= {
        name: writer.numbers(v, exact=name != "bias" or not levels) for name, v in tensors.items() if name not in ("weight", "gain")
    }
    if layer.body:
        said["body"] = [_write(inner, writer, coarse, levels) for inner in layer.body]
    return said


def _written(nets: Mapping[str, Layers], coarse: Mapping[int, _Coarse | _Nearest], levels: float) -> tuple[dict[str, Any], bytes]:
    writer = Writer()
    said = {name: [_write(layer, writer, coarse, levels) for layer in layers] for name, layers in nets.items()}
    rounding = {"levels": levels, "layers": len(coarse)} if levels else {}
    spec = {"nets": said, "tensors": writer.table, "weights": "whole" if levels else "fp16", **rounding}
    return spec, writer.deflated()


def written(nets: Mapping[str, Layers]) -> tuple[dict[str, Any], bytes]:
    """Lists of layers in half precision: what their ``spec`` says of them, and the deflated bytes."""
    return _written(nets, {}, 0)


def _smallest(model: nn.Module, nets: Mapping[str, Layers], coarse: Mapping[int, _Coarse], budget: int) -> Packed:
    """In half precision if that fits into `budget` bytes; else rounded, the largest layers or the medium ones too."""
    packed = Packed(*_written(nets, coarse, 0))
    if len(packed.content) <= budget:
        return packed
    ways = (_rounded(model, nets, c) for c in (_huge(coarse), coarse) if c)
    return min([packed, *filter(None, ways)], key=lambda way: len(way.content))


def _huge(coarse: Mapping[int, _Coarse]) -> dict[int, _Coarse]:
    return {key: how for key, how in coarse.items() if how.share <= 1}


def _rounded(model: nn.Module, nets: Mapping[str, Layers], coarse: Mapping[int, _Coarse]) -> Packed | None:
    """With the fewest levels that leave the picture as it is; None if none do."""
    found, low, high = None, log2(_FEWEST), log2(_MOST)
    for _ in range(8):
        middle = (low + high) / 2
        packed = Packed(*_written(nets, coarse, round(2**middle, 1)))
        if _apart(model, packed).abs().max() <= HALF_A_GREY_LEVEL:
            found, high = packed, middle
        else:
            low = middle
    return found


def _typical(model: nn.Module, n: int = 2000) -> tuple[Tensor, Tensor | None]:
    """Standard normal latents, and the one-hot rows of labels."""
    classes = int(model.classes)  # type: ignore[arg-type]
    z = torch.randn(n, int(model.latent_dim), generator=generator_for(1, _STREAM))  # type: ignore[arg-type]
    labels = torch.arange(n) % classes if classes else None
    return z, one_hot(labels, classes, z)


def pack(model: nn.Module, encoder: bool = False, budget: int = BUDGET, choice: Mapping[str, Any] | None = None) -> Packed:
    """What draws, a generator or a VAE's decoder; with `encoder` what reads as well. In evaluation mode and on the CPU.

    Where half precision takes more than `budget` bytes, how coarsely to round takes a search of some seconds; the ``spec`` that an
    earlier one made can be given as `choice`, or :data:`EIGHT`. With the encoder nothing is rounded. Raises ``ValueError`` for a
    layer that the page cannot compute.
    """
    if model.training:
        raise ValueError("a network is packed in evaluation mode: call model.eval() first")
    if encoder and not isinstance(model, VAE):
        raise ValueError(f"only a VAE has an encoder; got {type(model).__name__}")
    nets = networks(model)
    if encoder:
        found = Packed(*_written(nets, {}, 0))
    else:
        nets.pop("encode", None)
        if choice and choice["weights"] == EIGHT["weights"]:
            spec, content = _written(nets, _eight(nets["decode"]), _EIGHT)
            said = {**_described(model), **spec, **EIGHT}
            return Packed({**said, "difference": difference(model, Packed(said, content))}, content)
        z, labels = _typical(model)
        coarse = _coarse(nets["decode"], z * 1.2, labels)  # a little wider than the prior, as a reader's hand moves
        if choice:
            rounded = coarse if choice.get("layers", 0) == len(coarse) else _huge(coarse)
            found = Packed(*_written(nets, rounded, choice.get("levels", 0)))
        else:
            found = _smallest(model, nets, coarse, budget)
    return Packed({**_described(model), **found.spec, "difference": difference(model, found)}, found.content)


def _described(model: nn.Module) -> dict[str, Any]:
    likelihood = model.likelihood if isinstance(model, VAE) else None
    family = "vae" if isinstance(model, VAE) else "gan"
    shape: tuple[int, int, int] = model.image_shape  # type: ignore[assignment]
    said = {"format": FORMAT, "family": family, "likelihood": likelihood, "image": list(shape)}
    return {**said, "latent": model.latent_dim, "classes": model.classes}


def difference(model: nn.Module, packed: Packed) -> dict[str, float]:
    """How far the packed network's images are from the network's: the largest pixel and the root mean square, in [-1, 1]."""
    apart = _apart(model, packed)
    return {"largest": float(f"{apart.abs().max():.2g}"), "typical": float(f"{apart.square().mean().sqrt():.2g}")}


def _apart(model: nn.Module, packed: Packed, seeds: range = range(100)) -> Tensor:
    """The packed network's images less the network's."""
    classes = int(model.classes)  # type: ignore[arg-type]
    labels = torch.arange(len(seeds)) % classes if classes else None
    z = latents(seeds, int(model.latent_dim))  # type: ignore[arg-type]
    nets = unpacked(packed.spec, packed.content)
    with torch.no_grad():
        return run(nets["decode"] + nets["show"], z, one_hot(labels, classes, z)) - decode(model, z, labels)
