"""Two ways to a point in one step: reflow, on pairs that a trained flow makes, and the mean velocity, which needs none."""

import copy
import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imggen_lib.checks import check_values, real, whole
from imggen_lib.noise import generator_for, on_cpu
from imggen_lib.ode import integrate
from imggen_lib.theory.plane.parts import Points, lower, network, taught
from imggen_lib.theory.plane.steps import Velocity

Times = Float[Tensor, "n 1"]


def along(velocity: Velocity, x: Points, t: float) -> Points:
    """A trained velocity at one time for all points, :meth:`Velocity.at`."""
    return velocity.at(x, t)


@on_cpu
def pairs_of(velocity: Velocity, n: int, *, steps: int = 20, seed: int = 0) -> tuple[Points, Points]:
    """`n` draws of noise, and where the flow takes each in `steps` steps of Heun."""
    noise = torch.randn(whole(n, "n", 1), 2, generator=generator_for(seed, 2))
    with torch.no_grad():
        return noise, integrate(velocity.at, noise, steps, solver="heun")


@on_cpu
def reflow(velocity: Velocity, noise: Points, made: Points, *, steps: int = 1500, seed: int = 0) -> Velocity:
    r"""A velocity that is trained on the lines between the ends of another one's paths.

    .. math:: \min_v\; E\left\lVert v\big((1-t)\,\varepsilon + t\,\hat x,\; t\big) - (\hat x - \varepsilon) \right\rVert^2,
        \qquad \hat x = \text{where the flow takes } \varepsilon

    The pairs (`noise`, `made`) are those of :func:`pairs_of`; it starts from the first one's weights.
    Source: Liu et al. 2023, arXiv:2209.03003, algorithm 1.
    """
    if noise.shape != made.shape or noise.ndim != 2 or noise.shape[1] != 2 or len(noise) < 2:
        raise ValueError(f"noise and what was made of it are pairs of points (n, 2), got {tuple(noise.shape)}, {tuple(made.shape)}")
    check_values(made.flatten(), "points")
    second = copy.deepcopy(velocity).requires_grad_(True)

    def loss(pairs: Tensor, draws: torch.Generator) -> Tensor:
        start, end = pairs.split(2, 1)
        t = torch.rand(len(pairs), 1, generator=draws)
        error: Tensor = second((1 - t) * start + t * end, t) - (end - start)
        return error.square().sum(1).mean()

    lower(second, loss, torch.cat([noise, made], 1), whole(steps, "steps", 1), seed=seed)
    return second


@on_cpu
class MeanVelocity(nn.Module):
    r"""A network that says the mean velocity from time s to time r, so that one step is exact: :math:`x_r = x_s + (r - s)\,U`.

    .. math:: U(x_s, s, r) = v(x_s, s) + (r - s)\, \frac{d}{ds} U(x_s, s, r)

    is what it is trained to fulfil, with the direction :math:`x - \varepsilon` in the place of v, and the derivative along it, by
    the difference of two values, held fixed. In `plain` of the batch r = s, which is plain flow matching.
    Source: Geng et al. 2025, arXiv:2505.13447 (whose time runs the other way).
    """

    def __init__(self, plain: float = 0.75, width: float = 0.005) -> None:
        super().__init__()
        self.net = network(6, 2)
        self.plain, self.width = real(plain, "plain", 0, 1), real(width, "width", 1e-4, 0.1)

    def forward(self, x: Points, s: Times, r: Times) -> Points:
        angles = math.pi * torch.cat([s, r], 1)
        u: Tensor = self.net(torch.cat([x, angles.cos(), angles.sin()], 1))
        return u

    def loss(self, data: Points, noise: torch.Generator) -> Float[Tensor, ""]:
        """Mean squared difference of the identity's two sides."""
        start, ends = torch.randn(data.shape, generator=noise), torch.rand(len(data), 2, generator=noise)
        plain = torch.rand(len(data), 1, generator=noise) < self.plain
        s, r = ends.amin(1, keepdim=True), ends.amax(1, keepdim=True)
        r = torch.where(plain, s, r)
        x, u, h = (1 - s) * start + s * data, data - start, self.width
        with torch.no_grad():
            rate = (self(x + h * u, s + h, r) - self(x - h * u, s - h, r)) / (2 * h)
        return (self(x, s, r) - (u + (r - s) * rate)).square().sum(1).mean()

    def sample(self, n: int, noise: torch.Generator, steps: int = 1) -> Points:
        x = torch.randn(n, 2, generator=noise)
        return self.carry(x, steps)

    def carry(self, x: Points, steps: int = 1) -> Points:
        """Where noise goes, in `steps` equal steps."""
        h = 1 / whole(steps, "steps", 1)
        for k in range(steps):
            x = x + h * self(x, x.new_full((len(x), 1), k * h), x.new_full((len(x), 1), (k + 1) * h))
        return x


@on_cpu
def learn_mean_velocity(x: Points, *, steps: int = 3000, seed: int = 0) -> MeanVelocity:
    """Teach a network mean velocities, without a flow that was trained before."""
    return taught(MeanVelocity, MeanVelocity.loss, x, steps, seed)
