"""Checkpoints: safetensors for numbers, JSON for the rest. Nothing is unpickled, nothing is half written.

A folder holds one ``checkpoint.json`` and the weights file that it names. Saving writes the new weights under a new name, then
replaces the JSON in one step, then deletes the old weights: whenever the process dies, the JSON names a whole file. The JSON
holds the configuration, the data set with its checksum, the images seen, the versions, and the weights' SHA-256.

The models that ship with the package are stored the same way, in half precision, with a card. See :func:`pretrained`.
"""

import contextlib
import json
import os
import platform
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import imggen_lib
from imggen_lib import files
from imggen_lib.configs import Config, from_json
from imggen_lib.data.download import sha256
from imggen_lib.errors import CheckpointError, TrainingDiverged, unknown_name
from imggen_lib.train.state import GanState, VaeState

FORMAT = 1
_OURS = re.compile(r"weights-\d{12,}-[0-9a-f]{8}\.safetensors|\.(weights|checkpoint\.json)\.\w{8}")
State = GanState | VaeState


@dataclass(frozen=True)
class Checkpoint:
    """What ``checkpoint.json`` says, with the folder and the tensors."""

    folder: Path
    config: Any  # GanConfig, VaeConfig or FeatureConfig
    meta: Mapping[str, Any]
    tensors: Mapping[str, Tensor]

    def model(self, device: torch.device | str = "cpu") -> Any:
        """The network to use: the averaged generator of a GAN, the VAE, or the feature network; in evaluation mode."""
        net: nn.Module = self.config.build()
        prefix = "ema." if self.config.kind == "gan" else "model."
        weights = {k.removeprefix(prefix): v for k, v in self.tensors.items() if k.startswith(prefix)}
        _load_weights(net, weights, self.folder)
        return net.eval().requires_grad_(False).to(device)

    def begin(self, state: State, config: Any) -> None:
        """Put the network to use into the place of a fresh state's, which is of the configuration `config`.

        A GAN's critic stays fresh: models that ship have none, and a critic that knows other images is none for the new ones.
        Raises ``ValueError`` where the two configurations make different networks, naming the first difference.
        """
        if self.config.kind != config.kind:
            raise ValueError(f"{self.folder} holds a {self.config.kind}, the run is of a {config.kind}")
        for name, ours in config.architecture.items():
            if (theirs := getattr(self.config, name)) != ours:
                raise ValueError(f"a run cannot begin from this model: its {name.replace('_', '-')} is {theirs}, the run's {ours}")
        weights = self.model().state_dict()
        for name, module in state.modules().items():
            if name != "critic":
                module.load_state_dict(weights)

    def restore(self, state: State) -> State:
        """Fill a fresh state of the same configuration with this checkpoint's networks, optimisers and counts."""
        if not any(key.startswith("optimizer.") for key in self.tensors):
            raise CheckpointError(f"{self.folder} holds a model to use, not a training run to go on with")
        for name, module in state.modules().items():
            weights = {k.removeprefix(f"{name}."): v for k, v in self.tensors.items() if k.startswith(f"{name}.")}
            _load_weights(module, weights, self.folder)
        for name, optimizer in state.optimizers().items():
            slots: dict[int, dict[str, Tensor]] = {}
            params = [p for group in optimizer.param_groups for p in group["params"]]
            for key, value in self.tensors.items():
                if key.startswith(f"optimizer.{name}."):
                    index, slot = key.removeprefix(f"optimizer.{name}.").split(".")
                    slots.setdefault(int(index), {})[slot] = _laid_out_like(params[int(index)], value)
            if slots:  # a generator that rests has taken no step yet
                optimizer.load_state_dict({**optimizer.state_dict(), "state": slots})
        state.images, state.steps = self.meta["images"], self.meta["steps"]
        if isinstance(state, GanState):
            state.generator_loss = torch.full_like(state.generator_loss, self.meta.get("generator_loss", 0.0))
        return state


def _laid_out_like(parameter: Tensor, value: Tensor) -> Tensor:
    """A copy of `value` in the memory layout of its parameter: the fused Adam walks through both without looking at strides.

    A copy in any case: what was read is a map of the file, which Windows cannot delete for as long as there is one.
    """
    if value.shape != parameter.shape:
        return value.clone()
    return torch.empty_like(parameter, dtype=value.dtype, device="cpu").copy_(value)


def _load_weights(net: nn.Module, weights: Mapping[str, Tensor], folder: Path) -> None:
    expected = net.state_dict()
    if expected.keys() != weights.keys() or any(expected[k].shape != weights[k].shape for k in expected):
        raise CheckpointError(f"{folder}: the weights do not fit the configuration beside them")
    net.load_state_dict({k: v.to(expected[k].dtype) for k, v in weights.items()})


def _atomic(folder: Path, label: str, write: Callable[[str], Any], final: Callable[[str], str]) -> tuple[Path, str]:
    """Call ``write(temporary path)``, flush to the disk, rename to ``final(checksum of what was written)``."""
    with NamedTemporaryFile(dir=folder, prefix=f".{label}.", delete=False) as temporary:
        name = temporary.name
    try:
        write(name)
        with open(name, "r+b") as file:  # Windows flushes only what it may write
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        digest = sha256(Path(name))
        path = folder / final(digest)
        os.replace(name, path)
        return path, digest
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _write(
    folder: Path, weights_name: Callable[[str], str], tensors: Mapping[str, Tensor], meta: dict[str, Any], json_name: str
) -> str:
    whole = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
    weights, digest = _atomic(folder, "weights", lambda name: save_file(whole, name), weights_name)
    meta = {"format": FORMAT, **meta, "weights": {"file": weights.name, "sha256": digest}}
    text = json.dumps(meta, indent=2) + "\n"
    _atomic(folder, json_name, lambda name: Path(name).write_text(text, encoding="ascii"), lambda _: json_name)
    return weights.name


