"""The files that demos load by name: shipped models, packed, with what is known about them; and real digits to compare with.

``NAME`` is a shipped model's decoder, ``NAME.both`` a VAE's encoder and decoder. What is no model of images (real digits, levels of
a game, a generator of heights) is made by the demo that shows it, which says so with :func:`offers`; nothing here knows a demo,
or an application behind one. What was computed from data (maps, the nats of each latent dimension, what is typical of test images,
the digits) and how coarsely a model is rounded stands in ``maps/*.json``, made by ``scripts/records/live_maps.py``,
``chest_cases.py`` and ``game_levels.py``, so that pages are built without data. ``mnist-gan-student`` is the student of a fifth.

A model's weights have eight bits in a page where the record of the chapter "Smaller and faster" shows no cost (:func:`rounding`).
Files larger than the 500 kB that a page loads by itself, and the other models of a list to choose from, wait until its reader
chooses them.
"""

import base64
import json
from collections.abc import Callable
from functools import cache, partial
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
TEACHER = "mnist-gan-classes"
SMALL = {"mnist-gan-student": "fifth"}  # small generators that a demo can name, and what they are called where they are stored
SEEDS = 60  # of characters whose latents the page has
BOTH = ".both"


@cache  # telling a generator from a feature network reads every shipped file
def generators() -> tuple[str, ...]:
    """The names of the shipped models that draw images."""
    from imggen_lib.checkpoint import pretrained, shipped

    return tuple(name for name in shipped() if pretrained(name).config.kind in ("gan", "vae"))


def check_name(name: str) -> str:
    """`name`, if it is a shipped model that draws images or a small generator of :data:`SMALL`; else ``ValueError``."""
    if name not in (*generators(), *SMALL):
        raise ValueError(unknown_name("model to play with", name, (*generators(), *SMALL)))
    return name


def image_shape(name: str) -> tuple[int, int, int]:
    """The shape ``(channels, height, width)`` of what :func:`check_name` accepts."""
    from imggen_lib.checkpoint import pretrained

    shape: tuple[int, int, int] = pretrained(TEACHER if check_name(name) in SMALL else name).config.image_shape
    return shape


def known(name: str) -> dict[str, Any]:
    """What ``maps/NAME.json`` says of a shipped model; nothing if there is no such file, or if it is of an earlier training."""
    from imggen_lib.checkpoint import pretrained

    path = MAPS / f"{name}.json"
    said = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return said if said.pop("of", None) == pretrained(name).meta["weights"]["sha256"] else {}


def rounding(name: str) -> dict[str, Any] | None:
    """How the weights of a shipped model are rounded for the pages: a choice of :func:`imggen_lib.live.pack.pack`.

    To eight bits where the record ``smaller`` shows no cost for these very weights; else as finely as cannot be seen.
    """
    from imggen_lib.checkpoint import pretrained
    from imggen_lib.live.pack import EIGHT
    from imggen_lib.measured import measured

    row = measured("smaller").get("pages", {}).get(name, {})
    if row.get("free") and row["of"] == pretrained(name).meta["weights"]["sha256"]:
        return EIGHT
    return known(name).get("rounding")


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


@cache
def student(name: str) -> dict[str, Any]:
    """A small generator of :data:`SMALL`: whole numbers and steps as they ship, so nothing is rounded again."""
    from imggen_lib.checkpoint import pretrained
    from imggen_lib.compress.store import small
    from imggen_lib.live.pack import EIGHT, pack

    packed, names = pack(small(SMALL[name]), choice=EIGHT), pretrained(TEACHER).meta["data"]["classes"]
    return {"spec": {**packed.spec, "name": name, "class_names": names}, "bytes": packed.content}


STORED.update({name: partial(student, name) for name in SMALL})


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
    said.pop("rounding", None)
    packed = pack(checkpoint.model(), encoder=both, choice=rounding(model))
    names = checkpoint.meta.get("data", {}).get("classes", [])
    return {"spec": {**packed.spec, "name": model, "class_names": names, **said}, "bytes": packed.content}


def script(name: str, file: dict[str, Any]) -> str:
    """A file as a page loads it: a classic script, so that it works from ``file://``."""
    text = json.dumps({"spec": file["spec"], "bytes": base64.b64encode(file["bytes"]).decode()}, separators=(",", ":"))
    return f"(window.imggenLiveFiles = window.imggenLiveFiles || {{}})[{json.dumps(name)}] = {text};\n"
