r"""The Dirac-GAN: the smallest GAN there is, on which one can see which methods settle.

All real data are the number 0. The generator is one number, :math:`\theta`, and generates it. The critic is a line through the
origin with slope :math:`\psi`: it gives the logit :math:`\psi x`. The one equilibrium is :math:`\theta = \psi = 0`.
Losses and penalties are those of :mod:`imggen_lib.losses.gan`, the same functions that train the image models.
Source: Mescheder, Geiger, Nowozin 2018, arXiv:1801.04406, definition 2.1.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.checks import real, whole
from imggen_lib.losses.gan import GanLoss, gradient_penalty, zero_centred_penalty
from imggen_lib.metrics.neighbours import check_features
from imggen_lib.noise import on_cpu

Points = Float[Tensor, "n 2"]


@dataclass(frozen=True)
class Method:
    """A loss with penalties; the weights mean what they mean in :func:`imggen_lib.train.gan.train_gan`."""

    loss: GanLoss
    r1: float = 0.0
    r2: float = 0.0
    gp: float = 0.0


def _losses(method: Method, theta: Tensor, psi: Tensor) -> tuple[Tensor, Tensor]:
    """What the critic and what the generator minimise, each summed over n games that know nothing of each other."""
    n, real = len(theta), torch.zeros_like(theta)
    critic = method.loss.critic(psi * real, psi * theta)
    generator = method.loss.generator(psi * real, psi * theta)

    def line(x: Tensor) -> Tensor:
        return psi * x.flatten()

    x, y = real.view(-1, 1, 1, 1), theta.detach().view(-1, 1, 1, 1)
    if method.r1:
        critic = critic + method.r1 / 2 * zero_centred_penalty(line, x)
    if method.r2:
        critic = critic + method.r2 / 2 * zero_centred_penalty(line, y)
    if method.gp:
        critic = critic + method.gp * gradient_penalty(line, x, y, torch.full_like(theta, 0.5))
    return n * critic, n * generator


def field(method: Method, points: Points) -> Points:
    r"""Where gradient descent of both players moves each point :math:`(\theta, \psi)`: minus their own gradients, side by side."""
    check_features(points, "points")
    with torch.inference_mode(False), torch.enable_grad():
        theta, psi = points.detach().clone().requires_grad_(True).unbind(1)
        critic, generator = _losses(method, theta, psi)
        (d_theta,) = torch.autograd.grad(generator, theta, retain_graph=True)
        (d_psi,) = torch.autograd.grad(critic, psi)
    return -torch.stack([d_theta, d_psi], 1)


@on_cpu
def trajectory(
    method: Method, start: tuple[float, float], steps: int, lr: float = 0.1, *, alternating: bool = False
) -> Float[Tensor, "m 2"]:
    """The points that gradient descent visits, the start included ``(steps + 1, 2)``, float64.

    Both move at once, or, `alternating`, first the critic and then the generator against the new critic, as a training loop does.
    """
    steps, lr = whole(steps, "steps", 0), real(lr, "learning rate")
    at = torch.tensor(start, dtype=torch.float64)
    path = [at]
    for _ in range(steps):
        move = field(method, at[None])[0]
        if alternating:
            moved = torch.stack([at[0], at[1] + lr * move[1]])
            at = torch.stack([at[0] + lr * field(method, moved[None])[0, 0], moved[1]])
        else:
            at = at + lr * move
        path.append(at)
    return torch.stack(path)


@on_cpu
def eigenvalues(method: Method, step: float = 1e-5) -> Tensor:
    """The two eigenvalues of the field's Jacobian at the equilibrium, complex ``(2,)``.

    A negative real part pulls in; real parts of 0 leave the question open. The derivative is a central difference.
    """
    offsets = step * torch.eye(2, dtype=torch.float64)
    columns = (field(method, offsets) - field(method, -offsets)) / (2 * step)
    return torch.linalg.eigvals(columns.T)