@contextlib.contextmanager
def locked(folder: str | Path) -> Iterator[None]:
    """Keep others from saving to a folder for as long as a training goes on; :func:`save` alone does so for one save.

    The folder is made if there is none. Raises :class:`~imggen_lib.errors.CheckpointError` at once if another process has it.
    """
    with files.lock(folder) as first:
        if first:
            for path in files.leftovers(files.expanded(folder), "weights", "checkpoint.json"):
                with contextlib.suppress(OSError):
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


def save(folder: str | Path, state: State, config: Config, **meta: Any) -> None:
    """Write a checkpoint to go on training from. `meta` (the data set, say) is stored as it is; it must be JSON.

    Raises :class:`~imggen_lib.errors.TrainingDiverged` for weights that are not finite, and keeps the checkpoint that is there.
    Deletes nothing but its own older files.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"{name}.{k}": v for name, m in state.modules().items() for k, v in m.state_dict().items()}
    for name, optimizer in state.optimizers().items():
        for index, slots in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{name}.{index}.{slot}": value for slot, value in slots.items()}
    bad = [k for k, v in tensors.items() if v.is_floating_point() and not torch.isfinite(v).all()]
    if bad:
        raise TrainingDiverged(f"{bad[0]} is not finite after {state.images:,} images; an earlier checkpoint is kept")
    meta = {"config": config.to_json(), "images": state.images, "steps": state.steps, "versions": versions(), **meta}
    if isinstance(state, GanState):
        meta["generator_loss"] = float(state.generator_loss)
    # The name has a part of the checksum, so that weights that a JSON names are never overwritten by others.
    stem = f"weights-{state.images:012d}"
    current = _write(folder, lambda digest: f"{stem}-{digest[:8]}.safetensors", tensors, meta, "checkpoint.json")
    for old in folder.iterdir():
        if _OURS.fullmatch(old.name) and old.name != current:
            with contextlib.suppress(OSError):  # somebody reads it, on Windows; the next save tries again
                old.unlink(missing_ok=True)


def _load(path: Path) -> Checkpoint:
    folder = path.parent
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
        form, config = meta["format"], meta["config"]
        weights, digest = folder / meta["weights"]["file"], meta["weights"]["sha256"]
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no checkpoint at {folder} (looked for {path.name})") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} is damaged: {error!r}") from error
    if form != FORMAT:
        raise CheckpointError(f"{path} has format {form}; this version reads format {FORMAT}")
    try:
        if sha256(weights) != digest:
            raise CheckpointError(f"{weights} is damaged: its checksum is not the one in {path.name}")
        tensors = load_file(weights)
    except FileNotFoundError as error:
        raise CheckpointError(f"{weights} is missing") from error
    except SafetensorError as error:
        raise CheckpointError(f"{weights} is damaged: {error}") from error
    try:
        return Checkpoint(folder, from_json(config), meta, tensors)
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"{path}: {error}") from error


def load(folder: str | Path) -> Checkpoint:
    """Read a checkpoint's folder. Raises :class:`~imggen_lib.errors.CheckpointError` if it is missing or damaged."""
    return _load(Path(folder) / "checkpoint.json")


_SHIPPED = Path(__file__).parent / "pretrained"


def shipped() -> tuple[str, ...]:
    """The names of the models that ship with the package."""
    return tuple(sorted(p.stem for p in _SHIPPED.glob("*.json")))


def pretrained(name: str) -> Checkpoint:
    """A model that ships with the package; ``.model()`` gives the network, ``.meta["card"]`` says how it was made."""
    if name not in shipped():
        raise ValueError(unknown_name("pretrained model", name, shipped()))
    return _load(_SHIPPED / f"{name}.json")


def find(name: str | Path) -> Checkpoint:
    """The checkpoint in the folder `name` or, where there is none, the shipped model of that name.

    Raises ``ValueError`` for a plain word that is neither, naming what there is.
    """
    path = Path(name)
    if not path.exists() and path.parent == Path():
        if str(path) not in shipped():
            raise ValueError(unknown_name("folder or pretrained model", str(path), shipped()))
        return pretrained(str(path))
    return load(path)


def release(checkpoint: Checkpoint, name: str, card: Mapping[str, Any], folder: Path = _SHIPPED) -> Path:
    """Write the part of a checkpoint that samples, in half precision, as a shipped model with its card."""
    prefix = "ema." if checkpoint.config.kind == "gan" else "model."
    kept = {k: v.half() if v.is_floating_point() else v for k, v in checkpoint.tensors.items() if k.startswith(prefix)}
    keys = ("config", "images", "steps", "versions", "data")
    meta = {**{k: checkpoint.meta[k] for k in keys if k in checkpoint.meta}, "card": dict(card)}
    _write(folder, lambda _: f"{name}.safetensors", kept, meta, f"{name}.json")
    return folder / f"{name}.json"
