"""Ordered levels: the distance from an order, and three searches with one budget."""

from typing import NamedTuple

import numpy as np
import pytest
import torch

from imggen_lib.applications.levels import tiles
from imggen_lib.applications.levels.search import Order, best_of, evolve, sift

DIM = 6


class Trial(NamedTuple):
    """What the agent below says."""

    finished: bool
    reached: float
    jumps: int


WEIGHTS = torch.randn(32, DIM, generator=torch.Generator().manual_seed(5))


def _decode(noise: torch.Tensor) -> np.ndarray:
    """A level whose floor has a gap where a weighted sum of the noise is high, and enemies where another one is."""
    levels = np.zeros((len(noise), 16, 32), np.uint8)
    high = (noise @ WEIGHTS.T).numpy()
    levels[:, 15] = np.where(high > 3.0, tiles.EMPTY, tiles.GROUND)
    levels[:, 14] = np.where(high < -4.0, tiles.ENEMY, tiles.EMPTY)
    return levels


class _Agent:
    """Finishes unless there are more than nine gaps, with a jump for each change from ground to gap; counts its games."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, level: np.ndarray) -> Trial:
        self.runs += 1
        gap = level[-1] == tiles.EMPTY
        jumps = int((gap[1:] & ~gap[:-1]).sum())
        return Trial(True, 1.0, jumps) if gap.sum() < 10 else Trial(False, 0.25, jumps)


def test_an_order_counts_what_is_missing() -> None:
    level = np.zeros((16, 32), np.uint8)
    level[15] = tiles.GROUND
    level[15, 3:5] = tiles.EMPTY
    level[14, 10] = tiles.ENEMY
    order = Order(jumps=3, gaps=2, enemies=4)
    assert order.counted(level) == pytest.approx(3 / 5)
    assert order.off(level, Trial(True, 1.0, 1)) == pytest.approx(3 / 5 + 2 / 4)
    assert order.off(level, Trial(False, 0.5, 3)) == pytest.approx(3 / 5 + 0.5 + 2 * 0.5 + 3 / 4)
    assert Order(gaps=2, enemies=1, jumps=1).off(level, Trial(True, 1.0, 1)) == 0
    level[14, 20] = tiles.LEFT
    assert Order().counted(level) > 0
    with pytest.raises(ValueError, match="an order's gaps"):
        Order(gaps=-1)


@pytest.mark.parametrize("search", [best_of, sift, evolve])
def test_no_search_plays_more_than_its_budget(search: object) -> None:
    agent = _Agent()
    found = search(_decode, DIM, Order(jumps=40, gaps=31), agent, budget=50, seed=3)  # type: ignore[operator]
    assert agent.runs == len(found.history) == 50 >= found.runs
    assert list(found.history) == sorted(found.history, reverse=True) and found.history[-1] == found.off > 0
    again = search(_decode, DIM, Order(jumps=40, gaps=31), _Agent(), budget=50, seed=3)  # type: ignore[operator]
    assert again.history == found.history and np.array_equal(again.level, found.level)
    np.testing.assert_array_equal(_decode(found.noise[None])[0], found.level)


@pytest.mark.parametrize("search", [best_of, sift, evolve])
def test_a_perfect_level_ends_the_search(search: object) -> None:
    agent = _Agent()
    found = search(_decode, DIM, Order(), agent, budget=50, seed=1)  # type: ignore[operator]
    assert found.off == 0 and found.trial.finished and agent.runs == found.runs < 50


def test_evolution_begins_as_random_search_does_and_gets_nearer_to_a_rare_order() -> None:
    order = Order(gaps=9, enemies=7)
    apart = []
    for seed in range(6):
        ours = evolve(_decode, DIM, order, _Agent(), budget=150, seed=seed)
        theirs = best_of(_decode, DIM, order, _Agent(), budget=150, seed=seed)
        shared = min(36, len(ours.history), len(theirs.history))
        assert ours.history[:shared] == theirs.history[:shared]
        apart.append(theirs.off - ours.off)
    assert np.mean(apart) > 0


def test_sifting_plays_the_levels_whose_counts_fit() -> None:
    order = Order(gaps=6, enemies=6)
    found = sift(_decode, DIM, order, _Agent(), budget=5, seed=0)
    assert found.off <= best_of(_decode, DIM, order, _Agent(), budget=5, seed=0).off
    assert order.counted(found.level) == min(order.counted(level) for level in _decode(_noise_of(4000)))


def _noise_of(n: int) -> torch.Tensor:
    from imggen_lib.applications.levels.search import _noise

    return _noise(n, DIM, 0)
