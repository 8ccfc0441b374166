"""Noise that is a hash of the place, and the generator's three properties: no seam, any order, any tile at the same cost."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from imggen_lib.applications.worlds import generator, noise
from imggen_lib.applications.worlds.generator import RIM, STAGES, TILE, Terrain, Window, plan


def scrambled(h: int) -> int:
    """The hash in Python's own integers."""
    h ^= h >> 16
    h = h * 0x7FEB352D % 2**32
    h ^= h >> 15
    h = h * 0x846CA68B % 2**32
    return h ^ h >> 16


def test_the_hash_is_its_formula_in_whole_numbers() -> None:
    for seed, channel, x, y in ((0, 0, 0, 0), (7, 3, -1, 5), (2**31, 65, 64_000_000, -64_000_000), (1, 2, 2**31 - 1, -(2**31))):
        h = scrambled((seed + 0x9E3779B9) % 2**32)
        for part in (channel, x, y):
            h = scrambled((h + part) % 2**32)
        assert int(noise.hashed(seed, channel, np.array([x]), np.array([y]))[0]) == h
        value = (sum(h.to_bytes(4, "little")) - 510) / (4 * 65535 / 12) ** 0.5
        assert noise.normal(seed, channel, np.array([x]), np.array([y]))[0] == pytest.approx(value, abs=1e-6)


def test_the_hash_is_one_to_one_and_every_bit_matters() -> None:
    some = np.arange(1 << 16, dtype=np.uint32) * np.uint32(65537)
    assert len(np.unique(noise.scramble(some))) == len(some)
    drawn = np.random.default_rng(0).integers(2**32, size=1 << 14, dtype=np.uint32)
    for flipped in range(32):
        changed = noise.scramble(drawn) ^ noise.scramble(drawn ^ np.uint32(1 << flipped))
        shares = [((changed >> np.uint32(bit)) & np.uint32(1)).mean() for bit in range(32)]
        assert max(abs(s - 0.5) for s in shares) < 0.03


def test_noise_is_nearly_normal_and_independent() -> None:
    one, other, next_seed = (noise.field(s, c, -100, 50, 400, 400) for s, c in ((1, 0), (1, 1), (2, 0)))
    error = 4 / 400  # four standard errors of a mean of 160,000
    assert abs(one.mean()) < error and abs(one.var() - 1) < 2 * error and np.abs(one).max() < 3.46
    assert abs((one[:-1] * one[1:]).mean()) < error and abs((one[:, :-1] * one[:, 1:]).mean()) < error
    assert abs((one * other).mean()) < error and abs((one * next_seed).mean()) < error
    assert abs((one[:-1, :-1] * one[1:, :-1] * one[:-1, 1:] * one[1:, 1:]).mean()) < error
    assert abs((one * one.T).mean()) < error  # x and y are not interchangeable
    assert abs(np.mean(np.abs(one) < 1) - 0.683) < 0.02


def test_noise_of_a_place_is_the_same_in_every_window() -> None:
    whole = noise.field(3, 5, -8, -8, 40, 40)
    assert np.array_equal(whole[10:20, 4:30], noise.field(3, 5, -4, 2, 10, 26))
    far = noise.field(3, 5, 2**30, -(2**30), 2, 2)
    assert np.array_equal(far[1:], noise.field(3, 5, 2**30, -(2**30) + 1, 1, 2))
    with pytest.raises(ValueError, match="32 bits"):
        noise.field(0, 0, 2**31 - 1, 0, 1, 2)


def test_fbm_is_seamless_and_its_octaves_halve() -> None:
    land = noise.fbm(4, -50, 20, 80, 120)
    np.testing.assert_array_equal(land[10:30, 60:100], noise.fbm(4, 10, 30, 20, 40))
    assert np.allclose(noise.fbm(4, 0, 0, 5, 5, octaves=1), noise.field(4, 0, 0, 0, 5, 5))
    coarse = noise.fbm(4, 0, 0, 9, 9, octaves=2) - 0.5 * noise.field(4, 1, 0, 0, 9, 9)
    assert np.allclose(coarse[::2, ::2], noise.field(4, 0, 0, 0, 5, 5), atol=1e-6)
    assert np.allclose(coarse[1, ::2], (coarse[0, ::2] + coarse[2, ::2]) / 2, atol=1e-6)


@pytest.fixture(scope="module")
def model() -> Terrain:
    return Terrain(3).eval()


@pytest.mark.parametrize("make", [lambda: Terrain(3).eval(), generator.shipped], ids=["random weights", "shipped"])
def test_no_seam(make: object) -> None:
    """Where two tiles overlap they are equal, bit by bit, whatever the weights."""
    model = make()  # type: ignore[operator]
    for x, y, seed in ((0, 0, 0), (-3, 2, 1), (1_000_000, -1_000_000, 2)):
        here, east, south = (generator.tile(x + a, y + b, seed, model=model) for a, b in ((0, 0), (1, 0), (0, 1)))
        assert np.array_equal(here[:, TILE:], east[:, : 2 * RIM]), "a seam in the east"
        assert np.array_equal(here[TILE:], south[: 2 * RIM]), "a seam in the south"
        assert here.std() > 1e-3 and not np.array_equal(here, east)


