"""Reading a checkpoint's two files as what they are: data from somebody else. Types, names and sizes come before anything is built.

What is looked at first costs nothing: the JSON, the names and shapes in the head of the weights file, and the networks of the
configuration without their numbers (PyTorch's "meta" device). Only what fits is read.
"""

import json
import math
import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from reprlib import repr as shown
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from imggen_lib.configs import ALL, Config, FlowConfig, GanConfig
from imggen_lib.data.download import sha256
from imggen_lib.entries import Options, options
from imggen_lib.errors import CheckpointError
from imggen_lib.machine import first_weights

FORMAT = 1
MOST_JSON = 2**24  # bytes; those that ship have three thousand
DEEPEST = 50  # lists in lists
MOST_LAYERS = 1000
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}\.safetensors")
_MOMENT = re.compile(r"optimizer\.(generator|critic|model)\.[0-9]{1,6}\.(step|exp_avg|exp_avg_sq)")
_FLOATS = {"F16", "BF16", "F32", "F64"}
_WHOLE = {"I64", "I32", "I16", "I8", "U8", "BOOL"}


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)


_TYPES: dict[str, tuple[Any, str]] = {
    "object": (lambda v: isinstance(v, dict), "a JSON object"),
    "text": (lambda v: isinstance(v, str), "a text"),
    "texts": (_words, "a list of texts"),
    "count": (lambda v: _whole(v) and v >= 0, "a whole number from 0 on"),
    "number": (_finite, "a finite number"),
    "part": (lambda v: _finite(v) and abs(v) <= 1, "a number from -1 to 1"),
    "file": (lambda v: isinstance(v, str) and _PLAIN.fullmatch(v), "the plain name of a .safetensors file"),
    "sha256": (lambda v: isinstance(v, str) and re.fullmatch("[0-9a-f]{64}", v), "a SHA-256 in hexadecimal"),
}
_MUST = {"config": "object", "images": "count", "steps": "count", "weights": "object"}
_MAY = {"data": "object", "versions": "object", "card": "object", "augment": "object", "vae": "object"}
_MAY |= {"generator_loss": "number", "background": "text"}


def _check(what: str, values: Mapping[str, Any], types: Mapping[str, str], needed: bool) -> None:
    for name, kind in types.items():
        if name not in values:
            if needed:
                raise ValueError(f"{what}{name!r} is missing")
            continue
        fits, words = _TYPES[kind]
        if not fits(values[name]):
            raise ValueError(f"{what}{name!r} is {shown(values[name])}, not {words}")


def check_meta(meta: Any) -> None:
    """Raises ``ValueError``, naming the entry, for a ``checkpoint.json`` that nobody could work with."""
    if not isinstance(meta, dict):
        raise ValueError(f"it holds {shown(meta)}, not a JSON object")
    if not _whole(meta.get("format")) or meta["format"] != FORMAT:
        raise ValueError(f"it has format {shown(meta.get('format'))}; this version reads format {FORMAT}")
    _check("", meta, _MUST, True)
    _check("", meta, _MAY, False)
    _check("weights: ", meta["weights"], {"file": "file", "sha256": "sha256"}, True)
    _check("vae: ", meta.get("vae", {}), {"sha256": "sha256"}, "vae" in meta)
    _check("augment: ", meta.get("augment", {}), {"p": "part", "surety": "part"}, "augment" in meta)
    _check("data: ", meta.get("data", {}), {"name": "text", "sha256": "text", "images": "count", "classes": "texts"}, False)


