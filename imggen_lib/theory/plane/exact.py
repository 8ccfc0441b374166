"""Two methods that know how probable a point is: a coupling flow and an autoregressive model."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import log_softmax, logsigmoid

from imggen_lib.noise import on_cpu
from imggen_lib.theory.plane.parts import PerPoint, Points, network, taught

Logistics = tuple[Tensor, Tensor, Tensor]  # log-weights, centres, logarithms of the scales, each (n, k)


@on_cpu
class CouplingFlow(nn.Module):
    r"""An invertible function of noise: each layer moves one coordinate by an affine map that the other coordinate says.

    .. math:: x_b = z_b\, e^{s(z_a)} + t(z_a), \quad x_a = z_a, \qquad \log\left|\det\frac{\partial x}{\partial z}\right| = s(z_a)

    with a and b changing places from layer to layer; s and t are networks that need not be invertible, s between -2 and 2.
    Source: Dinh et al. 2017, arXiv:1605.08803, equations 7 and 8.
    """

    def __init__(self, layers: int = 8) -> None:
        super().__init__()
        self.nets = nn.ModuleList(network(1, 2, width=32, layers=2, bend=nn.SiLU) for _ in range(layers))

    def _move(self, k: int, point: Points) -> tuple[PerPoint, PerPoint]:
        """Layer k's s and t."""
        s, t = self.nets[k](point[:, k % 2, None]).T
        return 2 * torch.tanh(s / 2), t

    def forward(self, z: Points) -> tuple[Points, PerPoint]:
        """From noise to a point, with the logarithm of the determinant."""
        log_det = z.new_zeros(len(z))
        for k in range(len(self.nets)):
            s, t = self._move(k, z)
            moved = z[:, 1 - k % 2] * s.exp() + t
            z = torch.stack([z[:, 0], moved] if k % 2 == 0 else [moved, z[:, 1]], 1)
            log_det = log_det + s
        return z, log_det

    def inverse(self, x: Points) -> tuple[Points, PerPoint]:
        """From a point back to its noise, with the logarithm of the determinant of the way *to* the point."""
        log_det = x.new_zeros(len(x))
        for k in reversed(range(len(self.nets))):
            s, t = self._move(k, x)
            moved = (x[:, 1 - k % 2] - t) * (-s).exp()
            x = torch.stack([x[:, 0], moved] if k % 2 == 0 else [moved, x[:, 1]], 1)
            log_det = log_det + s
        return x, log_det

    def log_prob(self, x: Points) -> PerPoint:
        """Log-density in nats, by the change of variables."""
        z, log_det = self.inverse(x)
        return -0.5 * z.square().sum(1) - math.log(2 * math.pi) - log_det

    def sample(self, n: int, noise: torch.Generator) -> Points:
        x: Tensor = self(torch.randn(n, 2, generator=noise))[0]
        return x


@on_cpu
def learn_flow(x: Points, *, steps: int = 1500, seed: int = 0) -> CouplingFlow:
    """Maximum likelihood of a coupling flow."""
    return taught(CouplingFlow, lambda flow, batch, _: -flow.log_prob(batch).mean(), x, steps, seed)


def logistics_log_prob(x: PerPoint, parts: Logistics) -> PerPoint:
    r"""Log-density of a mixture of logistic distributions: :math:`\log \sum_k w_k\, \sigma(u_k)\, \sigma(-u_k) / s_k`, where

    :math:`u_k = (x - m_k) / s_k` and :math:`\sigma` is the logistic function.
    """
    log_w, centre, log_s = parts
    u = (x[:, None] - centre) * (-log_s).exp()
    return torch.logsumexp(log_w + logsigmoid(u) + logsigmoid(-u) - log_s, 1)


@on_cpu
def logistics_sample(parts: Logistics, noise: torch.Generator) -> PerPoint:
    """One draw from each row's mixture: first a component, then the inverse of its distribution function at a uniform number."""
    log_w, centre, log_s = parts
    which = torch.multinomial(log_w.exp(), 1, generator=noise)
    u = torch.rand(len(log_w), 1, generator=noise).clamp(1e-6, 1 - 1e-6)
    return (centre.gather(1, which) + log_s.gather(1, which).exp() * torch.logit(u))[:, 0]


@on_cpu
class Autoregressive(nn.Module):
    r"""First one coordinate, then the other given the first: :math:`\log p(x) = \log p(x_1) + \log p(x_2 \mid x_1)`.

    Both are mixtures of logistic distributions, as for pixels in Salimans et al. 2017, arXiv:1701.05517; the first has numbers
    of its own, those of the second come from a network that sees the first coordinate.
    """

    def __init__(self, components: int = 10) -> None:
        super().__init__()
        even = torch.linspace(-2, 2, components)
        self.first = nn.Parameter(torch.stack([torch.zeros(components), even, torch.full((components,), -1.5)])[None])
        self.second = network(1, 3 * components, width=64, layers=2, bend=nn.SiLU)
        last = self.second[-1]
        assert isinstance(last, nn.Linear)
        last.bias = nn.Parameter(self.first.detach().flatten().clone())  # centres apart, so that each finds work of its own

    def _parts(self, x_1: Float[Tensor, " n"] | None, n: int) -> Logistics:
        raw = self.first.expand(n, -1, -1) if x_1 is None else self.second(x_1[:, None]).view(n, 3, -1)
        return log_softmax(raw[:, 0], 1), raw[:, 1], raw[:, 2].clamp(min=-5)

    def log_prob(self, x: Points) -> PerPoint:
        """Log-density in nats, by the chain rule."""
        first = logistics_log_prob(x[:, 0], self._parts(None, len(x)))
        return first + logistics_log_prob(x[:, 1], self._parts(x[:, 0], len(x)))

    def sample(self, n: int, noise: torch.Generator) -> Points:
        x_1 = logistics_sample(self._parts(None, n), noise)
        return torch.stack([x_1, logistics_sample(self._parts(x_1, n), noise)], 1)


@on_cpu
def learn_autoregressive(x: Points, *, steps: int = 1500, seed: int = 0) -> Autoregressive:
    """Maximum likelihood of an autoregressive model."""
    return taught(Autoregressive, lambda model, batch, _: -model.log_prob(batch).mean(), x, steps, seed)
