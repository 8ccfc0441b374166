"""A seed an image, a seed a step."""

import pytest
import torch

from imggen_lib.noise import generator_for, latents, mix, slerp


def test_mix_separates_neighbours_and_order() -> None:
    values = {mix(a, b) for a in range(60) for b in range(60)}
    assert len(values) == 3600
    assert all(0 <= v < 2**63 for v in values) and mix(1, 2) != mix(2, 1) != mix(1, 2, 0)
    assert mix(-1) != mix(1) and mix(2**70) == mix(0)  # negative and huge seeds are allowed


def test_mix_is_fixed_for_ever() -> None:
    assert mix(1, 2, 3) == 3851293329796251419
    assert mix(0) == 0xE220A8397B1DCDAF >> 1  # SplitMix64's first output for seed 0


def test_latents_have_one_seed_an_image() -> None:
    whole = latents(range(10), 7)
    assert torch.equal(latents([3], 7)[0], whole[3]) and torch.equal(latents([9, 3], 7), whole[[9, 3]])
    assert latents([], 7).shape == (0, 7)
    many = latents(range(4000), 5)
    assert many.mean().abs() < 0.03 and (many.std() - 1).abs() < 0.02
    assert torch.corrcoef(many.T).fill_diagonal_(0).abs().max() < 0.06


def test_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    latents(range(3), 2)
    torch.randn(2, generator=generator_for(1, 2))
    assert torch.equal(before, torch.get_rng_state())


def test_slerp_keeps_the_norm_and_the_ends() -> None:
    a, b = torch.tensor([[3.0, 0.0]]), torch.tensor([[0.0, 3.0]])
    assert slerp(a, b, 0.5).norm().item() == pytest.approx(3)
    torch.testing.assert_close(slerp(a, b, 0.0), a)
    torch.testing.assert_close(slerp(a, b, 1.0), b)
    torch.testing.assert_close(slerp(a, 2 * a, 0.5), 1.5 * a)  # parallel: a straight line
    assert torch.isfinite(slerp(a, -a, 0.5)).all()
