"""What can be counted in a level: gaps, pipes and what is broken of them, enemies, richness; and how far levels are apart.

All take whole levels or windows; what lies beyond the edge is not known, so nothing at an edge counts as broken.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from imggen_lib.applications.levels import tiles
from imggen_lib.applications.levels.tiles import SOLID, Level

#: The tiles that are blocks: bricks and question blocks.
BLOCKS = (tiles.BRICK, tiles.QUESTION, tiles.USED)


def gaps(level: Level) -> int:
    """The columns in which nothing solid lies on the lowest row."""
    return int((~SOLID[level[-1]]).sum())


def enemies(level: Level) -> int:
    """The enemies."""
    return int((level == tiles.ENEMY).sum())


def pipe_tiles(level: Level) -> int:
    """The tiles that are part of a pipe."""
    return int(np.isin(level, tiles.PIPE).sum())


def broken(level: Level) -> Bool[np.ndarray, "_rows _columns"]:
    """Where a tile of a pipe misses its neighbour.

    Left tiles need the right one of their kind beside them and right ones the left; below every tile of a pipe lies its stem or
    something solid that is no pipe, and above a stem lies the stem or a mouth of its side.
    """
    wrong = np.zeros(level.shape, dtype=bool)
    mouth = {tiles.LEFT: (tiles.LEFT, tiles.TOP_LEFT), tiles.RIGHT: (tiles.RIGHT, tiles.TOP_RIGHT)}
    for left, right in ((tiles.TOP_LEFT, tiles.TOP_RIGHT), (tiles.LEFT, tiles.RIGHT)):
        wrong[:, :-1] |= (level[:, :-1] == left) & (level[:, 1:] != right)
        wrong[:, 1:] |= (level[:, 1:] == right) & (level[:, :-1] != left)
    ground = SOLID[level] & ~np.isin(level, tiles.PIPE)
    for stem, above in mouth.items():
        wrong[:-1] |= np.isin(level[:-1], above) & ~(ground[1:] | (level[1:] == stem))
        wrong[1:] |= (level[1:] == stem) & ~np.isin(level[:-1], above)
    return wrong


def broken_pipes(level: Level) -> int:
    """The tiles of pipes that miss a neighbour: see :func:`broken`."""
    return int(broken(level).sum())


def richness(level: Level) -> int:
    """Blocks and tiles of pipes, and twice the gap's columns: 0 for a level that is nothing but ground."""
    return int(np.isin(level, BLOCKS).sum()) + pipe_tiles(level) + 2 * gaps(level)


def measured(level: Level) -> dict[str, int]:
    """All of these by name."""
    counted = {"gaps": gaps(level), "pipe tiles": pipe_tiles(level), "broken pipe tiles": broken_pipes(level)}
    return {**counted, "enemies": enemies(level), "richness": richness(level)}


def floating_enemies(level: Level) -> int:
    """The enemies with nothing solid in the tile below them (on the lowest row: none counts)."""
    return int(((level[:-1] == tiles.ENEMY) & ~SOLID[level[1:]]).sum())


def tile_shares(levels: UInt8[np.ndarray, "n _rows _columns"]) -> Float[np.ndarray, "13"]:
    """The share of each kind of tile."""
    return np.bincount(levels.ravel(), minlength=len(tiles.TILES)) / levels.size


def distances(level: Level, others: UInt8[np.ndarray, "n _rows _columns"]) -> Int[np.ndarray, "n"]:
    """In how many tiles the level differs from each of the others."""
    if others.ndim != 3 or others.shape[1:] != level.shape:
        raise ValueError(f"the levels have different shapes: {level.shape} and {others.shape[1:]}")
    return (others != level).sum(axis=(1, 2))


def nearest(level: Level, others: UInt8[np.ndarray, "n _rows _columns"]) -> int:
    """In how many tiles the level differs from the nearest of the others: 0 for a copy."""
    return int(distances(level, others).min())


def distinct(levels: Sequence[Level] | UInt8[np.ndarray, "n _rows _columns"], apart: int = 1) -> int:
    """How many of the levels differ in `apart` or more tiles from every one that was counted before."""
    kept: list[Level] = []
    for level in levels:
        if not kept or nearest(level, np.stack(kept)) >= apart:
            kept.append(level)
    return len(kept)