def check_config(values: Mapping[str, Any]) -> dict[str, Any]:
    """A stored configuration, numbers as their defaults are: 0 for 0.0 is right in JSON, but not in an optimiser.

    Raises ``ValueError``, naming the entry, for a value of another type than its default.
    """
    checked = dict(values)
    kind = values.get("kind")
    if not isinstance(kind, str):
        raise ValueError(f"the configuration's kind is {shown(kind)}, not a text")
    for field in fields(ALL.get(kind, Config)):
        if field.name in values and field.type == Options:
            if not isinstance(values[field.name], dict):
                raise ValueError(f"the configuration's {field.name} is {shown(values[field.name])}, not a JSON object")
            checked[field.name] = options(values[field.name], field.name)
        if field.name not in values or field.default is MISSING:
            continue
        value, default = values[field.name], field.default
        if isinstance(default, tuple):
            right = isinstance(value, list) and len(value) <= MOST_LAYERS and all(map(_whole, value))
            right, words = right and (field.name != "image_shape" or len(value) == 3), "a list of whole numbers"
        elif isinstance(default, int) and not isinstance(default, bool):
            right, words = _whole(value) or (field.name == "seed" and type(value) is int), "a whole number"
        elif isinstance(default, float):
            right, words = _finite(value), "a finite number"
        elif default is None:  # a configuration within this one
            right, words = isinstance(value, dict), "a JSON object"
        else:
            right, words = type(value) is type(default), "a text" if isinstance(default, str) else "true or false"
        if not right:
            raise ValueError(f"the configuration's {field.name} is {shown(value)}, not {words}")
        checked[field.name] = float(value) if isinstance(default, float) else check_config(value) if default is None else value
    return checked


def _depth(value: Any) -> int:
    """How many objects and lists lie in one another; without recursion."""
    level, depth = [value], 0
    while level := [v for v in level if isinstance(v, dict | list)]:
        level = [inner for v in level for inner in (v.values() if isinstance(v, dict) else v)]
        depth += 1
    return depth


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an entry stands there twice")
    return found


def _regular(path: Path) -> os.stat_result:
    """Raises ``FileNotFoundError``, or :class:`CheckpointError` for what is no file: reading a pipe or a device may never end."""
    try:
        status = path.stat()
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if not stat.S_ISREG(status.st_mode):
        raise CheckpointError(f"{path} is no regular file")
    return status


def read_json(path: Path) -> dict[str, Any]:
    """What ``checkpoint.json`` says, its types checked. Raises :class:`CheckpointError` for what is missing or damaged."""
    try:
        size = _regular(path).st_size
        if size > MOST_JSON:
            raise CheckpointError(f"{path} is damaged: it has {size:,} bytes")
        meta = json.loads(path.read_bytes().decode("utf-8"), object_pairs_hook=_once)
        if _depth(meta) > DEEPEST:
            raise ValueError("its entries lie too deep in one another")
        check_meta(meta)
        meta["config"] = check_config(meta["config"])
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no checkpoint at {path.parent} (looked for {path.name})") from error
    except CheckpointError:
        raise
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}") from error
    except RecursionError as error:
        raise CheckpointError(f"{path} is damaged: its entries lie too deep in one another") from error
    except ValueError as error:
        raise CheckpointError(f"{path} is damaged: {error}") from error
    return dict(meta)


def networks(config: Any) -> dict[str, nn.Module]:
    """The networks that a configuration makes, on the "meta" device: names and shapes, but no numbers and no memory.

    Those of one's own have both: what a stranger's code does with tensors that hold nothing, nobody knows.
    Raises :class:`CheckpointError` for sizes of which there can be no network.
    """

    def made(entry: str, build: Callable[[], nn.Module]) -> nn.Module:
        with first_weights(config.seed) if entry in config.own else torch.device("meta"):
            return build()

    try:
        if isinstance(config, GanConfig):
            return {
                "generator": made("generator", config.build_generator),
                "critic": made("critic", config.build_critic),
                "ema": made("generator", config.build_generator),
            }
        if isinstance(config, FlowConfig):
            entry = next(iter(config.own), "model")
            return {"model": made(entry, config.build_flow), "ema": made(entry, config.build)}
        return {"model": made("model", config.build)}
    except (ValueError, TypeError, RuntimeError, ArithmeticError, MemoryError) as error:
        raise CheckpointError(f"the configuration makes no network: {' '.join(str(error).split())[:200]}") from error


