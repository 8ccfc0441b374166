"""The files that demos load by name: shipped models, packed, with what is known about them; and real digits to compare with.

``NAME`` is a shipped model's decoder, ``NAME.both`` a VAE's encoder and decoder, ``mnist-digits`` real test images, ``chest-cases``
X-rays with what their scores are, ``platform-levels`` levels of the game with inputs that finish them, ``level-decoder`` a network
that makes others, ``landscape`` a generator of heights, ``characters`` a generator of characters with the latents of its first
seeds, ``small-generators`` one generator in eight bits and its students, ``mnist-flow-codes`` where a VAE's codes of real digits
are, ``latent-flow`` and ``latent-flow-step`` a flow of these codes and its student. What was computed from data (maps, the nats of
each latent dimension, what is typical of test images, the digits) and how coarsely a model is rounded stands in ``maps/*.json``,
made by ``scripts/records/live_maps.py``, ``chest_cases.py`` and ``game_levels.py``, so that pages are built without data.

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


def _stored(name: str, content: str) -> dict[str, Any]:
    """A file of the maps, of which one entry is what JavaScript gets as deflated bytes."""
    said = json.loads((MAPS / f"{name}.json").read_text(encoding="utf-8"))
    return {"spec": {k: v for k, v in said.items() if k != content}, "bytes": base64.b64decode(said[content])}


def digits() -> dict[str, Any]:
    """Sixty test images of MNIST: ``{"spec": ..., "bytes": ...}``, the bytes deflated."""
    return _stored(DIGITS, "images")


def cases() -> dict[str, Any]:
    """Twelve X-rays and the scores of all test images: ``{"spec": ..., "bytes": ...}``, the bytes deflated."""
    return _stored(CHEST, "images")


def levels() -> dict[str, Any]:
    """The levels of the game, their proofs and the pictures of their tiles: ``{"spec": ..., "bytes": ...}``.

    The bytes are the levels' texts, deflated, with an empty line between two.
    """
    return _stored(LEVELS, "texts")


@cache
def level_decoder() -> dict[str, Any]:
    """What makes levels in the page, the generator ``levels-gan-local`` up to its logits, in half precision."""
    from imggen_lib.applications.levels.models import pretrained
    from imggen_lib.live.layers import unrolled
    from imggen_lib.live.pack import written

    config, model = (found := pretrained("levels-gan-local")).config, found.model()
    said, content = written({"decode": unrolled(model)})
    shape = {"latent": config.latent_dim, "image": list(config.image_shape), "classes": 0}
    return {"spec": {**said, **shape, "name": DECODER}, "bytes": content}


@cache
def landscape() -> dict[str, Any]:
    """What makes the landscape in the page: the generator of land in half precision, and how high noise is to be beside it.

    ``spec["world"]`` has the cell's side and the unit of height in metres, octaves and gain of the noise, its ``scale`` in metres
    (as steep as the land in the mean), and ``span``, the heights between which
    colours are spread. Measured on nine tiles.
    """
    import numpy as np

    from imggen_lib.applications.worlds import generator, measures, noise
    from imggen_lib.live.layers import unrolled
    from imggen_lib.live.pack import written

    model, octaves, gain = generator.shipped(), 7, 0.5
    convolutions = [*(layer for stage in model.stages for layer in stage), model.last]  # type: ignore[attr-defined]
    said, content = written({"land": [layer for convolution in convolutions for layer in unrolled(convolution)]})
    places = [(9 * k, -7 * k) for k in range(9)]
    tiles = np.stack([generator.tile(*place, rim=0) for place in places])
    side = generator.TILE
    waves = np.stack([noise.fbm(0, side * x, side * y, side, side, octaves=octaves, gain=gain) for x, y in places])
    steep, scale = float(measures.slopes(tiles).mean()), 1.0
    for _ in range(20):
        scale *= steep / float(measures.slopes(waves * scale).mean())
    scale = round(scale, 1)
    heights = {"land": tiles, "noise": waves * scale}
    span = {kind: [float(round(v)) for v in np.quantile(values, (0.01, 0.99))] for kind, values in heights.items()}
    world = {"cell": generator.CELL, "unit": generator.UNIT, "octaves": octaves, "gain": gain, "scale": scale, "span": span}
    return {"spec": {**said, "stages": [list(stage) for stage in generator.STAGES], "world": world}, "bytes": content}


def letters() -> dict[str, Any]:
    """The shipped GAN of distance fields in half precision, its first seeds' latents, and the nearest real character of each."""
    from imggen_lib.applications.characters.measures import nearest
    from imggen_lib.applications.characters.models import LICENCE, NAME, draw_fields, pretrained
    from imggen_lib.data.kanjivg import kanji, to_distance
    from imggen_lib.live.pack import pack
    from imggen_lib.noise import latents

    model, learnt = pretrained(NAME).model(), kanji()
    packed, codes = pack(model), learnt.factors["code"].tolist()
    near = nearest(draw_fields(model, range(SEEDS)), to_distance(learnt.floats()[:, 0]).double().numpy())
    said = [[chr(codes[k]), round(float(iou), 2)] for k, iou in zip(near.index, near.iou, strict=True)]
    z = latents(range(SEEDS), model.latent_dim).numpy().astype("<f4")
    stored = {"latents": _text(z.tobytes()), "nearest": said, "real": _text(learnt.images[near.index, 0].numpy().tobytes())}
    return {"spec": {**packed.spec, "name": CHARACTERS, "licence": LICENCE, **stored}, "bytes": packed.content}


def volatility() -> dict[str, Any]:
    """Surfaces of implied volatility, and what completes them: see :mod:`imggen_lib.live.surface_file`."""
    from imggen_lib.live.surface_file import file

    return file()


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


#: Files that are not made of a model of images.
STORED: dict[str, Callable[[], dict[str, Any]]] = {
    DIGITS: digits,
    CHEST: cases,
    LEVELS: levels,
    DECODER: level_decoder,
    LANDSCAPE: landscape,
    CHARACTERS: letters,
    SURFACES: volatility,
}


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
