"""The game: a player who runs, jumps, stomps and falls, in whole numbers only, so that Python and the page agree to the bit.

Lengths are sixteenths of a pixel: a tile has 256, y grows downwards, a frame is a sixtieth of a second. ``live/js/game_physics.js``
is this file once more; a test plays thousands of frames in both and compares a hash of all positions.

Rules. The player is 12 pixels wide and 14 high, runs at up to 3 pixels a frame, and jumps 4.3 tiles high, or less if the button
is let go. It starts on the lowest cell of the first three columns that one can stand on (else of the first later column that has
one), and has finished when it is in the last column. It dies below the lowest row, and at an enemy's side. Enemies fall, walk
left at half a pixel a frame, turn at walls, at edges and at the level's ends, pass through each other, and vanish when the player
lands on them. So where they are depends on the time alone, which an agent can use. Coins and question blocks count points and
change no path. Cannons do not fire, bricks do not break, and nothing else moves.
"""

from typing import NamedTuple, TypeAlias, no_type_check

import numpy as np

from imggen_lib.applications.levels import tiles
from imggen_lib.applications.levels.tiles import SOLID, Level, check_level

TILE = 256
WIDTH, HEIGHT = 192, 224  # of the player
SIDE = 192  # of an enemy, both ways
FASTEST, PUSH, BRAKE = 48, 2, 4  # sixteenths of a pixel a frame, and a frame squared
JUMP, BOUNCE, FALL = 80, 52, 72  # the speed of a jump, of a bounce off an enemy, and the greatest of a fall
LIGHT, CUT, HEAVY = 3, 9, 6  # gravity while rising with the button held, while rising without it, while falling
STOMP = 128  # how deep into an enemy the player's feet may be and still stomp it
WALK = 8  # an enemy's speed
SKY = 16  # rows above a level; the uppermost is a lid
GO_LEFT, GO_RIGHT, GO_UP = 1, 2, 4  # the buttons, added up
GONE = 1 << 20  # the y of an enemy that has fallen out of the level

#: x, y, speeds in x and y, whether it stands, whether the jump button was down.
Player: TypeAlias = tuple[int, int, int, int, bool, bool]


