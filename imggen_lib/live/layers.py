"""A network as a list of plain layers: what the script in the page can compute, with BatchNorm folded away.

``unrolled`` turns a module into that list; a block of one's own joins in by ``@unrolled.register``. ``folded`` leaves no BatchNorm,
``run`` computes the list, for calibration and for tests.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import singledispatch
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imggen_lib.compress.fold import FoldedGenerator
from imggen_lib.models.blocks import Residual
from imggen_lib.models.gan import ConvGenerator, MLPGenerator
from imggen_lib.models.levels import TileDecoder
from imggen_lib.models.sentence import SiluResidual
from imggen_lib.models.vae import VAE, Centred


@dataclass(frozen=True)
class Layer:
    """One step: ``kind`` says which, ``options`` are numbers, ``tensors`` are its weights by name, ``body`` a residual's branch."""

    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)
    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    body: tuple[Any, ...] = ()  # of layers


Layers = list[Layer]


@singledispatch
def unrolled(module: object) -> Layers:
    """The layers of a module, in order. Raises ``ValueError`` for a kind that the page cannot compute, and names it."""
    raise ValueError(f"the page cannot compute a layer of the kind {type(module).__name__}")


@unrolled.register
def _(module: nn.Sequential) -> Layers:
    return [layer for child in module for layer in unrolled(child)]


def _weights(module: nn.Linear | nn.Conv2d | nn.ConvTranspose2d) -> dict[str, Tensor]:
    bias = {} if module.bias is None else {"bias": module.bias.detach().double()}
    return {"weight": module.weight.detach().double(), **bias}


@unrolled.register
def _(module: nn.Linear) -> Layers:
    return [Layer("dense", tensors=_weights(module))]


def _convolution(kind: str, module: nn.Conv2d | nn.ConvTranspose2d) -> Layers:
    padding = (0,) if module.padding == "valid" else module.padding
    plain = module.padding_mode == "zeros" and set(module.dilation) == {1} and module.groups == 1
    if isinstance(padding, str) or not plain or len(set(module.stride)) > 1 or len(set(padding)) > 1:
        raise ValueError(f"the page computes convolutions of one group, undilated, alike on both axes, zero-padded; got {module}")
    options = {"stride": module.stride[0], "padding": padding[0]}
    if isinstance(module, nn.ConvTranspose2d):
        if len(set(module.output_padding)) > 1:
            raise ValueError(f"the page needs the same output padding on both sides; got {module}")
        options["extra"] = module.output_padding[0]
    return [Layer(kind, options, _weights(module))]


@unrolled.register
def _(module: nn.Conv2d) -> Layers:
    return _convolution("conv", module)


@unrolled.register
def _(module: nn.ConvTranspose2d) -> Layers:
    return _convolution("transposed", module)


@unrolled.register(nn.BatchNorm1d)
@unrolled.register(nn.BatchNorm2d)
def _(module: nn.BatchNorm1d | nn.BatchNorm2d) -> Layers:
    if module.running_mean is None or module.running_var is None:
        raise ValueError("the page needs BatchNorm with running statistics")
    scale = (module.running_var.double() + module.eps).rsqrt()
    scale = scale if module.weight is None else scale * module.weight.detach().double()
    shift = -module.running_mean.double() * scale
    shift = shift if module.bias is None else shift + module.bias.detach().double()
    return [Layer("channels", tensors={"scale": scale, "shift": shift})]


@unrolled.register
def _(module: nn.LeakyReLU) -> Layers:
    return [Layer("leaky", {"slope": module.negative_slope})]


@unrolled.register
def _(module: nn.GELU) -> Layers:
    if module.approximate != "none":
        raise ValueError("the page computes the exact GELU only, not the approximation by tanh")
    return [Layer("gelu")]


@unrolled.register
def _(module: nn.Upsample) -> Layers:
    if module.mode != "nearest" or module.scale_factor is None or float(module.scale_factor) % 1:  # type: ignore[arg-type]
        raise ValueError(f"the page enlarges by whole numbers, nearest pixel only; got {module}")
    return [Layer("nearest", {"factor": int(module.scale_factor)})]  # type: ignore[arg-type]


