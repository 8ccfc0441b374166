"""Kanji that ship with the library: signed distances to the ink, 32x32, of 1,691 characters with 4 to 9 strokes.

The characters are Japanese writing, from KanjiVG; the file is under CC BY-SA 3.0, and so is what is adapted from it.
"""

import hashlib
from functools import cache
from importlib.resources import files
from io import BytesIO

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from imggen_lib.data.imageset import ImageSet
from imggen_lib.errors import DataError, unknown_name
from imggen_lib.noise import mix

SHA256 = "5e5f5aae13f7b5081cfdae2d6e91291a4e75d4df1d412e9b4caafa2d2c1ff7b8"
LICENCE = "KanjiVG (Ulrich Apel and contributors, kanjivg.tagaini.net), CC BY-SA 3.0, signed distances made from its strokes"
#: How many characters are held out for each purpose; the rest is for training.
HELD_OUT = {"test": 200, "validation": 200}
SPLITS = ("train", "validation", "test")
CLASSES = tuple(f"{n} strokes" for n in range(4, 10))
BOX = 109.0  # the side of a character's square, in KanjiVG's units
CELLS = 32
STROKE = 3.2  # half the width of a stroke, so the largest distance inside
#: What the pixels 0 and 255 stand for, in units of the box.
RANGE = (-8.0, 3.2)


def to_distance(images: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    r"""Values in [-1, 1], as networks take and make them, to signed distances in units of the box: :math:`5.6\,v - 2.4`.

    Positive inside the ink; -1 stands for 8 units or more outside, 1 for the middle of a stroke.
    """
    low, high = RANGE
    return images * ((high - low) / 2) + (high + low) / 2


def to_pixels(distances: np.ndarray) -> UInt8[np.ndarray, "*n"]:
    """Signed distances in units of the box to pixels, clipped to :data:`RANGE`; the inverse of :func:`to_distance`, rounded."""
    low, high = RANGE
    scaled = (np.clip(distances, low, high) - low) / (high - low) * 255
    return np.floor(scaled + 0.5).astype(np.uint8)


@cache
def _stored() -> dict[str, np.ndarray]:
    data = (files("imggen_lib.data") / "shipped" / "kanji" / "kanji.npz").read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise DataError("kanji.npz is damaged: its SHA-256 is another one; install the library anew")
    with np.load(BytesIO(data), allow_pickle=False) as stored:
        return {name: stored[name] for name in ("sdf", "chars", "strokes")}


def _positions(split: str) -> np.ndarray:
    """Which characters are in a split: their numbers are put in the order of a hash of their code points."""
    codes = _stored()["chars"]
    order = np.array(sorted(range(len(codes)), key=lambda i: mix(22, int(codes[i]))))
    test, validation = HELD_OUT["test"], HELD_OUT["validation"]
    parts = {"test": order[:test], "validation": order[test : test + validation], "train": order[test + validation :]}
    return np.sort(parts[split])


def kanji(split: str = "train") -> ImageSet:
    """Signed distance fields of kanji, 32x32: 1,291 for ``train``, 200 for ``validation``, 200 for ``test``, split by character.

    A pixel is a distance to the nearest edge of the ink, positive inside, clipped to :data:`RANGE` (see :func:`to_distance`);
    the label is the number of strokes, less 4. ``factors["code"]`` is the character's code point (``chr`` makes it readable).
    The file's SHA-256 is checked.

    Raises:
        ValueError: for another split.
        DataError: if the file is damaged.

    Source: KanjiVG, https://github.com/KanjiVG/kanjivg, Ulrich Apel and contributors, CC BY-SA 3.0; what was changed is in
    ``imggen_lib/data/shipped/kanji/README.md``.
    """
    if split not in SPLITS:
        raise ValueError(unknown_name("split", split, SPLITS))
    stored, mine = _stored(), _positions(split)
    fields = to_pixels(stored["sdf"][mine].astype(np.float64) / 8)
    labels = torch.from_numpy(stored["strokes"][mine].astype(np.int64)) - 4
    codes = torch.from_numpy(stored["chars"][mine].astype(np.int64))
    return ImageSet(torch.from_numpy(fields)[:, None].contiguous(), labels, CLASSES, "kanji", {"code": codes})