class Course:
    """A level as the game needs it: where it is solid, and where the player and the enemies start."""

    def __init__(self, level: Level) -> None:
        self.level = check_level(level)
        self.rows, self.columns = self.level.shape
        self.stride = self.columns + 3
        around = np.zeros((self.rows + SKY + 3, self.stride), np.uint8)  # a column to the left, two to the right
        around[SKY : SKY + self.rows, 1 : 1 + self.columns] = SOLID[self.level]
        self.solid = around.tobytes()
        self.goal = (self.columns - 1) * TILE
        self.floor = self.rows * TILE
        column, row = self._start()
        self.start: Player = (column * TILE + (TILE - WIDTH) // 2, (row + 1) * TILE - HEIGHT, 0, 0, True, False)
        found = np.argwhere(self.level == tiles.ENEMY).tolist()
        self.enemies = [(c * TILE + (TILE - SIDE) // 2, (r + 1) * TILE - SIDE, -WALK, 0) for r, c in found]

    def _start(self) -> tuple[int, int]:
        """The column and row on which the player starts; the upper left corner if one can stand nowhere."""
        free = ~SOLID[self.level[:-1]] & (self.level[:-1] != tiles.ENEMY) & SOLID[self.level[1:]]
        stands = [(c, int(np.flatnonzero(free[:, c])[-1])) for c in range(self.columns) if free[:, c].any()]
        near = [place for place in stands if place[0] < 3] or stands[:1] or [(0, 0)]
        return max(near, key=lambda place: (place[1], -place[0]))


@no_type_check  # called a million times: the tests' look at each argument would take longer than the game
def move(course: Course, player: Player, buttons: int) -> Player:
    """The player one frame later: first the speed, then the way sideways as far as there is no wall, then the way up or down."""
    x, y, vx, vy, ground, held = player
    solid, stride = course.solid, course.stride
    way = (buttons >> 1 & 1) - (buttons & 1)
    if way:
        vx += way * (BRAKE if vx * way < 0 else PUSH)
        vx = FASTEST if vx > FASTEST else -FASTEST if vx < -FASTEST else vx
    else:
        vx = vx - BRAKE if vx > BRAKE else vx + BRAKE if vx < -BRAKE else 0
    pressed = buttons & GO_UP != 0
    if pressed and ground and not held:
        vy = -JUMP
    else:
        vy += HEAVY if vy >= 0 else LIGHT if pressed else CUT
        vy = FALL if vy > FALL else vy

    x += vx
    above, below = ((y >> 8) + SKY) * stride + 1, ((y + HEIGHT - 1 >> 8) + SKY) * stride + 1
    if vx > 0:
        column = x + WIDTH - 1 >> 8
        if solid[above + column] or solid[below + column]:
            x, vx = (column << 8) - WIDTH, 0
    elif vx < 0:
        column = x >> 8
        if x < 0 or solid[above + column] or solid[below + column]:
            x, vx = column + 1 << 8, 0

    y += vy
    left, right = (x >> 8) + 1, (x + WIDTH - 1 >> 8) + 1
    ground = False
    if vy > 0:
        row = y + HEIGHT - 1 >> 8
        at = (row + SKY) * stride
        if solid[at + left] or solid[at + right]:
            y, vy, ground = (row << 8) - HEIGHT, 0, True
    elif vy < 0:
        row = y >> 8
        at = (row + SKY) * stride
        if row <= -SKY or solid[at + left] or solid[at + right]:
            y, vy = row + 1 << 8, 0
    return x, y, vx, vy, ground, pressed


Enemy: TypeAlias = tuple[int, int, int, int]  # x, y, speeds in x and y


@no_type_check
def walk(course: Course, enemy: Enemy) -> Enemy:
    """An enemy one frame later."""
    x, y, vx, vy = enemy
    if y == GONE:
        return enemy
    solid, stride = course.solid, course.stride
    vy = min(vy + HEAVY, FALL)
    y += vy
    row = y + SIDE - 1 >> 8
    at = (row + SKY) * stride + 1
    if not (solid[at + (x >> 8)] or solid[at + (x + SIDE - 1 >> 8)]):
        return (x, y, vx, vy) if y < course.floor else (x, GONE, 0, 0)
    y, vy = (row << 8) - SIDE, 0
    ahead = x + vx
    front = ahead if vx < 0 else ahead + SIDE - 1
    if front < 0 or front >= course.columns * TILE:
        return x, y, -vx, vy
    wall = solid[((y >> 8) + SKY) * stride + 1 + (front >> 8)]
    edge = not solid[at + (front >> 8)]
    return (x, y, -vx, vy) if wall or edge else (ahead, y, vx, vy)


@no_type_check
def touches(x: int, y: int, ex: int, ey: int) -> bool:
    """Whether the player at (x, y) and an enemy at (ex, ey) overlap."""
    return x < ex + SIDE and ex < x + WIDTH and y < ey + SIDE and ey < y + HEIGHT


@no_type_check
def stomps(y: int, vy: int, ey: int) -> bool:
    """Whether a touch is a stomp: the player falls, and its feet are in the enemy's upper part."""
    return vy > 0 and y + HEIGHT <= ey + STOMP


PLAYING, WON, FELL, HIT = "playing", "won", "fell", "hit"


class Result(NamedTuple):
    """What became of a game: how it ended, after how many frames, what was counted, and the hash of all positions."""

    outcome: str  # "playing", "won", "fell" or "hit"
    frames: int
    column: int  # the last one that the player was in
    coins: int
    stomped: int
    jumps: int
    hash: int  # 32 bits


class Game:
    """A level being played: :meth:`step` once a frame."""

    def __init__(self, level: Level | Course) -> None:
        self.course = level if isinstance(level, Course) else Course(level)
        self.player = self.course.start
        self.enemies: list[Enemy | None] = list(self.course.enemies)  # None: stomped
        self.tiles = self.course.level.copy()  # without the coins taken, with the blocks used
        self.outcome, self.frames, self.coins, self.stomped, self.jumps = PLAYING, 0, 0, 0, 0
        self.hash = 2166136261

    def step(self, buttons: int) -> str:
        """One frame with these buttons; gives the outcome so far. After the end nothing happens."""
        if self.outcome != PLAYING:
            return self.outcome
        x, y, vx, vy, ground, held = self.player = move(self.course, self.player, buttons)
        self.frames += 1
        self.jumps += vy == -JUMP
        if vy == 0 and not ground and y & 255 == 0:
            self._bump(x, y)
        self.enemies = [enemy and walk(self.course, enemy) for enemy in self.enemies]
        for k, enemy in enumerate(self.enemies):
            if enemy and touches(x, y, enemy[0], enemy[1]):
                if stomps(y, vy, enemy[1]):
                    self.enemies[k] = None
                    self.stomped += 1
                    self.player = x, y, vx, -BOUNCE, False, held
                else:
                    self.outcome = HIT
        self._collect(x, y)
        if x >= self.course.goal:
            self.outcome = WON
        elif y >= self.course.floor:
            self.outcome = FELL
        self._mix()
        return self.outcome

    def _cells(self, x: int, y: int) -> list[tuple[int, int]]:
        """The cells of the level that the player at (x, y) covers."""
        columns, rows = range(x >> 8, (x + WIDTH - 1 >> 8) + 1), range(y >> 8, (y + HEIGHT - 1 >> 8) + 1)
        return [(r, c) for r in rows for c in columns if 0 <= r < self.course.rows and c < self.course.columns]

    def _collect(self, x: int, y: int) -> None:
        for cell in self._cells(x, y):
            if self.tiles[cell] == tiles.COIN:
                self.tiles[cell] = tiles.EMPTY
                self.coins += 1

    def _bump(self, x: int, y: int) -> None:
        """The player's head has hit what is above it: full question blocks there give a coin."""
        row = (y >> 8) - 1
        for column in range(x >> 8, (x + WIDTH - 1 >> 8) + 1):
            if row >= 0 and column < self.course.columns and self.tiles[row, column] == tiles.QUESTION:
                self.tiles[row, column] = tiles.USED
                self.coins += 1

    def _mix(self) -> None:
        """Add this frame to the hash (FNV-1a over 32-bit numbers)."""
        values = [*self.player[:4], self.coins]
        for enemy in self.enemies:
            if enemy:
                values += enemy[:2]
        for value in values:
            self.hash = (self.hash ^ (value & 0xFFFFFFFF)) * 16777619 & 0xFFFFFFFF

    def result(self) -> Result:
        """What became of it so far."""
        column = min(self.player[0] + WIDTH // 2, self.course.columns * TILE - 1) >> 8
        return Result(self.outcome, self.frames, column, self.coins, self.stomped, self.jumps, self.hash)


def play(level: Level | Course, inputs: str | list[int]) -> Result:
    """Play a level from its start with these inputs (buttons frame by frame, or their text): the proof is checked here."""
    game = Game(level)
    for buttons in decode_inputs(inputs) if isinstance(inputs, str) else inputs:
        if game.step(buttons) != PLAYING:
            break
    return game.result()


def encode_inputs(inputs: list[int]) -> str:
    """Inputs as text: for each run of equal buttons a letter (``a`` for none to ``h`` for all three) and the frames it lasts."""
    runs: list[list[int]] = []
    for buttons in inputs:
        if runs and runs[-1][0] == buttons:
            runs[-1][1] += 1
        else:
            runs.append([buttons, 1])
    return "".join(f"{'abcdefgh'[buttons]}{frames}" for buttons, frames in runs)


def decode_inputs(text: str) -> list[int]:
    """The inputs of a text by :func:`encode_inputs`; ``ValueError`` if it is none, or for more than an hour of them."""
    import re

    if not re.fullmatch(r"([a-h][1-9]\d{0,5})*", text):
        raise ValueError(f"inputs are letters a to h, each with a number of frames, got {text[:40]!r}")
    runs = [("abcdefgh".index(run[0]), int(run[1:])) for run in re.findall(r"[a-h]\d+", text)]
    if sum(frames for _, frames in runs) > 60 * 60 * 60:
        raise ValueError("these inputs last for more than an hour")
    return [buttons for buttons, frames in runs for _ in range(frames)]
