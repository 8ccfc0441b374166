"""Items that ship with the library: pictures of 32x32 pixels in one palette of 32 entries, of which the first is transparent."""

import hashlib
from importlib.resources import files
from io import BytesIO
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, UInt8

from imggen_lib.errors import DataError
from imggen_lib.noise import generator_for

CLASSES = ("amulet", "armour", "book", "food", "potion", "ring", "rod", "scroll", "staff", "wand", "weapon")
COLOURS, SIDE = 32, 32
SHA256 = "3f91f3ef3a09d5a666445376c8bab86541aca40ea225b62812d7fcbf68ea6b1e"


class Items(NamedTuple):
    """Pictures as numbers of a palette's entries; entry 0 is transparent, the others are opaque."""

    indices: UInt8[np.ndarray, "n 32 32"]
    palette: UInt8[np.ndarray, "32 4"]  # RGBA
    labels: Int[np.ndarray, " n"]  # into CLASSES
    names: tuple[str, ...]

    def chosen(self, which: np.ndarray) -> "Items":
        """These of them."""
        return Items(self.indices[which], self.palette, self.labels[which], tuple(np.array(self.names)[which].tolist()))


def items() -> Items:
    """All of the items. The file's SHA-256 is checked.

    Raises :class:`~imggen_lib.errors.DataError` if it is damaged. Source: Dungeon Crawl Stone Soup, https://github.com/crawl/tiles,
    CC0; what was changed is in ``imggen_lib/data/shipped/items/README.md``.
    """
    data = (files("imggen_lib.data") / "shipped" / "items" / "items.npz").read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise DataError("items.npz is damaged: its SHA-256 is another one; install the library anew")
    with np.load(BytesIO(data), allow_pickle=False) as stored:
        names = tuple(stored["names"].tolist())
        return Items(stored["indices"], stored["palette"], stored["labels"].astype(np.int64), names)


def split(held_out: float = 0.2) -> tuple[Items, Items]:
    """Items to learn from and a share of others, drawn at random. Items come in families, so a held-out one may have near kin."""
    import torch

    known = items()
    order = torch.randperm(len(known.names), generator=generator_for(0, 51)).numpy()
    count = round(held_out * len(order))
    return known.chosen(np.sort(order[count:])), known.chosen(np.sort(order[:count]))
