r"""A hand: ten digits by one latent, each with a few variations; and the hands that were screened before the library shipped.

With z and e_1, e_2, ... independent standard normal latents, every digit of a hand is drawn from

.. math:: z_i = \sqrt{1 - s^2}\, z + s\, e_i

so each is distributed as a latent should be, and any two share :math:`1 - s^2`, the hand. s is the *spread*: 0 is a rubber stamp,
1 is no hand at all.
"""

import json
import math
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from imggen_lib.chance import Chance
from imggen_lib.checks import attribute, real, whole
from imggen_lib.errors import unknown_name
from imggen_lib.sampling import decode

MODEL = "mnist-gan-long"
SPREAD = 0.3
VARIANTS = 4  # how often a hand has each digit
SCREENED = 400  # hands that were looked at
SURE = 0.99  # the probability that the classifier must give to the digit that was asked for
LEVELS = ("easy", "medium", "hard")
FILE = Path(__file__).parent / "hands.json"


class Hand(NamedTuple):
    """A hand that may write: its seed, which of its variations of each digit were kept, and how legible it is."""

    seed: int
    kept: tuple[tuple[int, ...], ...]
    legibility: float


def hand_latents(seed: int, dim: int = 64, *, spread: float = SPREAD, variants: int = VARIANTS) -> Float[Tensor, "10 v d"]:
    r"""The latents of a hand's digits, :math:`\sqrt{1-s^2}\,z + s\,e_i`, drawn as a page draws them.

    Raises:
        ValueError: for a spread outside 0 to 1.
    """
    seed, dim, variants, s = (
        whole(seed, "the seed", 0),
        whole(dim, "dim", 1),
        whole(variants, "variants", 1),
        real(spread, "spread"),
    )
    if not 0 <= s <= 1:
        raise ValueError(f"the spread of a hand lies between 0 (a stamp) and 1 (no hand), got {s:g}")
    chance = Chance(seed)
    z = torch.tensor([chance.normal() for _ in range(dim)], dtype=torch.float64)
    e = torch.tensor([chance.normal() for _ in range(10 * variants * dim)], dtype=torch.float64).view(10, variants, dim)
    return (math.sqrt(1 - s * s) * z + s * e).float()


def write_hand(model: nn.Module, seed: int, *, spread: float = SPREAD, variants: int = VARIANTS) -> Float[Tensor, "10 v 1 28 28"]:
    """All variations of all ten digits of a hand, in [-1, 1]. `model` is class-conditional, of ten classes."""
    if attribute(model, "classes") != 10:
        raise ValueError("a hand needs a generator of the ten digits")
    z = hand_latents(seed, attribute(model, "latent_dim"), spread=spread, variants=variants)
    labels = torch.arange(10).repeat_interleave(variants)
    return decode(model, z.flatten(0, 1), labels).unflatten(0, (10, variants))


def kept_of(kept: Bool[Tensor, "10 v"]) -> tuple[tuple[int, ...], ...]:
    """Of each digit, the variations that were kept."""
    return tuple(tuple(v for v, one in enumerate(row) if one) for row in kept.tolist())


def pack_kept(kept: tuple[tuple[int, ...], ...]) -> str:
    """Which variations of each digit were kept, as ten hexadecimal digits; the first variation is the lowest bit."""
    return "".join(f"{sum(1 << v for v in row):x}" for row in kept)


@cache
def hands() -> tuple[Hand, ...]:
    """The screened hands of which every digit has a variation that was kept, from the most legible to the least."""
    said = json.loads(FILE.read_text(encoding="utf-8"))
    found = []
    for seed, bits, legibility in said["hands"]:
        kept = tuple(tuple(v for v in range(VARIANTS) if int(c, 16) >> v & 1) for c in bits)
        found.append(Hand(seed, kept, legibility))
    return tuple(sorted(found, key=lambda hand: (-hand.legibility, hand.seed)))


def level_hands(level: str) -> tuple[Hand, ...]:
    """A third of the hands: ``easy`` the most legible, ``medium``, ``hard`` the least."""
    if level not in LEVELS:
        raise ValueError(unknown_name("difficulty", level, LEVELS))
    every = hands()
    k = LEVELS.index(level)
    return every[k * len(every) // 3 : (k + 1) * len(every) // 3]
