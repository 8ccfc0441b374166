"""A rule that mends pipes: what a person who knows pipes writes in half an hour, and the line that a network has to beat.

It is no part of any model. Where a level was mended, say so: that its pipes are whole is then the rule's work.
"""

import numpy as np
from jaxtyping import Bool, Int
from skimage.measure import label

from imggen_lib.applications.levels import tiles
from imggen_lib.applications.levels.measures import broken
from imggen_lib.applications.levels.tiles import PIPE, SOLID, Level, check_level

_SIDES = ((tiles.LEFT, tiles.TOP_LEFT), (tiles.RIGHT, tiles.TOP_RIGHT))  # a stem and a mouth


def _pair(level: Level, mine: Bool[np.ndarray, "_rows _columns"]) -> tuple[int, int]:
    """The left column and the top row of the pipe that explains most of these tiles; the leftmost of several such."""
    columns = np.flatnonzero(mine.any(0))

    def explained(left: int) -> int:
        halves = ((left + side, kinds) for side, kinds in enumerate(_SIDES) if 0 <= left + side < level.shape[1])
        return sum(int((mine[:, c] & np.isin(level[:, c], kinds)).sum()) for c, kinds in halves)

    left = max(range(columns[0] - 1, columns[-1] + 1), key=explained)
    inside = mine[:, max(0, left) : left + 2].any(1)
    return left, int(np.flatnonzero(inside if inside.any() else mine.any(1))[0])


def _build(level: Level, left: int, top: int) -> None:
    """A pipe from its mouth down to the first row with ground, or something else solid, under both its columns."""
    columns = slice(max(0, left), left + 2)
    ground = (SOLID[level[top + 1 :, columns]] & ~np.isin(level[top + 1 :, columns], PIPE)).all(1)
    end = top + 1 + int(np.flatnonzero(ground)[0]) if ground.any() else len(level)
    for side, (stem, mouth) in enumerate(_SIDES):
        if 0 <= left + side < level.shape[1]:
            level[top:end, left + side] = stem
            level[top, left + side] = mouth


def mended(level: Level) -> Level:
    """The level with whole pipes: what touches and holds a broken tile is taken away, and one pipe is put where most of it was.

    The pipe goes down to what is solid under both of its columns. A level without a broken tile is returned as it is. Where pipes
    that were put get in each other's way, they are mended again, and what is broken even then is taken away.
    """
    made: Level = check_level(level).copy()
    for last in (False, False, False, True):
        wrong = broken(made)
        if not wrong.any():
            break
        parts: Int[np.ndarray, "_rows _columns"] = label(np.isin(made, PIPE), connectivity=1)
        for number in np.unique(parts[wrong & (parts > 0)]):
            mine = parts == number
            left, top = _pair(made, mine)
            made[mine] = tiles.EMPTY
            if not last:
                _build(made, left, top)
    return made
