"""The equations of the chapter on advertising."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.special import beta
from scipy.stats import norm

from imggen_lib.applications.campaign.halftone import dot_area, halftone, radii
from imggen_lib.applications.campaign.palette import contrast
from imggen_lib.metrics.experiments import evidence, impressions_needed, race


def test_ads_dot() -> None:
    """Against counting: a grid of points in the square, of which the share inside the disc is the area."""
    side = (np.arange(1500) + 0.5) / 1500 - 0.5
    distance = np.hypot(side, side[:, None])
    for r in (0.1, 0.3, 0.45, 0.52, 0.56, 0.6, 0.65, 0.69):
        area = math.pi * r**2  # claim
        if r > 0.5:
            area = math.pi * r**2 - 4 * r**2 * math.acos(1 / (2 * r)) + 2 * math.sqrt(r**2 - 1 / 4)  # claim
        assert (distance < r).mean() == pytest.approx(area, abs=4e-4)
        assert dot_area(r) == pytest.approx(area, abs=1e-12)
    for level in (1, 60, 128, 200, 230, 250):
        assert dot_area(radii()[level]) == pytest.approx(level / 255, abs=1e-9)
        flat = halftone(np.full((8, 8), level / 255), 240, 240, (-240, -240, 720, 720), 8.0)
        assert flat.mean() == pytest.approx(level / 255, abs=0.003)


def test_ads_contrast() -> None:
    """Against the formula of WCAG 2.2 written out for channels, over random colours."""

    def linear(value: int) -> float:
        c = value / 255
        return c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4

    drawn = np.random.default_rng(1).integers(0, 256, (200, 2, 3)).tolist()
    for a, b in drawn:
        low, high = sorted(0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(blue) for r, g, blue in (a, b))
        ratio = (high + 0.05) / (low + 0.05)  # claim
        assert contrast(tuple(a), tuple(b)) == pytest.approx(ratio, rel=2e-3)
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)


def test_ads_reach() -> None:
    """By search: the ground on which black and white do worst still lets one of them reach the root of 21, and no ground more."""
    best = [max(contrast((g, g, g), (0, 0, 0)), contrast((g, g, g), (255, 255, 255))) for g in range(256)]
    bound = math.sqrt(21)  # claim
    assert bound <= min(best) < bound * 1.01
    colours = np.random.default_rng(2).integers(0, 256, (300, 3)).tolist()
    for c in map(tuple, colours):
        product = contrast(c, (0, 0, 0)) * contrast(c, (255, 255, 255))
        assert product == pytest.approx(bound**2, rel=1e-6)


def test_ads_sample() -> None:
    """Against binomial experiments: with so many impressions four of five tests find the lift."""
    p, q = 0.02, 0.025
    n = (norm.ppf(0.975) + norm.ppf(0.8)) ** 2 * (p * (1 - p) + q * (1 - q)) / (q - p) ** 2  # claim
    assert impressions_needed(p, 0.25) == math.ceil(n)
    a, b = np.random.default_rng(0).binomial(math.ceil(n), [p, q], (20_000, 2)).T / math.ceil(n)
    z = (b - a) / np.sqrt((a * (1 - a) + b * (1 - b)) / n)
    assert (np.abs(z) > norm.ppf(0.975)).mean() == pytest.approx(0.8, abs=0.012)


def test_ads_evidence() -> None:
    """Against quadrature over the bias of a stake that doubles at fair odds."""
    k = 7.0
    for s, f in ((0, 0), (3, 1), (10, 4), (2, 12)):
        capital = 2 ** (s + f) * beta(k + s, k + f) / beta(k, k)  # claim
        stake, _ = quad(lambda t, s=s, f=f: (2 * t) ** s * (2 * (1 - t)) ** f * (t * (1 - t)) ** (k - 1) / beta(k, k), 0, 1)
        assert capital == pytest.approx(stake, rel=1e-8)
        assert evidence(torch.tensor(s), torch.tensor(f), k).exp().item() == pytest.approx(capital, rel=1e-9)


def test_ads_ville() -> None:
    """By exact enumeration over all games of 60 fair tosses: how probable it is that the capital ever reaches 1/alpha."""
    for alpha, k in ((0.05, 2.0), (0.2, 1.0), (0.2, 20.0)):
        inside, reached = {(0, 0): 1.0}, 0.0
        for _ in range(60):
            after: dict[tuple[int, int], float] = {}
            for (s, f), probability in inside.items():
                for state in ((s + 1, f), (s, f + 1)):
                    capital = math.exp(evidence(torch.tensor(state[0]), torch.tensor(state[1]), k).item())
                    if capital >= 1 / alpha:
                        reached += probability / 2
                    else:
                        after[state] = after.get(state, 0.0) + probability / 2
            inside = after
        bound = alpha  # claim
        assert 0.1 * bound < reached <= bound


def test_ads_lost() -> None:
    """Against counted clicks: the mean of clicks in worlds with known rates, less what the best arm would have had."""
    rates = np.tile([0.2, 0.5, 0.3], (2000, 1))
    made = race(rates, 300, "uniform")
    n, p = np.array([100, 100, 100]), rates[0]
    lost = (n * (p.max() - p)).sum()  # claim
    assert made.lost == pytest.approx(np.full(2000, lost))
    clicked = np.random.default_rng(0).binomial(n, p, (20_000, 3)).sum(1).mean()
    assert 300 * 0.5 - clicked == pytest.approx(lost, abs=0.3)
