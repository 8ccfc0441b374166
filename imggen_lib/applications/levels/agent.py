"""An agent that proves that a level can be finished: A* over what the player and the enemies can be in, and inputs to show for it.

A node is the player's place and speed, whether it stands, whether the jump button is down, how many frames have passed, and which
enemies are stomped. From a node the agent holds one of six choices of buttons for some frames. The cost of a node is the frames so
far; what is left is estimated as the way to the goal at full speed, times a weight above 1, which gives a proof sooner and not the
fastest way. As enemies move with time alone (see :mod:`.physics`), where they are is computed once for all nodes.

**What an answer means.** ``finished`` is a proof: :func:`~.physics.play` repeats it frame by frame. ``out of nodes`` says nothing
but that the budget was too small. ``unreachable`` says that no node is left: nothing that this agent can do from the start, with
its six choices held for so many frames, finishes the level. A player with finer hands may; and two nodes whose places fall into
the same box count as one (:data:`BOX`), so that a way which only the second has may be missed.

Hart, Nilsson and Raphael, "A Formal Basis for the Heuristic Determination of Minimum Cost Paths", 1968.
"""

from heapq import heappop, heappush
from typing import NamedTuple, no_type_check

from imggen_lib.applications.levels.physics import (
    BOUNCE,
    FASTEST,
    GO_LEFT,
    GO_RIGHT,
    GO_UP,
    GONE,
    HEIGHT,
    SIDE,
    WALK,
    WIDTH,
    Course,
    Enemy,
    Player,
    encode_inputs,
    move,
    play,
    stomps,
    walk,
)
from imggen_lib.applications.levels.tiles import Level

ACTIONS = (GO_RIGHT | GO_UP, GO_RIGHT, GO_UP, 0, GO_LEFT | GO_UP, GO_LEFT)
HOLD = 6  # frames that an action is held for
WEIGHT = 1.5  # of the estimate of what is left
NODES = 50_000
#: Places and speeds that count as one: x, y, speed in x, speed in y.
BOX = (64, 64, 16, 16)
TICK = 24  # frames that count as one where an enemy is near; elsewhere the time does not tell nodes apart
_REACH = SIDE + WIDTH + HOLD * (FASTEST + WALK)  # an enemy farther away cannot be met while an action is held
FINISHED, UNREACHABLE, OUT_OF_NODES = "finished", "unreachable", "out of nodes"


class Proof(NamedTuple):
    """What the agent found: the inputs as text if the level can be finished, and how far it came if not."""

    outcome: str  # "finished", "unreachable" or "out of nodes"
    inputs: str  # see :func:`~imggen_lib.applications.levels.physics.encode_inputs`; as far as it came if not finished
    frames: int
    nodes: int  # nodes looked at
    jumps: int  # jumps of these inputs
    reached: float  # the share of the level's columns that was reached, 1 if finished

    @property
    def finished(self) -> bool:
        """Whether the inputs finish the level."""
        return self.outcome == FINISHED


class Traffic:
    """Where the enemies are at each frame, computed as far as it is asked for."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._now: list[Enemy] = list(course.enemies)
        self.places: list[list[tuple[int, int]]] = [[enemy[:2] for enemy in self._now]]

    @no_type_check
    def until(self, frame: int) -> None:
        """Compute the places up to and with this frame."""
        while len(self.places) <= frame:
            self._now = [walk(self._course, enemy) for enemy in self._now]
            self.places.append([enemy[:2] for enemy in self._now])

    @no_type_check
    def near(self, x: int, frame: int, stomped: int) -> list[int]:
        """The enemies that can be met from `x` on while an action is held; `stomped` has a bit set for each that is no more."""
        return [
            k for k, (ex, ey) in enumerate(self.places[frame]) if -_REACH < ex - x < _REACH and ey != GONE and not stomped >> k & 1
        ]


@no_type_check  # as in the game itself
def _meet(player: Player, places: list[tuple[int, int]], near: list[int], stomped: int) -> tuple[Player, int] | None:
    """The player and the stomped enemies after this frame's contacts; None if the player is hit."""
    x, y, vx, vy, _, held = player
    for k in near:
        ex, ey = places[k]
        if x < ex + SIDE and ex < x + WIDTH and y < ey + SIDE and ey < y + HEIGHT and not stomped >> k & 1:
            if not stomps(y, vy, ey):
                return None
            stomped |= 1 << k
            player = x, y, vx, -BOUNCE, False, held
    return player, stomped


@no_type_check
def _held(
    course: Course, traffic: Traffic, player: Player, stomped: int, frame: int, buttons: int, near: list[int]
) -> tuple[Player, int, int] | None:
    """The player, the stomped enemies and the time after an action, or at the goal if it is reached before; None for death."""
    goal, floor, places = course.goal, course.floor, traffic.places
    for k in range(1, HOLD + 1):
        player = move(course, player, buttons)
        if near:
            met = _meet(player, places[frame + k], near, stomped)
            if met is None:
                return None
            player, stomped = met
        if player[0] >= goal:
            return player, stomped, frame + k
        if player[1] >= floor:
            return None
    return player, stomped, frame + HOLD


def solve(level: Level | Course, nodes: int = NODES, weight: float = WEIGHT) -> Proof:
    """Look for inputs that finish a level, at most `nodes` nodes long. ``ValueError`` for no nodes or a weight below 0."""
    if nodes < 1 or weight < 0:
        raise ValueError(f"the agent needs at least one node and a weight that is not negative, got {nodes} and {weight}")
    course = level if isinstance(level, Course) else Course(level)
    traffic, goal, (wide, high, fast, steep) = Traffic(course), course.goal, BOX
    came: list[tuple[int, int]] = [(-1, 0)]  # for each node made: from which, with which buttons
    queue: list[tuple[float, int, Player, int, int]] = [(0.0, 0, course.start, 0, 0)]
    seen, looked, best, end, outcome = set[tuple[int, ...]](), 0, (-1, 0), 0, UNREACHABLE
    while queue and looked < nodes:
        _, number, player, frame, stomped = heappop(queue)
        looked += 1
        if player[0] > best[0]:
            best, end = (player[0], number), frame
        if player[0] >= goal:
            outcome = FINISHED
            break
        traffic.until(frame + HOLD)
        near = traffic.near(player[0], frame, stomped)
        for buttons in ACTIONS:
            if buttons & GO_UP and player[3] >= 0 and not player[4] and not near:
                continue  # in a fall the jump button does nothing, but for a bounce
            after = _held(course, traffic, player, stomped, frame, buttons, near)
            if after is None:
                continue
            (x, y, vx, vy, ground, held), killed, then = after
            key = (x // wide, y // high, vx // fast, vy // steep, ground, held, killed, then // TICK if near else 0)
            if key not in seen:
                seen.add(key)
                came.append((number, buttons))
                heappush(queue, (then + weight * max(0, goal - x) / FASTEST, len(came) - 1, after[0], then, killed))
    else:
        outcome = OUT_OF_NODES if queue else UNREACHABLE
    return _proof(course, came, best[1], end, outcome, looked)


def _proof(course: Course, came: list[tuple[int, int]], node: int, frames: int, outcome: str, looked: int) -> Proof:
    """The way to a node as inputs, played once more by the game itself."""
    actions = []
    while node > 0:
        node, buttons = came[node]
        actions.append(buttons)
    inputs = [buttons for buttons in reversed(actions) for _ in range(HOLD)][:frames]
    result = play(course, inputs)
    reached = 1.0 if outcome == FINISHED else (result.column + 1) / course.columns
    return Proof(outcome, encode_inputs(inputs), result.frames, looked, result.jumps, reached)
