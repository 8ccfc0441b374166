"""Two methods that go from noise to a point in many small steps: a denoiser and flow matching."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imggen_lib.metrics import flow_likelihood
from imggen_lib.noise import on_cpu
from imggen_lib.ode import integrate
from imggen_lib.theory.mixture import diffuse_back, keep_schedule
from imggen_lib.theory.plane.parts import PerPoint, Points, network, taught


@on_cpu
class Denoiser(nn.Module):
    r"""A network that sees a noisy point and how noisy it is, and says what it was before, on average.

    It is trained on :math:`x_t = \sqrt{a}\,x_0 + \sqrt{1-a}\,\varepsilon` with a squared error, whose best answer is the mean
    :math:`E[x_0 \mid x_t]`. The network's output N is put together with the point, :math:`\sqrt{a}\,x_t + \sqrt{1-a}\,N`: with
    little noise the point itself is nearly right. Sources: Ho et al. 2020, arXiv:2006.11239; the way back: Song et al. 2021,
    arXiv:2010.02502.
    """

    def __init__(self) -> None:
        super().__init__()
        self.net = network(4, 2)

    def forward(self, x: Points, keep: Float[Tensor, "n 1"]) -> Points:
        signal, noise = keep.sqrt(), (1 - keep).sqrt()
        return signal * x + noise * self.net(torch.cat([x, signal, noise], 1))

    def loss(self, clean: Points, noise: torch.Generator) -> Float[Tensor, ""]:
        """Mean squared error of the network's output, at a random time for each point."""
        keep = keep_schedule(0.005 + 0.99 * torch.rand(len(clean), generator=noise))[:, None]
        eps = torch.randn(clean.shape, generator=noise)
        noisy = keep.sqrt() * clean + (1 - keep).sqrt() * eps
        error = (self(noisy, keep) - clean) / (1 - keep).sqrt()  # in units of what is not known
        return error.square().sum(1).mean()

    def denoised(self, x: Points, keep: float) -> Points:
        """What a noisy point was before, on average: the learned counterpart of ``Mixture.denoised``."""
        return self(x, x.new_full((len(x), 1), keep))

    def sample(self, n: int, noise: torch.Generator) -> Points:
        times = torch.linspace(0.99, 0.01, 99)
        return diffuse_back(self, torch.randn(n, 2, generator=noise), times)[-1]


@on_cpu
def learn_denoiser(x: Points, *, steps: int = 3000, seed: int = 0) -> Denoiser:
    """Teach a network to take noise away."""
    return taught(Denoiser, Denoiser.loss, x, steps, seed)


@on_cpu
class Velocity(nn.Module):
    r"""Flow matching: a network that says in which direction a point moves at time t, from noise at 0 to data at 1.

    .. math:: \min_v\; E\left\lVert v(x_t, t) - (x_1 - x_0) \right\rVert^2, \qquad
        x_t = (1-t)\, x_0 + t\, x_1, \quad x_0 \sim N(0, I)

    A point of the data is drawn by following :math:`dx/dt = v(x, t)` from noise. Source: Lipman et al. 2023, arXiv:2210.02747.
    """

    def __init__(self) -> None:
        super().__init__()
        self.net = network(4, 2)

    def forward(self, x: Points, t: Float[Tensor, "n 1"]) -> Points:
        v: Tensor = self.net(torch.cat([x, (math.pi * t).cos(), (math.pi * t).sin()], 1))
        return v

    def loss(self, data: Points, noise: torch.Generator) -> Float[Tensor, ""]:
        """Mean squared error of the direction, at a random time for each point."""
        start, t = torch.randn(data.shape, generator=noise), torch.rand(len(data), 1, generator=noise)
        return (self((1 - t) * start + t * data, t) - (data - start)).square().sum(1).mean()

    def at(self, x: Points, t: float) -> Points:
        """The direction at one time for all points, as the solvers of :mod:`imggen_lib.ode` ask for it."""
        v: Tensor = self(x, x.new_full((len(x), 1), t))
        return v

    def log_prob(self, x: Points, steps: int = 50) -> PerPoint:
        r"""Log-density in nats: back to the noise in `steps` steps, :math:`\log N(x_0; 0, I) - \int \nabla\cdot v\, dt`."""
        return flow_likelihood.log_prob(self.at, x, steps)

    def sample(self, n: int, noise: torch.Generator, steps: int = 50) -> Points:
        return integrate(self.at, torch.randn(n, 2, generator=noise), steps, solver="midpoint")


@on_cpu
def learn_velocity(x: Points, *, steps: int = 3000, seed: int = 0) -> Velocity:
    """Teach a network the direction from noise to data."""
    return taught(Velocity, Velocity.loss, x, steps, seed)