@unrolled.register
def _(module: nn.Unflatten) -> Layers:
    if module.dim != 1:
        raise ValueError(f"the page unflattens dimension 1 only; got {module}")
    return [Layer("shape", {"to": [int(n) for n in module.unflattened_size]})]


@unrolled.register
def _(module: nn.Flatten) -> Layers:
    return [Layer("flat")]


@unrolled.register
def _(module: Centred) -> Layers:
    return [Layer("add", tensors={"value": -module.centre.detach().double()}), Layer("flat")]


for _kind, _module in {"relu": nn.ReLU, "silu": nn.SiLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}.items():
    unrolled.register(_module, lambda _, kind=_kind: [Layer(kind)])
for _nothing in (nn.Identity, nn.Dropout):
    unrolled.register(_nothing, lambda _: [])


@unrolled.register
def _(module: Residual) -> Layers:
    return [Layer("residual", body=(Layer("gelu"), *unrolled(module.first), Layer("gelu"), *unrolled(module.second)))]


@unrolled.register
def _(module: SiluResidual) -> Layers:
    return [Layer("residual", body=(Layer("silu"), *unrolled(module.one), Layer("silu"), *unrolled(module.two)))]


@unrolled.register
def _(module: MLPGenerator) -> Layers:
    return [Layer("classes"), *unrolled(module.net), Layer("tanh"), Layer("shape", {"to": list(module.image_shape)})]


@unrolled.register
def _(module: ConvGenerator) -> Layers:
    start = Layer("shape", {"to": list(module.start)})
    return [Layer("classes"), *unrolled(module.dense), start, *unrolled(module.net)]


@unrolled.register
def _(module: FoldedGenerator) -> Layers:
    start = Layer("shape", {"to": list(module.start)})
    bias = module.shift.detach().double().repeat_interleave(module.start[1] * module.start[2])
    dense = Layer("dense", tensors={**_weights(module.dense), "bias": bias})
    return [Layer("classes"), dense, start, *unrolled(module.net)]


@unrolled.register
def _(module: TileDecoder) -> Layers:
    """Up to the logits of tiles: the most probable kind is the page's to find."""
    code = Layer("dense", tensors={"weight": module.factor.double(), "bias": module.mean.double()})
    shape = Layer("shape", {"to": list(module.image_shape)})
    first, last = module.halves()
    return [
        code,
        Layer("classes"),
        *unrolled(first),
        *unrolled(module.blocks),
        *unrolled(last),
        shape,
        Layer("add", tensors={"value": module.bias.detach().double()}),
    ]


def networks(model: nn.Module) -> dict[str, Layers]:
    """What a model computes: ``decode`` (latent to output), ``show`` (output to image) and, for a VAE, ``encode``.

    ``encode`` gives the mean and the log-variance of q(z|x) in one row.
    """
    if not isinstance(model, VAE):
        return {"decode": folded(unrolled(model)), "show": []}
    shape = Layer("shape", {"to": list(model.image_shape)})
    bias = Layer("add", tensors={"value": model.bias.detach().double()})
    decode = [Layer("classes"), *unrolled(model.decoder), shape, bias]
    ends = [Layer("sigmoid"), Layer("affine", {"scale": 2, "shift": -1})] if model.likelihood == "bernoulli" else [Layer("clamp")]
    encode = [*unrolled(model.encoder), Layer("classes"), *unrolled(model.posterior)]
    return {"decode": folded(decode), "show": ends, "encode": folded(encode)}


def folded(layers: Layers) -> Layers:
    """The same network with each ``channels`` layer (a BatchNorm) multiplied into the dense or convolution layer before it.

    Only what has no padding between the two is folded, so the result is exact; a ``channels`` layer elsewhere stays.
    """
    out: Layers = []
    for layer in layers:
        at = len(out) - 1
        while at >= 0 and out[at].kind == "shape":
            at -= 1
        if layer.kind == "channels" and at >= 0 and out[at].kind in ("dense", "conv", "transposed"):
            out[at] = _scaled(out[at], layer.tensors["scale"], layer.tensors["shift"])
        else:
            out.append(replace(layer, body=tuple(folded(list(layer.body)))))
    return out


