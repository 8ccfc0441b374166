"""What :func:`imggen_lib.live.latent` loads when its reader asks: a latent flow and its one-step student, each below 500 kB.

The network is :class:`imggen_lib.models.flow.VectorNet` with less to store. Its FiLM layers see time and class as a sum, so they
are a table with a row a class, plus a curve in time: of that curve the directions that matter are kept
(by the singular value decomposition). The large matrices are rounded to whole numbers by :mod:`imggen_lib.compress.calibrate`.
:func:`restored` makes a :class:`~imggen_lib.models.latent_flow.LatentFlow` of a file again, which computes what the page computes;
``spec["difference"]`` says how far its images are from the shipped one's.
"""

import copy
import math
from collections.abc import Mapping
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor, nn

from imggen_lib.checkpoint import pretrained
from imggen_lib.compress.calibrate import Rounding, steps
from imggen_lib.live import latent_codes
from imggen_lib.live.layers import run
from imggen_lib.live.shipped import offers, packed_file
from imggen_lib.live.wire import Writer, tensors, unpacked
from imggen_lib.models.flow import FREQUENCIES, Flow, VectorNet
from imggen_lib.models.latent_flow import LatentFlow
from imggen_lib.models.vae import VAE
from imggen_lib.noise import generator_for, latents

FLOW, STUDENT = "latent-flow", "latent-flow-step"
SHIPPED = {FLOW: "mnist-flow-latent", STUDENT: "mnist-flow-step"}
LEVELS = 12  # on either side of zero, of the large matrices
_EXACT = 0.02  # of the FiLM's numbers, which reach a hundred
_MOST = 64  # directions of the curve in time
_STREAM = 13  # of random numbers; see noise.generator_for


def _seen(model: LatentFlow, single: bool, n: int = 440) -> dict[str, Tensor]:
    """What each large layer gets as inputs on the way from noise to codes."""
    net, kept = model.flow.net, dict[str, list[Tensor]]()
    large = {name: layer for name, layer in net.named_modules() if name.endswith((".first", ".last"))}
    hooks = [
        layer.register_forward_hook(lambda _, given, __, name=name: kept.setdefault(name, []).append(given[0]))
        for name, layer in large.items()
    ]
    x = torch.randn(n, model.latent_dim, generator=generator_for(0, _STREAM)) * 1.1
    labels, parts = torch.arange(n) % (model.classes + 1), 12
    with torch.no_grad():
        for k in [0] if single else range(parts + 1):
            x = x + net(x, torch.full((n,), k / parts), labels) / parts
    for hook in hooks:
        hook.remove()
    return {name: torch.cat(values) for name, values in kept.items()}


def _film(net: Any) -> tuple[Tensor, Tensor, Tensor]:
    """All FiLM layers: a row for each class ``(classes + 1, out)``, and of time's share a basis ``(r, out)`` and ``(r, width)``."""
    condition = net.condition
    weight = torch.cat([block.film.weight for block in net.blocks]).double()
    bias = torch.cat([block.film.bias for block in net.blocks]).double()
    first, last = condition.time[0], condition.time[2]
    rows = condition.label.weight.double() @ weight.T + weight @ last.bias.double() + bias
    t = torch.linspace(0, 1, 257, dtype=torch.float64)
    turns = math.pi * t[:, None] * torch.arange(1, FREQUENCIES + 1, dtype=torch.float64)
    waves = torch.cat([turns.cos(), turns.sin()], 1)
    hidden = nn.functional.silu(waves @ first.weight.double().T + first.bias.double())
    both = weight @ last.weight.double()
    curve = hidden @ both.T
    basis = torch.linalg.svd(curve, full_matrices=False).Vh
    left = [float((curve - curve @ basis[:r].T @ basis[:r]).abs().max()) for r in range(_MOST)]
    rank = next((r for r in range(1, _MOST) if left[r] < 4 * _EXACT), _MOST)
    size = (curve @ basis[:rank].T).abs().amax(0)
    return rows, basis[:rank] * size[:, None], basis[:rank] @ both / size[:, None]


def _even(writer: Writer, rows: Tensor, step: Tensor) -> int:
    """Rows of whole numbers, each in steps of its own."""
    step = step.half().clamp(min=2.0**-14).double()
    return writer.whole((rows.double() / step[:, None]).round(), scale=writer.numbers(step), axis=0)


