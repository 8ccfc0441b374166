"""Chest X-rays that ship with the library: PneumoniaMNIST, 28x28 grey pixels, normal or pneumonia. Not for clinical use."""

import hashlib
from functools import cache
from importlib.resources import files
from io import BytesIO

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from imggen_lib.data.imageset import ImageSet
from imggen_lib.errors import DataError, unknown_name

#: The splits, and what the file calls them.
SPLITS = {"train": "train", "validation": "val", "test": "test"}
CLASSES = ("normal", "pneumonia")
SHA256 = "9d78c87f97c1f593a05c61d60eda235a49cfd607d193dffa21e6e609e0dd0e96"
LICENCE = "PneumoniaMNIST (Yang and others 2023; images: Kermany and others 2018), CC BY 4.0, put together anew"


@cache
def _file() -> bytes:
    data = (files("imggen_lib.data") / "shipped" / "pneumonia" / "pneumonia.npz").read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise DataError("pneumonia.npz is damaged: its SHA-256 is another one; install the library anew")
    return data


def pneumonia(split: str = "train") -> ImageSet:
    """Chest X-rays of children, 28x28 grey: 4,708 for ``train``, 524 for ``validation``, 624 for ``test``.

    Labels are 0, normal, and 1, pneumonia. They are as the file has them, **with its repeated images**, inside splits and across
    (:func:`repeats` finds them), and the training images are in the order of their class: a batch must be shuffled. There are no
    numbers of patients. The file's SHA-256 is checked. Not for clinical use.

    Raises:
        ValueError: for another split.
        DataError: if the file is damaged.

    Source: Yang et al. 2023, Scientific Data 10:41; images of Kermany et al. 2018, Cell 172(5); CC BY 4.0. Put together anew, out
    of two redistributions: see ``imggen_lib/data/shipped/pneumonia/README.md``.
    """
    if split not in SPLITS:
        raise ValueError(unknown_name("split", split, tuple(SPLITS)))
    with np.load(BytesIO(_file()), allow_pickle=False) as stored:
        images, labels = (stored[f"{SPLITS[split]}_{kind}"] for kind in ("images", "labels"))
    numbers = torch.from_numpy(labels.astype(np.int64)).flatten()
    return ImageSet(torch.from_numpy(images)[:, None].contiguous(), numbers, CLASSES, "pneumonia")


def repeats(images: ImageSet, *earlier: ImageSet) -> Int[Tensor, " k"]:
    """The positions of the images that are there before, pixel by pixel: in the same set, or in one of the sets `earlier`.

    What is left without them has each image once, and none of those in `earlier`. Images that differ in a single grey level are
    different ones: this is no search for the same patient.
    """
    seen = {image.numpy().tobytes() for other in earlier for image in other.images.cpu()}
    found = []
    for i, image in enumerate(images.images.cpu()):
        pixels = image.numpy().tobytes()
        if pixels in seen:
            found.append(i)
        seen.add(pixels)
    return torch.tensor(found, dtype=torch.int64)


def without(images: ImageSet, positions: Int[Tensor, " k"]) -> ImageSet:
    """The set without the images at `positions`, in the order it has."""
    kept = torch.ones(len(images), dtype=torch.bool)
    kept[positions] = False
    return images.subset(kept)
