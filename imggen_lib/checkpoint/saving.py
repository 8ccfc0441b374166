"""Writing a checkpoint: whole or not at all, by one process at a time, and only what can be read again."""

import contextlib
import json
import os
import platform
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

import imggen_lib
from imggen_lib import files
from imggen_lib.checkpoint.stored import FORMAT, check_config, check_meta, misfit, networks, read_json, unlike
from imggen_lib.configs import Config
from imggen_lib.data.download import sha256
from imggen_lib.errors import CheckpointError, TrainingDiverged
from imggen_lib.train.state import FlowState, GanState, VaeState

_OURS = re.compile(r"weights-\d{12,}-[0-9a-f]{8}\.safetensors")
_RESERVED = ("format", "config", "images", "steps", "weights", "generator_loss", "augment", "vae")
State = GanState | VaeState | FlowState


@dataclass(frozen=True)
class OwnNetworks(Config):
    """Stands in a checkpoint of networks that no configuration makes; see :func:`save`."""

    @property
    def kind(self) -> str:
        return "own"

    def build(self) -> nn.Module:
        raise CheckpointError("these networks are somebody's own: make them, then call restore(state), or model(net=...)")

    def state(self, device: str = "cpu") -> State:
        raise CheckpointError("these networks are somebody's own: make their state, then call restore(state)")


def storable(config: Config) -> None:
    """Raises ``ValueError``, naming the entry, for a configuration that a checkpoint cannot hold, such as NumPy's numbers.

    A run asks this before it starts, so that what has been trained can be saved.
    """
    for name, value in config.to_json().items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError):
            kind = type(value).__name__
            raise ValueError(f"a checkpoint cannot hold {name} = {value!r} ({kind}): give a plain Python value") from None
    check_config(json.loads(json.dumps(config.to_json())))


def _plain(value: Any) -> Any:
    """NumPy's and PyTorch's numbers as Python's, a path as its text; for ``json``."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise ValueError(f"a checkpoint cannot hold {value!r} ({type(value).__name__})")


def _alone(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors on the CPU, none a part of another: what two modules share is written twice."""
    whole, seen = {}, set()
    for name, value in tensors.items():
        value = value.detach().cpu().contiguous()
        where = value.untyped_storage().data_ptr()
        whole[name] = value.clone() if where in seen else value
        seen.add(where)
    return whole


def write(
    folder: Path, weights_name: Callable[[str], str], tensors: Mapping[str, Tensor], meta: dict[str, Any], json_name: str
) -> None:
    """Write the weights, then the JSON that names them. Raises ``OSError`` in one sentence, and leaves what was there before."""
    whole, digest = _alone(tensors), ""

    def name(path: Path) -> str:
        nonlocal digest
        digest = sha256(path)
        return weights_name(digest)

    weights = None
    try:
        with files.plainly(f"the checkpoint cannot be written to {folder}"):
            weights = files.atomic(folder, "weights", lambda path: save_file(whole, path), name)
            stored = {"format": FORMAT, **meta, "weights": {"file": weights.name, "sha256": digest}}
            text = json.dumps(stored, indent=2, default=_plain) + "\n"
            check_meta(json.loads(text))  # what cannot be read again is not written
            files.atomic(folder, json_name, lambda path: path.write_text(text, encoding="ascii"), lambda _: json_name)
    except BaseException:
        if weights is not None and weights.name != _named(folder / json_name):
            with contextlib.suppress(OSError):
                weights.unlink()
        raise


def _named(path: Path) -> str | None:
    """The weights file that a ``checkpoint.json`` names, if there is one that can be read."""
    try:
        return str(read_json(path)["weights"]["file"])
    except CheckpointError:
        return None


