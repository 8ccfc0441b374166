"""How a generator trains without an encoder and without an opponent: Generative Latent Optimization."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imggen_lib.data import ImageSet
from imggen_lib.losses.image import lap1
from imggen_lib.machine import evaluating
from imggen_lib.models.latent import Codebook, to_ball
from imggen_lib.train.state import Record, Schedule, adam, check_finite, checked, constant, set_lr

Distance = Callable[[Tensor, Tensor], Tensor]  # two sets of images (n, c, h, w) -> a number per image (n,)


@dataclass
class GloState:
    """A generator and a table of latents in training, each with its optimiser."""

    generator: nn.Module
    codebook: Codebook
    generator_optimizer: torch.optim.Adam
    code_optimizer: torch.optim.SparseAdam
    images: int = 0
    steps: int = 0

    @classmethod
    def create(cls, generator: nn.Module, codebook: Codebook, *, lr: float = 1.5e-3, code_lr: float = 2e-2) -> "GloState":
        """A fresh state. A latent is looked at once a pass, the weights in every step: so latents take larger steps."""
        optimizer = torch.optim.SparseAdam(list(codebook.parameters()), lr=code_lr)
        return cls(generator, codebook, adam(generator.parameters(), lr, (0.9, 0.999)), optimizer)

    def modules(self) -> dict[str, nn.Module]:
        return {"generator": self.generator, "codebook": self.codebook}


def numbered(data: ImageSet) -> ImageSet:
    """The same images, each a class of its own: so a batch's labels say which rows of the table belong to it."""
    return replace(data, labels=torch.arange(len(data), device=data.images.device), classes=tuple(map(str, range(len(data)))))


def train_glo(
    state: GloState,
    batches: Iterable[tuple[Tensor, Tensor]],
    *,
    distance: Distance = lap1,
    lr_schedule: Schedule = constant,  # a factor on both learning rates, as a function of the images seen
) -> Iterator[Record]:
    r"""Minimise the reconstruction error over the generator's weights *and* the latents; yield a record a step.

    .. math:: \min_{g} \frac1n \sum_i \min_{\lVert z_i \rVert \le 1} d\left(g(z_i), x_i\right)

    `batches` gives ``(images, numbers)``, see :func:`numbered`. A record holds ``images`` (seen so far) and, detached, ``loss``
    (the mean distance an image). Raises :class:`~imggen_lib.errors.TrainingDiverged` when it is not finite.
    Source: Bojanowski et al. 2018, arXiv:1707.05776.
    """
    generator = state.generator.train()
    for x, index in checked(batches, generator, classes=len(state.codebook.z)):
        loss = distance(generator(state.codebook(index)), x).mean()
        for optimizer in (state.generator_optimizer, state.code_optimizer):
            set_lr(optimizer, lr_schedule(state.images))
        state.generator_optimizer.zero_grad()
        state.code_optimizer.zero_grad()
        loss.backward()
        state.generator_optimizer.step()
        state.code_optimizer.step()
        state.codebook.project(index)

        state.images += len(x)
        state.steps += 1
        record: Record = {"images": state.images, "loss": loss.detach()}
        yield check_finite(record, state.steps)


def find_latents(
    generator: nn.Module,
    x: Float[Tensor, "n c h w"],
    start: Float[Tensor, "n z"],
    *,
    distance: Distance = lap1,
    steps: int = 100,
    lr: float = 3e-2,
) -> Float[Tensor, "n z"]:
    """The latents in the unit ball whose images are nearest to `x`, the generator being fixed: how new images are encoded.

    Adam on the latents alone, from `start`; the rate falls to zero linearly. The generator is left as it was.
    """
    if len(x) != len(start):
        raise ValueError(f"{len(x)} images but {len(start)} latents to start from")
    z = start.detach().clone().requires_grad_(True)
    optimizer = torch.optim.Adam([z], lr=lr)
    with evaluating(generator):
        for step in range(steps):
            (gradient,) = torch.autograd.grad(distance(generator(z), x).sum(), z)
            z.grad = gradient
            set_lr(optimizer, 1 - step / steps)
            optimizer.step()
            with torch.no_grad():
                z.copy_(to_ball(z))
    return z.detach()
