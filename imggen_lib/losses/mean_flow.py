r"""Mean flow: a loss whose minimum is the mean velocity over a stretch of time, without an integral and without a teacher.

Time runs from noise at 0 to data at 1. Source: Geng et al. 2025, arXiv:2505.13447, with t and r ordered t <= r and time reversed.
"""

import warnings
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.losses.flow import over, same_shape, straight_path

Points = Float[Tensor, "n *shape"]
Times = Float[Tensor, " n"]
Mean = Callable[[Points, Times], Points]  # u(x, t) for an r that stays


def mean_velocity_target(velocity: Points, slope: Points, t: Times, until: Times) -> Points:
    r"""What the mean velocity from t to r must be, from the velocity at t and its own slope along the way.

    .. math:: u = v + (r - t)\,\frac{du}{dt}, \qquad \frac{du}{dt} = v \cdot \nabla_x u + \partial_t u

    For r = t it is v: the loss is then plain flow matching.
    """
    same_shape(velocity, slope)
    return velocity + over(until - t, velocity) * slope


def mean_flow_loss(mean: Mean, data: Points, noise: Points, t: Times, until: Times) -> Float[Tensor, " n"]:
    r"""The squared error of :math:`u(x_t, t, r)` against :func:`mean_velocity_target`, a mean over each row's numbers: ``(n,)``.

    `mean` is u for the given `until`. The target is held fixed; its slope is a derivative in one direction
    (``torch.func.jvp``), which costs about one more pass. As in flow matching the velocity of a single line, x - noise, stands
    for the mean one, so 0 cannot be reached.
    """
    same_shape(data, noise)
    if not bool((over(t, data) <= over(until, data)).all()):
        raise ValueError("a stretch of time begins before it ends: t must not be above r")
    velocity = data - noise
    with warnings.catch_warnings():  # PyTorch compiles its rules for this once, by a way that it has deprecated itself
        warnings.filterwarnings("ignore", "`torch.jit.script`")
        found, slope = torch.func.jvp(mean, (straight_path(data, noise, t), t), (velocity, torch.ones_like(t)))[:2]
    target = mean_velocity_target(velocity, slope, t, until).detach()
    return (found - target).square().unsqueeze(-1).flatten(1).mean(1)
