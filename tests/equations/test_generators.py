"""The equations of the chapter on today's generators: enumeration, closed forms, Monte Carlo, long integrations."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal

from imggen_lib.losses.mean_flow import mean_velocity_target
from imggen_lib.metrics.flow_likelihood import log_density
from imggen_lib.models.flow import Flow
from imggen_lib.ode import integrate, trajectory

F64 = torch.float64


def _normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=F64, generator=torch.Generator().manual_seed(seed))


def _law(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, dtype=F64, generator=torch.Generator().manual_seed(seed)).add(0.1)


def test_lat_gain() -> None:
    """By enumeration: four images, five codes, two priors; and the best prior is q(z) itself."""
    q_given = _law(4, 5)
    q_given = q_given / q_given.sum(1, keepdim=True)
    q = q_given.mean(0)  # over the images
    p, other = (row / row.sum() for row in _law(2, 5, seed=1))
    gain = sum(q_given[x, z] * (other[z].log() - p[z].log()) / 4 for x in range(4) for z in range(5))
    hole = (q * (q / p).log()).sum()
    left = hole - (q * (q / other).log()).sum()  # claim
    assert torch.allclose(torch.as_tensor(gain, dtype=F64), left, rtol=1e-10)
    assert abs(left) > 1e-3
    best = (q_given * (q.log() - p.log())).sum() / 4
    assert torch.allclose(best, hole) and left < hole


class _Turning(nn.Module):
    """The velocity A x, whose flow is the matrix exponential."""

    def __init__(self) -> None:
        super().__init__()
        self.image_shape, self.classes = (3,), 0
        self.a = nn.Parameter(torch.tensor([[0.4, 0.9, 0.0], [-0.7, -0.1, 0.2], [0.1, 0.3, 0.5]], dtype=F64))

    def forward(self, x: Any, t: Any, labels: Any = None) -> Any:
        return x @ self.a.T


def test_lat_density() -> None:
    """A linear flow maps the standard normal to a Gaussian whose covariance is known; and the library's integral agrees."""
    net, x_1 = _Turning(), _normal(6, 3)
    a = net.a.detach()
    root = torch.matrix_exp(a)
    truth = MultivariateNormal(torch.zeros(3, dtype=F64), root @ root.T).log_prob(x_1)
    x_0 = x_1 @ torch.matrix_exp(-a).T
    spread = a.trace()  # the divergence, everywhere
    log_n = -0.5 * (x_0.square().sum(1) + 3 * math.log(2 * math.pi))
    log_p = log_n - spread  # claim
    assert torch.allclose(log_p, truth, rtol=1e-8)
    assert torch.allclose(log_density(Flow(net), x_1, steps=200), truth, atol=1e-4)


def test_lat_mixture() -> None:
    """For random densities of five classes at seven codes; with equality in the limit where one class has all."""
    by_class = 5 * _normal(5, 7)
    k = len(by_class)
    mixed = by_class.exp().mean(0).log()
    for told in range(k):
        bound = by_class[told] - math.log(k)  # claim
        assert (mixed >= bound - 1e-12).all()
    one = torch.full((5, 1), -80.0, dtype=F64)
    one[2] = -1.0
    assert torch.allclose(one.exp().mean(0).log(), one[2] - math.log(k), atol=1e-12)


def test_lat_first_step() -> None:
    """Codes at a few points: the best velocity is a mean over lines by Bayes' rule, at a small t and in the limit; and a
    regression."""
    points, share = _normal(4, 2) * 2, torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=F64)
    mean, noise = share @ points, _normal(6, 2, seed=1)

    def best(x: Tensor, t: float) -> Tensor:
        around = (x[:, None] - t * points) / (1 - t)  # the noise that each line through x began at
        weight = (share.log() - 0.5 * around.square().sum(2)).softmax(1)
        return weight @ points - (weight[..., None] * around).sum(1)

    arrives = noise + best(noise, 0.0)
    expected = mean.expand(6, 2)  # claim
    assert torch.allclose(arrives, expected, atol=1e-12)
    assert torch.allclose(noise + best(noise, 1e-6), expected, atol=1e-4)
    eps, which = (
        _normal(200_000, 2, seed=2),
        torch.multinomial(share.expand(200_000, 4), 1, generator=torch.Generator().manual_seed(3)),
    )
    inputs = torch.cat([eps, torch.ones(len(eps), 1, dtype=F64)], 1)
    fitted = torch.linalg.lstsq(inputs, points[which[:, 0]] - eps).solution  # linear in the noise, as the answer is
    assert torch.allclose(fitted[2], mean, atol=0.03) and torch.allclose(fitted[:2], -torch.eye(2, dtype=F64), atol=0.03)


def _bent(x: Tensor, t: float) -> Tensor:
    return torch.sin(2 * x) * (1 + t) - 0.5 * x.flip(1)


def _mean(x: Tensor, t: float, r: float, steps: int = 2000) -> Tensor:
    return (integrate(_bent, x, steps, start=t, end=r) - x) / (r - t)


def test_lat_mean_velocity() -> None:
    """Simpson's rule over the velocity along the way, and one step with it arrives where a long integration does."""
    x, t, r, steps = _normal(5, 2), 0.2, 0.9, 400
    way = trajectory(_bent, x, steps, start=t, end=r)
    along = torch.stack([_bent(at, t + k * (r - t) / steps) for k, at in enumerate(way)])
    weights = torch.tensor([1.0, *[4.0, 2.0] * (steps // 2 - 1), 4.0, 1.0], dtype=F64) * (r - t) / steps / 3
    integral = torch.einsum("k,knd->nd", weights, along)
    u = integral / (r - t)  # claim
    assert torch.allclose(u, _mean(x, t, r), atol=1e-5)
    assert torch.allclose(x + (r - t) * u, way[-1], atol=1e-5)


def test_lat_mean_identity() -> None:
    """The slope of the mean velocity by finite differences, in space along v and in time, for a field that bends."""
    x, t, r, h = _normal(5, 2), 0.3, 0.8, 1e-4
    v, u = _bent(x, t), _mean(x, t, r)
    in_space = (_mean(x + h * v, t, r) - _mean(x - h * v, t, r)) / (2 * h)
    in_time = (_mean(x, t + h, r) - _mean(x, t - h, r)) / (2 * h)
    slope = in_space + in_time  # claim
    right = v + (r - t) * slope  # claim
    assert torch.allclose(u, right, atol=1e-4)
    assert (u - v).abs().max() > 0.05
    times = [torch.full((5,), value, dtype=F64) for value in (t, r)]
    assert torch.allclose(mean_velocity_target(v, slope, *times), right)
