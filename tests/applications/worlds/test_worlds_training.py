"""The training of the generator of land: its parts, and that a few steps get it nearer."""

import numpy as np
import pytest
import torch

from imggen_lib.applications.worlds import measures, training
from imggen_lib.applications.worlds.generator import Terrain, heights
from imggen_lib.data.elevation import west_and_east


def batch(size: int = 64, count: int = 4) -> torch.Tensor:
    return training.real_batch([west_and_east()[0]], size, count, torch.Generator().manual_seed(0))


def test_standing_water_is_the_depth_that_filling_finds() -> None:
    land = torch.randn(2, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    depth = np.stack([measures.filled(h) - h for h in land[:, 0].double().numpy()]) * 100
    assert training.standing_water(land).item() == pytest.approx(np.log1p(depth).mean(), rel=1e-4)
    ramp = torch.arange(16.0).expand(1, 1, 16, 16)
    assert training.standing_water(ramp).item() == 0


def test_a_step_down_the_gradient_lets_water_out() -> None:
    land = torch.randn(1, 1, 24, 24, generator=torch.Generator().manual_seed(2)).requires_grad_(True)
    before = training.standing_water(land)
    before.backward()
    assert land.grad is not None
    after = training.standing_water(land.detach() - 0.02 * land.grad)
    assert after < before


def test_real_windows_are_real() -> None:
    land = batch(32, 3)
    assert land.shape == (3, 1, 32, 32) and land.mean((2, 3)).abs().max() < 1e-4
    assert measures.likeness(land[1, 0].double().numpy(), [west_and_east()[0]]) > 0.999


def test_distances_are_zero_for_the_same_and_one_for_a_shift_by_one_deviation() -> None:
    x = torch.randn(5000, generator=torch.Generator().manual_seed(3))
    assert training.distance(x, x).item() == 0
    assert training.distance(x + x.std(), x).item() == pytest.approx(1, rel=0.05)


def test_log_power_sees_a_preferred_direction() -> None:
    wave = torch.cos(torch.arange(64.0) * 2 * torch.pi * 8 / 64).expand(1, 1, 64, 64)
    bands = training.log_power(wave).reshape(-1, 4)
    turned = training.log_power(wave.transpose(2, 3)).reshape(-1, 4)
    assert bands[8 - 2].argmax() == 0 and turned[8 - 2].argmax() == 2
    assert training.quarters(torch.zeros(2, 1, 128, 128)).shape == (8, 1, 64, 64)


def test_skewness_has_the_sign_of_the_measure() -> None:
    land = batch()
    assert training.skewness(land)[0] < 0
    assert torch.allclose(training.skewness(-land), -training.skewness(land), atol=1e-4)


def test_the_critic_sees_no_absolute_height() -> None:
    critic, land = training.Critic(0), batch()
    logits = critic(land)
    assert logits.shape == (4,) and torch.allclose(critic(land + 7), logits, atol=1e-3)
    assert not torch.allclose(critic(land * 2), logits, atol=1e-3)


@pytest.mark.parametrize("critics", [0.0, 0.1])
def test_a_few_steps_of_training(critics: float) -> None:
    model = Terrain(0)
    wild = heights(model, 0, 0, 0, 64, 64).std()
    weights = training.Weights(critics=critics)
    records = list(training.train(model, 24, batch=2, size=80, weights=weights))
    assert len(records) == 12 and records[-1]["images"] == 24
    assert all(np.isfinite(v) for k, v in records[-1].items() if k != "average") and ("critics" in records[0]) == bool(critics)
    average = records[-1]["average"]
    assert isinstance(average, Terrain) and heights(average, 0, 0, 0, 64, 64).std() != wild
    again = list(training.train(Terrain(0), 4, batch=2, size=80, weights=weights))
    assert again[1]["generator water"] == records[1]["generator water"]


def test_windows_that_are_too_small_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 64 cells"):
        next(training.train(Terrain(0), 8, size=64, weights=training.Weights(critics=0.1)))
