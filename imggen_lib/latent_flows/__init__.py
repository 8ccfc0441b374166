"""The flows in a VAE's latent space that ship, each with its card; the VAE's own weights are stored once, elsewhere."""

from pathlib import Path
from typing import Any

from imggen_lib.checkpoint import pretrained
from imggen_lib.checkpoint.saving import versions, write
from imggen_lib.checkpoint.stored import read_json, read_tensors
from imggen_lib.errors import CheckpointError, unknown_name
from imggen_lib.models.flow import Flow, VectorNet
from imggen_lib.models.latent_flow import LatentFlow
from imggen_lib.models.mean_flow import MeanFlow, MeanVectorNet
from imggen_lib.models.vae import VAE

FOLDER = Path(__file__).parent
KIND = "latent-flow"


def names(folder: Path = FOLDER) -> list[str]:
    """The flows there are."""
    return sorted(path.stem for path in folder.glob("*.json"))


def card(name: str, folder: Path = FOLDER) -> dict[str, Any]:
    """What is to be known of a flow: its VAE, how it was trained, its licence. Raises ``ValueError`` for a name that none has."""
    if name not in names(folder):
        raise ValueError(unknown_name("latent flow", name, names(folder)))
    return dict(read_json(folder / f"{name}.json"))


def build(config: dict[str, Any], vae: VAE) -> LatentFlow:
    """A fresh :class:`~imggen_lib.models.latent_flow.LatentFlow` with the networks that the configuration names, around `vae`."""
    sizes: dict[str, int] = {name: config[name] for name in ("width", "classes", "blocks")}
    if config["method"] == "mean":
        return LatentFlow(vae, MeanFlow(MeanVectorNet((vae.latent_dim,), **sizes), config["steps"]))
    return LatentFlow(vae, Flow(VectorNet((vae.latent_dim,), **sizes), config["solver"], config["steps"], config["guidance"]))


def latent_flow(name: str, folder: Path = FOLDER) -> LatentFlow:
    """A generator, ready to use: a shipped flow with the decoder of the shipped VAE whose codes it learned.

    Raises ``ValueError`` for a name that there is none of, :class:`~imggen_lib.errors.CheckpointError` for weights that do not fit.
    """
    meta = card(name, folder)
    held = read_tensors(folder / meta["weights"]["file"], meta["weights"]["sha256"], None)
    model = build(meta["config"], pretrained(meta["config"]["vae"]).model())
    own = _own(model)
    if own.keys() != held.keys() or any(own[k].shape != held[k].shape for k in own):
        raise CheckpointError(f"{folder / name}: the weights do not fit the network that they are to be put into")
    for key, value in own.items():
        value.copy_(held[key])
    return model.eval().requires_grad_(False)


def store(model: LatentFlow, name: str, config: dict[str, Any], card: dict[str, Any], folder: Path = FOLDER, **meta: Any) -> None:
    """Write the flow's weights in half precision, and what is known of it; the VAE's are not written."""
    weights = {k: v.half() for k, v in _own(model).items()}
    known = {"config": {"kind": KIND, **config}, "versions": versions(), **meta, "card": card}
    write(folder, lambda _: f"{name}.safetensors", weights, known, f"{name}.json")


def _own(model: LatentFlow) -> dict[str, Any]:
    """The flow's own numbers: network and scale, without the VAE's."""
    return {k: v.detach() for k, v in model.state_dict(keep_vars=True).items() if not k.startswith("vae.")}
