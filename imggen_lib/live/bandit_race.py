"""The race and the looks of :func:`imggen_lib.live.bandit`, in plain Python: the same seed gives the same arms, clicks and calls.

What is drawn here one number after another from the page's generator is drawn in :mod:`imggen_lib.metrics.experiments` for many
worlds at once, from NumPy's; a test holds their averages together.
"""

import math
from typing import NamedTuple

from imggen_lib.chance import Chance
from imggen_lib.metrics.intervals import normal_quantile, upper_tail

POLICIES = ("uniform", "A/B", "Thompson")


class Race(NamedTuple):
    """Clicks lost up to each evening, impressions and clicks of each arm, the arm named, the best one, and every choice."""

    lost: list[float]
    shown: list[int]
    clicks: list[int]
    named: int
    best: int
    chosen: list[int]


def bandit_race(
    policy: str, rate: float, lift: float, arms: int, daily: int, days: int, seed: int, first: float = 0.2, batch: int = 500
) -> Race:
    """One race in one world, where one arm, drawn by the seed, has `lift` more than the `rate` of all others.

    The policies are those of :func:`imggen_lib.metrics.experiments.race`; Thompson's prior is Beta(1, 1/rate - 1).
    Raises ``ValueError`` for another policy.
    """
    if policy not in POLICIES:
        raise ValueError(f"the policies are {', '.join(POLICIES)}; got {policy!r}")
    draw, best, total = Chance(4 * seed + 1 + POLICIES.index(policy)), Chance(4 * seed).below(arms), daily * days
    shown, clicks, lost, chosen = [0] * arms, [0] * arms, list[float](), list[int]()
    before, posterior, winner = 1 / rate - 1, list[tuple[float, float]](), -1
    for t in range(total):
        arm = t % arms
        if policy == "A/B" and t >= first * total:
            if winner < 0:
                winner = draw.largest([c / max(1, n) for c, n in zip(clicks, shown, strict=True)])
            arm = winner
        elif policy == "Thompson":
            if t % batch == 0:
                posterior = [(1 + c, before + n - c) for c, n in zip(clicks, shown, strict=True)]
            drawn = [draw.beta(a, b) for a, b in posterior]
            arm = drawn.index(max(drawn))
        shown[arm] += 1
        clicks[arm] += draw() < (rate * (1 + lift) if arm == best else rate)
        chosen.append(arm)
        if (t + 1) % daily == 0:
            lost.append(rate * lift * (t + 1 - shown[best]))
    if policy == "Thompson":
        winner = draw.largest([(1 + c) / (1 + before + n) for c, n in zip(clicks, shown, strict=True)])
    elif policy == "uniform":
        winner = draw.largest([c / max(1, n) for c, n in zip(clicks, shown, strict=True)])
    return Race(lost, shown, clicks, winner, best, chosen)


class Experiment(NamedTuple):
    """The z-score and the logarithm of the e-value on each evening, and the pairs that each arm won alone."""

    z: list[float]
    evidence: list[float]
    wins: int
    losses: int


def bandit_experiment(rate: float, lift: float, daily: int, days: int, draw: Chance, width: float = 50.0) -> Experiment:
    """Two arms of `daily` impressions a day each, in pairs; those without a click are skipped by a geometric number.

    The e-value is that of :func:`imggen_lib.metrics.experiments.evidence`, multiplied up pair by pair.
    """
    other = rate * (1 + lift)
    both, only = rate * other, rate * (1 - other)
    every = both + only + other * (1 - rate)
    skip = math.log(1 - every)
    following = math.floor(math.log(1 - draw()) / skip)
    a = b = wins = losses = 0
    e, z, evidence = 0.0, list[float](), list[float]()
    for day in range(1, days + 1):
        while following < day * daily:
            u = draw() * every
            if u < both:
                a, b = a + 1, b + 1
            else:
                win = u >= both + only
                e += math.log(2 * (width + (wins if win else losses)) / (2 * width + wins + losses))
                a, b, wins, losses = a + (not win), b + win, wins + win, losses + (not win)
            following += 1 + math.floor(math.log(1 - draw()) / skip)
        n = day * daily
        p = (a + b) / (2 * n)
        spread = math.sqrt(2 * n * p * (1 - p))
        z.append((b - a) / spread if spread > 0 else 0.0)
        evidence.append(e)
    return Experiment(z, evidence, wins, losses)


class Calls(NamedTuple):
    """Of how many experiments a difference was called up to each evening, by z and by the e-value; and by z at the end alone."""

    by_z: list[int]
    by_evidence: list[int]
    once: int


def bandit_looks(
    rate: float, lift: float, daily: int, days: int, trials: int, seed: int, level: float = 0.95, width: float = 50.0
) -> Calls:
    """`trials` experiments, looked at every evening; see :func:`bandit_experiment`."""
    draw, bar, z_bar = Chance(seed), -math.log(1 - level), normal_quantile(upper_tail(level))
    by_z, by_evidence, once = [0] * days, [0] * days, 0
    for _ in range(trials):
        one = bandit_experiment(rate, lift, daily, days, draw, width)
        z_day = next((d for d, v in enumerate(one.z) if abs(v) > z_bar), days)
        e_day = next((d for d, v in enumerate(one.evidence) if v >= bar), days)
        by_z = [n + (d >= z_day) for d, n in enumerate(by_z)]
        by_evidence = [n + (d >= e_day) for d, n in enumerate(by_evidence)]
        once += abs(one.z[-1]) > z_bar
    return Calls(by_z, by_evidence, once)
