r"""Flows along straight lines from standard normal noise to a mixture of Gaussians, exactly; and what any velocity tells.

Noise is at t = 0, data at t = 1, and :math:`x_t = (1-t)\,\varepsilon + t\,x`. For a mixture the velocity, the score and the density
at every time are formulas, so that solvers, likelihoods, guidance and trained networks can be compared with the truth.
Sources: Lipman et al. 2023, arXiv:2210.02747; Liu et al. 2023, arXiv:2209.03003; Albergo and Vanden-Eijnden 2023, arXiv:2209.15571.
"""

import math
from dataclasses import dataclass, replace

import torch

from imggen_lib.checks import real, whole
from imggen_lib.metrics.flow_likelihood import Divergence, PerPoint, Points, divergence, log_prob, random_signs
from imggen_lib.noise import on_cpu
from imggen_lib.ode import Velocity, trajectory
from imggen_lib.theory.mixture import Mixture

__all__ = [
    "StraightFlow",
    "divergence",
    "hutchinson",
    "log_prob",
    "score_from_velocity",
    "stochastic",
    "straight_time",
    "straightness",
]


@on_cpu
@dataclass(frozen=True)
class StraightFlow:
    """The flow from N(0, I) to the mixture `data` along straight lines, with everything known about it."""

    data: Mixture

    def at(self, t: float) -> Mixture:
        r"""The distribution of :math:`x_t`: centres :math:`t\,m_k`, variances :math:`(1-t)^2 + t^2 \lambda_k` along each axis."""
        t = _time(t)
        return replace(self.data, means=t * self.data.means, values=(1 - t) ** 2 + t**2 * self.data.values)

    def velocity(self, x: Points, t: float) -> Points:
        r"""The mean direction :math:`E[x - \varepsilon \mid x_t]`, each component's weighted by how probably the point is its own.

        .. math:: v(x, t) = \sum_k r_k(x, t)\left(m_k + V_k G_k V_k^T\, (x - t\,m_k)\right), \qquad
            G_k = \operatorname{diag}\left(\frac{t \lambda_k - (1-t)}{(1-t)^2 + t^2 \lambda_k}\right)
        """
        now, data = self.at(t), self.data
        turned = torch.einsum("kde,nkd->nke", data.vectors, x[:, None] - now.means)
        gain = (t * data.values - (1 - t)) / now.values
        each = data.means + torch.einsum("kde,nke->nkd", data.vectors, gain * turned)
        return torch.einsum("nk,nkd->nd", now.log_joint(x).softmax(1), each)

    def log_prob(self, x: Points, t: float = 1.0) -> PerPoint:
        """The exact log-density of :math:`x_t`, in nats."""
        return self.at(t).log_prob(x)

    def score(self, x: Points, t: float) -> Points:
        r"""The gradient of the exact log-density, :math:`\nabla_x \log p_t(x)`."""
        return self.at(t).score(x)


def _time(t: float) -> float:
    t = real(t, "t")
    if not -1e-9 <= t <= 1 + 1e-9:  # a sum of steps may miss the end by rounding
        raise ValueError(f"times run from 0, noise, to 1, data; got {t}")
    return min(max(t, 0.0), 1.0)


def score_from_velocity(x: Points, v: Points, t: float) -> Points:
    r"""The score that a velocity along straight lines implies, for t below 1.

    .. math:: \nabla \log p_t(x) = \frac{t\, v(x, t) - x}{1 - t}
    """
    t = _time(t)
    if t == 1:
        raise ValueError("at t = 1 the velocity says nothing about the score: no noise is left")
    return (t * v - x) / (1 - t)


def straight_time(keep: float) -> float:
    r"""When the straight path is as noisy as a diffusion's that has kept the share `keep` of the variance.

    .. math:: t = \frac{\sqrt{\bar\alpha}}{\sqrt{\bar\alpha} + \sqrt{1 - \bar\alpha}}

    The point is then that of the diffusion, divided by the denominator.
    """
    signal, noise = math.sqrt(real(keep, "keep", 0, 1)), math.sqrt(1 - keep)
    return signal / (signal + noise)


def hutchinson(noise: torch.Generator, probes: int = 1) -> Divergence:
    r"""The divergence by random signs z, one pass back for each of `probes`, whatever the number of dimensions.

    .. math:: \nabla\cdot v = E\left[z^T \frac{\partial v}{\partial x}\, z\right], \qquad z_j = \pm 1

    The signs are drawn anew at each call. Source: Hutchinson 1990; for flows Grathwohl et al. 2019, arXiv:1810.01367.
    """
    probes = whole(probes, "probes", 1)
    return lambda velocity, x, t: divergence(velocity, x, t, random_signs(x, probes, noise))


def straightness(velocity: Velocity, noise: Points, steps: int = 100, *, solver: str = "heun") -> float:
    r"""How far the flow's paths are from straight lines at constant speed; 0 if one step of Euler is exact.

    .. math:: \int_0^1 E\left\lVert (x_1 - x_0) - v(x_t, t) \right\rVert^2 dt

    by the trapezoid rule at the steps of the solver. Source: Liu et al. 2023, arXiv:2209.03003, equation 5.
    """
    with torch.no_grad():
        path = trajectory(velocity, noise, steps, solver=solver)
        whole_way = path[-1] - path[0]
        bent = [(whole_way - velocity(x, k / steps)).square().sum(1).mean() for k, x in enumerate(path)]
    return float(torch.trapezoid(torch.stack(bent), dx=1 / steps))


def stochastic(velocity: Velocity, x: Points, steps: int, strength: float, noise: torch.Generator, *, end: float = 0.99) -> Points:
    r"""From noise to data with fresh noise on the way, by Euler and Maruyama: the distribution at each time stays the flow's.

    .. math:: dx = \left(v + \tfrac12 \sigma^2\, \nabla \log p_t\right) dt + \sigma\, dW, \qquad \sigma^2 = 2 g\,(1 - t)

    with g = `strength`; 0 is the flow itself. The score is read off the velocity. From `end` to 1 one step without noise.
    Source: Song et al. 2021, arXiv:2011.13456, section 4.3; Albergo et al. 2023, arXiv:2303.08797.
    """
    steps, strength, end = whole(steps, "steps", 1), real(strength, "strength", 0), real(end, "end", 0, 1)
    h = end / steps
    for k in range(steps):
        t = k * h
        v = velocity(x, t)
        sigma2 = 2 * strength * (1 - t)
        fresh = torch.randn(x.shape, generator=noise, dtype=x.dtype).to(x.device)
        x = x + h * (v + 0.5 * sigma2 * score_from_velocity(x, v, t)) + math.sqrt(h * sigma2) * fresh
    return x + (1 - end) * velocity(x, end)
