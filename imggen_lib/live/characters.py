"""Made-up characters: a sheet of seeds, one of them at any size, between two, thin and bold, and as an SVG.

The page draws the fields that PyTorch draws, cuts them where :mod:`imggen_lib.applications.characters.fields` cuts them, and saves
the outlines that :func:`imggen_lib.applications.characters.paths.shape_of` finds; tests compare the three.
"""

from collections.abc import Mapping
from typing import Any

from imggen_lib.live.base import Live
from imggen_lib.live.shipped import CHARACTERS, packed_file


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
