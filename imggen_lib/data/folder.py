"""A folder of a person's own images, of any size and mode, in memory."""

import warnings
from pathlib import Path

import numpy as np
import torch

from imggen_lib.data.imageset import ImageSet
from imggen_lib.data.listing import Listing, check_shape, check_split, listing, too_few
from imggen_lib.data.pictures import colour, read
from imggen_lib.errors import DataError, printable


def grey(pixels: np.ndarray) -> np.ndarray:
    """``(..., 3)`` to ``(..., 1)`` uint8 by ITU-R 601 luma, the weights that Pillow uses for ``convert("L")``."""
    return np.round(pixels @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)[..., None]


def read_folder(
    path: str | Path, split: str, *, size: int = 32, channels: int | None = None, background: str = "white"
) -> ImageSet:
    """Every picture below `path`, resized and cropped to ``size x size``; :mod:`imggen_lib.data.pictures` says what values mean.

    The classes are the first-level subfolders, if there are any. `channels` is 1 or 3; by default grey if every picture is grey.
    What is transparent shows `background`, a colour's name or ``"#808080"``. A tenth of the files, chosen by name, is the test
    split; with fewer than 20 pictures both splits are the whole folder. Files that cannot be read are skipped and listed in
    ``ImageSet.skipped``, with the reason; so are pictures so large that they may be an attack. A class of which no picture is
    left for training is told by a warning.
    """
    check_split(split)
    check_shape(size, channels)
    over = colour(background)
    found = listing(path)
    pixels, kept, skipped, remarks = _read(found, size, over)
    if len(kept) < 2:
        raise too_few(found.root, len(kept), skipped)
    if remarks:
        more = f", and {len(remarks) - 10} more" if len(remarks) > 10 else ""
        warnings.warn(f"{len(remarks)} picture(s) look wrong: {'; '.join(remarks[:10])}{more}", stacklevel=3)
    if channels == 1 or (channels is None and bool((pixels[..., :1] == pixels).all())):
        pixels = grey(pixels)
    here = sorted(set(found.split(split)) & set(kept))
    if not here:
        raise DataError(f"none of the pictures in the {split} split of {printable(str(found.root))} can be read")
    position = {k: row for row, k in enumerate(kept)}
    images = torch.from_numpy(pixels[[position[k] for k in here]]).permute(0, 3, 1, 2).contiguous()
    labels = torch.tensor([found.labels[k] for k in here])
    return ImageSet(images, labels, found.classes, f"folder:{path}", skipped=tuple(skipped))


def _read(found: Listing, size: int, over: tuple[int, int, int]) -> tuple[np.ndarray, list[int], list[str], list[str]]:
    """The pixels ``(n, size, size, 3)`` of what can be read, its positions, what is skipped, and what looks wrong."""
    pixels, kept, skipped, remarks = [], [], list(found.skipped), []
    for k, (file, name) in enumerate(zip(found.files, found.names, strict=True)):
        try:
            picture, remark = read(file, size, over, file.suffix)
        except DataError as error:
            skipped.append(f"{printable(name)}: {error}")
            continue
        pixels.append(picture)
        kept.append(k)
        remarks += [f"{printable(name)} is {remark}"] if remark else []
    return (np.stack(pixels) if pixels else np.empty((0, size, size, 3), np.uint8)), kept, skipped, remarks
