"""The files that demos load by name: shipped models, packed, with what is known about them; and real digits to compare with.

``NAME`` is a shipped model's decoder, ``NAME.both`` a VAE's encoder and decoder. What is no model of images (real digits, levels of
a game, a generator of heights) is made by the demo that shows it, which says so with :func:`offers`; nothing here knows a demo,
or an application behind one. What was computed from data (maps, the nats of each latent
dimension, what is typical of test images, the digits) and how coarsely a model is rounded stands in ``maps/*.json``, made by
``scripts/records/live_maps.py``, ``chest_cases.py`` and ``game_levels.py``, so that pages are built without data.

Every file draws what its model draws (:mod:`imggen_lib.live.pack`); some are larger than the 500 kB that a page loads by itself.
A page does not load those, nor the other models of a list to choose from, until its reader chooses them.
"""

import base64
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from imggen_lib.errors import unknown_name

MAPS = Path(__file__).parent / "maps"
DIGITS = "mnist-digits"
CHEST = "chest-cases"
LEVELS = "platform-levels"
DECODER = "level-decoder"
LANDSCAPE = "landscape"
CHARACTERS = "characters"
SURFACES = "volatility-surfaces"
SEEDS = 60  # of characters whose latents the page has
BOTH = ".both"


@cache  # telling a generator from a feature network reads every shipped file
def generators() -> tuple[str, ...]:
    """The names of the shipped models that draw images."""
    from imggen_lib.checkpoint import pretrained, shipped

    return tuple(name for name in shipped() if pretrained(name).config.kind in ("gan", "vae"))


def check_name(name: str) -> str:
    """`name`, if it is a shipped model that draws images; else ``ValueError``."""
    if name not in generators():
        raise ValueError(unknown_name("model to play with", name, generators()))
    return name


def known(name: str) -> dict[str, Any]:
    """What ``maps/NAME.json`` says of a shipped model; nothing if there is no such file, or if it is of an earlier training."""
    from imggen_lib.checkpoint import pretrained

    path = MAPS / f"{name}.json"
    said = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return said if said.pop("of", None) == pretrained(name).meta["weights"]["sha256"] else {}


def kept(name: str, content: str) -> dict[str, Any]:
    """The file ``maps/NAME.json``, of which the entry `content` is what JavaScript gets as deflated bytes."""
    said = json.loads((MAPS / f"{name}.json").read_text(encoding="utf-8"))
    return {"spec": {k: v for k, v in said.items() if k != content}, "bytes": base64.b64decode(said[content])}


Make = Callable[[], dict[str, Any]]
#: What makes the files that are no model of images, by their names; demos enter theirs by :func:`offers` and nowhere else.
STORED: dict[str, Make] = {}


def offers(name: str) -> Callable[[Make], Make]:
    """Mark a demo's function as what makes the file `name`, ``{"spec": JSON, "bytes": bytes}``, when a page asks for it."""

    def enter(make: Make) -> Make:
        STORED[name] = make
        return make

    return enter


def stored(name: str) -> dict[str, Any]:
    """One of the files that are no model of images, by its name in :data:`STORED`."""
    return STORED[name]()


@cache
def packed_file(name: str) -> dict[str, Any]:
    """The file of that name. Packing takes a second or a few; a second call takes none."""
    from imggen_lib.checkpoint import pretrained
    from imggen_lib.live.pack import pack

    if name in STORED:
        return stored(name)
    model = check_name(name.removesuffix(BOTH))
    both = name.endswith(BOTH)
    checkpoint, said = pretrained(model), known(model)
    choice = said.pop("rounding", None)
    packed = pack(checkpoint.model(), encoder=both, choice=choice)
    names = checkpoint.meta.get("data", {}).get("classes", [])
    return {"spec": {**packed.spec, "name": model, "class_names": names, **said}, "bytes": packed.content}


def script(name: str, file: dict[str, Any]) -> str:
    """A file as a page loads it: a classic script, so that it works from ``file://``."""
    text = json.dumps({"spec": file["spec"], "bytes": base64.b64encode(file["bytes"]).decode()}, separators=(",", ":"))
    return f"(window.imggenLiveFiles = window.imggenLiveFiles || {{}})[{json.dumps(name)}] = {text};\n"
