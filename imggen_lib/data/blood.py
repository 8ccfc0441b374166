"""Blood cells that ship with the library: crops of BCCD's photographs, 28x28 grey pixels, red or white. Not for clinical use."""

import hashlib
from importlib.resources import files
from io import BytesIO

import numpy as np
import torch

from imggen_lib.data.imageset import ImageSet
from imggen_lib.errors import DataError

CLASSES = ("red", "white")
SHA256 = "53ebd02f4d447971cc7896dba01e9ca1e6297cfee8a2c844106cfa5e9dcdcc87"


def blood_cells() -> ImageSet:
    """400 red and 150 white blood cells, each cut out along its box and resized to 28x28, grey.

    ``factors`` has ``width`` and ``height``, the box's in pixels of the photograph, and ``photograph``, its number: cells of one
    photograph belong on one side of a split. The file's SHA-256 is checked.

    Raises :class:`~imggen_lib.errors.DataError` if it is damaged. Source: BCCD, https://github.com/Shenggan/BCCD_Dataset, MIT;
    what was changed is in ``imggen_lib/data/shipped/blood/README.md``.
    """
    data = (files("imggen_lib.data") / "shipped" / "blood" / "blood.npz").read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise DataError("blood.npz is damaged: its SHA-256 is another one; install the library anew")
    with np.load(BytesIO(data), allow_pickle=False) as stored:
        images, sizes, labels, photographs = (stored[name] for name in ("images", "sizes", "labels", "photographs"))
    wide, high = torch.from_numpy(sizes.astype(np.int64)).T
    factors = {"width": wide, "height": high, "photograph": torch.from_numpy(photographs.astype(np.int64))}
    numbers = torch.from_numpy(labels.astype(np.int64))
    return ImageSet(torch.from_numpy(images)[:, None].contiguous(), numbers, CLASSES, "blood cells", factors)
