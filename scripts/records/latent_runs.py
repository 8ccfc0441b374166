"""The flows of codes in ``runs/latent``, which ``latent.py`` writes and reads: mean flows, too, which no configuration makes.

A run has the flow's own numbers in half precision, as what ships, and says how they were trained; the VAE is a shipped one.
"""

from pathlib import Path
from typing import Any

from imggen_lib.checkpoint import Checkpoint, pretrained
from imggen_lib.checkpoint.saving import versions, write
from imggen_lib.checkpoint.stored import read_json, read_tensors
from imggen_lib.configs import FlowConfig
from imggen_lib.errors import CheckpointError
from imggen_lib.models.flow import Flow, VectorNet
from imggen_lib.models.latent_flow import LatentFlow
from imggen_lib.models.mean_flow import MeanFlow, MeanVectorNet
from imggen_lib.models.vae import VAE

RUNS = Path("runs/latent")
VAE_NAME = "mnist-vae-res"
#: What ships, of the first seed, and its method; mean flow is measured alone.
SHIPS = {"mnist-flow-latent": "flow", "mnist-flow-step": "pairs"}
TEACHER = "mnist-flow-latent"
KIND = "latent-flow"
Meta = dict[str, Any]


def known(name: str, folder: Path = RUNS) -> Meta:
    """What is known of a run: its VAE, how it was trained, after how many codes."""
    return dict(read_json(folder / f"{name}.json"))


def build(config: Meta, vae: VAE) -> LatentFlow:
    """A fresh :class:`~imggen_lib.models.latent_flow.LatentFlow` with the networks that a run's configuration names."""
    sizes: dict[str, int] = {name: config[name] for name in ("width", "classes", "blocks")}
    if config["method"] == "mean":
        return LatentFlow(vae, MeanFlow(MeanVectorNet((vae.latent_dim,), **sizes), config["steps"]))
    return LatentFlow(vae, Flow(VectorNet((vae.latent_dim,), **sizes), config["solver"], config["steps"], config["guidance"]))


def read(name: str, folder: Path = RUNS) -> LatentFlow:
    """The generator of a run. Raises :class:`~imggen_lib.errors.CheckpointError` for weights that do not fit."""
    meta = known(name, folder)
    held = read_tensors(folder / meta["weights"]["file"], meta["weights"]["sha256"], None)
    model = build(meta["config"], pretrained(meta["config"]["vae"]).model())
    own = _own(model)
    if own.keys() != held.keys() or any(own[k].shape != held[k].shape for k in own):
        raise CheckpointError(f"{folder / name}: the weights do not fit the network that they are to be put into")
    for key, value in own.items():
        value.copy_(held[key])
    return model.eval().requires_grad_(False)


def store(model: LatentFlow, name: str, config: Meta, card: Meta, folder: Path = RUNS, **meta: Any) -> None:
    """Write the flow's weights in half precision, and what is known of it; the VAE's are not written."""
    weights = {k: v.half() for k, v in _own(model).items()}
    known = {"config": {"kind": KIND, **config}, "versions": versions(), **meta, "card": card}
    write(folder, lambda _: f"{name}.safetensors", weights, known, f"{name}.json")


def to_ship(name: str, folder: Path = RUNS) -> tuple[Checkpoint, Meta]:
    """The run that ships under a name as a checkpoint, which :func:`imggen_lib.checkpoint.release` takes, and the run's card."""
    run = f"{SHIPS[name]}-0"
    meta = known(run, folder)
    said, card = meta["config"], meta["card"]
    ((images, lr, batch),) = card["rounds"]
    vae = pretrained(said["vae"]).config
    same = {key: said[key] for key in ("width", "classes", "solver", "steps", "guidance", "vae")}
    config = FlowConfig(
        image_shape=vae.image_shape, blocks=said["blocks"] // 4, batch=batch, lr=lr, seed=card["seed"],
        schedule_images=images, ema_half_life=images / 20, vae_config=vae,
        begin_from="" if name == TEACHER else TEACHER, **same,
    )  # fmt: skip
    kept = {key: meta[key] for key in ("images", "versions", "data")}
    tensors = {f"ema.{k}": v for k, v in read(run, folder).state_dict().items()}
    return Checkpoint(folder, config, {"config": config.to_json(), "steps": images // batch, **kept}, tensors), card


def _own(model: LatentFlow) -> dict[str, Any]:
    """The flow's own numbers: network and scale, without the VAE's."""
    return {k: v.detach() for k, v in model.state_dict(keep_vars=True).items() if not k.startswith("vae.")}
