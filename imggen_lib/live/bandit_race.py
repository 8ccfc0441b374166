"""The race and the looks of :func:`imggen_lib.live.bandit`, in plain Python: the same seed gives the same arms, clicks and calls.

What is drawn here one number after another from the page's generator is drawn in :mod:`imggen_lib.metrics.experiments` for many
worlds at once, from NumPy's; a test holds their averages together.
"""

import math
from typing import NamedTuple

from imggen_lib.metrics.intervals import normal_quantile, upper_tail

POLICIES = ("uniform", "A/B", "Thompson")
_MASK = 0xFFFFFFFF


class Chance:
    """Random numbers in [0, 1) from a seed of 32 bits: mulberry32 (Tommy Ettinger, public domain), as the pages have it."""

    def __init__(self, seed: int) -> None:
        self.state = seed & _MASK

    def __call__(self) -> float:
        """The next number."""
        self.state = (self.state + 0x6D2B79F5) & _MASK
        t = self.state
        t = ((t ^ (t >> 15)) * (t | 1)) & _MASK
        t ^= (t + ((t ^ (t >> 7)) * (t | 61))) & _MASK
        return ((t ^ (t >> 14)) & _MASK) / 4294967296

    def below(self, n: int) -> int:
        """A whole number from 0 to n - 1."""
        return int(self() * n)

    def normal(self) -> float:
        """A standard normal number, by Box and Muller."""
        return math.sqrt(-2 * math.log(1 - self())) * math.cos(2 * math.pi * self())

    def gamma(self, shape: float) -> float:
        """A gamma number with a shape of at least 1 and the scale 1 (Marsaglia and Tsang 2000)."""
        d = shape - 1 / 3
        c = 1 / math.sqrt(9 * d)
        while True:
            x = self.normal()
            v = (1 + c * x) ** 3
            if v > 0 and math.log(1 - self()) < 0.5 * x * x + d - d * v + d * math.log(v):
                return d * v

    def beta(self, a: float, b: float) -> float:
        """A beta number; both shapes are at least 1."""
        x = self.gamma(a)
        return x / (x + self.gamma(b))

    def largest(self, values: list[float]) -> int:
        """The position of the largest value; by lot where several are largest."""
        found = [k for k, v in enumerate(values) if v == max(values)]
        return found[self.below(len(found)) if len(found) > 1 else 0]


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
