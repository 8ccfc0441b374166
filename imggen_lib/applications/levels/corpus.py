"""Levels of the Video Game Level Corpus, where they are at hand: fifteen of its platform game.

The corpus is by Summerville, Snodgrass, Mateas and Ontanon (2016, MIT licence); the game and its name belong to their owner. It
is not shipped: it is read from ``vglc/vglc_levels.zip`` in the folder that ``IMGGEN_DATA`` names. Without it, :mod:`.grammar` makes
levels.
"""

import os
import zipfile
from pathlib import Path

from imggen_lib.applications.levels.tiles import Level, parse_level
from imggen_lib.data.download import verify
from imggen_lib.errors import DataUnavailable

ARCHIVE = "vglc/vglc_levels.zip"
SHA256, SIZE = "ae13bb7ea69d02f112a352cc73b2d7c809b77e8a634568e0aa4e92a01329fa71", 94652
FOLDER, BEGINNING = "Super Mario Bros/Processed/", "mario-"
#: Levels under the open sky, on the ground; of these, the ones that no model learns from.
OVERWORLD = ("1-1", "2-1", "3-1", "4-1", "5-1", "6-1", "6-2", "7-1", "8-1")
HELD_OUT = ("6-1", "8-1")
#: In the original game, this level is crossed with the help of moving platforms, which the corpus does not have. The player of
#: :mod:`.physics` jumps wide enough to do without them.
NEEDS_PLATFORMS = ("6-3",)


def archive() -> Path:
    """The verified path of the corpus; :class:`~imggen_lib.errors.DataUnavailable` where it is not."""
    data = os.environ.get("IMGGEN_DATA")
    path = Path(data, ARCHIVE) if data else None
    if path is None or not path.is_file():
        raise DataUnavailable(
            f"the level corpus is not at hand; put {ARCHIVE} into a folder and name that folder in IMGGEN_DATA, "
            "or use the levels of imggen_lib.applications.levels.grammar"
        )
    verify(path, SHA256, SIZE)
    return path


def at_hand() -> bool:
    """Whether :func:`levels` can be read."""
    try:
        archive()
    except DataUnavailable:
        return False
    return True


def levels() -> dict[str, Level]:
    """The fifteen levels of the platform game by their number, ``1-1`` to ``8-1``, 14 rows of 149 to 373 tiles."""
    with zipfile.ZipFile(archive()) as file:
        names = sorted(name for name in file.namelist() if name.startswith(FOLDER + BEGINNING))
        return {Path(name).stem.removeprefix(BEGINNING): parse_level(file.read(name).decode("ascii"), name) for name in names}


def split() -> tuple[dict[str, Level], dict[str, Level]]:
    """The overworld's levels to learn from, and those held out: whole levels, because windows of one level overlap."""
    known = levels()
    return {n: known[n] for n in OVERWORLD if n not in HELD_OUT}, {n: known[n] for n in HELD_OUT}