def test_the_same_world_in_any_order(model: Terrain) -> None:
    places = [(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)]
    first = {place: generator.tile(*place, 5, model=model) for place in places}
    random.Random(0).shuffle(places)
    assert all(np.array_equal(first[place], generator.tile(*place, 5, model=model)) for place in places)
    assert not np.array_equal(first[0, 0], generator.tile(0, 0, 6, model=model))


def test_every_tile_costs_the_same(model: Terrain) -> None:
    """The noise that is read is as much for tile (10^6, 10^6) as for tile (0, 0), and nothing else is computed."""
    side = TILE + 2 * RIM

    def sizes(tile: int) -> list[int]:
        return [window.size for window in plan(TILE * tile - RIM, side)]

    assert sizes(0) == sizes(10**6) == sizes(-(10**6)) == sizes(17)
    far = generator.tile(10**6, 10**6, model=model)
    assert far.shape == (side, side) and np.isfinite(far).all()


def test_a_large_window_is_its_tiles_up_to_rounding(model: Terrain) -> None:
    whole = generator.heights(model, 9, -5, 3, 150, 133)
    for left, top, height, width in ((-5, 3, 40, 40), (11, 50, 1, 1), (60, 100, 33, 17)):
        part = generator.heights(model, 9, left, top, height, width)
        assert np.abs(part - whole[top - 3 : top - 3 + height, left + 5 : left + 5 + width]).max() < 1e-3
    with pytest.raises(ValueError, match="at least one cell"):
        generator.heights(model, 0, 0, 0, 0, 4)


def test_the_plan_is_what_a_cell_depends_on(model: Terrain) -> None:
    """By autograd: the plan of one cell holds all noise that moves it, and for some weights reaches its outermost sample."""
    rows = plan(6, 1)
    noises = [n.requires_grad_(True) for n in generator.noise_of(0, rows, rows)]
    model(noises, rows, rows).sum().backward()
    wide = plan(0, 16)
    wide_noises = [n.requires_grad_(True) for n in generator.noise_of(0, wide, wide)]
    model(wide_noises, wide, wide)[0, 0, 6, 6].backward()
    for small, large, a, b in zip(noises, wide_noises, rows, wide, strict=True):
        assert small.grad is not None and large.grad is not None
        start = a.start - b.start
        cut = large.grad[:, :, start : start + a.size, start : start + a.size]
        assert torch.allclose(cut, small.grad, atol=1e-7)
        assert large.grad.abs().sum() == pytest.approx(float(cut.abs().sum()), rel=1e-4), "the plan is too small"
    assert noises[-1].grad is not None and (noises[-1].grad[0, 0, 0].abs() > 0).any()


def test_doubling_is_linear_interpolation() -> None:
    x = torch.arange(5.0)[None, None, None] + 10 * torch.arange(4.0)[:, None]
    up = generator.doubled(x)
    assert up.shape == (1, 1, 6, 8)
    assert up[0, 0, 0].tolist() == [2.75, 3.25, 3.75, 4.25, 4.75, 5.25, 5.75, 6.25]
    inner = torch.nn.functional.interpolate(x, scale_factor=2, mode="bilinear")[:, :, 1:-1, 1:-1]
    assert torch.allclose(up, inner)


def test_zero_padding_makes_a_wall() -> None:
    """The shipped weights: with zeros the land bends at a border more than inside, without them it does not."""

    def bends(tiles: list[np.ndarray]) -> float:
        return float(np.mean([np.abs(np.diff(t, 2, axis=1)).mean() for t in tiles]))

    pairs = [[generator.walled_tile(x, y) for x in (0, 1)] for y in range(8)]
    border = bends([np.hstack((left[:, -2:], right[:, :2])) for left, right in pairs])
    assert pairs[0][0].shape == (TILE, TILE) and border > 1.15 * bends([t for pair in pairs for t in pair])
    whole = [generator.tile(0, y) for y in range(8)]
    assert bends([t[:, TILE : TILE + 2 * RIM] for t in whole]) < 1.1 * bends(whole)


def test_weights_are_stored_as_float16(tmp_path: Path, model: Terrain) -> None:
    generator.save(model, tmp_path / "land.safetensors")
    back = generator.load(tmp_path / "land.safetensors")
    for a, b in zip(model.parameters(), back.parameters(), strict=True):
        assert torch.equal(a.half().float(), b) and not b.requires_grad
    assert sum(p.numel() for p in back.parameters()) < 100_000 and len(STAGES) == 6
    assert plan(0, 64)[-1] == Window(-2, 68)
