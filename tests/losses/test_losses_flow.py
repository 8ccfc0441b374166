"""Paths, the loss of flow matching, times and guidance against closed forms."""

import inspect
from typing import Any

import pytest
import torch

from imggen_lib.losses.flow import TIMES, flow_matching_loss, logit_normal_times, straight_path, uniform_times
from imggen_lib.models.flow import guided


def _noise(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_straight_path_goes_from_noise_to_data_at_a_constant_velocity() -> None:
    data, eps = torch.randn(2, 5, 1, 4, 4, generator=_noise(), dtype=torch.float64)
    t = torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0], dtype=torch.float64)
    at = straight_path(data, eps, t)
    assert torch.equal(at[0], eps[0]) and torch.allclose(at[4], data[4])
    assert torch.allclose(at[1], 0.75 * eps[1] + 0.25 * data[1])
    later = straight_path(data, eps, t + 0.01)
    assert torch.allclose((later - at) / 0.01, data - eps)


def test_the_loss_is_a_mean_over_the_numbers_of_a_row_and_zero_at_the_velocity() -> None:
    data, eps = torch.randn(2, 3, 1, 2, 2, generator=_noise())
    assert torch.equal(flow_matching_loss(data - eps, data, eps), torch.zeros(3))
    wrong = data - eps + torch.tensor([1.0, 2.0, 0.0]).view(3, 1, 1, 1)
    torch.testing.assert_close(flow_matching_loss(wrong, data, eps), torch.tensor([1.0, 4.0, 0.0]))
    with pytest.raises(ValueError, match="have one shape"):
        inspect.unwrap(flow_matching_loss)(data[:1], data, eps)  # without the types that tests check at every call
    with pytest.raises(ValueError, match="have one shape"):
        inspect.unwrap(straight_path)(data[:1], eps, torch.zeros(1))


def test_the_best_answer_is_the_mean_velocity_and_the_rest_its_variance() -> None:
    """Data N(m, s^2), one dimension: at t the best velocity is linear in x, and the loss left is the conditional variance."""
    n, mean, spread, t = 400_000, 1.5, 0.5, 0.6
    eps = torch.randn(n, 1, generator=_noise(1), dtype=torch.float64)
    data = mean + spread * torch.randn(n, 1, generator=_noise(2), dtype=torch.float64)
    x = straight_path(data, eps, torch.full((n,), t, dtype=torch.float64))
    variance = (1 - t) ** 2 + (t * spread) ** 2
    slope = (t * spread**2 - (1 - t)) / variance
    best = mean + slope * (x - t * mean)
    left = 1 + spread**2 - slope**2 * variance
    assert flow_matching_loss(best, data, eps).mean().item() == pytest.approx(left, rel=0.01)
    assert flow_matching_loss(best + 0.1, data, eps).mean().item() == pytest.approx(left + 0.01, rel=0.01)


def test_times_have_their_distributions() -> None:
    uniform, middle = uniform_times(50_000, _noise()), logit_normal_times(50_000, _noise())
    assert uniform.min() >= 0 and uniform.max() < 1 and uniform.mean().item() == pytest.approx(0.5, abs=0.01)
    assert uniform.var().item() == pytest.approx(1 / 12, abs=2e-3)
    logits = torch.logit(middle.double())
    assert logits.mean().item() == pytest.approx(0, abs=0.02) and logits.std().item() == pytest.approx(1, abs=0.02)
    moved = torch.logit(logit_normal_times(50_000, _noise(), mean=1.0, deviation=0.5).double())
    assert moved.mean().item() == pytest.approx(1, abs=0.02) and moved.std().item() == pytest.approx(0.5, abs=0.02)
    with pytest.raises(ValueError, match="deviation must be at least 0"):
        logit_normal_times(3, _noise(), deviation=-1.0)


def test_guidance_extrapolates() -> None:
    with_class, without = torch.randn(2, 3, 4, generator=_noise())
    assert torch.equal(guided(with_class, without, 0.0), without)
    torch.testing.assert_close(guided(with_class, without, 1.0), with_class)
    torch.testing.assert_close(guided(with_class, without, 3.0), 3 * with_class - 2 * without)
    with pytest.raises(ValueError, match="finite"):
        guided(with_class, without, float("nan"))


@pytest.mark.usefixtures("as_readers_call")
def test_each_row_has_its_time_and_a_row_may_be_one_number() -> None:
    x = torch.ones(3)
    assert torch.equal(flow_matching_loss(2 * x, x, 0 * x), x) and torch.equal(straight_path(x, 0 * x, x / 2), x / 2)
    for t in (torch.tensor(0.5), torch.rand(2), torch.rand(3, 1)):
        with pytest.raises(ValueError, match="3 points need 3 times, one for each"):
            straight_path(x, x, t)
    with pytest.raises(ValueError, match="the times must be a tensor"):
        straight_path(x, x, 0.5)  # type: ignore[arg-type]


@pytest.mark.usefixtures("as_readers_call")
@pytest.mark.parametrize("draw", TIMES.values(), ids=TIMES)
def test_times_are_drawn_for_a_whole_number_of_rows(draw: Any) -> None:
    noise = torch.Generator().manual_seed(0)
    assert draw(0, noise).shape == (0,)
    for n in (-1, 1.5, "3"):
        with pytest.raises(ValueError, match="n must be"):
            draw(n, noise)
