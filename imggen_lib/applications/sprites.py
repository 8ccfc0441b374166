"""Items of 32x32 pixels for a game: from a network's four channels to a palette, and to a sheet that other programs open.

Colours are **premultiplied**: a pixel is (alpha times colour, alpha), so that what is transparent has no colour of its own and the
mean of two pixels is what one sees from afar. Pictures are arrays of entries of one palette, of which entry 0 is transparent.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from imggen_lib.applications.levels.exports import png
from imggen_lib.data import ImageSet
from imggen_lib.data.items import CLASSES, Items
from imggen_lib.errors import printable
from imggen_lib.files import write_all

Pictures = UInt8[np.ndarray, "_n _rows _columns"]
Palette = UInt8[np.ndarray, "_k _channels"]
NAMES = SHEET, ATLAS, TILESET = ("items.png", "items.json", "items.tsx")
WEIGHTS = Path(__file__).parent / "weights"
MODEL = "items-gan"


def check_pictures(pictures: np.ndarray, palette: np.ndarray) -> None:
    """``ValueError`` unless these are entries of a palette (RGBA, entry 0 transparent, the others opaque)."""
    if palette.ndim != 2 or palette.shape[1] != 4 or palette.dtype != np.uint8 or not 2 <= len(palette) <= 256:
        raise ValueError(f"a palette is an array (2 to 256, 4) of uint8, got {palette.dtype} of shape {palette.shape}")
    if palette[0, 3] or (palette[1:, 3] != 255).any():
        raise ValueError("the first entry of a palette is transparent (alpha 0), and all others are opaque (alpha 255)")
    if pictures.ndim != 3 or len(pictures) == 0 or pictures.dtype != np.uint8 or pictures.max() >= len(palette):
        raise ValueError(f"pictures are one or more arrays of entries below {len(palette)}, got {pictures.dtype} {pictures.shape}")


def premultiplied(pictures: Pictures, palette: Palette) -> UInt8[np.ndarray, "_n 4 _rows _columns"]:
    """The pictures' channels: red, green and blue, each times alpha, and alpha; 0 to 255."""
    check_pictures(pictures, palette)
    colours = palette.copy()
    colours[0] = 0
    return np.ascontiguousarray(colours[pictures].transpose(0, 3, 1, 2))


def item_set(known: Items) -> ImageSet:
    """Items as images of four channels, to train on."""
    channels = torch.from_numpy(premultiplied(known.indices, known.palette))
    return ImageSet(channels, torch.from_numpy(known.labels), CLASSES, "items")


def quantised(images: Float[Tensor, "n 4 h w"], palette: Palette) -> Pictures:
    """The nearest entry of the palette for each pixel of premultiplied images in [-1, 1].

    Where alpha is below a half it is the transparent one. Elsewhere the colour is divided by alpha, and the nearest opaque entry
    taken. Distances are Euclidean in red, green and blue.
    """
    if images.ndim != 4 or images.shape[1] != 4:
        raise ValueError(f"images of four channels are needed, red, green, blue and alpha, got the shape {tuple(images.shape)}")
    check_pictures(np.zeros((1, 1, 1), np.uint8), palette)
    channels = (images.detach().cpu().float() + 1) / 2
    alpha = channels[:, 3:]
    colours = (channels[:, :3] / alpha.clamp(min=0.5)).clamp(0, 1).movedim(1, -1)
    entries = torch.from_numpy(palette[1:, :3].astype(np.float32) / 255)
    nearest = torch.cdist(colours.flatten(0, 2), entries).argmin(1).view(colours.shape[:3]) + 1
    return torch.where(alpha[:, 0] >= 0.5, nearest, 0).to(torch.uint8).numpy()


def rgba(pictures: Pictures, palette: Palette) -> UInt8[np.ndarray, "_n _rows _columns 4"]:
    """The pictures' colours; alpha is 0 or 255."""
    check_pictures(pictures, palette)
    return palette[pictures]


def sheet(pictures: Pictures, palette: Palette, across: int = 16) -> UInt8[np.ndarray, "_rows _columns 4"]:
    """All pictures in rows of `across`, without gaps."""
    if across < 1:
        raise ValueError(f"a row of a sheet holds at least one picture, got {across}")
    each = rgba(pictures, palette)
    rows, (height, width) = -(-len(each) // across), each.shape[1:3]
    whole = np.zeros((rows * height, across * width, 4), np.uint8)
    for k, picture in enumerate(each):
        top, left = k // across * height, k % across * width
        whole[top : top + height, left : left + width] = picture
    return whole


def _atlas(names: Sequence[str], height: int, width: int, across: int) -> dict[str, Any]:
    """The sheet as the JSON hash that TexturePacker writes and engines read."""
    frames = {}
    for k, name in enumerate(names):
        place = {"x": k % across * width, "y": k // across * height, "w": width, "h": height}
        whole = {"x": 0, "y": 0, "w": width, "h": height}
        size = {"w": width, "h": height}
        frames[name] = {"frame": place, "rotated": False, "trimmed": False, "spriteSourceSize": whole, "sourceSize": size}
    size = {"w": across * width, "h": -(-len(names) // across) * height}
    return {"frames": frames, "meta": {"image": SHEET, "format": "RGBA8888", "size": size, "scale": "1"}}


def _tsx(names: Sequence[str], height: int, width: int, across: int) -> str:
    """The sheet as a tile set of Tiled."""
    about = {"version": "1.10", "name": "items", "tilewidth": str(width), "tileheight": str(height)}
    root = ElementTree.Element("tileset", {**about, "tilecount": str(-(-len(names) // across) * across), "columns": str(across)})
    ElementTree.SubElement(root, "image", source=SHEET, width=str(across * width), height=str(-(-len(names) // across) * height))
    for k, name in enumerate(names):
        around = ElementTree.SubElement(ElementTree.SubElement(root, "tile", id=str(k)), "properties")
        ElementTree.SubElement(around, "property", name="name", value=name)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def export_sheet(
    folder: str | Path, pictures: Pictures, palette: Palette, *, names: Sequence[str] | None = None, across: int = 16
) -> dict[str, Path]:
    """Write ``items.png``, ``items.json`` (an atlas) and ``items.tsx`` (a tile set of Tiled); their paths by name.

    Names are ``item-000``, ``item-001``, ... unless they are given. ``ValueError`` for a picture without a single opaque pixel, or
    for names that are not as many, or not different. ``OSError`` where a file cannot be written.
    """
    whole = sheet(pictures, palette, across)
    called = [f"item-{k:03}" for k in range(len(pictures))] if names is None else list(names)
    if len(called) != len(pictures) or len(set(called)) != len(called):
        raise ValueError(f"{len(pictures)} pictures need as many different names, got {len(set(called))}")
    empty = [name for name, picture in zip(called, pictures, strict=True) if not picture.any()]
    if empty:
        raise ValueError(f"{printable(empty[0])} is empty: all of its pixels are transparent")
    height, width = pictures.shape[1:]
    atlas = json.dumps(_atlas(called, height, width, across), indent=1) + "\n"
    content = {SHEET: png(whole), ATLAS: atlas.encode(), TILESET: _tsx(called, height, width, across).encode()}
    return write_all(folder, content, "the sheet")
