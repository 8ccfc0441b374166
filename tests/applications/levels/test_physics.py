"""The game's rules one by one, and the page's engine beside Python's: equal in every position of every frame."""

import random

import numpy as np
import pytest
from both import needs_node, run

from imggen_lib.applications.levels import grammar, physics, tiles
from imggen_lib.applications.levels.physics import GO_LEFT, GO_RIGHT, GO_UP, TILE, Course, Game, play

TRACE = """return data.map(({ level, inputs }) => {
  const game = gameStart(gameCourse(gameRead(level)));
  const places = [];
  for (const buttons of gameInputs(inputs)) {
    if (game.step(buttons) !== "playing") break;
    places.push([game.player.x, game.player.y, game.hash >>> 0]);
  }
  return { ...game.result(), places };
});"""


def parsed(*lines: str) -> np.ndarray:
    return tiles.parse_level("\n".join(lines) + "\n")


def field(columns: int = 40, rows: int = 14) -> np.ndarray:
    level = np.zeros((rows, columns), np.uint8)
    level[-1] = tiles.GROUND
    return level


def held(course: Course, buttons: int, frames: int) -> list[physics.Player]:
    seen = [course.start]
    for _ in range(frames):
        seen.append(physics.move(course, seen[-1], buttons))
    return seen


def test_running_and_stopping() -> None:
    course = Course(field())
    run_ = held(course, GO_RIGHT, 40)
    assert [p[2] for p in run_[:4]] == [0, 2, 4, 6] and run_[-1][2] == physics.FASTEST and all(p[4] for p in run_)
    assert {p[1] for p in run_} == {13 * TILE - physics.HEIGHT}
    stop = run_[-1]
    for _ in range(12):
        stop = physics.move(course, stop, 0)
    assert stop[2] == 0
    assert held(course, GO_LEFT, 30)[-1][:1] == (0,), "the level's left end is a wall"
    assert held(course, GO_LEFT | GO_RIGHT, 30)[-1] == course.start, "both ways at once is neither"


def test_a_jump_is_higher_the_longer_the_button_is_held() -> None:
    course = Course(field())
    start = course.start[1]
    full = start - min(p[1] for p in held(course, GO_UP, 60))
    short = [physics.move(course, course.start, GO_UP)]
    for _ in range(40):
        short.append(physics.move(course, short[-1], 0))
    low = start - min(p[1] for p in short)
    assert 4.2 * TILE < full < 4.5 * TILE and 1.3 * TILE < low < 2 * TILE
    assert sum(p[3] == -physics.JUMP for p in held(course, GO_UP, 300)) == 1, "a held button jumps once"


@pytest.mark.parametrize(("height", "passes"), [(4, True), (5, False)])
def test_walls_of_four_tiles_can_be_jumped_and_of_five_not(height: int, passes: bool) -> None:
    level = field()
    level[13 - height : 13, 12] = tiles.BRICK
    wins = [play(level, f"c{wait}" + "g30c3" * 30).outcome == "won" for wait in range(1, 60)]
    assert any(wins) == passes


def test_a_wall_stops_and_a_ceiling_stops() -> None:
    level = field()
    level[10:13, 5] = tiles.BRICK
    assert held(Course(level), GO_RIGHT, 90)[-1][:3:2] == (5 * TILE - physics.WIDTH, 0)
    level = field()
    level[11] = tiles.BRICK
    assert min(p[1] for p in held(Course(level), GO_UP, 30)) == 12 * TILE
    roofless = held(Course(parsed("--------", "XXXXXXXX")), GO_UP, 30)
    assert min(p[1] for p in roofless) < -3 * TILE, "above the level is open sky"


def test_how_a_game_ends() -> None:
    assert play(field(), "c900").outcome == "won" and play(field(), "c900").column == 39
    hole = field()
    hole[13, 8:12] = tiles.EMPTY
    assert play(hole, "c900").outcome == "fell"
    enemy = field()
    enemy[12, 8] = tiles.ENEMY
    assert play(enemy, "c900").outcome == "hit" and play(enemy, "a2").outcome == "playing"
    game = Game(enemy)
    while game.step(GO_RIGHT) == "playing":
        pass
    before = game.result()
    assert game.step(GO_UP) == "hit" and game.result() == before, "after the end nothing happens"


def test_an_enemy_is_stomped_from_above_and_bounces_the_player() -> None:
    level = field()
    level[12, 10] = tiles.ENEMY
    outcomes = {}
    for wait in range(1, 60):
        result = play(level, f"c{wait}g20c900")
        outcomes[result.outcome, result.stomped] = wait
    assert ("won", 1) in outcomes and ("won", 0) in outcomes and ("hit", 0) in outcomes
    game = Game(level)
    for buttons in physics.decode_inputs(f"c{outcomes['won', 1]}g20c900"):
        game.step(buttons)
        if game.stomped:
            break
    assert game.player[3] == -physics.BOUNCE and game.enemies == [None]


