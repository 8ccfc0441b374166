"""Make ``imggen_lib/data/shipped/items/items.npz`` from the tiles of Dungeon Crawl Stone Soup (``IMGGEN_DATA``); run once.

Items of 32x32 without the small signs that the game lays over them (``i-*.png``), gold and misc; all in one palette.
"""

import io
import os
import zipfile
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from imggen_lib.data import items

KINDS = items.CLASSES
OUT = Path(items.__file__).parent / "shipped" / "items" / "items.npz"


def pictures() -> tuple[np.ndarray, list[str], list[str]]:
    """The items ``(n, 32, 32, 4)``, their kinds and their files' names."""
    found, kinds, names = [], [], []
    with zipfile.ZipFile(Path(os.environ["IMGGEN_DATA"], "dcss_tiles", "dcss_tiles_nov2015.zip")) as file:
        for name in sorted(file.namelist()):
            path = PurePosixPath(name)
            if path.suffix != ".png" or path.parts[0] != "item" or path.parts[1] not in KINDS or path.name.startswith("i-"):
                continue
            picture = np.asarray(Image.open(io.BytesIO(file.read(name))).convert("RGBA"))
            if picture.shape == (32, 32, 4) and (picture[..., 3] >= 128).sum() >= 40:
                found.append(picture)
                kinds.append(path.parts[1])
                names.append("/".join(path.parts[1:]).removesuffix(".png"))
    return np.stack(found), kinds, names


def main() -> None:
    """Write the file."""
    whole, kinds, names = pictures()
    opaque = whole[..., 3] >= 128
    colours = Image.fromarray(whole[opaque][None, :, :3]).quantize(items.COLOURS - 1, Image.Quantize.MAXCOVERAGE, kmeans=8)
    flat = colours.getpalette() or []
    palette = np.zeros((items.COLOURS, 4), np.uint8)
    palette[1:, :3], palette[1:, 3] = np.array(flat, np.uint8).reshape(-1, 3)[: items.COLOURS - 1], 255
    indices = np.zeros(opaque.shape, np.uint8)
    indices[opaque] = np.asarray(colours)[0] + 1
    _, first = np.unique(indices.reshape(len(indices), -1), axis=0, return_index=True)
    keep = np.sort(first)  # a picture that is there twice is kept once
    labels = np.array([KINDS.index(kind) for kind in kinds], np.uint8)
    named = np.array(names)[keep]
    np.savez_compressed(OUT, indices=indices[keep], palette=palette, labels=labels[keep], names=named)
    print(len(keep), "items,", np.bincount(labels[keep]), OUT.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
