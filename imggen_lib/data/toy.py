r"""Two-dimensional data on which one can see everything: a ring of Gaussians.

Points are "images" of shape ``(2, 1, 1)``, so that the same networks and the same training loops take them.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.checks import real, whole
from imggen_lib.noise import generator_for, on_cpu

_STREAM = 5  # of random numbers; see noise.generator_for


@on_cpu
@dataclass(frozen=True)
class Ring:
    """`modes` equal Gaussians of standard deviation `sigma` on a circle of radius `radius`, inside [-1, 1]."""

    modes: int = 8
    radius: float = 0.75
    sigma: float = 0.02
    image_shape: tuple[int, int, int] = (2, 1, 1)

    def __post_init__(self) -> None:
        object.__setattr__(self, "modes", whole(self.modes, "modes"))
        for name in ("radius", "sigma"):
            object.__setattr__(self, name, real(getattr(self, name), name))
        if self.modes < 1 or not 0 < self.sigma < self.radius or self.radius + 3 * self.sigma > 1:
            raise ValueError(f"a ring needs modes >= 1 and 0 < sigma < radius, with radius + 3 sigma <= 1; this is {self}")

    @property
    def centres(self) -> Float[Tensor, "k 2"]:
        angles = 2 * math.pi * torch.arange(self.modes, dtype=torch.float32) / self.modes
        return self.radius * torch.stack([angles.cos(), angles.sin()], 1)

    def sample(self, n: int, generator: torch.Generator) -> tuple[Float[Tensor, "n 2 1 1"], Tensor]:
        """`n` points and the number of the mode that each came from."""
        which = torch.randint(self.modes, (n,), generator=generator)
        points = self.centres[which] + self.sigma * torch.randn(n, 2, generator=generator, dtype=torch.float32)
        return points.view(n, 2, 1, 1), which

    def batches(self, batch: int, *, images: int, seed: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Fresh points until `images` have been given out; the same for the same seed."""
        batch, images = whole(batch, "batch", 1), whole(images, "images", 0)
        for start in range(0, images, batch):
            yield self.sample(min(batch, images - start), generator_for(seed, _STREAM, start))
