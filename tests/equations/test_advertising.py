"""The equations of the chapter on advertising."""

import math

import numpy as np
import pytest

from imggen_lib.applications.campaign.halftone import dot_area, halftone, radii
from imggen_lib.applications.campaign.palette import contrast


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
