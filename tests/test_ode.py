"""Three solvers against an equation with a known answer, and against SciPy."""

import math
from typing import Any

import pytest
import torch
from scipy.integrate import solve_ivp
from torch import Tensor

from imggen_lib.ode import evaluations, integrate, trajectory


def growing(x: Tensor, t: float) -> Tensor:
    """x' = x cos(t): x(t) = x(0) exp(sin t)."""
    return x * math.cos(t)


@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("midpoint", 2), ("heun", 2)])
def test_the_error_falls_with_the_order(solver: str, order: int) -> None:
    x = torch.tensor([[1.0], [-2.0]], dtype=torch.float64)
    exact = x * math.exp(math.sin(1.0))
    errors = [(integrate(growing, x, steps, solver=solver) - exact).abs().max().item() for steps in (64, 128)]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.05)


@pytest.mark.parametrize("solver", ["euler", "midpoint", "heun"])
def test_one_step_by_hand_and_the_way_back(solver: str) -> None:
    def velocity(x: Tensor, t: float) -> Tensor:
        return 2 * x + t

    x, h = torch.tensor([[1.0]], dtype=torch.float64), 0.5
    first = 2.0 + 0.25  # at t = 0.25
    by_hand = {
        "euler": 1 + h * first,
        "midpoint": 1 + h * (2 * (1 + h / 2 * first) + 0.5),
        "heun": 1 + h / 2 * (first + 2 * (1 + h * first) + 0.75),
    }
    assert integrate(velocity, x, 1, solver=solver, start=0.25, end=0.75).item() == pytest.approx(by_hand[solver], abs=1e-12)
    there = integrate(growing, x, 400, solver=solver)
    again = integrate(growing, there, 400, solver=solver, start=1.0, end=0.0)
    assert again.item() == pytest.approx(1, abs=5e-3)


def test_a_trajectory_ends_where_integrate_does_and_scipy_agrees() -> None:
    def turning(x: Tensor, t: float) -> Tensor:
        return torch.stack([-x[:, 1] + t, x[:, 0]], 1)

    x = torch.tensor([[1.0, 0.0], [0.5, -1.0]], dtype=torch.float64)
    path = trajectory(turning, x, 200, solver="heun")
    assert path.shape == (201, 2, 2) and torch.equal(path[0], x)
    assert torch.equal(path[-1], integrate(turning, x, 200, solver="heun"))
    for row in range(2):
        oracle = solve_ivp(lambda t, p: [-p[1] + t, p[0]], (0, 1), x[row].numpy(), rtol=1e-10, atol=1e-12).y[:, -1]
        assert abs(path[-1, row].numpy() - oracle).max() < 1e-4


def test_what_cannot_be_followed_is_refused() -> None:
    assert evaluations("euler", 8) == 8 and evaluations("heun", 8) == evaluations("midpoint", 8) == 16
    x = torch.zeros(1, 1)
    with pytest.raises(ValueError, match="Did you mean 'heun'"):
        integrate(growing, x, 2, solver="huen")
    with pytest.raises(ValueError, match="steps must be at least 1"):
        trajectory(growing, x, 0)
    with pytest.raises(ValueError, match="end must be a finite number"):
        integrate(growing, x, 2, end=float("inf"))


@pytest.mark.usefixtures("as_readers_call")
@pytest.mark.parametrize("follow", [integrate, trajectory])
def test_a_velocity_that_does_not_fit_its_points_is_refused(follow: Any) -> None:
    """Spread over the points, it would give a plausible answer to another question."""
    x = torch.ones(3, 2)
    for wrong, told in ((torch.ones(2), r"\(2,\)"), (x[:1], r"\(1, 2\)"), (torch.ones(5, 3, 2), r"\(5, 3, 2\)")):
        with pytest.raises(ValueError, match=rf"has the shape of its points, \(3, 2\), got {told}"):
            follow(lambda x, t, wrong=wrong: wrong, x, 2)
    for wrong in (1.0, None):
        with pytest.raises(ValueError, match="the velocity must be a tensor"):
            follow(lambda x, t, wrong=wrong: wrong, x, 2)
    with pytest.raises(ValueError, match="the points must be a tensor"):
        follow(growing, [1.0], 2)
    with pytest.raises(ValueError, match=r"points that move are floats, got torch\.int64"):
        follow(growing, torch.ones(3, 2, dtype=torch.long), 2)
    with pytest.raises(ValueError, match="unknown solver"):
        follow(growing, x, 2, solver=["euler"])


def test_gradients_flow_through() -> None:
    x = torch.tensor([[1.0]], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(integrate(growing, x, 100).sum(), x)
    assert slope.item() == pytest.approx(math.exp(math.sin(1.0)), abs=1e-3)
