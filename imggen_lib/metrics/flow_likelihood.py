r"""The exact density of a flow, and what it is worth as the prior of a VAE, in nats.

A flow moves a standard normal along an ordinary differential equation; the density of where it ends follows from how the flow
spreads what it carries. Source: Chen et al. 2018, arXiv:1806.07366; the trace by random probes: Grathwohl et al. 2019,
arXiv:1810.01367.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from imggen_lib.checks import check_labels, tensor, whole
from imggen_lib.models.flow import Flow
from imggen_lib.models.latent_flow import LatentFlow, standard_normal
from imggen_lib.noise import generator_for
from imggen_lib.ode import Velocity, integrate

Points = Float[Tensor, "n d"]
PerPoint = Float[Tensor, " n"]
Labels = Int[Tensor, " n"]
Probes = Float[Tensor, "k n d"]
Divergence = Callable[[Velocity, Points, float], tuple[Points, PerPoint]]  # the velocity at (x, t), and its divergence there
_STREAM = 13  # of random numbers for the probes; see noise.generator_for


def divergence(velocity: Velocity, x: Points, t: float, probes: Probes | None = None) -> tuple[Points, PerPoint]:
    r"""The velocity at (x, t), and the trace of its Jacobian there: how fast what is carried spreads.

    .. math:: \nabla \cdot v = \sum_i \frac{\partial v_i}{\partial x_i} = E\left[p^\top J\, p\right]

    Exact without `probes`, at d passes back; with probes of independent signs (mean 0, variance 1) a mean over them, right on
    average.
    """
    with torch.enable_grad():
        x = x.detach().requires_grad_(True)
        v = velocity(x, t) + 0 * x  # of a velocity that is the same everywhere, too, there is a derivative
        if probes is None:
            unit = torch.eye(x.shape[1]).to(x)[:, None].expand(-1, *x.shape)
            rows = torch.autograd.grad(v, x, unit, is_grads_batched=True)[0]  # (d, n, d)
            return v.detach(), torch.einsum("ini->n", rows)
        rows = torch.autograd.grad(v, x, probes, is_grads_batched=True)[0]
    return v.detach(), (rows * probes).sum(2).mean(0)


def random_signs(x: Points, count: int, noise: torch.Generator) -> Probes:
    """So many probes for each point, every entry -1 or 1 with the same probability."""
    return (torch.randint(2, (whole(count, "probes", 1), *x.shape), generator=noise) * 2 - 1).to(x)


def log_prob(velocity: Velocity, x: Points, steps: int = 50, *, solver: str = "midpoint", by: Divergence = divergence) -> PerPoint:
    r"""The log-density in nats of what a velocity makes of standard normal noise: back to the noise, counting the growth.

    .. math:: \log p_1(x_1) = \log N(x_0; 0, I) - \int_0^1 \nabla\cdot v(x_t, t)\, dt

    Raises ``ValueError`` for points that are no floats ``(n, d)``. Source: Chen et al. 2018, arXiv:1806.07366, theorem 1.
    """
    if tensor(x, "points").ndim != 2 or not x.is_floating_point():
        raise ValueError(f"a density is one of points, floats (n, d); got {x.dtype} of the shape {tuple(x.shape)}")

    def with_growth(y: Tensor, t: float) -> Tensor:
        v, growth = by(velocity, y[:, :-1], t)
        return torch.cat([v, growth[:, None]], 1)

    start = torch.cat([x, x.new_zeros(len(x), 1)], 1)
    with torch.no_grad():
        y = integrate(with_growth, start, steps, solver=solver, start=1.0, end=0.0)
    return standard_normal(y[:, :-1]) + y[:, -1]  # what has grown from 1 to 0, so with the other sign


def log_density(
    flow: Flow,
    x: Float[Tensor, "n *shape"],
    labels: Labels | None = None,
    *,
    steps: int = 24,
    probes: int | None = None,
    seed: int = 0,
) -> PerPoint:
    r"""log p(x) of a flow in nats, of vectors or of images: :func:`log_prob` of its velocity.

    With `probes` the divergence is estimated with so many random signs, the same along the whole way. Error: that of the solver,
    see it by doubling `steps`, and that of the probes. Without labels, for a flow with classes, it is the density of the flow that
    is told no class.

    Raises ``ValueError`` for a guidance other than 1, since guided velocities have no density that is known, for points of another
    shape than the flow's, and for labels that no class has.
    """
    if flow.guidance != 1:
        raise ValueError(f"a density needs the flow itself: guidance is {flow.guidance:g}, and must be 1")
    if tuple(tensor(x, "points").shape[1:]) != flow.image_shape:
        raise ValueError(f"this flow makes points of shape (n, {', '.join(map(str, flow.image_shape))}), got {tuple(x.shape)}")
    if labels is not None:
        if not flow.classes:
            raise ValueError("labels were given, but this flow is not class-conditional")
        labels = check_labels(labels, len(x), flow.classes).to(x.device)
    signs = None if probes is None else random_signs(x.flatten(1), probes, generator_for(seed, _STREAM))

    def velocity(at: Points, t: float) -> Points:
        return flow.velocity(at.view(-1, *flow.image_shape), t, labels).flatten(1)

    return log_prob(velocity, x.flatten(1), steps, by=lambda v, at, t: divergence(v, at, t, signs))


def prior_log_density(
    model: LatentFlow, codes: Points, labels: Labels | None = None, *, steps: int = 24, probes: int | None = 2, seed: int = 0
) -> PerPoint:
    r"""log p(z) of codes under the flow as the VAE's prior, in nats; without labels, for a model with classes, their mixture.

    Raises ``ValueError`` as :func:`log_density` does.

    .. math:: \log p(z) = \log p_1\!\left(\frac{z - c}{s}\right) - \sum_j \log s_j, \qquad p(z) = \frac1K \sum_{k=1}^K p(z \mid k)
    """
    x, stretched = model.scaled(codes), model.spread.log().sum()
    if labels is not None or not model.classes:
        return log_density(model.flow, x, labels, steps=steps, probes=probes, seed=seed) - stretched
    told = [torch.full((len(x),), c, device=x.device) for c in range(model.classes)]
    every = [log_density(model.flow, x, y, steps=steps, probes=probes, seed=seed) for y in told]
    return torch.logsumexp(torch.stack(every), 0) - math.log(model.classes) - stretched