@contextlib.contextmanager
def locked(folder: str | Path) -> Iterator[None]:
    """Keep others from saving to a folder for as long as a training goes on; :func:`save` alone does so for one save.

    The folder is made if there is none. What killed processes left in it is deleted: temporary files, weights that no JSON names.
    Raises :class:`~imggen_lib.errors.CheckpointError` at once if another process has it.
    """
    with files.lock(folder) as first:
        folder = files.expanded(folder)
        if first:
            named = _named(folder / "checkpoint.json")
            files.sweep(folder, "weights", "checkpoint.json")
            known = named is not None or not (folder / "checkpoint.json").exists()
            for path in folder.iterdir() if known else ():
                if _OURS.fullmatch(path.name) and path.name != named:
                    with contextlib.suppress(OSError):  # somebody reads it, on Windows; the next time tries again
                        path.unlink()
        yield


def versions() -> dict[str, str]:
    """What made a checkpoint: the versions of this package, PyTorch and Python, and the kind of machine."""
    return {
        "imggen_lib": imggen_lib.__version__,
        "torch": torch.__version__.split("+")[0],
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def save(folder: str | Path, state: Any, config: Config | None, **meta: Any) -> None:  # a State, or what has its methods
    """Write a checkpoint to go on training from. `meta` (the data set, say) is stored as it is; it must be JSON.

    `config` is None for networks of one's own, which :meth:`Checkpoint.restore` then puts into a state of the same networks.
    Raises :class:`~imggen_lib.errors.TrainingDiverged` for weights that are not finite,
    :class:`~imggen_lib.errors.CheckpointError` for networks that `config` does not make, or that no other program could make by
    the name that it has for them, and for a folder that another process is writing to, ``ValueError`` for what JSON cannot hold,
    and ``OSError`` for a disk that does not take it; each keeps the checkpoint that is there. Deletes nothing but its own older
    files.
    """
    for thing in config.own.values() if config is not None else ():
        if thing.why:
            raise CheckpointError(f"this run cannot be saved: {thing.why}")
    if taken := [name for name in _RESERVED if name in meta]:
        raise ValueError(f"{taken[0]!r} is an entry of every checkpoint: store yours under another name")
    tensors = {f"{name}.{k}": v for name, m in state.modules().items() for k, v in m.state_dict().items()}
    nets = {} if config is None else networks(config)
    shapes = {k: _shape(v) for k, v in tensors.items()}
    if config is not None and (why := misfit(nets, shapes) or unlike(state.modules(), nets)):
        raise CheckpointError(f"these are not the networks of the configuration ({why}); None as the configuration saves your own")
    for name, optimizer in state.optimizers().items():
        for index, slots in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{name}.{index}.{slot}": value for slot, value in slots.items()}
    loss = {"generator_loss": state.generator_loss} if isinstance(state, GanState) else {}
    bad = [k for k, v in {**tensors, **loss}.items() if v.is_floating_point() and not torch.isfinite(v).all()]
    if bad:
        kept = "; an earlier checkpoint is kept" if (files.expanded(folder) / "checkpoint.json").exists() else ""
        raise TrainingDiverged(f"{bad[0]} is not finite after {state.images:,} images{kept}")
    counts: dict[str, Any] = {"images": int(state.images), "steps": int(state.steps), **{k: float(v) for k, v in loss.items()}}
    if isinstance(state, GanState) and (state.p or float(state.surety)):
        counts["augment"] = {"p": state.p, "surety": float(state.surety)}
    meta = {"config": (config or OwnNetworks()).to_json(), **counts, "versions": versions(), **meta}
    # The name has a part of the checksum, so that weights that a JSON names are never overwritten by others.
    stem = f"weights-{state.images:012d}"
    with locked(folder):
        folder = files.expanded(folder)
        before = _named(folder / "checkpoint.json")
        write(folder, lambda digest: f"{stem}-{digest[:8]}.safetensors", tensors, meta, "checkpoint.json")
        if before is not None and _OURS.fullmatch(before) and before != _named(folder / "checkpoint.json"):
            with contextlib.suppress(OSError):  # somebody reads it, on Windows; locked() deletes it later
                (folder / before).unlink()


def _shape(value: Tensor) -> tuple[str, tuple[int, ...]]:
    return ("F32" if value.is_floating_point() else "I64"), tuple(value.shape)
