"""The agent: its proofs hold in the game and in the page, the fifteen levels of the corpus, and what its other answers mean."""

import os
from pathlib import Path

import numpy as np
import pytest
from both import needs_node, run

from imggen_lib.applications.levels import agent, corpus, grammar, measures, tiles
from imggen_lib.applications.levels.agent import FINISHED, OUT_OF_NODES, UNREACHABLE, solve
from imggen_lib.applications.levels.physics import WON, play

DATA = os.environ.get("IMGGEN_TEST_DATA") or os.environ.get("IMGGEN_DATA") or ""
needs_corpus = pytest.mark.skipif(not Path(DATA, corpus.ARCHIVE).is_file(), reason="needs the level corpus in IMGGEN_DATA")


def field(columns: int = 40) -> np.ndarray:
    level = np.zeros((14, columns), np.uint8)
    level[-1] = tiles.GROUND
    return level


def wall(height: int) -> np.ndarray:
    level = field()
    level[13 - height : 13, 15] = tiles.BRICK
    return level


def hole(width: int) -> np.ndarray:
    level = field()
    level[13, 12 : 12 + width] = tiles.EMPTY
    return level


@pytest.mark.parametrize("seed", range(8))
def test_a_proof_is_replayed_by_the_game(seed: int) -> None:
    level = grammar.make_level(seed, columns=96)
    proof = solve(level)
    result = play(level, proof.inputs)
    assert proof.finished and proof.reached == 1 and result.outcome == WON
    assert (result.frames, result.jumps) == (proof.frames, proof.jumps) and proof.nodes < agent.NODES


def test_what_can_be_jumped_and_what_cannot() -> None:
    assert solve(wall(4)).outcome == FINISHED and solve(wall(5)).outcome == UNREACHABLE
    assert solve(hole(7)).outcome == FINISHED and solve(hole(12)).outcome == UNREACHABLE
    stuck = solve(wall(5))
    assert play(wall(5), stuck.inputs).column == 14 and stuck.reached == 15 / 40


def test_a_small_budget_says_nothing() -> None:
    level = grammar.make_level(3)
    few = solve(level, nodes=30)
    assert few.outcome == OUT_OF_NODES and few.nodes == 30 and not few.finished and 0 < few.reached < 1
    assert solve(level).finished
    for nodes, weight in ((0, 1.0), (10, -1.0)):
        with pytest.raises(ValueError, match="at least one node"):
            solve(level, nodes, weight)


def test_with_an_exact_estimate_no_way_is_shorter() -> None:
    """With weight 1 the estimate never exceeds what is left."""
    flat = solve(field(), weight=1.0)
    assert flat.frames == play(field(), "c900").frames
    assert solve(wall(3), weight=1.0).frames <= solve(wall(3), weight=4.0).frames


def test_enemies_are_avoided_or_stomped() -> None:
    level = field(60)
    level[12, 8:50:3] = tiles.ENEMY
    proof = solve(level)
    assert proof.finished and play(level, "c900").outcome == "hit" and measures.enemies(level) == 14
    tunnel = field()
    tunnel[11, 4:30] = tiles.BRICK
    tunnel[12, 20] = tiles.ENEMY  # it comes through a tunnel too low to jump in: the way is over it
    assert solve(tunnel).finished
    closed = tunnel.copy()
    closed[:12, 4:30] = tiles.BRICK
    assert not solve(closed, nodes=3000).finished


@needs_corpus
def test_all_fifteen_levels_of_the_corpus_are_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMGGEN_DATA", DATA)
    found = {name: (solve(level), level) for name, level in corpus.levels().items()}
    assert [name for name, (proof, _) in found.items() if not proof.finished] == []
    assert all(play(level, proof.inputs).outcome == WON for proof, level in found.values())


@needs_node
def test_the_page_s_agent_finds_the_same_way_and_its_engine_the_same_hash() -> None:
    levels = [grammar.make_level(seed) for seed in range(12)] + [wall(5), field(8)]
    texts = [tiles.level_text(level) for level in levels]
    proofs = [solve(level, nodes=10000) for level in levels]
    found = run("return data.map((text) => gameSolve(gameCourse(gameRead(text)), 10000))", texts)
    assert found == [proof._asdict() for proof in proofs]
    assert {proof.outcome for proof in proofs} >= {FINISHED, UNREACHABLE}
    jobs = [[text, proof.inputs] for text, proof in zip(texts, proofs, strict=True)]
    replayed = run("return data.map(([text, inputs]) => gamePlay(gameCourse(gameRead(text)), gameInputs(inputs)))", jobs)
    assert replayed == [play(level, proof.inputs)._asdict() for level, proof in zip(levels, proofs, strict=True)]
