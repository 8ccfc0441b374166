"""The tiles as pictures of 16 by 16 pixels, drawn by this code: for files that other programs open, for figures and the page."""

from functools import cache

import numpy as np
from jaxtyping import UInt8

from imggen_lib.applications.levels import tiles
from imggen_lib.applications.levels.tiles import TILES, Level, check_level

SIZE = 16
ACROSS = 8  # tiles in a row of the sheet
#: What the sheet has behind the tiles: the player standing, running and in the air, an enemy's two steps.
SPRITES = ("stand", "run", "air", "crawl", "creep")
SKY = (205, 226, 240)
_INK, _PALE, _ROCK, _MOSS, _CLAY, _SAND = (
    (38, 44, 66),
    (240, 244, 250),
    (92, 104, 132),
    (86, 150, 122),
    (148, 108, 140),
    (232, 200, 110),
)
_STEEL, _BLUE, _ROSE, _GOLD = (74, 124, 158), (44, 92, 172), (196, 76, 96), (246, 190, 60)

Picture = UInt8[np.ndarray, "_height _width 4"]

_RUNNER = """
................
................
.....kkkkkk.....
....kbbbbbbk....
....kbwwwwbk....
....kbwkwkbk....
....kbwwwwbk....
....kbbbbbbk....
...kkbyyyybkk...
...kbbyyyybbk...
...kkbbbbbbkk...
....kbbbbbbk....
....kbbkkbbk....
"""
_LEGS = {
    "stand": "....kbbkkbbk....\n....kkk..kkk....\n....kkk..kkk....",
    "run": "...kbbk..kbbk...\n..kkk......kkk..\n..kk........kk..",
    "air": "...kbbkkkbbk....\n..kkkk..kkkk....\n................",
}
_SNAIL = """
................
................
................
................
......kkkk......
....kkrrrrkk....
...krrwwwrrrk...
..krrwrrrwrrrk..
..krrwrwrwrrrk..
.kkrrwrrwwrrrk..
kwkrrrwwrrrrrk..
kwkkrrrrrrrrkk..
kwwkkkkkkkkkwwk.
.kwwwwwwwwwwwwk.
"""
_FEET = {"crawl": "..kwk.kwk.kwk...\n..kkk.kkk.kkk...", "creep": "...kwk.kwk.kwk..\n...kkk.kkk.kkk.."}
_INKS = {"k": _INK, "b": _BLUE, "w": _PALE, "y": _GOLD, "r": _ROSE}


def _sprite(text: str) -> Picture:
    """A picture from letters, a letter a pixel; a dot is transparent."""
    lines = text.strip("\n").split("\n")
    picture = np.zeros((SIZE, SIZE, 4), np.uint8)
    for y, line in enumerate(lines):
        for x, letter in enumerate(line):
            if letter != ".":
                picture[y, x] = (*_INKS[letter], 255)
    return picture


def _box(colour: tuple[int, int, int], edge: tuple[int, int, int] = _INK) -> Picture:
    """A filled square with an edge, lighter above and darker below."""
    picture = np.full((SIZE, SIZE, 4), 255, np.uint8)
    picture[..., :3] = colour
    picture[1, 1:-1, :3] = np.minimum(np.array(colour) + 40, 255)
    picture[-2, 1:-1, :3] = np.maximum(np.array(colour) - 30, 0)
    picture[[0, -1], :, :3] = picture[:, [0, -1], :3] = edge
    return picture


def _solid_tiles() -> dict[int, Picture]:
    ground = _box(_ROCK, tuple(int(c * 0.75) for c in _ROCK))  # type: ignore[arg-type]
    ground[:4, :, :3] = _MOSS
    ground[4, ::3, :3] = ground[5, 1::4, :3] = _MOSS
    ground[9, 3:6, :3] = ground[12, 9:13, :3] = ground[7, 10:12, :3] = (122, 134, 160)
    brick = _box(_CLAY)
    brick[[5, 10], :, :3] = _INK
    brick[1:5, 8, :3] = brick[11:15, 8, :3] = brick[6:10, [4, 12], :3] = _INK
    full, used = _box(_SAND), _box((176, 170, 158))
    for y, x0, x1 in ((3, 8, 8), (4, 7, 9), (5, 6, 10), (6, 5, 11), (7, 4, 12), (8, 5, 11), (9, 6, 10), (10, 7, 9), (11, 8, 8)):
        full[y, x0 : x1 + 1, :3] = _BLUE  # a gem
        used[y, [x0, x1], :3] = (120, 114, 104)
    return {tiles.GROUND: ground, tiles.BRICK: brick, tiles.QUESTION: full, tiles.USED: used}


