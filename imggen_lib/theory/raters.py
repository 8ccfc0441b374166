r"""**Simulated** raters, whose preferences are known exactly: to see whether an analysis finds what was put in, and when not.

A rater who sees image a on the left and image b on the right, of systems A and B, picks the left one with probability

.. math:: P(\text{left}) = \frac{\lambda}{2} + (1 - \lambda)\, \sigma(s_A + t_{rA} + v_a - s_B - t_{rB} - v_b + b_r)

with the systems' strengths s, the rater's own taste t (drawn once a rater and system), the image's luck v (drawn once an image, the
same for all raters), the rater's pull b to the left, and the share of lapses :math:`\lambda`, answers given without looking.
Source of the form: Bradley and Terry 1952 with a side effect (Davidson and Beaver 1977) and lapses (Wichmann and Hill 2001).

Every answer is signed ``simulated-...`` in the column of raters, so that it can never pass for a person's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.noise import generator_for, on_cpu
from imggen_lib.people.opinions import Opinion, OpinionPlan
from imggen_lib.people.study import Judgement, Plan, Source

_STREAM = 23  # of random numbers; see noise.generator_for
_RATER, _TASTE, _IMAGE, _CHOICE, _SCORE = range(5)  # what the numbers are drawn for
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Population:
    """What simulated raters are like. All but the last two in units of log odds; `strengths` has each system's."""

    strengths: Mapping[str, float]
    side: float = 0.0  # mean pull to the left
    side_spread: float = 0.0  # its standard deviation over raters
    taste: float = 0.0  # standard deviation over raters of what a rater adds to a system
    luck: float = 0.0  # standard deviation over images of the same system
    lapse: float = 0.0  # share of answers without looking
    careless: float = 0.0  # share of raters who never look


def choice_probability(gap: Float[Tensor, "*n"], side: float = 0.0, lapse: float = 0.0) -> Float[Tensor, "*n"]:
    r"""P(left): :math:`\lambda/2 + (1-\lambda)\,\sigma(\text{gap} + \text{side})` for a gap in favour of the left image."""
    return lapse / 2 + (1 - lapse) * torch.sigmoid(gap + side)


@lru_cache(maxsize=100_000)  # an image's luck is asked for once a rater
def _normal(*parts: int) -> float:
    return torch.randn((), generator=generator_for(*parts), dtype=torch.float64).item()


def _worth(population: Population, source: Source, rater: int, seed: int) -> float:
    """How good this rater finds this image, in log odds."""
    if source.system not in population.strengths:
        raise ValueError(f"the population has no strength for {source.system}")
    system = list(population.strengths).index(source.system)
    taste = population.taste * _normal(seed, _STREAM, _TASTE, rater, system)
    luck = population.luck * _normal(seed, _STREAM, _IMAGE, system, source.number)
    return population.strengths[source.system] + taste + luck


def _rater(population: Population, rater: int, seed: int) -> tuple[str, float, float]:
    """Pseudonym, pull to the left, share of lapses."""
    side = population.side + population.side_spread * _normal(seed, _STREAM, _RATER, rater)
    careless = torch.rand((), generator=generator_for(seed, _STREAM, _RATER, rater, 1)).item() < population.careless
    return f"simulated-{rater:03d}", side, 1.0 if careless else population.lapse


def _clock(generator: torch.Generator, n: int) -> tuple[list[int], list[str]]:
    """Times to answer, about a second and a half, and when each answer was given."""
    took = (1500 * torch.exp(0.4 * torch.randn(n, generator=generator))).int()
    stamps = [_BEGIN + timedelta(milliseconds=t) for t in took.cumsum(0).tolist()]
    return took.tolist(), [f"{stamp:%Y-%m-%dT%H:%M:%SZ}" for stamp in stamps]


@on_cpu
def simulated_judgements(population: Population, plan: Plan, rater: int, *, seed: int) -> list[Judgement]:
    """What simulated rater number `rater` answers to a sheet of comparisons."""
    name, side, lapse = _rater(population, rater, seed)
    worth = {i: _worth(population, source, rater, seed) for i, source in plan.key.items()}
    gaps = torch.tensor([worth[t.left] - worth[t.right] for t in plan.trials], dtype=torch.float64)
    draw = generator_for(seed, _STREAM, _CHOICE, rater)
    left = torch.rand(len(gaps), generator=draw, dtype=torch.float64) < choice_probability(gaps, side, lapse)
    answers = zip(plan.trials, left.tolist(), *_clock(draw, len(gaps)), strict=True)
    return [Judgement(t.sheet, t.item, t.left, t.right, "left" if yes else "right", name, ms, at) for t, yes, ms, at in answers]


@on_cpu
def simulated_opinions(
    population: Population, plan: OpinionPlan, rater: int, *, seed: int, habit: float = 0.5, noise: float = 0.6
) -> list[Opinion]:
    """Scores on the plan's scale by simulated rater number `rater`: its middle plus habit, the image's worth and noise.

    Rounded to whole points. `habit` is the standard deviation over raters of how kind a rater is, `noise` that of each answer.
    """
    name, _, lapse = _rater(population, rater, seed)
    kind = (1 + plan.points) / 2 + habit * _normal(seed, _STREAM, _SCORE, rater)
    draw = generator_for(seed, _STREAM, _SCORE, rater, 1)
    worth = torch.tensor([_worth(population, plan.key[t.item], rater, seed) for t in plan.trials], dtype=torch.float64)
    felt = kind + worth + noise * torch.randn(len(worth), generator=draw, dtype=torch.float64)
    blind = torch.rand(len(worth), generator=draw) < lapse
    anything = torch.randint(1, plan.points + 1, worth.shape, generator=draw)
    scores = torch.where(blind, anything, felt.round().clamp(1, plan.points).long()).tolist()
    answers = zip(plan.trials, scores, *_clock(draw, len(scores)), strict=True)
    return [Opinion(t.sheet, t.item, value, name, ms, at) for t, value, ms, at in answers]