def unlike(nets: Mapping[str, nn.Module], wanted: Mapping[str, nn.Module]) -> str:
    """The first layer that is of another class than in the networks that are wanted; weights of equal shapes do not tell."""
    for name, net in wanted.items():
        ours, theirs = (
            {k: f"{type(m).__module__}.{type(m).__qualname__}" for k, m in n.named_modules()} for n in (nets[name], net)
        )
        if ours != theirs:
            key = next(k for k in [*theirs, *ours] if ours.get(k) != theirs.get(k))
            place = f"{name}.{key}" if key else f"the {name}"
            return f"{place} is a {ours.get(key, 'layer too few')}, not a {theirs.get(key, 'layer of it')}"
    return ""


def misfit(nets: Mapping[str, nn.Module], held: Mapping[str, tuple[str, tuple[int, ...]]], elsewhere: str = "") -> str:
    """What keeps weights, given as ``name: (type, shape)``, from being those of the networks; empty if nothing does.

    Those whose names begin with `elsewhere` are stored in another file, and must not be here.
    """
    moments = sum(math.prod(shape) for name, (_, shape) in held.items() if _MOMENT.fullmatch(name))
    if moments > 3 * (most := sum(p.numel() for net in nets.values() for p in net.parameters())):  # a file with holes is cheap
        return f"the optimiser's state does not fit: it holds {moments:,} numbers of {most:,} parameters"
    rest = {name for name in held if not _MOMENT.fullmatch(name)}
    trains = any(not name.startswith("ema.") for name in held)
    for prefix, net in nets.items():
        if prefix != "ema" and not trains:
            continue  # a model to use: the averaged generator alone
        for key, value in net.state_dict().items():
            name = f"{prefix}.{key}"
            if elsewhere and name.startswith(elsewhere):
                continue
            kind, shape = held.get(name, ("", ()))
            if not kind:
                return f"{name} is missing"
            if shape != tuple(value.shape):
                return f"{shown(name)} has the shape {shape}, not {tuple(value.shape)}"
            if kind not in (_FLOATS if value.is_floating_point() else _WHOLE):
                return f"{shown(name)} is of the type {kind}"
            rest.discard(name)
    return f"{shown(min(rest))} belongs to no network" if rest else ""


def read_tensors(path: Path, digest: str, nets: Mapping[str, nn.Module] | None, elsewhere: str = "") -> dict[str, Tensor]:
    """The numbers in a weights file, copied out of it, if they are those of the networks, and finite; `elsewhere` as above.

    Raises ``FileNotFoundError``, and :class:`CheckpointError` for a file that is damaged or of other networks.
    """
    _regular(path)
    try:
        with safe_open(path, framework="pt") as file:
            held = {name: (str((part := file.get_slice(name)).get_dtype()), tuple(part.get_shape())) for name in file.keys()}  # noqa: SIM118
            if nets is not None and (why := misfit(nets, held, elsewhere)):
                raise CheckpointError(f"{path.parent}: the weights do not fit the configuration beside them: {why}")
            if sha256(path) != digest:
                raise CheckpointError(f"{path} is damaged: its checksum is not the one in the JSON beside it")
            tensors = {name: file.get_tensor(name).clone() for name in held}
    except (FileNotFoundError, CheckpointError):
        raise
    except SafetensorError as error:
        raise CheckpointError(f"{path} is damaged: {error}") from error
    except (OSError, RuntimeError, MemoryError, ArithmeticError) as error:
        if not path.exists():  # a training that saves beside this one has just replaced it; PyTorch says it in words alone
            raise FileNotFoundError(str(path)) from error
        raise CheckpointError(f"{path} cannot be read: {' '.join(str(error).split())[:200] or 'not enough memory'}") from error
    for name, value in tensors.items():
        if value.is_floating_point() and not torch.isfinite(value if value.dtype == torch.float64 else value.float()).all():
            raise CheckpointError(f"{path}: {shown(name)} holds NaN or infinite numbers")
    return tensors