def _scaled(layer: Layer, scale: Tensor, shift: Tensor) -> Layer:
    """`layer` times `scale` plus `shift` a channel; behind a dense layer each channel is a run of neighbouring outputs.

    The weights stay as they are and get a factor a channel (``gain``): stored in half precision, they are still exact.
    """
    weight = layer.tensors["weight"]
    axis = 1 if layer.kind == "transposed" else 0
    repeat = weight.shape[axis] // len(scale)
    scale, shift = scale.repeat_interleave(repeat), shift.repeat_interleave(repeat)
    bias, gain = layer.tensors.get("bias", torch.zeros_like(scale)), layer.tensors.get("gain", torch.ones_like(scale))
    return replace(layer, tensors={"weight": weight, "gain": gain * scale, "bias": bias * scale + shift})


def _classes(x: Tensor, layer: Layer, labels: Tensor | None) -> Tensor:
    return x if labels is None else torch.cat([x, labels.to(x.dtype)], 1)


def _channels(x: Tensor, layer: Layer, _: Tensor | None) -> Tensor:
    shape = (1, -1, *[1] * (x.ndim - 2))
    return x * layer.tensors["scale"].to(x.dtype).view(shape) + layer.tensors["shift"].to(x.dtype).view(shape)


def _linear(f: Callable[..., Tensor], axis: int, extra: tuple[str, ...] = ()) -> Callable[[Tensor, Layer, Tensor | None], Tensor]:
    def step(x: Tensor, layer: Layer, _: Tensor | None) -> Tensor:
        weight, bias, gain = layer.tensors["weight"], layer.tensors.get("bias"), layer.tensors.get("gain")
        if gain is not None:
            weight = weight * gain.view(*[-1 if d == axis else 1 for d in range(weight.ndim)])
        options = [layer.options[name] for name in extra]
        return f(x, weight.to(x.dtype), None if bias is None else bias.to(x.dtype), *options)

    return step


def _plain(f: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Layer, Tensor | None], Tensor]:
    return lambda x, layer, labels: f(x)


_STEPS: dict[str, Callable[[Tensor, Layer, Tensor | None], Tensor]] = {
    "classes": _classes,
    "channels": _channels,
    "dense": _linear(F.linear, 0),
    "conv": _linear(F.conv2d, 0, ("stride", "padding")),
    "transposed": _linear(F.conv_transpose2d, 1, ("stride", "padding", "extra")),
    "relu": _plain(F.relu),
    "gelu": _plain(F.gelu),
    "silu": _plain(F.silu),
    "tanh": _plain(torch.tanh),
    "sigmoid": _plain(torch.sigmoid),
    "flat": _plain(lambda x: x.flatten(1)),
    "clamp": _plain(lambda x: x.clamp(-1, 1)),
    "leaky": lambda x, layer, _: F.leaky_relu(x, layer.options["slope"]),
    "nearest": lambda x, layer, _: F.interpolate(x, scale_factor=layer.options["factor"], mode="nearest"),
    "shape": lambda x, layer, _: x.reshape(len(x), *layer.options["to"]),
    "affine": lambda x, layer, _: x * layer.options["scale"] + layer.options["shift"],
    "add": lambda x, layer, _: x + layer.tensors["value"].to(x.dtype),
}
KINDS = (*_STEPS, "residual")


def run(layers: Layers, x: Tensor, labels: Tensor | None = None, seen: Callable[[Layer, Tensor], None] | None = None) -> Tensor:
    """Compute the layers on a batch, in the precision of `x`; `labels` are one-hot rows. `seen` hears each layer and its input."""
    for layer in layers:
        if seen is not None:
            seen(layer, x)
        residual = layer.kind == "residual"
        x = x + run(list(layer.body), x, labels, seen) if residual else _STEPS[layer.kind](x, layer, labels)
    return x