def test_enemies_turn_at_walls_edges_and_ends_and_fall_first() -> None:
    level = parsed("---E----", "--------", "--XXXX--", "--------", "E-----SE", "XXXX--XX")
    course = Course(level)
    seen: list[list[tuple[int, int]]] = [[], [], []]
    for k, enemy in enumerate(course.enemies):
        for _ in range(1500):
            enemy = physics.walk(course, enemy)
            seen[k].append(enemy[:2])
    on_top = seen[0][100:]
    assert {y for _, y in on_top} == {2 * TILE - physics.SIDE}
    assert min(x for x, _ in on_top) < 2 * TILE + 16 and max(x for x, _ in on_top) > 6 * TILE - physics.SIDE - 16
    assert min(x for x, _ in on_top) >= 2 * TILE and max(x for x, _ in on_top) <= 6 * TILE - physics.SIDE
    assert max(x for x, _ in seen[2]) <= 8 * TILE - physics.SIDE and min(x for x, _ in seen[2]) >= 7 * TILE
    over_nothing = Course(parsed("E-", "-X", "-X", "-X"))
    enemy = over_nothing.enemies[0]
    for _ in range(60):
        enemy = physics.walk(over_nothing, enemy)
    assert enemy == (32, physics.GONE, 0, 0)


def test_coins_and_question_blocks_are_counted_once() -> None:
    level = field()
    level[12, 3:5] = tiles.COIN
    assert play(level, "c900").coins == 2
    level = field()
    level[9, 0:2] = tiles.QUESTION, tiles.BRICK
    game = Game(level)
    for buttons in physics.decode_inputs("e20a40e20a40"):
        game.step(buttons)
    assert game.coins == 1 and game.tiles[9, 0] == tiles.USED and (game.course.level == level).all() and game.jumps == 2
    high = field()
    high[8, 0] = tiles.QUESTION
    assert play(high, "e3a60e3a60").coins == 0, "a block that is not reached gives nothing"


def test_where_the_player_starts() -> None:
    def start(*lines: str) -> tuple[int, int]:
        x, y = Course(parsed(*lines)).start[:2]
        return x >> 8, y >> 8

    assert start("----", "X---", "X---", "XXXX") == (1, 2), "not on the wall in front"
    assert start("------", "----X-", "------", "-----X") == (4, 0), "the first column where one can stand"
    assert start("---", "E--", "XXX") == (1, 1), "not in an enemy"
    assert start("---", "---") == (0, 0)


def test_inputs_as_text_and_back() -> None:
    inputs = [random.Random(1).choice([0, 2, 6]) for _ in range(200)]
    assert physics.decode_inputs(physics.encode_inputs(inputs)) == inputs and physics.encode_inputs([2, 2, 6]) == "c2g1"
    for bad in ("c", "2", "i3", "c03", "c-1"):
        with pytest.raises(ValueError, match="letters a to h"):
            physics.decode_inputs(bad)
    with pytest.raises(ValueError, match="an hour"):
        physics.decode_inputs("a999999")


def random_inputs(seed: int, frames: int) -> list[int]:
    """Runs of a few frames, mostly to the right."""
    draw, inputs = random.Random(seed), list[int]()
    while len(inputs) < frames:
        inputs += [draw.choice([2, 2, 6, 6, 6, 4, 0, 1, 5, 7])] * draw.randint(1, 25)
    return inputs[:frames]


@needs_node
def test_the_page_s_engine_is_this_one_to_the_bit() -> None:
    draw = np.random.default_rng(0)
    levels = [grammar.make_level(seed) for seed in range(40)]
    # Random tiles, too: nothing in them is as a level should be.
    weights = np.array([60, 8, 4, 4, 1, 3, 1, 1, 1, 1, 4, 1, 1]) / 90
    levels += [draw.choice(13, size=(int(draw.integers(4, 20)), 40), p=weights).astype(np.uint8) for _ in range(120)]
    jobs, expected = [], []
    for seed, level in enumerate(levels):
        inputs, game, places = random_inputs(seed, 600), Game(level), []
        for buttons in inputs:
            if game.step(buttons) != "playing":
                break
            places.append([*game.player[:2], game.hash])
        jobs.append({"level": tiles.level_text(level), "inputs": physics.encode_inputs(inputs)})
        expected.append({**game.result()._asdict(), "places": places})
    found = run(TRACE, jobs)
    for theirs, ours in zip(found, expected, strict=True):
        assert theirs == ours
    assert sum(result["frames"] for result in expected) > 10_000
    outcomes = {result["outcome"] for result in expected}
    assert outcomes >= {"fell", "hit", "playing"} and sum(r["stomped"] for r in expected) and sum(r["coins"] for r in expected)


@needs_node
def test_inputs_read_alike_in_the_page() -> None:
    text = physics.encode_inputs(random_inputs(3, 400))
    assert run("return [gameInputs(data), gameText(gameInputs(data))]", text) == [physics.decode_inputs(text), text]
