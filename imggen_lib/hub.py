"""A model as a folder in the form of the Hugging Face hub, and the hub itself through its own library.

The folder holds ``README.md`` (the card), ``config.json`` and ``model.safetensors``, and is read by
:func:`imggen_lib.checkpoint.load` like any checkpoint: as data, checked, nothing unpickled.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from imggen_lib import files
from imggen_lib.checkpoint.reading import Checkpoint, load
from imggen_lib.checkpoint.saving import OwnNetworks, write
from imggen_lib.errors import CheckpointError, printable
from imggen_lib.own import Allow

PREFIX = "hub:"
FILES = ("README.md", "config.json", "model.safetensors")
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}(@[\w./-]{1,100})?", re.ASCII)
_DATASETS = {"mnist": "ylecun/mnist", "fashion-mnist": "zalando-datasets/fashion_mnist"}
_KINDS = {"gan": "generative adversarial network", "vae": "variational autoencoder", "flow": "flow", "features": "feature network"}


def save(saved: Checkpoint, folder: str | Path, *, name: str = "", license: str = "") -> Path:
    """Write the model to use, bit for bit as it is stored, with its card; the folder.

    The optimisers, a GAN's critic, the command and the path of one's own pictures stay at home. `license` is the hub's word for
    one, such as ``mit``; by default the card's, or ``unknown``. Raises ``ValueError`` for networks of one's own, which no
    configuration makes, and for a folder that has other files in it.
    """
    if isinstance(saved.config, OwnNetworks):
        raise ValueError("these networks are somebody's own: without their code nobody could load them")
    folder = files.expanded(folder)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; a model is pushed to a folder")
    if folder.exists() and (other := sorted({path.name for path in folder.iterdir()} - {*FILES, ".gitattributes", ".git"})):
        raise ValueError(f"{folder} holds other files ({printable(other[0])}): choose another folder")
    with files.plainly(f"the folder {folder} cannot be made"):
        folder.mkdir(parents=True, exist_ok=True)
    kept = {key: value for key, value in saved.tensors.items() if key.startswith(saved.prefix)}
    meta = {
        key: saved.meta[key] for key in ("config", "images", "steps", "versions", "data", "background", "card") if key in saved.meta
    }
    if "data" in meta:
        meta["data"] = {**meta["data"], "name": _public(str(meta["data"].get("name", "")))}
    if meta["config"].get("vae"):
        meta["config"] = {**meta["config"], "vae": Path(meta["config"]["vae"]).name}
    text = readme(meta, name or folder.name, license)
    write(folder, lambda _: "model.safetensors", kept, meta, "config.json")
    files.write(folder / "README.md", lambda path: path.write_text(text, encoding="utf-8"))
    return folder


def _public(data: str) -> str:
    """The name of a data set without the way to it on one's own machine."""
    kind, colon, path = data.partition(":")
    return f"{kind}:{Path(path.rstrip('/')).name}" if colon else data


