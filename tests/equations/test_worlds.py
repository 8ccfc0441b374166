"""The equations of the chapter on worlds."""

import heapq
import itertools

import numpy as np
import pytest
import torch
from scipy.optimize import brentq

from imggen_lib.applications.worlds import generator, measures, rivals, training
from imggen_lib.applications.worlds.generator import UNIT, Terrain, plan


def test_worlds_fill() -> None:
    """Against all simple ways on a small grid, listed one by one, and against the library's reconstruction."""
    land = np.random.default_rng(0).permutation(16).astype(float).reshape(4, 4)
    land[1, 1], land[2, 2] = -5.0, -3.0

    def ways(way: list[tuple[int, int]]) -> list[float]:
        i, j = way[-1]
        if i in (0, 3) or j in (0, 3):
            return [max(land[c] for c in way)]  # claim
        near = [(i + a, j + b) for a, b in rivals.AROUND]
        return [m for c in near if c not in way for m in ways([*way, c])]

    full = measures.filled(land)
    for c in itertools.product(range(4), repeat=2):
        assert full[c] == min(ways([c]))  # claim
    assert (full > land).any() and heapq.nsmallest(1, land.ravel().tolist())[0] == -5


def test_worlds_mirror() -> None:
    """Hollows and hills of a Gaussian field are equally common, its curvature is not skewed; of a squared field, both fail."""
    west = measures.patches(
        rivals.matched_field(np.random.default_rng(1).standard_normal((4, 32, 32)), 1, np.random.default_rng(2))[0], 32
    )
    rng = np.random.default_rng(3)
    base = np.cumsum(np.cumsum(rng.standard_normal((4, 32, 32)), 1), 2)
    fields = rivals.matched_field(base, 200, rng)
    pairs = np.array([[measures.hollows(h).mean(), measures.hollows(-h).mean()] for h in fields])  # claim
    difference = pairs[:, 0] - pairs[:, 1]
    assert abs(difference.mean()) < 3 * difference.std() / 200**0.5 and pairs.mean() > 0.005
    skews = np.array([measures.curvature_skew(h) for h in fields])
    assert abs(skews.mean()) < 3 * skews.std() / 200**0.5
    bent = np.array([measures.hollows(h**2).mean() - measures.hollows(-(h**2)).mean() for h in fields])
    assert abs(bent.mean()) > 5 * bent.std() / 200**0.5 and west.shape[0] == 1


@pytest.mark.parametrize(("start", "size"), [(0, 64), (-2, 68), (7, 1), (-13, 30)])
def test_worlds_halo(start: int, size: int) -> None:
    """The formula against the plan, and the plan against which samples autograd says matter."""
    a, b = start - 1, start + size + 1  # the last convolution
    expected = []
    for k in (stage[2] for stage in reversed(generator.STAGES)):
        a, b = a - k, b + k  # claim
        expected.append((a, b - a))
        a, b = a // 2, (b - 1) // 2 + 2  # claim
    assert [tuple(w) for w in plan(start, size)] == expected[::-1]
    model = Terrain(0)
    with torch.no_grad():
        for p in model.parameters():
            p.abs_()  # positive weights: everything that is read counts
        model.last.bias.zero_()
    windows = plan(start, size)
    noises = [n.abs().requires_grad_(True) for n in generator.noise_of(0, windows, windows)]
    model(noises, windows, windows).sum().backward()
    for noise in noises:
        assert noise.grad is not None
        used = noise.grad[0, 0].abs() > 0
        spare = 1 if noise is not noises[-1] else 0  # a doubled map may begin or end one cell before what is needed
        rows = torch.where(used.any(1))[0]
        assert rows[0] <= spare and rows[-1] >= len(used) - 1 - spare


def test_worlds_sill() -> None:
    """Against finite differences of the filled surface, cell by cell."""
    rng = np.random.default_rng(5)
    land = rng.standard_normal((7, 7))
    land[3, 3] = -6.0
    depth = (measures.filled(land) - land)[3, 3]
    sill = np.argmin(np.abs(land - measures.filled(land)[3, 3]))
    step = 1e-6
    for cell in range(49):
        moved = land.copy().ravel()
        moved[cell] += step
        moved = moved.reshape(7, 7)
        slope = ((measures.filled(moved) - moved)[3, 3] - depth) / step
        expected = -1.0 if cell == 24 else 1.0 if cell == sill else 0.0  # claim
        assert slope == pytest.approx(expected, abs=1e-4)
    heights = torch.from_numpy(land)[None, None].float().requires_grad_(True)
    training.standing_water(heights).backward()
    deep = (measures.filled(land) - land).ravel() * UNIT
    assert heights.grad is not None
    pull = heights.grad.flatten()[24].item() * 49
    assert pull == pytest.approx(-UNIT / (1 + deep[24]), rel=1e-3)
    assert heights.grad.sum().item() == pytest.approx(0, abs=1e-3)


def test_worlds_river() -> None:
    """Every way down of a real flood is no longer than the relief over the least fall, and one is as long."""
    rng = np.random.default_rng(6)
    land, tilt = rng.uniform(0, 10, (20, 20)), 0.05
    filled, to, _ = rivals.flood(land, tilt)
    longest = 0
    for cell in range(400):
        steps, here = 0, cell
        while to.ravel()[here] != here:
            here, steps = int(to.ravel()[here]), steps + 1
        longest = max(longest, steps)
        assert steps <= (filled.max() - filled.min()) / tilt + 1e-9  # claim
    stairs = np.arange(0, 5, tilt)
    assert longest > 3 and len(stairs) - 1 == pytest.approx((stairs.max() - stairs.min()) / tilt)  # claim


def test_worlds_erosion() -> None:
    """The implicit equation, solved by a root finder; and the limit of small steps is the law itself."""
    h, below, strength, area, dx = 35.0, 12.0, 0.4, 7.0, 2.0
    f = strength * area**0.5 / dx  # claim
    new = (h + f * below) / (1 + f)  # claim
    assert new == pytest.approx(brentq(lambda y: y - h + strength * area**0.5 * (y - below) / dx, below, h))
    small = 1e-6
    slow = (h + small * f * below) / (1 + small * f)
    assert (slow - h) / small == pytest.approx(-strength * area**0.5 * (h - below) / dx, rel=1e-4)
