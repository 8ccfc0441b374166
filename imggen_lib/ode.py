r"""Following a velocity through time: three solvers of an ordinary differential equation, each a line or three.

.. math:: \frac{dx}{dt} = v(x, t)

A step has the length h and starts at (x, t). Euler follows the direction at its start; the midpoint rule the one in its middle, as
far as half an Euler step tells it; Heun the mean of the directions at both ends. The error at the end falls with h for Euler and
with h^2 for the other two, which evaluate v twice a step.
Source: Hairer, Norsett, Wanner, "Solving Ordinary Differential Equations I", 2nd ed., Springer 1993, chapter II.
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.checks import real, tensor, whole
from imggen_lib.errors import unknown_name

Points = Float[Tensor, "n *shape"]
Velocity = Callable[[Points, float], Points]  # v(x, t) at one time for all rows
Step = Callable[[Velocity, Points, float, float], Points]


def euler(velocity: Velocity, x: Points, t: float, h: float) -> Points:
    r""":math:`x + h\,v(x, t)`; one evaluation, order 1."""
    return x + h * velocity(x, t)


def midpoint(velocity: Velocity, x: Points, t: float, h: float) -> Points:
    r""":math:`x + h\,v\left(x + \tfrac h2 v(x, t),\; t + \tfrac h2\right)`; two evaluations, order 2."""
    return x + h * velocity(x + h / 2 * velocity(x, t), t + h / 2)


def heun(velocity: Velocity, x: Points, t: float, h: float) -> Points:
    r""":math:`x + \tfrac h2\left(v(x, t) + v(x + h\,v(x, t),\; t + h)\right)`; two evaluations, order 2."""
    first = velocity(x, t)
    return x + h / 2 * (first + velocity(x + h * first, t + h))


SOLVERS: dict[str, Step] = {"euler": euler, "midpoint": midpoint, "heun": heun}


def solver_step(name: str) -> Step:
    """The step of the solver of that name. Raises ``ValueError`` for a name that none has."""
    if not isinstance(name, str) or name not in SOLVERS:
        raise ValueError(unknown_name("solver", str(name), SOLVERS))
    return SOLVERS[name]


def evaluations(solver: str, steps: int) -> int:
    """How often `steps` steps ask for the velocity: once a step by Euler, twice by the others."""
    solver_step(solver)
    return whole(steps, "steps", 1) * (1 if solver == "euler" else 2)


def _fitting(velocity: Callable[..., Any], x: Any) -> Velocity:
    """The velocity, looked at: what has another shape than its points would spread over them, and give other points."""
    if not tensor(x, "points").is_floating_point():
        raise ValueError(f"points that move are floats, got {x.dtype}")

    def at(y: Tensor, t: float) -> Tensor:
        v = tensor(velocity(y, t), "velocity")
        if v.shape != y.shape:
            raise ValueError(f"a velocity has the shape of its points, {tuple(y.shape)}, got {tuple(v.shape)}")
        return v

    return at


def trajectory(
    velocity: Velocity, x: Points, steps: int, *, solver: str = "heun", start: float = 0.0, end: float = 1.0
) -> Float[Tensor, "m n *shape"]:
    """The points at `start`, after each of `steps` equal steps, and so at `end`: ``(steps + 1, n, ...)``.

    Time may run backwards, from a later `start` to an earlier `end`. Raises ``ValueError`` for a velocity of another shape than its
    points.
    """
    step, steps, velocity = solver_step(solver), whole(steps, "steps", 1), _fitting(velocity, x)
    start, h = real(start, "start"), (real(end, "end") - real(start, "start")) / steps
    path = [x]
    for k in range(steps):
        path.append(step(velocity, path[-1], start + k * h, h))
    return torch.stack(path)


def integrate(velocity: Velocity, x: Points, steps: int, *, solver: str = "heun", start: float = 0.0, end: float = 1.0) -> Points:
    """Where the points `x`, given at the time `start`, are at the time `end`: `steps` equal steps of the solver.

    The last point of :func:`trajectory`. Gradients flow through it; call it under ``torch.no_grad`` where none are wanted.
    """
    step, steps, velocity = solver_step(solver), whole(steps, "steps", 1), _fitting(velocity, x)
    start, h = real(start, "start"), (real(end, "end") - real(start, "start")) / steps
    for k in range(steps):
        x = step(velocity, x, start + k * h, h)
    return x
