r"""A network for the mean velocity over a stretch of time, and the generator that takes such stretches: one, or a few.

:math:`u(x, t, r)` is the mean of the velocity along the way from time t to a later time r, so that one evaluation goes all that
way: :math:`x_r = x_t + (r - t)\,u(x_t, t, r)`. Source: Geng et al. 2025, arXiv:2505.13447 (whose time runs the other way).
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from imggen_lib.models.flow import FREQUENCIES, Flow, VectorNet

Points = Float[Tensor, "n *shape"]
Times = Float[Tensor, " n"]
Labels = Int[Tensor, " n"]


class MeanVectorNet(VectorNet):
    """A :class:`~imggen_lib.models.flow.VectorNet` that is also told how far it goes: :math:`r - t`, as waves.

    What it is told starts at zero, so that with a flow's weights it starts as the velocity at t. Without `until` it is that
    velocity.
    """

    def __init__(self, shape: tuple[int, ...], width: int = 256, classes: int = 0, blocks: int = 4) -> None:
        super().__init__(shape, width, classes, blocks)
        last = nn.Linear(width, width)
        self.length = nn.Sequential(nn.Linear(2 * FREQUENCIES, width), nn.SiLU(), last)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, x: Points, t: Times, labels: Labels | None = None, until: Times | None = None) -> Points:
        length = t - t if until is None else until - t
        turns = math.pi * length[:, None] * torch.arange(1, FREQUENCIES + 1, device=t.device, dtype=t.dtype)
        known = self.condition(t, labels) + self.length(torch.cat([turns.cos(), turns.sin()], 1))
        h = self.first(x.flatten(1))
        for block in self.blocks:
            h = block(h, known)
        return self.last(h).view_as(x)


class MeanFlow(Flow):
    """A generator of `steps` equal stretches with the mean velocity of `net`; one evaluation each.

    Images are clipped to [-1, 1] at the end, vectors are not.
    """

    def __init__(self, net: nn.Module, steps: int = 1) -> None:
        super().__init__(net, "euler", steps)

    def sampled_with(self, *, solver: str | None = None, steps: int | None = None, guidance: float | None = None) -> "Flow":
        """The same network with another number of stretches.

        Raises ``ValueError`` for what a mean velocity leaves nobody to choose: a solver, and guidance, which mixes velocities at a
        time and not means of them.
        """
        if solver not in (None, self.solver) or guidance not in (None, self.guidance):
            raise ValueError("a mean flow goes by its mean velocity alone: only its steps can be chosen, no solver and no guidance")
        return super().sampled_with(steps=steps)

    def forward(self, z: Float[Tensor, "n d"], labels: Labels | None = None) -> Points:
        x, ones = self.shaped(z), torch.ones_like(z[:, 0])
        for k in range(self.steps):
            x = x + self.net(x, k / self.steps * ones, labels, (k + 1) / self.steps * ones) / self.steps
        return x.clamp(-1, 1) if len(self.image_shape) == 3 else x
