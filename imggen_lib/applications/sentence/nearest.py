"""A second reader that was never trained: it looks up the most similar of many real images, whose factors are known."""

from functools import cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from imggen_lib.data import captions
from imggen_lib.noise import mix
from imggen_lib.train.sentence import kinds, scaled

Images = Float[Tensor, "n 1 28 28"]


def centred(images: Images) -> tuple[Images, Float[Tensor, "n 2"]]:
    """Images with the centre of their ink moved to the middle, and where it was: (across, down) in pixels from the middle.

    Ink is what is brighter than black; between pixels it is interpolated. An image without ink stays as it is.
    """
    ink = (images[:, 0] + 1) / 2
    place = torch.arange(28) - 13.5
    total = ink.sum((1, 2)).clamp_min(1e-6)
    centre = torch.stack([(ink.sum(1) * place).sum(1), (ink.sum(2) * place).sum(1)], 1) / total[:, None]
    turn = torch.eye(2, 3).repeat(len(images), 1, 1)
    turn[:, :, 2] = centre / 14
    grid = functional.affine_grid(turn, [len(images), 1, 28, 28], align_corners=False)
    return functional.grid_sample(ink[:, None], grid, align_corners=False) * 2 - 1, centre


class NearestReader:
    """Reads an image's factors from the `k` most similar of `bank` real images of all compositions, after centring.

    Characters and fonts by vote, numbers by a mean with weights that fall with the squared distance of the pixels; a place is the
    neighbour's plus the difference of the centres of ink.
    """

    def __init__(self, bank: int = 40_000, k: int = 6, seed: int = 77) -> None:
        if bank < k or k < 1:
            raise ValueError(f"of {bank} images, {k} cannot be the nearest")
        meanings = captions.draw_meanings(bank, mix(seed, 0), said=0.6, holdout=False)
        images, self.factors = captions.draw_images(meanings, mix(seed, 1), holdout=False)
        parts = [centred(scaled(images[i : i + 2000])) for i in range(0, bank, 2000)]
        self.pixels, self.centres = torch.cat([p.flatten(1) for p, _ in parts]), torch.cat([c for _, c in parts])
        self.k = k

    def read(self, images: Images) -> dict[str, Tensor]:
        """What stands in each image: ``class`` and ``font`` as indices, the numbers in the units of the glyphs' factors."""
        parts = [self._read(part) for part in images.split(500)]
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    def _read(self, images: Images) -> dict[str, Tensor]:
        middle, centre = centred(images)
        near = torch.cdist(middle.flatten(1), self.pixels).topk(self.k, largest=False)
        weight = 1 / (near.values.double().square() + 1e-3)
        weight = weight / weight.sum(1, keepdim=True)
        at = near.indices.numpy()
        found = {"class": _vote(self.factors["class"][at], weight), "font": _vote(kinds(self.factors["font"][at]), weight)}
        for name in captions.SPANS:
            value = torch.from_numpy(self.factors[name][at])
            if name in ("x", "y"):
                axis = 0 if name == "x" else 1
                value = value + (centre[:, None, axis] - self.centres[near.indices, axis]).double()
            found[name] = (value * weight).sum(1)
        return found


def _vote(labels: np.ndarray, weight: Tensor) -> Tensor:
    """The label with the greatest weight in each row."""
    rows = torch.zeros(len(labels), 64, dtype=torch.float64)
    return rows.scatter_add_(1, torch.from_numpy(labels.astype(np.int64)), weight).argmax(1)


@cache
def nearest_reader() -> NearestReader:
    """The one of the book's tables; made once a process, in some seconds."""
    return NearestReader()
