"""Reading a checkpoint: the model to use, the training to go on with, and the models that ship with the package.

A flow in the latent space of a VAE that ships is released without that VAE's weights, which are stored once: its JSON has their
checksum, and reading it takes them from the VAE of that name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from imggen_lib import files
from imggen_lib.checkpoint.saving import OwnNetworks, State, write
from imggen_lib.checkpoint.stored import networks, read_json, read_tensors
from imggen_lib.configs import FlowConfig, VaeConfig, from_json
from imggen_lib.errors import CheckpointError, unknown_name
from imggen_lib.models.flow import Flow
from imggen_lib.models.latent_flow import LatentFlow
from imggen_lib.own import Allow
from imggen_lib.train.state import GanState

SHIPPED = Path(__file__).parents[1] / "pretrained"
_VAE = "ema.vae."  # what the names of a VAE's weights begin with in a flow of its codes
_SLOTS = ("step", "exp_avg", "exp_avg_sq")  # what Adam keeps of a parameter


@dataclass(frozen=True)
class Checkpoint:
    """What ``checkpoint.json`` says, with the folder and the tensors."""

    folder: Path
    config: Any  # GanConfig, VaeConfig, FeatureConfig or OwnNetworks
    meta: Mapping[str, Any]
    tensors: Mapping[str, Tensor]

    def model(self, device: torch.device | str = "cpu", net: nn.Module | None = None) -> Any:
        """The network to use: the averaged generator of a GAN, the VAE, or the feature network; in evaluation mode.

        `net` is filled instead of the configuration's, as it must be where the checkpoint is of networks of one's own.
        """
        prefix = self.prefix
        weights = {k.removeprefix(prefix): v for k, v in self.tensors.items() if k.startswith(prefix)}
        fresh = net is None
        if fresh and isinstance(self.config, OwnNetworks):
            self.config.build()
        net = networks(self.config)[prefix[:-1]] if net is None else net
        _load_weights(net, weights, self.folder, assign=fresh and all(v.is_meta for v in net.state_dict().values()))
        return net.eval().requires_grad_(False).to(device)

    @property
    def prefix(self) -> str:
        """What the names of the weights to use begin with: ``ema.`` where there is an average of them, else ``model.``."""
        return "ema." if any(k.startswith("ema.") for k in self.tensors) else "model."

    def begin(self, state: State, config: Any) -> None:
        """Put the network to use into the place of a fresh state's, which is of the configuration `config`.

        A GAN's critic stays fresh: models that ship have none, and a critic that knows other images is none for the new ones.
        Raises ``ValueError`` where the two configurations make different networks, naming the first difference.
        """
        if self.config.kind != config.kind:
            raise ValueError(f"{self.folder} holds a {self.config.kind}, the run is of a {config.kind}")
        for name, ours in config.architecture.items():
            if (theirs := getattr(self.config, name)) != ours:
                entry, theirs, ours = name.replace("_", "-"), *("none" if v == "" else v for v in (theirs, ours))
                raise ValueError(f"a run cannot begin from this model: its {entry} is {theirs}, the run's {ours}")
        model = self.model()
        for name, module in state.modules().items():
            if name != "critic":
                part = model.flow if isinstance(model, LatentFlow) and isinstance(module, Flow) else model
                module.load_state_dict(part.state_dict())

    def restore(self, state: State) -> State:
        """Fill a fresh state of the same networks with this checkpoint's weights, optimisers and counts.

        Raises :class:`~imggen_lib.errors.CheckpointError` where something is missing or of another shape.
        """
        steps = self.meta["steps"]
        if "card" in self.meta or (steps and not any(key.startswith("optimizer.") for key in self.tensors)):
            raise CheckpointError(f"{self.folder} holds a model to use, not a training run to go on with")
        moments = {name: self._moments(name, optimizer) for name, optimizer in state.optimizers().items()}
        for name, module in state.modules().items():
            weights = {k.removeprefix(f"{name}."): v for k, v in self.tensors.items() if k.startswith(f"{name}.")}
            _load_weights(module, weights, self.folder)
        for name, optimizer in state.optimizers().items():
            if moments[name]:
                optimizer.load_state_dict({**optimizer.state_dict(), "state": moments[name]})
        state.images, state.steps = self.meta["images"], steps
        if isinstance(state, GanState):
            state.generator_loss = torch.full_like(state.generator_loss, self.meta.get("generator_loss", 0.0))
            heard = self.meta.get("augment", {"p": 0.0, "surety": 0.0})
            state.p, state.surety = max(0.0, float(heard["p"])), torch.full_like(state.surety, heard["surety"])
        return state

    def _moments(self, name: str, optimizer: torch.optim.Optimizer) -> dict[int, dict[str, Tensor]]:
        """Adam's averages by parameter, each in shape, type and memory layout of its parameter: the fused kernel looks at neither.

        A generator that rests has taken no step yet, nor has anything before the first.
        """
        prefix, own = f"optimizer.{name}.", self.config.kind == "own" or bool(self.config.own)
        held = {k: v for k, v in self.tensors.items() if k.startswith(prefix)}
        params = [p for group in optimizer.param_groups for p in group["params"]]
        found: dict[int, dict[str, Tensor]] = {}
        for index, parameter in enumerate(params):
            slots = {slot: held.pop(f"{prefix}{index}.{slot}") for slot in _SLOTS if f"{prefix}{index}.{slot}" in held}
            if not slots and own:  # a parameter without a gradient
                continue
            shapes = {"step": (), "exp_avg": parameter.shape, "exp_avg_sq": parameter.shape}
            types = {"step": torch.float32, "exp_avg": parameter.dtype, "exp_avg_sq": parameter.dtype}
            if slots.keys() == set(_SLOTS) and all((v.shape, v.dtype) == (shapes[k], types[k]) for k, v in slots.items()):
                found[index] = {k: v.clone() if k == "step" else _laid_out_like(parameter, v) for k, v in slots.items()}
            elif slots or found:
                raise CheckpointError(f"{self.folder}: the optimiser's state does not fit the parameter {index} of the {name}")
        if held or (found and len(found) < len(params) and not own):
            raise CheckpointError(f"{self.folder}: the optimiser's state does not fit the {name}")
        rests = name == "generator" and (
            self.config.kind == "own" or self.meta["images"] < self.config.head_start + self.config.batch
        )
        if not found and self.meta["steps"] and not rests:
            raise CheckpointError(f"{self.folder}: the optimiser's state of the {name} is missing")
        return found


def _laid_out_like(parameter: Tensor, value: Tensor) -> Tensor:
    """A copy of `value` in the memory layout of its parameter."""
    return torch.empty_like(parameter, dtype=value.dtype, device="cpu").copy_(value)


def _load_weights(net: nn.Module, weights: Mapping[str, Tensor], folder: Path, assign: bool = False) -> None:
    """Fill the network; or with `assign`, give it the weights as they are, which draws no random ones that nobody wants."""
    expected = net.state_dict()
    if expected.keys() != weights.keys() or any(expected[k].shape != weights[k].shape for k in expected):
        raise CheckpointError(f"{folder}: the weights do not fit the network that they are to be put into")
    net.load_state_dict({k: v.to(expected[k].dtype, copy=True) for k, v in weights.items()}, assign=assign)


def _load(path: Path, allow: Allow = ()) -> Checkpoint:
    meta = read_json(path)
    config = _config(meta["config"], path, allow)
    while True:
        weights = path.parent / meta["weights"]["file"]
        try:
            nets = None if isinstance(config, OwnNetworks) else networks(config)
            digest, apart = meta["weights"]["sha256"], "vae" in meta
            tensors = read_tensors(weights, digest, nets, elsewhere=_VAE if apart else "")
            return Checkpoint(path.parent, config, meta, tensors | (_vae_elsewhere(path, config, meta) if apart else {}))
        except FileNotFoundError as error:
            again = read_json(path)
            if again == meta:
                raise CheckpointError(f"{weights} is missing") from error
            meta, config = again, _config(again["config"], path, allow)  # a training has saved in between


def _vae_elsewhere(path: Path, config: Any, meta: Mapping[str, Any]) -> dict[str, Tensor]:
    """The weights of the shipped VAE that a flow of its codes names, as the flow has them, if they are those it was made with."""
    if not isinstance(config, FlowConfig) or config.vae_config is None:
        raise CheckpointError(f"{path}: it leaves the weights of a VAE to another file, but its configuration has no VAE")
    if config.vae not in shipped():
        raise CheckpointError(
            f"{path}: the weights of its VAE are not in the file, and no model {config.vae!r} ships with the package"
        )
    vae = pretrained(config.vae)
    if not isinstance(vae.config, VaeConfig) or vae.config.architecture != config.vae_config.architecture:
        raise CheckpointError(f"{path}: the model {config.vae!r} that ships with the package is not the VAE of its configuration")
    if vae.meta["weights"]["sha256"] != meta["vae"]["sha256"]:
        raise CheckpointError(f"{path}: it draws with another VAE than the {config.vae!r} of this package: the checksums differ")
    return _behind(vae)


def _behind(vae: Checkpoint) -> dict[str, Tensor]:
    return {_VAE + k.removeprefix(vae.prefix): v for k, v in vae.tensors.items() if k.startswith(vae.prefix)}


def _ships(saved: Checkpoint) -> Checkpoint | None:
    """The shipped VAE that a flow of codes names, if it draws with that one, number by number: a folder may have its name, too."""
    config = saved.config
    if not isinstance(config, FlowConfig) or config.vae_config is None or config.vae not in shipped():
        return None
    vae, held = pretrained(config.vae), {k: v for k, v in saved.tensors.items() if k.startswith(_VAE)}
    theirs, alike = _behind(vae), vae.config.architecture == config.vae_config.architecture
    alike = alike and held.keys() == theirs.keys()
    return vae if alike and all(torch.equal(v.to(held[k].dtype), held[k]) for k, v in theirs.items()) else None


def _config(values: Mapping[str, Any], path: Path, allow: Allow) -> Any:
    try:
        return OwnNetworks() if values["kind"] == "own" else from_json(values, allow)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise CheckpointError(f"{path}: {error}") from error


def load(folder: str | Path, allow: Allow = ()) -> Checkpoint:
    """Read a checkpoint's folder. Raises :class:`~imggen_lib.errors.CheckpointError` if it is missing or damaged.

    Networks and losses of somebody's own are imported from the modules in `allow` alone, ``{"my_package.nets"}``; or `allow` says
    what their names mean, ``{"mine:Generator": Generator}``. To import a module runs it: allow what you trust.
    """
    folder = files.expanded(folder)
    if files.exists(folder) and folder.is_file():
        raise CheckpointError(f"{folder} is a file; a checkpoint is named by its folder: {folder.parent}")
    pushed = not (folder / "checkpoint.json").exists() and (folder / "config.json").exists()  # see imggen_lib.hub
    return _load(folder / ("config.json" if pushed else "checkpoint.json"), allow)


def shipped(folder: Path = SHIPPED) -> tuple[str, ...]:
    """The names of the models that ship with the package, in `folder`."""
    return tuple(sorted(p.stem for p in folder.glob("*.json")))


def pretrained(name: str, folder: Path = SHIPPED) -> Checkpoint:
    """A model that ships with the package; ``.model()`` gives the network, ``.meta["card"]`` says how it was made.

    An application keeps its models in a `folder` of its own.
    """
    if name not in shipped(folder):
        hint = " A folder of your own is read by imggen_lib.checkpoint.load." if files.exists(name) else ""
        raise ValueError(unknown_name("pretrained model", str(name), shipped(folder)) + hint)
    return _load(folder / f"{name}.json")


def release(checkpoint: Checkpoint, name: str, card: Mapping[str, Any], folder: Path = SHIPPED) -> Path:
    """Write the part of a checkpoint that samples, in half precision, as a shipped model with its card.

    Of a flow in the latent space of a VAE that ships, the VAE's weights are not written again: the JSON has their checksum.
    """
    prefix, vae = checkpoint.prefix, _ships(checkpoint)
    kept = {k: v.half() if v.is_floating_point() else v for k, v in checkpoint.tensors.items() if k.startswith(prefix)}
    if vae is not None:
        kept = {k: v for k, v in kept.items() if not k.startswith(_VAE)}
    keys = ("config", "images", "steps", "versions", "data")
    meta = {**{k: checkpoint.meta[k] for k in keys if k in checkpoint.meta}, "card": dict(card)}
    if vae is not None:
        meta["vae"] = {"sha256": vae.meta["weights"]["sha256"]}
    write(folder, lambda _: f"{name}.safetensors", kept, meta, f"{name}.json")
    return folder / f"{name}.json"
