"""What one would do without a generator: a printed font, and real digits cut out and pasted, at random or matched to one hand."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.applications.worksheets.measures import Style, style_of
from imggen_lib.data import glyphs
from imggen_lib.data.imageset import ImageSet
from imggen_lib.noise import generator_for


class Cuttings(NamedTuple):
    """Which image of a stock each hand has for each digit and variation ``(hands, 10, variants)``."""

    at: torch.Tensor
    stock: Float[Tensor, "n 1 h w"]

    @property
    def images(self) -> Float[Tensor, "hands 10 variants 1 h w"]:
        """The images themselves."""
        return self.stock[self.at]


def printed(hands: int, seed: int = 0) -> Float[Tensor, "hands 10 1 1 28 28"]:
    """Ten digits of a font for each sheet; font, slant, weight and size are a sheet's, and every 3 on it is the same."""
    one = glyphs.draw_factors(hands, seed, "0123456789")
    factors = {name: np.repeat(values, 10) for name, values in one.items()}
    factors["class"] = np.tile(np.arange(10), hands)
    pixels = glyphs.render(factors, "0123456789").astype(np.float32)
    return torch.from_numpy(pixels / 127.5 - 1).view(hands, 10, 1, 1, *pixels.shape[1:])


def _by_digit(stock: ImageSet) -> list[Tensor]:
    return [(stock.labels == digit).nonzero()[:, 0] for digit in range(10)]


def pasted(stock: ImageSet, hands: int, variants: int = 4, seed: int = 0) -> Cuttings:
    """For every digit of a sheet a real one, drawn at random: no two need be by the same person."""
    drawn = generator_for(seed, 83)
    at = [part[torch.randint(len(part), (hands, variants), generator=drawn)] for part in _by_digit(stock)]
    return Cuttings(torch.stack(at, 1), stock.floats())


def matched(stock: ImageSet, hands: int, variants: int = 4, seed: int = 0) -> Cuttings:
    """For every digit of a sheet the real ones whose slant and thickness are nearest to a hand's.

    The hand is a real image drawn at random; its slant and thickness count in standard deviations from the mean of its own digit,
    and so do the candidates'.
    """
    images = stock.floats()
    style: Style = style_of(images)
    marks = torch.stack([style.slant, style.thickness], 1)
    parts = _by_digit(stock)
    for part in parts:
        marks[part] = (marks[part] - marks[part].mean(0)) / marks[part].std(0)
    models = marks[torch.randint(len(images), (hands,), generator=generator_for(seed, 84))]
    at = [part[torch.cdist(models, marks[part]).topk(variants, largest=False).indices] for part in parts]
    return Cuttings(torch.stack(at, 1), images)
