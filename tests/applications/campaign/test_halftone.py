"""Dots: their area is the grey value, nothing lies outside, the picture turns with the angle, enlarging stays in the range."""

import numpy as np
import pytest

from imggen_lib.applications.campaign import halftone as h


def test_the_radius_of_every_grey_value_rises() -> None:
    radii = h.radii()
    assert len(radii) == 256 and radii[0] == 0 and radii[255] == 1 and list(radii) == sorted(radii)
    assert h.dot_area(0) == 0 and h.dot_area(0.8) == 1 and h.dot_area(0.5) == pytest.approx(np.pi / 4)
    with pytest.raises(ValueError, match="not negative"):
        h.dot_area(-0.1)


@pytest.mark.parametrize("angle", [15.0, 30.0, 52.0])
@pytest.mark.parametrize("cell", [2.0, 3.0, 5.5, 11.0])
def test_a_flat_grey_keeps_its_value(angle: float, cell: float) -> None:
    for grey in (0.02, 0.3, 0.785, 0.9, 0.98):
        made = h.halftone(np.full((28, 28), grey), 220, 220, (-220, -220, 660, 660), cell, angle)
        assert made.mean() == pytest.approx(grey, abs=0.006), (grey, cell)
        assert set(np.unique(made * 16) % 1) == {0}


def test_black_is_full_and_white_is_empty_and_outside_is_nothing() -> None:
    assert (h.halftone(np.ones((28, 28)), 50, 40, (-50, -50, 200, 200), 6.0) == 1).all()
    assert (h.halftone(np.zeros((28, 28)), 50, 40, (0, 0, 50, 40), 6.0) == 0).all()
    made = h.halftone(np.ones((28, 28)), 200, 100, (0, 0, 100, 100), 4.0)
    assert made[:, 112:].sum() == 0 and made[10:90, 10:90].min() == 1


def test_twice_the_pixels_are_the_same_dots_drawn_finer() -> None:
    image = np.random.default_rng(0).random((28, 28))
    once = h.halftone(image, 120, 90, (10, 5, 80, 80), 5.0)
    twice = h.halftone(image, 240, 180, (20, 10, 160, 160), 10.0)
    small = twice.reshape(90, 2, 120, 2).mean((1, 3))
    assert np.abs(small - once).max() <= 0.2 and np.abs(small - once).mean() < 0.01


def test_dots_lie_on_a_grid_that_is_turned() -> None:
    """The centres of mass of the dots of a flat grey are the cells' centres."""
    from skimage.measure import label, regionprops

    made = h.halftone(np.full((28, 28), 0.3), 300, 300, (-300, -300, 900, 900), 12.0, 30.0)
    dots = [p for p in regionprops(label(made > 0.5)) if 20 < p.centroid[0] < 280 and 20 < p.centroid[1] < 280]
    c, s = np.cos(np.pi / 6), np.sin(np.pi / 6)
    assert len(dots) > 300
    for dot in dots:
        y, x = (value + 0.5 for value in dot.centroid)
        u, v = (x * c + y * s) / 12, (y * c - x * s) / 12
        assert abs(u % 1 - 0.5) < 0.03 and abs(v % 1 - 0.5) < 0.03


def test_least_takes_the_dust_away() -> None:
    image = np.full((28, 28), 0.08)
    box = (0.0, 0.0, 100.0, 100.0)
    assert h.halftone(image, 100, 100, box, 5.0).sum() > 0 and h.halftone(image, 100, 100, box, 5.0, least=0.12).sum() == 0


def test_between_pixels_the_spline_agrees_with_another_program() -> None:
    from scipy.interpolate import BSpline

    image = np.random.default_rng(3).random((9, 7))
    x, y = np.random.default_rng(4).uniform(2, 5, (2, 40))
    bump = BSpline.basis_element([-2, -1, 0, 1, 2], extrapolate=False)

    def weight(t: np.ndarray) -> np.ndarray:
        return np.nan_to_num(bump(t))

    expected = [
        sum(weight(np.array(b - 0.5 - j)) * weight(np.array(a - 0.5 - i)) * image[j, i] for j in range(9) for i in range(7))
        for a, b in zip(x, y, strict=True)
    ]
    np.testing.assert_allclose(h.grey_at(image, x, y), expected, atol=1e-12)
    everywhere = np.linspace(-5, 20, 80)
    values = h.grey_at(image, everywhere, everywhere)
    assert values.min() >= 0 and values.max() <= image.max() and values[0] == values[-1] == 0


def test_a_cell_that_is_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2 pixels"):
        h.halftone(np.ones((28, 28)), 10, 10, (0, 0, 10, 10), 1.5)
    assert [h.cell_size(side) for side in (460, 115, 70, 44)] == [10, 3, 2.5, 2]