def readme(meta: Mapping[str, Any], name: str, license: str = "") -> str:
    """The model card: YAML for the hub's search, then what the card says, in words and as JSON."""
    config, card, data = meta["config"], meta.get("card", {}), meta.get("data", {})
    licence = str(card.get("licence", ""))
    license = license or ("mit" if licence.startswith("MIT") else "unknown")
    if not re.fullmatch(r"[a-z0-9.+-]{2,40}", license):
        raise ValueError(f"a license is named as the hub names it, such as mit or cc-by-4.0, got {license!r}")
    quality = {key: value for key, value in card.get("quality", {}).items() if not isinstance(value, dict | list)}
    front: list[str] = [f"license: {license}", "library_name: imggen_lib"]
    if config["kind"] != "features":
        front.append("pipeline_tag: unconditional-image-generation")
    front += ["tags:", "- imggen_lib", f"- {config['kind']}"]
    if known := _DATASETS.get(data.get("name", "")):
        front += ["datasets:", f"- {known}"]
    if metrics := [key for key, value in quality.items() if isinstance(value, int | float) and "_of_real_" not in key]:
        front += ["metrics:", *(f"- {json.dumps(key)}" for key in metrics)]
    c, side, _ = config["image_shape"]
    body = [
        f"# {name}",
        "",
        f"A {_KINDS[config['kind']]} for images of {side}x{side} pixels with {c} channel(s), after {meta['images']:,} images.",
    ]
    if data:
        body += ["", f"Data: {data.get('name')}, {data.get('images', 0):,} images, SHA-256 `{data.get('sha256')}`."]
    if licence:
        body += ["", f"Licence: {licence}."]
    if quality:
        body += ["", "| measured | value |", "| --- | --- |", *(f"| {k} | {v} |" for k, v in quality.items())]
    body += ["", "```python", "from imggen_lib.finding import find", "from imggen_lib import sample", ""]
    named = sorted({config[entry] for entry in ("generator", "critic", "model", "loss") if ":" in str(config.get(entry, ""))})
    allow = f", allow={{{', '.join(repr(m) for m in sorted({thing.partition(':')[0] for thing in named}))}}}" if named else ""
    body += [f'images = sample(find("FOLDER, or hub:OWNER/NAME"{allow}).model(), 64)', "```", ""]
    if named:
        body += [
            f"It needs code that is neither here nor in imggen_lib: {', '.join(f'`{thing}`' for thing in named)}. Whoever loads it "
            "must have that code where Python finds it, and allows it to be imported, as above: to import a module runs it.",
            "",
        ]
    if card:
        body += ["The whole card:", "", "```json", json.dumps(card, indent=2), "```", ""]
    return "\n".join(["---", *front, "---", "", *body])


def is_hub(name: str | Path) -> bool:
    """Whether a name is ``hub:owner/name``."""
    return (name if isinstance(name, str) else name.as_posix()).startswith(PREFIX)


def _repository(name: str | Path) -> tuple[str, str | None]:
    text = (name if isinstance(name, str) else name.as_posix()).removeprefix(PREFIX)
    if not _NAME.fullmatch(text):
        raise ValueError(f"a model of the hub is named hub:owner/name, or hub:owner/name@revision, got {PREFIX}{text}")
    repository, _, revision = text.partition("@")
    return repository, revision or None


def _library() -> Any:
    try:
        import huggingface_hub
    except ImportError:
        raise ValueError("hub: needs the library of the hub: pip install huggingface_hub") from None
    return huggingface_hub


def fetch(name: str | Path, allow: Allow = ()) -> Checkpoint:
    """The model ``hub:owner/name``; `allow` as for :func:`imggen_lib.checkpoint.load`.

    Raises ``CheckpointError`` where it is not there, or no model of ours.
    """
    repository, revision = _repository(name)
    hub = _library()
    try:
        folder = hub.snapshot_download(repo_id=repository, revision=revision, allow_patterns=list(FILES))
    except (OSError, ValueError) as error:  # the library's own errors are of these kinds
        raise CheckpointError(f"hub:{repository} cannot be had: {_first(error)}") from error
    return load(folder, allow)


def push(saved: Checkpoint, to: str | Path, *, name: str = "", license: str = "") -> str:
    """Write a model to a folder, or with ``hub:owner/name`` to the hub; where it is now. To log in: ``hf auth login``."""
    if not is_hub(to):
        return str(save(saved, to, name=name, license=license))
    repository, revision = _repository(to)
    hub = _library()
    with TemporaryDirectory() as room:
        folder = save(saved, Path(room) / "model", name=name or repository.partition("/")[2], license=license)
        try:
            hub.create_repo(repo_id=repository, exist_ok=True)
            done = hub.upload_folder(
                repo_id=repository, folder_path=str(folder), revision=revision, commit_message="A model of imggen_lib"
            )
        except (OSError, ValueError) as error:
            raise OSError(f"hub:{repository} takes no upload: {_first(error)}") from error
    return str(done)


def _first(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
