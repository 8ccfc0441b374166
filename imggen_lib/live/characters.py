"""Made-up characters: a sheet of seeds, one of them at any size, between two, thin and bold, and as an SVG.

The page draws the fields that PyTorch draws, cuts them where :mod:`imggen_lib.applications.characters.fields` cuts them, and saves
the outlines that :func:`imggen_lib.applications.characters.paths.shape_of` finds; tests compare the three.
"""

import base64
from collections.abc import Mapping
from functools import cache
from typing import Any

from imggen_lib.live.base import Live
from imggen_lib.live.shipped import CHARACTERS, SEEDS, offers, packed_file


@offers(CHARACTERS)
@cache
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

    def text_of(content: bytes) -> str:
        return base64.b64encode(content).decode()

    stored = {"latents": text_of(z.tobytes()), "nearest": said, "real": text_of(learnt.images[near.index, 0].numpy().tobytes())}
    return {"spec": {**packed.spec, "name": CHARACTERS, "licence": LICENCE, **stored}, "bytes": packed.content}


class Characters(Live):
    """See :func:`characters`."""

    demo = "characters"
    parts = ("product", "net", "maths", "characters_math")
    words = (
        "A live demo stands here: a sheet of characters that a network makes up, to zoom into without end, to blend, to make bold, "
        "and to save for a plotter. It needs JavaScript, or a running notebook."
    )

    def file(self, name: str) -> dict[str, Any]:
        return packed_file(name) if name == CHARACTERS else super().file(name)


def characters(seed: int = 0, *, strings: Mapping[str, str] | None = None) -> Characters:
    """A sheet of seeds drawn by the shipped GAN of signed distance fields; the chosen one is large and can be saved as an SVG.

    The first 60 seeds are those of :func:`imggen_lib.noise.latents`, as in Python, with the real character whose ink overlaps most
    with each; further sheets are drawn in the page. `seed` is the one that is shown first. What is made with it is under
    CC BY-SA 3.0, as the characters that the network learnt from.

    Raises:
        ValueError: for a seed that is not among the first.
    """
    count = len(packed_file(CHARACTERS)["spec"]["nearest"])
    if not isinstance(seed, int) or not 0 <= seed < count:
        raise ValueError(f"the seed shown first is a whole number from 0 to {count - 1}, got {seed!r}")
    return Characters({"model": CHARACTERS, "seed": seed}, strings=strings)
