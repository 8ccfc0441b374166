"""A training run from start to stop: start or resume, checkpoint, stop in good order. Used by the command line and the chapters.

The loops themselves are in :mod:`imggen_lib.train.gan`, :mod:`imggen_lib.train.vae` and :mod:`imggen_lib.train.flow`.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from imggen_lib import checkpoint, machine
from imggen_lib.checkpoint.stored import networks, unlike
from imggen_lib.checks import whole
from imggen_lib.configs import FlowConfig, GanConfig, VaeConfig
from imggen_lib.data import ImageSet
from imggen_lib.data.stream import ImageStream
from imggen_lib.errors import CheckpointError
from imggen_lib.finding import find
from imggen_lib.models.latent_flow import LatentFlow
from imggen_lib.models.vae import VAE
from imggen_lib.own import Allow
from imggen_lib.train.flow import train_flow
from imggen_lib.train.gan import train_gan, train_gan_simultaneous
from imggen_lib.train.latent_flow import Codes, code_batches, encode
from imggen_lib.train.parallel import Processes
from imggen_lib.train.state import FlowState, GanState, Record, VaeState
from imggen_lib.train.vae import train_vae

RunConfig = GanConfig | VaeConfig | FlowConfig
#: The state that a run of each kind has.
STATES = {GanConfig: GanState, VaeConfig: VaeState, FlowConfig: FlowState}


def best_device() -> str:
    """``cuda`` if there is one, else ``cpu``; or what the environment variable ``IMGGEN_DEVICE`` names.

    Raises ``ValueError`` for a device that is not there (:func:`imggen_lib.machine.device`).
    """
    return str(machine.device())


def budget(cpu: int, gpu: int) -> int:
    """How many images to train on: `cpu` without a GPU, `gpu` with one. Chapters use it so that one notebook suits both."""
    return gpu if best_device().startswith("cuda") else cpu


@dataclass
class Run:
    """A configuration, its state, and its data on the device that trains."""

    config: RunConfig
    state: GanState | VaeState | FlowState
    data: ImageSet | ImageStream

    def __post_init__(self) -> None:
        _check_kinds(self.config, self.data)
        kind = STATES[type(self.config)]
        if not isinstance(self.state, kind):
            raise ValueError(f"a run of a {self.config.kind} has a {kind.__name__}, got a {type(self.state).__name__}")
        modules = self.state.modules()
        nets = networks(self.config)
        for name, wanted in nets.items():
            ours, theirs = ({k: tuple(v.shape) for k, v in net.state_dict().items()} for net in (modules[name], wanted))
            if ours != theirs:
                key = next(k for k in [*theirs, *ours] if ours.get(k) != theirs.get(k))
                raise ValueError(
                    f"the {name} is not the one that the configuration makes: {key} has the shape {ours.get(key, 'of nothing')}, "
                    f"not {theirs.get(key, 'of nothing')}; name networks of your own in the configuration"
                )
        if why := unlike(modules, nets):
            raise ValueError(f"these are not the networks that the configuration makes: {why}")

    def records(self, images: int, processes: Processes | None = None) -> Iterator[Record]:
        """Train until `images` have been seen in all; one record a step. `processes` is an ``accelerate.Accelerator``, or None.

        The configuration's batch is that of all processes together.
        """
        c, images = self.config, whole(images, "images", least=1)
        part = (0, 1) if processes is None else (processes.process_index, processes.num_processes)
        where: dict[str, Any] = {"images": images, "seed": c.seed, "start": self.state.images, "part": part}
        if isinstance(self.state, FlowState) and isinstance(self.state.ema, LatentFlow):
            batches = code_batches(self.codes, self.state.ema, c.batch, **where)
        else:
            batches = self.data.batches(c.batch, **where)
        if isinstance(c, GanConfig):
            assert isinstance(self.state, GanState)
            train = train_gan_simultaneous if c.simultaneous else train_gan
            return train(self.state, batches, c.loss_function, processes=processes, **c.options)
        if isinstance(c, FlowConfig):
            assert isinstance(self.state, FlowState)
            return train_flow(self.state, batches, processes=processes, **c.options)
        assert isinstance(self.state, VaeState)
        return train_vae(self.state, batches, processes=processes, **c.options)

    @cached_property
    def codes(self) -> Codes:
        """What a flow in a VAE's latent space learns: the VAE's posteriors of all images, computed once.

        Raises ``ValueError`` for a run of another kind, and for images that are read while training.
        """
        model = self.state.ema if isinstance(self.state, FlowState) else None
        if not isinstance(model, LatentFlow):
            raise ValueError(f"this run of a {self.config.kind} learns images; codes has one of a flow with a vae")
        if not isinstance(self.data, ImageSet):
            raise ValueError("a flow in a VAE's latent space encodes its images once: give images that are kept in memory")
        return encode(model.vae, self.data)

    def compile(self, **options: Any) -> "Run":
        """Let ``torch.compile`` make the networks' kernels; the same numbers up to rounding. Pays on a GPU, and in long runs.

        Gradient penalties go on through the plain networks: compiled ones cannot be differentiated twice. Losses, optimisers and
        the average of the weights stay as they are. Sizes are taken as fixed (``dynamic=False``): batches are always whole, and a
        critic sees one or two of them at once. PyTorch would otherwise take the second size, or the other player's number of
        dimensions, for a sign that every size may change, and make kernels for that.
        """
        options.setdefault("dynamic", False)
        if torch.__version__ < "2.5":  # where a captured critic would miss that it is frozen (a version: compared by its numbers)
            from torch._dynamo import config

            config.inline_inbuilt_nn_modules = True
        for module in self._computing():
            module.compile(**options)
        return self

    def _computing(self) -> list[torch.nn.Module]:
        """The modules that a step calls. A VAE with several draws per image decodes more often than it encodes: its parts."""
        if isinstance(self.state, VaeState):
            model = self.state.model
            return [model] if self.config.options["draws"] == 1 else _parts(model)
        if isinstance(self.state, FlowState):
            return [self.state.model.net]
        return [self.state.generator, self.state.critic]

    def in_bfloat16(self) -> "Run":
        """Compute convolutions and matrix products in bfloat16, as ``torch.autocast`` does; weights and losses stay float32.

        What lies between two products (activations, a generator's tanh, the gradient of a penalty) is rounded with them. The
        weights are rounded anew at every call, which small networks on a GPU may feel more than they gain. Worth it where the
        hardware has units for it (GPUs since Ampere, some CPUs); elsewhere it is slower, up to eleven times.
        """
        for module in self._computing():
            for part in _parts(module) if isinstance(module, VAE) else [module]:
                part.forward = Lower(part)
        return self

    def plan(self, *, images: int, lr: float | None = None) -> "Run":
        """Go on to `images` in all, and at another learning rate if `lr` is given; before the next :meth:`records`.

        A rate that falls until an end before `images` falls until `images` instead, as if that had been planned from the start:
        after a finished run it goes up again first. Without this a resumed run keeps the plan that it began with.
        """
        end = "decay_end" if isinstance(self.config, GanConfig) else "schedule_images"
        changes: dict[str, Any] = {} if lr is None else {"lr": lr}
        if 0 < getattr(self.config, end) < (images := whole(images, "images", least=1)):
            changes[end] = images
        self.config = replace(self.config, **changes)
        for optimizer in self.state.optimizers().values():
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] = self.config.lr
        return self

    def save(self, folder: str | Path, **meta: Any) -> None:
        """Write a checkpoint; see :func:`imggen_lib.checkpoint.save`."""
        data = {"name": self.data.name, "images": len(self.data), "sha256": self.data.checksum}
        data["classes"] = list(self.data.classes)
        checkpoint.save(folder, self.state, self.config, data=data, **meta)


def start(config: RunConfig, data: ImageSet | ImageStream, device: str | torch.device | None = None) -> Run:
    """A fresh run. The networks' random start depends on the configuration's seed alone.

    With ``begin_from`` the generator (or the VAE, or the flow) has the weights of that model instead. A critic is always fresh;
    what it says before it knows the images takes a generator away from what it has learned. ``head_start`` makes that a little
    less.
    """
    _check_kinds(config, data)
    allow = {str(thing): thing.make for thing in config.own.values()}
    vae = None
    if isinstance(config, FlowConfig) and config.vae:
        config, vae = _with_vae(config, allow)
    if config.image_shape != data.image_shape:
        raise ValueError(f"the model is for images of shape {config.image_shape}, {data.name} has {data.image_shape}")
    _check_classes(config, data)
    device = _prepared(device)
    for thing in config.own.values():
        if thing.why:
            warnings.warn(f"this run cannot be saved: {thing.why}", stacklevel=2)
    with machine.first_weights(config.seed):
        state = config.state(device)
    if isinstance(state, VaeState):
        state.model.start_at(data.mean_image())
    run = Run(config, state, data.to(device))
    if vae is not None and not config.begin_from:
        _behind(run, vae)
    if config.begin_from:
        find(config.begin_from, allow).begin(state, config)
    return run


def _behind(run: Run, vae: VAE) -> None:
    """Put the VAE's weights into a fresh flow of its codes, and scale the flow to the codes."""
    assert isinstance(run.state, FlowState) and isinstance(run.state.ema, LatentFlow)
    run.state.ema.vae.load_state_dict(vae.state_dict())
    run.state.ema.scale_to(run.codes.mu, run.codes.logvar)


def _with_vae(config: FlowConfig, allow: Allow) -> tuple[FlowConfig, VAE]:
    """The configuration with what its VAE is, and that VAE. Raises ``ValueError`` for what is none, or not the one that it says."""
    found = find(config.vae, allow)
    if not isinstance(found.config, VaeConfig):
        raise ValueError(f"{config.vae} is a {found.config.kind}; the codes of a vae are needed")
    if config.vae_config is not None and config.vae_config.architecture != found.config.architecture:
        raise ValueError(f"vae-config is not that of the VAE {config.vae}")
    return replace(config, vae_config=found.config, latent_dim=found.config.latent_dim), found.model()


def _prepared(device: str | torch.device | None) -> str:
    """The device, or the best there is: tried, and the process set up for it."""
    found = str(machine.device(device))
    machine.prepare(found)
    return found


def _check_kinds(config: Any, data: Any) -> None:
    if not isinstance(config, RunConfig):
        raise ValueError(f"a run is described by a GanConfig, a VaeConfig or a FlowConfig, got a {type(config).__name__}")
    if not isinstance(data, ImageSet | ImageStream):
        raise ValueError(f"a run trains on an ImageSet or an ImageStream, got a {type(data).__name__}; see ImageSet.from_float")
    checkpoint.storable(config)


def _check_classes(config: RunConfig, data: ImageSet | ImageStream) -> None:
    if not config.classes:
        return
    if config.classes != len(data.classes):
        raise ValueError(f"the model is for {config.classes} classes, {data.name} has {len(data.classes)}")
    if empty := data.empty_classes:  # that labels have a class, sets look at themselves, and streams batch by batch
        named = ", ".join(map(repr, empty[:5])) + (f" and {len(empty) - 5} more" if len(empty) > 5 else "")
        warnings.warn(
            f"{data.name} has no training image of the class {named}; what a model draws for it means nothing", stacklevel=3
        )


def _parts(model: VAE) -> list[torch.nn.Module]:
    return [model.encoder, model.posterior, model.decoder]


@dataclass
class Lower:
    """Stands in for a module's ``forward``: its products in bfloat16; what it returns is float32.

    Not a closure around the method, so that a copy of the module computes with the copy's weights, and can be pickled.
    """

    module: torch.nn.Module

    def __call__(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        with torch.autocast(next(self.module.parameters()).device.type, torch.bfloat16):
            return type(self.module).forward(self.module, *args, **kwargs).float()


def resume(folder: str | Path, data: ImageSet | ImageStream, device: str | torch.device | None = None, *, allow: Allow = ()) -> Run:
    """The run that a checkpoint was saved from, to go on as if it had never stopped; `allow` as for :func:`checkpoint.load`.

    Raises :class:`~imggen_lib.errors.CheckpointError` if `data` is not the set that it was trained on.
    """
    saved = checkpoint.load(folder, allow)
    _check_kinds(saved.config, data)
    trained_on = saved.meta.get("data", {})
    if trained_on.get("sha256") != data.checksum:
        name = trained_on.get("name", "a set that it does not name")
        raise CheckpointError(f"{folder} was trained on {name}; {data.name} is not the same set of images")
    device = _prepared(device)
    with machine.first_weights(saved.config.seed):
        state = saved.config.state(device)
    saved.restore(state)
    return Run(saved.config, state, data.to(device))
