"""The thirteen kinds of tiles, and levels as text: one character a tile, one line a row.

Characters are those of the Video Game Level Corpus (Summerville, Snodgrass, Mateas and Ontanon, 2016) for its platform game.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import UInt8

from imggen_lib.data.words import plain
from imggen_lib.errors import DataError, printable
from imggen_lib.files import expanded, plainly

#: A level or a window of one: tile numbers, row 0 at the top.
Level: TypeAlias = UInt8[np.ndarray, "_rows _columns"]


class Tile(NamedTuple):
    """A kind of tile."""

    sign: str  # its character in the corpus
    name: str
    solid: bool = True  # whether the player and the enemies stand on it and stop at it


TILES = (
    Tile("-", "empty", solid=False),
    Tile("X", "ground"),
    Tile("S", "brick"),
    Tile("?", "full question block"),
    Tile("Q", "empty question block"),
    Tile("E", "enemy", solid=False),
    Tile("<", "top left of a pipe"),
    Tile(">", "top right of a pipe"),
    Tile("[", "left of a pipe"),
    Tile("]", "right of a pipe"),
    Tile("o", "coin", solid=False),
    Tile("B", "top of a cannon"),
    Tile("b", "foot of a cannon"),
)
SIGNS = "".join(tile.sign for tile in TILES)
EMPTY, GROUND, BRICK, QUESTION, USED, ENEMY, TOP_LEFT, TOP_RIGHT, LEFT, RIGHT, COIN, CANNON, FOOT = range(len(TILES))
PIPE = (TOP_LEFT, TOP_RIGHT, LEFT, RIGHT)
#: Whether a tile is solid, by its number.
SOLID = np.array([tile.solid for tile in TILES])
#: Rows and columns of the windows that models learn from; the rows of a whole level of the corpus.
ROWS, COLUMNS = 16, 32
CORPUS_ROWS = 14
LARGEST = (64, 4096)  # rows and columns of a level that is read
_NUMBER = {sign: k for k, sign in enumerate(SIGNS)}


def check_level(level: np.ndarray) -> Level:
    """`level` as uint8, if it is an array of tile numbers; else ``ValueError``."""
    array = np.asarray(level)
    if array.ndim != 2 or array.dtype.kind not in "ui" or 0 in array.shape:
        raise ValueError(f"a level is an array (rows, columns) of tile numbers, got {array.dtype} of shape {array.shape}")
    if array.max() >= len(TILES) or array.min() < 0:
        raise ValueError(f"tile numbers go from 0 to {len(TILES) - 1}, got {array.min()} to {array.max()}")
    return array.astype(np.uint8)


def level_text(level: Level) -> str:
    """The level in the corpus's format, a line a row."""
    return "".join("".join(SIGNS[k] for k in row) + "\n" for row in check_level(level))


def parse_level(text: str, name: str = "the level") -> Level:
    """A level from its text; ``DataError`` names the line and the column of what is wrong."""
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    if not lines[0]:
        raise DataError(f"{printable(name)} is empty; a level has a line of text for each row of tiles")
    if len(lines) > LARGEST[0] or len(lines[0]) > LARGEST[1]:
        raise DataError(
            f"{printable(name)} is too large: {len(lines)} rows of {len(lines[0])} tiles, at most {LARGEST[0]} of {LARGEST[1]}"
        )
    for row, line in enumerate(lines, 1):
        for column, sign in enumerate(line, 1):
            if sign not in _NUMBER:
                where = f"line {row}, column {column} of {printable(name)}"
                raise DataError(f"{where} has {printable(sign)!r}, which is no tile; the tiles are {' '.join(SIGNS)}")
        if len(line) != len(lines[0]):
            raise DataError(f"line {row} of {printable(name)} has {len(line)} tiles, the first line has {len(lines[0])}")
    return np.array([[_NUMBER[sign] for sign in line] for line in lines], dtype=np.uint8)


def read_levels(path: str | Path) -> dict[str, Level]:
    """The levels of a ``.txt`` file, or of all of them in a folder, by the file's name without its ending.

    Raises :class:`~imggen_lib.errors.DataError` where there is none, or where one cannot be read or is no level.
    """
    place = expanded(path)
    files = sorted(place.glob("*.txt")) if place.is_dir() else [place]
    if not files:
        raise DataError(f"{printable(str(place))} has no .txt file; a level is a text file with a character a tile")
    levels = {}
    for file in files:
        try:
            levels[file.stem] = parse_level(file.read_text(encoding="utf-8"), str(file))
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{printable(str(file))} cannot be read as a level: {plain(error)}") from error
    return levels


def write_level(path: str | Path, level: Level) -> Path:
    """Write a level as text. Raises ``OSError`` with the reason where the file cannot be written."""
    place, text = expanded(path), level_text(level)
    with plainly(f"{place} cannot be written"):
        place.write_text(text, encoding="utf-8", newline="\n")
    return place


def framed(level: Level, rows: int = ROWS) -> Level:
    """The level under more sky, so that it has `rows` rows; what it has is kept. ``ValueError`` if it has more already."""
    more = rows - check_level(level).shape[0]
    if more < 0:
        raise ValueError(f"the level has {level.shape[0]} rows, more than {rows}")
    return np.concatenate([np.full((more, level.shape[1]), EMPTY, np.uint8), level])


def windows(level: Level, columns: int = COLUMNS, step: int = 1, rows: int = ROWS) -> UInt8[np.ndarray, "n _rows _columns"]:
    """All windows of `columns` columns, every `step` columns from the left, under sky as :func:`framed` says.

    Windows overlap: split levels between training and test, never windows. ``ValueError`` if the level is narrower than a window.
    """
    if step < 1 or not 1 <= columns <= level.shape[1]:
        raise ValueError(f"windows of {columns} columns, every {step}, do not fit into a level of {level.shape[1]} columns")
    whole = framed(level, rows)
    return np.stack([whole[:, k : k + columns] for k in range(0, level.shape[1] - columns + 1, step)])


def all_windows(
    levels: Mapping[str, Level] | Iterable[Level], columns: int = COLUMNS, step: int = 1, rows: int = ROWS
) -> UInt8[np.ndarray, "n _rows _columns"]:
    """The windows of several levels, one after the other."""
    each = levels.values() if isinstance(levels, Mapping) else levels
    return np.concatenate([windows(level, columns, step, rows) for level in each])


def joined(segments: Iterable[Level]) -> Level:
    """Levels of the same height side by side, as one."""
    return np.concatenate([check_level(segment) for segment in segments], axis=1)
