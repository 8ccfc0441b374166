"""A grammar that makes platform levels: a level is a start, some dozen parts drawn at random, and a goal.

What it makes is ours; it runs anywhere, and the corpus (:mod:`.corpus`) need not be there. A seed makes the same level everywhere.
Parts are made so that a player can pass them: no step is higher than four tiles, no gap wider than five, in open air.
"""

from collections.abc import Callable
from random import Random

import numpy as np

from imggen_lib.applications.levels import tiles
from imggen_lib.applications.levels.tiles import CORPUS_ROWS, Level

FLOOR = CORPUS_ROWS - 1  # the row of the ground
SHELF = FLOOR - 4  # blocks that one walks under, and reaches with a jump
Part = Callable[["Chance"], Level]


class Chance:
    """Random choices from a seed and a difficulty between 0 and 1, by nothing but ``random()``, the same in all Pythons."""

    def __init__(self, seed: int, difficulty: float) -> None:
        self._random = Random(seed)
        self.difficulty = difficulty

    def to(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self._random.random() * (high - low + 1))

    def happens(self, share: float) -> bool:
        """True in that share of all cases."""
        return self._random.random() < share

    def hard(self, low: int, high: int) -> int:
        """A whole number from `low` to `high` whose upper bound grows with the difficulty."""
        return self.to(low, round(low + (high - low) * self.difficulty))


def _ground(columns: int) -> Level:
    part = np.full((CORPUS_ROWS, columns), tiles.EMPTY, np.uint8)
    part[FLOOR] = tiles.GROUND
    return part


def _walkers(part: Level, chance: Chance, row: int = FLOOR - 1) -> Level:
    """Enemies where one can stand on `row`, at least two tiles from the part's ends."""
    free = [c for c in range(2, part.shape[1] - 2) if part[row, c] == tiles.EMPTY and tiles.SOLID[part[row + 1, c]]]
    for _ in range(chance.hard(0, 3)):
        if free:
            part[row, free.pop(chance.to(0, len(free) - 1))] = tiles.ENEMY
    return part


def flat(chance: Chance) -> Level:
    """Ground, with enemies, or with coins above it."""
    part = _ground(chance.to(5, 10))
    if chance.happens(0.3):
        part[SHELF + chance.to(0, 2), 1:-1] = tiles.COIN
    return _walkers(part, chance)


def gap(chance: Chance) -> Level:
    """Two to five columns without ground, sometimes under an arch of coins."""
    width = chance.hard(2, 5)
    part = _ground(width + 6)
    part[FLOOR, 3 : 3 + width] = tiles.EMPTY
    if chance.happens(0.4):
        part[FLOOR - 4, 3 : 3 + width] = tiles.COIN
    return part


def pipes(chance: Chance) -> Level:
    """One to three pipes, two to four tiles high, enemies between them."""
    part = _ground(2)
    for _ in range(chance.to(1, 3)):
        height, room = chance.to(2, 4), _ground(chance.to(4, 7))
        stem = _ground(2)
        stem[FLOOR - height] = tiles.TOP_LEFT, tiles.TOP_RIGHT
        stem[FLOOR - height + 1 : FLOOR] = tiles.LEFT, tiles.RIGHT
        part = np.concatenate([part, stem, _walkers(room, chance)], axis=1)
    return part


def stairs(chance: Chance) -> Level:
    """Steps up, a gap or a landing, and steps down or a fall."""
    top, middle = chance.to(2, 5), chance.to(1, 3)
    steps = np.arange(1, top + 1)
    down = steps[::-1] if chance.happens(0.6) else steps[:0]
    heights = np.concatenate([[0, 0], steps, np.full(middle, 0 if chance.happens(chance.difficulty) else top), down, [0, 0]])
    part = _ground(len(heights))
    for column, height in enumerate(heights):
        part[FLOOR - height : FLOOR, column] = tiles.GROUND
    if heights[2 + top] == 0 and len(down) and middle > 1:
        part[FLOOR, 2 + top : 2 + top + middle] = tiles.EMPTY
    return part


