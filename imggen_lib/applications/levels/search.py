"""A level that was ordered: search among the latents of a model for one that an agent finishes and that has what was asked for.

Three ways with one budget, the number of times that the agent plays (it costs by far the most): CMA-ES (:func:`evolve`), the best
of as many random levels (:func:`best_of`), and random levels of which only those are played whose counts fit (:func:`sift`).
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.applications.levels import measures
from imggen_lib.applications.levels.tiles import Level
from imggen_lib.checks import whole
from imggen_lib.noise import generator_for, mix

_STREAM = 41  # of random numbers for searches; see noise.generator_for


@runtime_checkable
class Trial(Protocol):
    """What an agent finds out about a level: whether it is finished, the share of columns that was reached, jumps of its way."""

    @property
    def finished(self) -> bool: ...
    @property
    def reached(self) -> float: ...
    @property
    def jumps(self) -> int: ...


Play = Callable[[Level], Trial]
Decode = Callable[[Float[Tensor, "n z"]], np.ndarray]  # standard normal noise to levels


@dataclass(frozen=True)
class Order:
    """What a level is to have, beside being finished and having no broken pipe; None: no matter."""

    jumps: int | None = None  # of the agent's way
    gaps: int | None = None  # columns without ground
    pipe_tiles: int | None = None
    enemies: int | None = None

    def __post_init__(self) -> None:
        for entry in fields(self):
            if getattr(self, entry.name) is not None:
                whole(getattr(self, entry.name), f"an order's {entry.name}", least=0)

    def counted(self, level: Level) -> float:
        r"""How far the level is from the order in what can be counted without playing: 0 if it is as ordered.

        A tenth for each broken tile of a pipe, and for each count :math:`|a - b| / (1 + b)`, where b was asked for and a is there.
        """
        found = {"gaps": measures.gaps, "pipe_tiles": measures.pipe_tiles, "enemies": measures.enemies}
        off = 0.1 * measures.broken_pipes(level)
        for name, count in found.items():
            off += _off(count(level), getattr(self, name))
        return off

    def off(self, level: Level, trial: Trial) -> float:
        """How far the level is from the order: 0 if it is as ordered. What the agent does not reach counts twice."""
        played = 0.0 if trial.finished else 0.5 + 2 * (1 - trial.reached)
        jumps = _off(trial.jumps, self.jumps) if trial.finished else _off(0, self.jumps)
        return self.counted(level) + played + jumps


def _off(found: int, wanted: int | None) -> float:
    return 0.0 if wanted is None else abs(found - wanted) / (1 + wanted)


class Found(NamedTuple):
    """The best level of a search: its noise, how far it is from the order, the agent's trial, and how many trials it took."""

    level: Level
    noise: Float[Tensor, " z"]
    off: float
    trial: Trial
    runs: int  # trials until it was found
    history: tuple[float, ...]  # the smallest distance from the order after each trial


class _Log:
    """Counts trials, keeps the best, and says when the search ends: at a perfect level or when the budget is spent."""

    def __init__(self, order: Order, play: Play, budget: int) -> None:
        self.order, self.play, self.budget = order, play, whole(budget, "the budget of trials", least=1)
        self.best: tuple[Level, Tensor, float, Trial, int] | None = None
        self.history: list[float] = []

    @property
    def done(self) -> bool:
        return len(self.history) >= self.budget or (self.best is not None and self.best[2] == 0)

    def tried(self, level: Level, noise: Tensor) -> float:
        trial = self.play(level)
        off = self.order.off(level, trial)
        if self.best is None or off < self.best[2]:
            self.best = (level, noise, off, trial, len(self.history) + 1)
        self.history.append(self.best[2])
        return off

    def found(self) -> Found:
        assert self.best is not None
        return Found(*self.best, tuple(self.history))


def _noise(n: int, dim: int, seed: int) -> Tensor:
    return torch.randn(n, dim, generator=generator_for(seed, _STREAM))


def best_of(decode: Decode, dim: int, order: Order, play: Play, *, budget: int, seed: int = 0) -> Found:
    """The best of `budget` random levels, all of them played; stops at a perfect one."""
    log, noise = _Log(order, play, budget), _noise(budget, dim, seed)
    for level, u in zip(decode(noise), noise, strict=True):
        log.tried(level, u)
        if log.done:
            break
    return log.found()


def sift(decode: Decode, dim: int, order: Order, play: Play, *, budget: int, seed: int = 0, drawn: int = 4000) -> Found:
    """As :func:`best_of`, but of `drawn` random levels those are played that are nearest to the order in what can be counted.

    To decode and to count costs next to nothing beside a trial. Only what the agent alone can tell is left to chance.
    """
    log, noise = _Log(order, play, budget), _noise(drawn, dim, seed)
    levels = decode(noise)
    off = np.array([order.counted(level) for level in levels])
    for k in np.argsort(off, kind="stable")[:budget]:
        log.tried(levels[k], noise[k])
        if log.done:
            break
    return log.found()


def evolve(
    decode: Decode,
    dim: int,
    order: Order,
    play: Play,
    *,
    budget: int,
    seed: int = 0,
    first: int = 36,  # random levels; the search starts at the best of them
    sigma: float = 0.5,
    popsize: int = 12,
) -> Found:
    """CMA-ES from the best of `first` random levels: a Gaussian that moves towards better levels, and learns which way to widen.

    The first levels are the first of :func:`best_of` with the same seed, and count. Source: Hansen 2016, arXiv:1604.00772, by the
    library ``cma``.
    """
    from cma import CMAEvolutionStrategy

    log, noise = _Log(order, play, budget), _noise(budget, dim, seed)[: min(first, budget)]
    for level, u in zip(decode(noise), noise, strict=True):
        log.tried(level, u)
        if log.done:
            return log.found()
    assert log.best is not None
    options = {"seed": mix(seed, _STREAM) % 2**31 + 1, "popsize": popsize, "verbose": -9, "CMA_diagonal": True}
    strategy = CMAEvolutionStrategy(log.best[1].double().tolist(), sigma, options)
    while not log.done:
        asked = strategy.ask()
        points = torch.tensor(np.array(asked), dtype=torch.float32)
        values = []
        for level, u in zip(decode(points), points, strict=True):
            values.append(log.tried(level, u))
            if log.done:
                return log.found()
        strategy.tell(asked, values)
    return log.found()
