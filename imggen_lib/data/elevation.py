"""Real land that ships with the library: heights from the Shuttle Radar Topography Mission (NASA, public domain)."""

import hashlib
from importlib.resources import files
from io import BytesIO

import numpy as np
from jaxtyping import Float32
from PIL import Image

from imggen_lib.errors import DataError

#: SHA-256 of the files, and the width of a cell in metres.
PLACES = {
    "bigtujunga": ("9c8f3a8f7b3aa9d0a11e9ceda27daa4186fb414ef4579789b00cccc0c75e251b", 30.0),
    "colorado": ("81ec0411a4013af20a2528cb8fe549b53127111c9dcf2e07bb0d1de6493a4659", 90.0),
}


def elevation(place: str = "bigtujunga") -> Float32[np.ndarray, "rows columns"]:
    """Heights in metres, north up: ``bigtujunga`` (California, 643 x 1197 cells of 30 m) or ``colorado`` (144 x 144 of about 90 m).

    Colorado's cells are 3 arc seconds: 93 m from south to north, 71 m from west to east. The file's SHA-256 is checked.

    Raises :class:`~imggen_lib.errors.DataError` if it is damaged, ``ValueError`` for another place. Source: SRTM, NASA and USGS,
    public domain; what was changed is in ``imggen_lib/data/shipped/elevation/README.md``.
    """
    if place not in PLACES:
        raise ValueError(f"there is no land {place!r}; the places are {', '.join(PLACES)}")
    data = (files("imggen_lib.data") / "shipped" / "elevation" / f"{place}.png").read_bytes()
    if hashlib.sha256(data).hexdigest() != PLACES[place][0]:
        raise DataError(f"{place}.png is damaged: its SHA-256 is another one; install the library anew")
    with Image.open(BytesIO(data)) as image:
        return np.asarray(image).astype(np.float32)


def coarser(land: Float32[np.ndarray, "rows columns"], factor: int, row: int = 0, column: int = 0) -> Float32[np.ndarray, "_r _c"]:
    """Means of `factor` x `factor` cells, from (`row`, `column`) on; what does not fill a block at the far ends is left out.

    The same land in blocks that begin elsewhere (0 to `factor` - 1) is another picture of it, factor^2 of them in all.
    """
    if factor < 1 or not (0 <= row < factor and 0 <= column < factor):
        raise ValueError(f"blocks of {factor} cells begin in one of the first {factor} rows and columns, got {row} and {column}")
    rows, columns = (land.shape[0] - row) // factor, (land.shape[1] - column) // factor
    if min(rows, columns) < 1:
        raise ValueError(f"land of {land.shape[0]} x {land.shape[1]} cells has no block of {factor} x {factor}")
    cut = land[row : row + rows * factor, column : column + columns * factor]
    return cut.reshape(rows, factor, columns, factor).mean((1, 3), dtype=np.float64).astype(np.float32)


def west_and_east(row: int = 0, column: int = 0) -> tuple[Float32[np.ndarray, "rows west"], Float32[np.ndarray, "rows east"]]:
    """Big Tujunga in cells of 90 m: the western half, from which models learn, and the eastern, the other real place."""
    land = elevation()
    middle = land.shape[1] // 2
    return coarser(land[:, :middle], 3, row, column), coarser(land[:, middle:], 3, row, column)