def blocks(chance: Chance) -> Level:
    """A shelf of bricks and question blocks to walk under; at times a second one above it, with enemies or coins on the first."""
    columns = chance.to(3, 8)
    part = _ground(columns + 5)
    row = part[SHELF, 2 : 2 + columns]
    row[:] = tiles.BRICK
    for column in range(columns):
        if chance.happens(0.35):
            row[column] = tiles.QUESTION if chance.happens(0.6) else tiles.USED
    if chance.happens(0.3):
        part[SHELF - 4, 3 : 1 + columns] = tiles.BRICK if chance.happens(0.5) else tiles.QUESTION
    if chance.happens(0.3 * chance.difficulty):
        part[SHELF - 1, 2 + columns // 2] = tiles.ENEMY
    elif chance.happens(0.3):
        part[SHELF - 1, 2 : 2 + columns] = tiles.COIN
    return _walkers(part, chance)


def islands(chance: Chance) -> Level:
    """Platforms over a long gap, each at most three tiles higher than the last."""
    part, row = _ground(3), FLOOR
    for _ in range(chance.hard(2, 5)):
        row = min(FLOOR - 1, max(5, row + chance.to(-3, 3)))
        hole, island = _ground(chance.hard(2, 3)), _ground(chance.to(3, 6))
        hole[FLOOR] = island[FLOOR] = tiles.EMPTY
        island[row] = tiles.GROUND
        if chance.happens(0.4):
            island[row - 1] = tiles.COIN
        elif island.shape[1] > 4:
            island = _walkers(island, chance, row - 1) if chance.happens(chance.difficulty) else island
        part = np.concatenate([part, hole, island], axis=1)
    hole = _ground(2)
    hole[FLOOR] = tiles.EMPTY
    return np.concatenate([part, hole, _ground(4)], axis=1)


def cannons(chance: Chance) -> Level:
    """One or two cannons, two or three tiles high."""
    part = _ground(2)
    for _ in range(chance.to(1, 2)):
        post = _ground(1)
        height = chance.to(2, 3)
        post[FLOOR - height] = tiles.CANNON
        post[FLOOR - height + 1 : FLOOR] = tiles.FOOT
        part = np.concatenate([part, post, _walkers(_ground(chance.to(5, 8)), chance)], axis=1)
    return part


#: The parts and how often each is drawn.
PARTS: tuple[tuple[Part, int], ...] = ((flat, 3), (gap, 3), (pipes, 4), (stairs, 2), (blocks, 4), (islands, 1), (cannons, 1))


def make_level(seed: int, columns: int = 160, difficulty: float | None = None) -> Level:
    """A level of 14 rows and exactly `columns` columns, from its seed; `difficulty` (0 to 1) is drawn from the seed if not given.

    ``ValueError`` for fewer than 32 columns or another difficulty.
    """
    if columns < tiles.COLUMNS:
        raise ValueError(f"a level has at least {tiles.COLUMNS} columns, got {columns}")
    if difficulty is not None and not 0 <= difficulty <= 1:
        raise ValueError(f"a difficulty lies between 0 and 1, got {difficulty}")
    chance = Chance(seed, 0.0)
    chance.difficulty = chance.to(20, 100) / 100 if difficulty is None else difficulty
    drawn = [part for part, often in PARTS for _ in range(often)]
    made = [_ground(6)]
    left = columns - 12  # six columns at either end
    while left > 0:
        kind = drawn[chance.to(0, len(drawn) - 1)]
        if kind in (gap, islands) and chance.happens((1 - chance.difficulty) / 2):
            kind = flat  # an easy level has fewer holes
        part = kind(chance)
        made.append(part if part.shape[1] <= left else _ground(left))
        left -= made[-1].shape[1]
    return np.concatenate([*made, _ground(6)], axis=1)


def make_levels(count: int = 200, columns: int = 160, seed: int = 0) -> dict[str, Level]:
    """`count` levels by name, ``grammar-0`` and so on; the first of them are the same whatever `count` is."""
    return {f"grammar-{seed + k}": make_level(seed + k, columns) for k in range(count)}


def split(count: int = 200, held_out: int = 40, columns: int = 160, seed: int = 0) -> tuple[dict[str, Level], dict[str, Level]]:
    """Levels to learn from, and others held out: ``ValueError`` unless both are left."""
    if not 0 < held_out < count:
        raise ValueError(f"of {count} levels, {held_out} cannot be held out")
    made = list(make_levels(count, columns, seed).items())
    return dict(made[held_out:]), dict(made[:held_out])