def _pipes() -> dict[int, Picture]:
    """A tube of two halves: the mouth is as wide as the tiles, the stem is narrower by two pixels a side."""
    shade = np.array([np.clip(np.array(_STEEL) + d, 0, 255) for d in np.linspace(60, -36, 2 * SIZE)], np.uint8)
    mouth, stem = np.zeros((2, SIZE, 2 * SIZE, 4), np.uint8)
    mouth[..., :3] = stem[..., :3] = shade
    mouth[..., 3] = 255
    stem[:, 2:-2, 3] = 255
    mouth[[0, -1], :, :3] = mouth[:, [0, -1], :3] = stem[:, [2, -3], :3] = _INK
    pieces = {tiles.TOP_LEFT: mouth[:, :SIZE], tiles.TOP_RIGHT: mouth[:, SIZE:]}
    return {**pieces, tiles.LEFT: stem[:, :SIZE], tiles.RIGHT: stem[:, SIZE:]}


def _others() -> dict[int, Picture]:
    coin = np.zeros((SIZE, SIZE, 4), np.uint8)
    yy, xx = np.mgrid[:SIZE, :SIZE] - 7.5
    for radius, colour in ((5.6, _INK), (4.6, _GOLD), (2.2, _PALE)):
        coin[xx**2 * 1.7 + yy**2 <= radius**2] = (*colour, 255)
    cannon, foot = _box((70, 76, 96)), _box((104, 110, 130))
    cannon[(xx**2 + yy**2 <= 20)] = (*_PALE, 255)
    cannon[(xx**2 + yy**2 <= 11)] = (*_INK, 255)
    foot[3:13:3, 4:12, :3] = _INK
    return {tiles.EMPTY: np.zeros((SIZE, SIZE, 4), np.uint8), tiles.COIN: coin, tiles.CANNON: cannon, tiles.FOOT: foot}


@cache
def pictures() -> UInt8[np.ndarray, "n 16 16 4"]:
    """The thirteen tiles in the order of their numbers, then :data:`SPRITES`: red, green, blue, opacity."""
    drawn = {**_solid_tiles(), **_pipes(), **_others()}
    runner = [_sprite(_RUNNER + _LEGS[name]) for name in SPRITES[:3]]
    snail = [_sprite(_SNAIL + _FEET[name]) for name in SPRITES[3:]]
    drawn[tiles.ENEMY] = snail[0]
    return np.stack([*(drawn[k] for k in range(len(TILES))), *runner, *snail])


def sheet() -> Picture:
    """All pictures in rows of :data:`ACROSS`, as a tile set is stored."""
    each = pictures()
    rows = -(-len(each) // ACROSS)
    padded = np.zeros((rows * ACROSS, SIZE, SIZE, 4), np.uint8)
    padded[: len(each)] = each
    return padded.reshape(rows, ACROSS, SIZE, SIZE, 4).swapaxes(1, 2).reshape(rows * SIZE, ACROSS * SIZE, 4)


def draw(level: Level, scale: int = 1) -> UInt8[np.ndarray, "_height _width 3"]:
    """The level as a picture over a pale sky, `scale` pixels a pixel of its tiles. ``ValueError`` for a scale below 1."""
    if scale < 1:
        raise ValueError(f"a picture's scale is at least 1, got {scale}")
    rows, columns = check_level(level).shape
    whole = pictures()[level].swapaxes(1, 2).reshape(rows * SIZE, columns * SIZE, 4).astype(np.int64)
    mixed = (whole[..., :3] * whole[..., 3:] + np.array(SKY) * (255 - whole[..., 3:])) // 255
    return mixed.astype(np.uint8).repeat(scale, 0).repeat(scale, 1)
