"""A folder of a person's own images, of any size and mode."""

import hashlib
import os
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError

from imggen_lib.data.imageset import ImageSet
from imggen_lib.errors import DataError

SUFFIXES = frozenset(".png .jpg .jpeg .gif .bmp .tif .tiff .webp .ppm .pgm .pbm .ico .tga .jp2 .avif .heic".split())


def _to_rgb(picture: Image.Image) -> Image.Image:
    """First frame, upright, transparency over white, 16-bit and float pictures brought to 8 bits."""
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I;16"):
        picture = Image.fromarray((np.asarray(picture, dtype=np.uint16) >> 8).astype(np.uint8))
    elif picture.mode in ("I", "F"):
        pixels = np.asarray(picture, dtype=np.float64)
        if not np.isfinite(pixels).all():
            raise ValueError("has NaN or infinite pixels")
        low, high = pixels.min(), pixels.max()
        if picture.mode == "I" and low >= 0 and high > 255:
            pixels = pixels / 257  # 16 bits stored in 32
        elif low < 0 or high > 255 or high <= 1:
            pixels = (pixels - low) / max(high - low, 1e-12) * 255
        picture = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    if "A" in picture.mode or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture.convert("RGB")


def fitted(file: Path | BytesIO, size: int) -> np.ndarray:
    """A picture as ``(size, size, 3)`` uint8: the shorter side resized to `size`, the centre cropped."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(file) as picture:
            picture.load()
            return np.asarray(ImageOps.fit(_to_rgb(picture), (size, size), Image.Resampling.LANCZOS))


def in_test_split(name: str) -> bool:
    """A tenth of all files, chosen by name alone: adding files moves none of the others."""
    return hashlib.sha256(os.fsencode(name)).digest()[0] < 26


def grey(pixels: np.ndarray) -> np.ndarray:
    """``(..., 3)`` to ``(..., 1)`` uint8 by ITU-R 601 luma, the weights that Pillow uses for ``convert("L")``."""
    return np.round(pixels @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)[..., None]


def pictures(root: Path) -> list[Path]:
    """The picture files below `root`, links to folders followed, hidden files and folders left out."""
    found, seen = [], set()
    for folder, subfolders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        subfolders[:] = [] if real in seen else [s for s in subfolders if not s.startswith(".")]
        if real not in seen:
            found += [Path(folder, name) for name in names if not name.startswith(".")]
        seen.add(real)
    return sorted(p for p in found if p.suffix.lower() in SUFFIXES and p.is_file())


def read_folder(path: str | Path, split: str, *, size: int = 32, channels: int | None = None) -> ImageSet:
    """Every picture below `path`, resized and cropped to ``size x size``.

    The classes are the first-level subfolders, if there are any. `channels` is 1 or 3; by default grey if every picture is grey.
    A tenth of the files, chosen by name, is the test split; with fewer than 20 pictures both splits are the whole folder.
    Unreadable files are skipped and listed in ``ImageSet.skipped``; so are pictures so large that they may be an attack.
    """
    root = Path(path).expanduser()
    if not root.is_dir():
        raise DataError(f"{root} is not a folder")
    if size < 8 or size % 4:
        raise ValueError(f"size must be a multiple of 4 and at least 8, got {size}")
    if channels not in (None, 1, 3):
        raise ValueError(f"channels must be 1 or 3, got {channels}")
    files = pictures(root)
    if not files:
        raise DataError(f"{root} holds no pictures (looked for {', '.join(sorted(SUFFIXES))}, in subfolders too)")
    read, kept, skipped = [], [], []
    for file in files:
        name = file.relative_to(root).as_posix()
        try:
            read.append(fitted(file, size))
            kept.append(name)
        except UnidentifiedImageError:
            skipped.append(f"{name}: not a picture that can be read")
        except MemoryError:
            raise
        except Exception as error:  # decoders raise what they like for damaged files
            skipped.append(f"{name}: {error}")
    if len(kept) < 2:
        reasons = "".join(f"\n  {line}" for line in skipped[:5])
        raise DataError(f"{root} holds {len(kept)} readable picture{'s' * (len(kept) != 1)}; a model needs at least two{reasons}")
    pixels = np.stack(read)  # (n, s, s, 3)
    if channels == 1 or (channels is None and bool((pixels[..., :1] == pixels).all())):
        pixels = grey(pixels)
    tops = [name.split("/")[0] if "/" in name else "." for name in kept]
    classes = tuple(sorted(set(tops)))
    labels = torch.tensor([classes.index(t) for t in tops])
    whole = ImageSet(
        torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(), labels, classes, f"folder:{path}", skipped=tuple(skipped)
    )
    test = torch.tensor([in_test_split(name) for name in kept])
    if len(kept) < 20 or test.all() or not test.any():
        return whole
    return whole.subset(test if split == "test" else ~test)
