"""The loss of mean flow: zero for the exact mean velocity, plain flow matching where the stretch has no length."""

import pytest
import torch

from imggen_lib.losses.flow import flow_matching_loss, straight_path
from imggen_lib.losses.mean_flow import mean_flow_loss, mean_velocity_target


def _normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_it_is_zero_for_the_exact_mean_velocity() -> None:
    """All data at one point c: then x - noise is the velocity (c - x) / (1 - t), straight, and its mean is itself."""
    noise, t = _normal(6, 3), torch.rand(6, dtype=torch.float64) * 0.5
    c, until = torch.full((6, 3), 2.0, dtype=torch.float64), torch.full((6,), 0.9, dtype=torch.float64)
    loss = mean_flow_loss(lambda x, t: (2 - x) / (1 - t)[:, None], c, noise, t, until)
    assert loss.abs().max() < 1e-20
    wrong = mean_flow_loss(lambda x, t: (2.1 - x) / (1 - t)[:, None], c, noise, t, until)
    assert wrong.min() > 1e-5


def test_without_length_it_is_flow_matching() -> None:
    data, noise, t = _normal(5, 4), _normal(5, 4, seed=1), torch.rand(5, dtype=torch.float64)

    def mean(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return torch.sin(x) * (1 + t)[:, None]

    plain = flow_matching_loss(mean(straight_path(data, noise, t), t), data, noise)
    assert torch.allclose(mean_flow_loss(mean, data, noise, t, t), plain)
    assert not torch.allclose(mean_flow_loss(mean, data, noise, t, t + 0.1), plain)


def test_the_slope_is_that_along_the_way_and_no_gradient_goes_through_it() -> None:
    """Against a finite difference along (v, 1); the gradient is that of a plain regression on the target as a number."""
    data, noise = _normal(4, 3), _normal(4, 3, seed=1)
    t, until = torch.full((4,), 0.3, dtype=torch.float64), torch.full((4,), 0.8, dtype=torch.float64)
    weight = torch.tensor(1.3, dtype=torch.float64, requires_grad=True)

    def mean(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return torch.tanh(weight * x) * torch.exp(t)[:, None]

    x, v, h = straight_path(data, noise, t), data - noise, 1e-5
    with torch.no_grad():
        slope = (mean(x + h * v, t + h) - mean(x - h * v, t - h)) / (2 * h)
        target = mean_velocity_target(v, slope, t, until)
    mean_flow_loss(mean, data, noise, t, until).sum().backward()
    found, weight.grad = weight.grad, None
    (mean(x, t) - target).square().mean(1).sum().backward()
    assert found is not None and weight.grad is not None and torch.allclose(found, weight.grad, rtol=1e-6)


def test_time_runs_forwards() -> None:
    with pytest.raises(ValueError, match="t must not be above r"):
        mean_flow_loss(lambda x, t: x, _normal(2, 3), _normal(2, 3), torch.tensor([0.5, 0.6]), torch.tensor([0.6, 0.5]))


@pytest.mark.usefixtures("as_readers_call")
def test_shapes_that_do_not_fit_are_told_before_they_spread() -> None:
    x, t, one = _normal(2, 3), torch.zeros(2), torch.ones(2)
    for data, noise, early, late, message in (
        (x, x[:1], t, one, "have one shape"),
        (x, x, t[:1], one, "2 points need 2 times"),
        (x, x, t, one[:1], "2 points need 2 times"),
    ):
        with pytest.raises(ValueError, match=message):
            mean_flow_loss(lambda x, t: x, data, noise, early, late)
    with pytest.raises(ValueError, match="have one shape"):
        mean_flow_loss(lambda x, t: x[:1], x, x, t, one)
    with pytest.raises(ValueError, match="have one shape"):
        mean_velocity_target(x, x[:1], t, one)