def _velocity(model: LatentFlow, writer: Writer, single: bool) -> dict[str, Any]:
    """The network's tensors by name; of one that is only asked at t = 0, with time's share in its classes' rows."""
    net = model.flow.net
    assert isinstance(net, VectorNet)
    seen = _seen(model, single)

    def exact(layer: Any) -> dict[str, int]:
        return {k: writer.numbers(v.detach(), exact=False) for k, v in layer.named_parameters()}

    def dense(layer: nn.Linear) -> dict[str, int]:
        return {**exact(layer), "weight": _even(writer, layer.weight.detach(), layer.weight.detach().abs().amax(1) / 127)}

    def rounded(name: str, layer: nn.Linear) -> dict[str, int]:
        weight, rounding = layer.weight.detach().double(), Rounding(seen[name])
        step = steps(weight, LEVELS)
        whole = rounding(weight, step).clamp(-127, 127)
        lost = (weight - whole * step[:, None]) @ rounding.mean
        bias = writer.numbers(layer.bias.detach().double() + lost, exact=False)
        return {"weight": writer.whole(whole, scale=writer.numbers(step), axis=0), "bias": bias}

    with torch.no_grad():
        rows, basis, turn = _film(net)
    first: Any = net.condition.time[0]
    if single:
        start = nn.functional.silu(first.weight[:, :FREQUENCIES].double().sum(1) + first.bias.double())
        rows = rows + (turn @ start) @ basis
    said: dict[str, Any] = {"first": dense(net.first), "norm": exact(net.last[0]), "last": dense(net.last[2])}  # type: ignore[arg-type]
    said["blocks"] = [
        {
            "before": exact(block.before),
            "middle": exact(block.middle),
            "first": rounded(f"blocks.{k}.first", block.first),  # type: ignore[arg-type]
            "last": rounded(f"blocks.{k}.last", block.last),  # type: ignore[arg-type]
        }
        for k, block in enumerate(net.blocks)
    ]
    said["rows"] = _even(writer, rows, torch.full((len(rows),), _EXACT))
    if not single:
        said |= {"time": exact(first), "turn": writer.numbers(turn, exact=False)}
        said["basis"] = _even(writer, basis, torch.full((len(basis),), _EXACT))
    scale = {"centre": model.centre, "spread": model.spread}
    return said | {name: writer.numbers(value) for name, value in scale.items()}


@cache
def flow_file(name: str = FLOW) -> dict[str, Any]:
    """The file :data:`FLOW` or :data:`STUDENT`: ``{"spec": ..., "bytes": ...}``; see ``js/latent_math.js``."""
    shipped, writer = pretrained(SHIPPED[name]), Writer()
    model: LatentFlow = shipped.model()
    velocity = _velocity(model, writer, single=name == STUDENT)
    sampler = {key: getattr(shipped.config, key) for key in ("solver", "steps", "guidance")}
    shape = {"latent": model.latent_dim, "classes": model.classes, "image": list(model.image_shape), "sampler": sampler}
    spec = {"name": name, **shape, "velocity": velocity, "tensors": writer.table}
    file = {"spec": spec, "bytes": writer.deflated()}
    spec["difference"] = round(difference(model, file), 2)
    return file


def restored(file: Mapping[str, Any], vae: VAE) -> LatentFlow:
    """The file as a latent flow again, in float64: it computes what the page computes."""
    spec, config = file["spec"], pretrained(SHIPPED[file["spec"]["name"]]).config
    numbers, said = tensors(spec["tensors"], file["bytes"]), spec["velocity"]
    classes, width, rank = spec["classes"], config.width, 0
    if "turn" in said:
        rank = len(numbers[said["turn"]])
    net: Any = config.build_network().double()
    for p in net.parameters():
        nn.init.zeros_(p)

    def put(layer: Any, names: Mapping[str, int]) -> None:
        layer.load_state_dict({k: numbers[at] for k, at in names.items()})

    put(net.first, said["first"])
    put(net.last[0], said["norm"])
    put(net.last[2], said["last"])
    place = torch.arange(classes + 1)
    net.condition.label.weight.data[place, rank + place] = 1
    film = numbers[said["rows"]].T
    if rank:
        put(net.condition.time[0], said["time"])
        net.condition.time[2].weight.data[:rank] = numbers[said["turn"]]
        film = torch.cat([numbers[said["basis"]].T, film], 1)
    for block, own, weight in zip(net.blocks, said["blocks"], film.split(2 * width), strict=True):
        for name in ("before", "middle", "first", "last"):
            put(getattr(block, name), own[name])
        block.film.weight.data[:, : weight.shape[1]] = weight
    model = LatentFlow(copy.deepcopy(vae), Flow(net, **spec["sampler"])).double()
    model.centre.copy_(numbers[said["centre"]])
    model.spread.copy_(numbers[said["spread"]])
    return model.eval().requires_grad_(False)


def drawn(codes: Tensor, name: str = FLOW) -> Tensor:
    """Images of codes ``(n, z)`` by the decoder as a page has it, whose weights are rounded there."""
    file = packed_file(pretrained(SHIPPED[name]).config.vae)
    nets = unpacked(file["spec"], file["bytes"])
    return run(nets["decode"] + nets["show"], codes.float()).clamp(-1, 1)


def difference(model: LatentFlow, file: Mapping[str, Any], n: int = 60) -> float:
    """The mean difference of the page's images to the shipped model's, of the same noise, in grey levels of 255."""
    z, labels = latents(range(n), model.latent_dim), torch.arange(n) % model.classes
    with torch.no_grad():
        codes = restored(file, model.vae).codes(z.double(), labels)
        return float((drawn(codes, file["spec"]["name"]) - model(z, labels)).abs().mean()) * 127.5


offers(latent_codes.NAME)(latent_codes.file)
offers(FLOW)(flow_file)
offers(STUDENT)(partial(flow_file, STUDENT))
