r"""A folded generator in few bits as a file: whole numbers packed bit by bit, steps and biases in half precision.

What the chapter calls bytes is what is counted here, :func:`nbytes`: :math:`b` bits for each weight, and two bytes for each step
and each bias. The file (safetensors) has a kilobyte or two of names and shapes besides.
"""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from jaxtyping import Int, UInt8
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from imggen_lib.compress.fold import FoldedGenerator
from imggen_lib.compress.quantise import _axis, channels_of, layers, levels, quantised, rows, steps_of, unrows

WEIGHTS = Path(__file__).parent / "weights"
_ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh}


def nbytes(model: nn.Module, bits: int, steps: bool = True) -> int:
    """The bytes of a generator whose weights take `bits` bits: with 16 or 32, everything does; below, steps and biases take two."""
    weights = sum(layer.weight.numel() for _, layer in layers(model))
    others = sum(p.numel() for p in model.parameters()) - weights
    if bits >= 16:
        return (weights + others) * bits // 8
    return -(-weights * bits // 8) + 2 * others + (2 * sum(channels_of(model, layer) for _, layer in layers(model)) if steps else 0)


def packed(whole: Int[Tensor, "..."], bits: int) -> UInt8[Tensor, " bytes"]:
    """Whole numbers from ``-levels(bits)`` to ``levels(bits)``, `bits` bits each, one behind the other."""
    shifted = whole.flatten().long() + levels(bits)
    single = (shifted.unsqueeze(1) >> torch.arange(bits)) & 1
    return torch.from_numpy(np.packbits(single.numpy().astype(np.uint8).ravel(), bitorder="little"))


def unpacked(content: UInt8[Tensor, " bytes"], bits: int, shape: tuple[int, ...]) -> Int[Tensor, "..."]:
    """The way back from :func:`packed`."""
    count = int(np.prod(shape))
    single = np.unpackbits(content.numpy(), bitorder="little")[: count * bits].reshape(count, bits)
    return (torch.from_numpy(single.astype(np.int64)) << torch.arange(bits)).sum(1).view(shape) - levels(bits)


def _described(layer: nn.Module) -> list[Any]:
    """A layer's kind and numbers, for the head of a file."""
    for name, activation in _ACTIVATIONS.items():
        if type(layer) is activation:
            return [name]
    if not isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) or layer.bias is None:
        raise ValueError(f"a file has convolutions with biases, ReLU and tanh; got {layer}")
    kind = "transposed" if isinstance(layer, nn.ConvTranspose2d) else "conv"
    return [kind, layer.in_channels, layer.out_channels, layer.kernel_size[0], layer.stride[0], int(layer.padding[0])]


def _built(said: list[Any]) -> nn.Module:
    kind, *numbers = said
    if kind in _ACTIVATIONS:
        return _ACTIVATIONS[kind]()
    made: nn.Module = (nn.ConvTranspose2d if kind == "transposed" else nn.Conv2d)(*numbers)
    return made


def save(generator: FoldedGenerator, path: Path, bits: int, **card: Any) -> int:
    """Write a folded generator; weights that are already multiples of a step a map are kept exactly, others are rounded. Its bytes.

    `card` is what a reader must know; it stands in the file's head.
    """
    tensors: dict[str, Tensor] = {"shift": generator.shift.detach().half()}
    for name, layer in layers(generator):
        flat = rows(layer.weight.detach().double(), _axis(layer), channels_of(generator, layer))
        step = (_grid(flat, bits) if bits < 8 else steps_of(generator, layer, bits).double()).half().double().clamp(min=2.0**-24)
        tensors[f"{name}.weight"] = packed((quantised(flat, step, bits) / step).round().long(), bits)
        tensors[f"{name}.step"] = step[:, 0].half()
        if layer.bias is not None:
            tensors[f"{name}.bias"] = layer.bias.detach().half()
    head = {name: getattr(generator, name) for name in ("image_shape", "latent_dim", "classes", "start")}
    about = {**head, "bits": bits, "net": [_described(layer) for layer in generator.net], "card": card}
    save_file(tensors, path, {"imggen_lib": json.dumps(about)})
    return path.stat().st_size


def _grid(flat: Tensor, bits: int) -> Tensor:
    """The step of weights that are multiples of one already, row by row: the smallest difference of two of their magnitudes."""
    steps = []
    for row in flat:
        values = torch.cat([torch.zeros(1, dtype=row.dtype), row.abs()]).unique()
        gaps = values.diff()
        near = gaps[gaps > 1e-4 * values.max().clamp(min=1e-12)]
        step = near.min() if len(near) else values.max().clamp(min=1e-8)
        whole = (row / step).round()
        if whole.abs().max() > levels(bits) or (row - whole * step).abs().max() > 1e-3 * step:
            raise ValueError(f"these weights are not on a grid of {bits} bits: round them first")
        steps.append((row * whole).sum() / whole.square().sum().clamp(min=1))  # the best of all nearby steps
    return torch.stack(steps).unsqueeze(1)


def load(path: Path) -> FoldedGenerator:
    """Read a generator that :func:`save` wrote; its weights are floats again, its ``card`` what was said of it."""
    with safe_open(path, "pt") as file:
        about = json.loads(file.metadata()["imggen_lib"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    start = tuple(about["start"])
    like: Any = SimpleNamespace(
        image_shape=tuple(about["image_shape"]), latent_dim=about["latent_dim"], classes=about["classes"], start=start
    )
    dense = nn.Linear(like.latent_dim + like.classes, start[0] * start[1] * start[2], bias=False)
    net = nn.Sequential(*(_built(said) for said in about["net"]))
    generator = FoldedGenerator(dense, tensors["shift"].float(), net, like)
    with torch.no_grad():
        for name, layer in layers(generator):
            channels = channels_of(generator, layer)
            whole = unpacked(tensors[f"{name}.weight"], about["bits"], (channels, layer.weight.numel() // channels))
            flat = (whole * tensors[f"{name}.step"].double().unsqueeze(1)).float()
            layer.weight.copy_(unrows(flat, layer.weight, _axis(layer)))
            generator.steps[name] = tensors[f"{name}.step"].double().unsqueeze(1)
            if layer.bias is not None:
                layer.bias.copy_(tensors[f"{name}.bias"])
    generator.card, generator.bits = about["card"], about["bits"]
    return generator.eval()


def names() -> list[str]:
    """The small generators that ship with the library."""
    return sorted(file.stem for file in WEIGHTS.glob("*.safetensors"))


def small(name: str) -> FoldedGenerator:
    """A small generator by its name. Raises ``ValueError`` for a name that there is none of."""
    if name not in names():
        raise ValueError(f"the small generators are {', '.join(names())}; got {name!r}")
    return load(WEIGHTS / f"{name}.safetensors")
