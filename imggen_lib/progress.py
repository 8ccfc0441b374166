"""Whether a training still gets better: its kernel distance to held-out images, and a rule that does not stop it on noise.

A single number says little: with a few hundred images its interval is wide. Two moments of one training are compared instead, with
the same latents and the same held-out images (:func:`~imggen_lib.metrics.twosample.kernel_difference`), where most of that noise
cancels. A moment is *better* only if the interval of the difference to the best one so far lies below zero, and if the gain is
larger than the standard error of the number itself: a smaller one would not be seen with other pictures of the same kind. Small
gains add up, since the comparison is with the last clear gain and not with the last look. A training may stop when so many images
have brought nothing that is clearly better. Noise can make it longer, but it does not end it while it gains.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from imggen_lib.data import ImageSet
from imggen_lib.metrics.baselines import gaussian_images
from imggen_lib.metrics.distribution import features
from imggen_lib.metrics.intervals import Estimate
from imggen_lib.metrics.novelty import mann_whitney_z, nearest_training
from imggen_lib.metrics.twosample import kernel_difference, kernel_distance
from imggen_lib.noise import generator_for
from imggen_lib.sampling import sample

LEAST = 20  # images: a group of one each for the jackknife
_MOST = 2_000  # real images that are looked at
_STREAM = 9  # of random numbers for baselines and the choice of images; see noise.generator_for


@dataclass
class Judge:
    """Looks at samples through a feature network, beside real images.

    The reference are the held-out images, or with fewer than 100 of these all images: a distance that sees three moments of the
    features does not reward copies much, and an interval from 30 images would say nothing. ``copying_z`` tells of copies, from
    20 held-out images on (:func:`~imggen_lib.metrics.novelty.mann_whitney_z`).
    """

    train: ImageSet
    held: ImageSet | None
    net: nn.Module  # images -> features (n, d)
    n: int = 1000  # samples
    best: Tensor | None = None  # features of the best samples so far
    split: str = field(init=False)
    _known: Tensor = field(init=False, repr=False)
    _held: Tensor = field(init=False, repr=False)
    _reference: Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        held = self.held if self.held is not None and len(self.held) >= LEAST else None
        if held is not None and held.checksum == self.train.checksum:
            held = None
        self.held = held
        self._known = features(self.net, self._some(self.train))
        self._held = self._known[:0] if held is None else features(self.net, self._some(held))
        self.split = "test" if len(self._held) >= 100 else "all"
        self._reference = self._held if self.split == "test" else torch.cat([self._known, self._held])
        if len(self._reference) < LEAST:
            raise ValueError(f"{self.train.name} has {len(self._reference)} images; a kernel distance needs at least {LEAST}")

    def _some(self, images: ImageSet) -> Tensor:
        order = torch.randperm(len(images), generator=generator_for(0, _STREAM))[:_MOST]
        return images.to("cpu").subset(order).floats()

    @property
    def about(self) -> dict[str, Any]:
        """What the numbers are of, and those that need no training: real images, and a Gaussian with their mean and covariance."""
        drawn = gaussian_images(self._some(self.train), self.n, generator_for(0, _STREAM, 1))
        found: dict[str, Any] = {"reference": {"split": self.split, "images": len(self._reference), "held_out": len(self._held)}}
        made = features(self.net, drawn)
        found |= {"samples": self.n, "gaussian": self._numbers(made, kernel_distance(self._reference, made))}
        half = len(self._known) // 2
        pair = (self._held, self._known) if self.split == "test" else (self._known[:half], self._known[half:])
        return found | ({"real": _rounded(kernel_distance(*pair))} if min(map(len, pair)) >= LEAST else {})

    def look(self, model: nn.Module) -> tuple[dict[str, Any], bool]:
        """The numbers of a model as it is now, and whether it is clearly better than the best so far, whose place it then takes."""
        made = features(self.net, sample(model, self.n).cpu())
        distance, better = kernel_distance(self._reference, made), True
        found = self._numbers(made, distance)
        if self.best is not None:
            difference = kernel_difference(self._reference, made, self.best)
            found["to_best"] = _rounded(difference)["kernel_distance"]
            found["to_best_interval"] = _rounded(difference)["interval"]
            better = difference.high < 0 and -difference.value > distance.standard_error
        if better:
            self.best = made
        return found | {"better": better}, better

    def remember(self, model: nn.Module) -> None:
        """Take `model` for the best so far: a training that was interrupted goes on with it."""
        self.best = features(self.net, sample(model, self.n).cpu())

    def _numbers(self, made: Tensor, distance: Estimate) -> dict[str, Any]:
        found = _rounded(distance)
        if self.held is not None:
            near = [nearest_training(self._known, x).distances for x in (self._held, made)]
            found["copying_z"] = float(f"{mann_whitney_z(*near):.3g}")
        return found


def _rounded(found: Estimate) -> dict[str, Any]:
    value, low, high = (float(f"{x:.4g}") for x in (found.value, found.low, found.high))
    return {"kernel_distance": value, "interval": [low, high]}


@dataclass
class Plateau:
    """The rule: stop when `patience` images have been seen since the last look that was clearly better; 0 never stops."""

    patience: int
    best: int = 0  # images seen then

    def ended(self, images: int, better: bool) -> bool:
        """Whether to stop after a look at `images`."""
        if better:
            self.best = images
        return bool(self.patience) and images - self.best >= self.patience
