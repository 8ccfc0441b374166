"""Random numbers that a page draws as Python does: plain arithmetic from a seed of 32 bits, the same in both languages."""

import math


class Chance:
    """Random numbers in [0, 1) from a seed of 32 bits: mulberry32 (Tommy Ettinger, public domain), as the pages have it."""

    def __init__(self, seed: int) -> None:
        self.state = seed & 0xFFFFFFFF

    def __call__(self) -> float:
        """The next number."""
        self.state = (self.state + 0x6D2B79F5) & 0xFFFFFFFF
        t = self.state
        t = ((t ^ (t >> 15)) * (t | 1)) & 0xFFFFFFFF
        t ^= (t + ((t ^ (t >> 7)) * (t | 61))) & 0xFFFFFFFF
        return ((t ^ (t >> 14)) & 0xFFFFFFFF) / 4294967296

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
