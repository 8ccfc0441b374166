"""Measures of land on land whose answer is known, and against other programs."""

import numpy as np
import pytest
from scipy import ndimage, stats
from skimage.morphology import local_minima

from imggen_lib.applications.worlds import generator, lakes, measures, rivals
from imggen_lib.data.elevation import coarser, elevation, west_and_east


def rough(size: int = 40, seed: int = 0) -> np.ndarray:
    return ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal((size, size)), 1.5) * 300


def test_elevation_is_what_ships() -> None:
    land = elevation()
    assert land.shape == (643, 1197) and (land.min(), land.max()) == (315, 2295) and land.dtype == np.float32
    other = elevation("colorado")
    assert other.shape == (144, 144) and (other.min(), other.max()) == (2186, 3345) and other[0, 0] == 2588
    with pytest.raises(ValueError, match="no land 'mars'"):
        elevation("mars")


def test_coarser_is_a_mean_of_blocks() -> None:
    land = elevation()[:20, :31]
    assert coarser(land, 3, 1, 2)[2, 4] == pytest.approx(land[7:10, 14:17].mean())
    assert coarser(land, 3).shape == (6, 10)
    west, east = west_and_east()
    assert west.shape == (214, 199) and east.shape == (214, 199)
    with pytest.raises(ValueError, match="begin in one of the first 3"):
        coarser(land, 3, 3)
    with pytest.raises(ValueError, match="no block"):
        coarser(land, 50)


def test_slopes_of_a_plane() -> None:
    i, j = np.mgrid[0:9, 0:9]
    plane = 30.0 * i - 40.0 * j
    assert np.allclose(measures.slopes(plane, 50.0), 45) and measures.slopes(plane[None], 90.0).shape == (1, 7, 7)
    assert np.allclose(measures.without_plane(plane[None] + 700), 0, atol=1e-9)


def test_largest_gap_is_kolmogorovs() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=301), np.round(rng.normal(0.3, 1.2, 457), 1)
    assert measures.largest_gap(a, b) == pytest.approx(stats.ks_2samp(a, b).statistic)


def test_the_spectrum_of_a_wave_and_of_a_scale() -> None:
    x = np.arange(64)
    wave = np.broadcast_to(np.cos(2 * np.pi * 9 * x / 64), (2, 64, 64))
    assert int(measures.log_spectrum(wave).argmax()) + 2 == 9
    noise = np.random.default_rng(0).standard_normal((6, 64, 64))
    assert measures.spectrum_error(noise, noise * np.e) == pytest.approx(2)
    flat = measures.log_spectrum(noise)
    assert flat.shape == (31,) and np.ptp(flat) < 1.0


def test_curvature_and_its_sign() -> None:
    j = np.abs(np.arange(41.0) - 20)
    ridge = np.broadcast_to(-np.sqrt(j**2 + 4), (41, 41)) * 10
    assert measures.curvature(ridge)[18, 18] < 0 and measures.curvature_skew(ridge) < -1
    assert measures.curvature_skew(-ridge) == pytest.approx(-measures.curvature_skew(ridge))
    land = rough()
    twice = np.gradient(np.gradient(land, axis=0), axis=0) + np.gradient(np.gradient(land, axis=1), axis=1)
    assert np.allclose(measures.curvature(land), twice[2:-2, 2:-2])


def test_a_preferred_direction_is_found_whatever_it_is() -> None:
    i, j = np.mgrid[0:30, 0:30].astype(float)
    for folds in (np.sin(i), np.sin(i + j), np.sin(0.5 * i - j)):
        assert measures.preferred_direction(folds) == pytest.approx(1, abs=1e-6)
    round_ = np.hypot(i - 14.5, j - 14.5)
    assert measures.preferred_direction(round_) < 0.01 and measures.preferred_direction(0 * i) == 0
    slope_ratio = np.sin(i) + 0.5 * np.sin(j)
    assert measures.preferred_direction(np.stack([slope_ratio, slope_ratio.T])) < 0.01 < measures.preferred_direction(slope_ratio)


def test_a_bowl_is_filled_to_its_sill() -> None:
    i, j = np.mgrid[-10:11, -10:11]
    bowl = np.minimum(np.hypot(i, j), 7.0)
    bowl[10, 15:] = 4.0  # a way out
    full = measures.filled(bowl)
    assert np.allclose(full, np.maximum(bowl, 4.0)) and measures.hollows(bowl).sum() == (bowl < 4 - 1e-3).sum()
    assert measures.hollow_share(bowl[None])[0] == pytest.approx((bowl < 4 - 1e-3).mean())
    assert measures.fill_depth(bowl[None])[0] == pytest.approx((4 - bowl).clip(0).mean())


def test_two_ways_to_fill_agree() -> None:
    """Greyscale reconstruction and priority flood are different algorithms."""
    land = rough()
    assert np.allclose(rivals.flood(land, 0.0)[0], measures.filled(land))
    tilted, to, order = rivals.flood(land, 0.01)
    inner = to.ravel() != np.arange(land.size)
    assert (tilted >= land - 1e-12).all() and sorted(order) == list(range(land.size))
    assert (tilted.ravel()[inner] >= tilted.ravel()[to.ravel()[inner]] + 0.01 - 1e-9).all()


def test_pits_are_local_minima() -> None:
    land = rough()
    assert measures.pit_share(land[None]) == pytest.approx(local_minima(land)[1:-1, 1:-1].mean())


def test_likeness_finds_a_copy_in_any_turn() -> None:
    land = rough(60)
    copy = (
        3
        * np.rot90(
            land[
                20:40,
                10:30,
            ][:, ::-1]
        )
        + 100
    )
    assert measures.likeness(copy, [land]) == pytest.approx(1, abs=1e-4)
    assert measures.likeness(rough(20, 5), [land]) < 0.9


def test_patches() -> None:
    land = np.arange(70.0).reshape(7, 10)
    assert measures.patches(land, 3).shape == (6, 3, 3) and measures.patches(land, 3, 1).shape == (40, 3, 3)
    with pytest.raises(ValueError, match="does not fit"):
        measures.patches(land, 8)


def test_lakes_are_the_same_in_every_tile() -> None:
    here, east = (lakes.tile(x, 0, seed=2) for x in (0, 1))
    assert np.array_equal(here[:, 64:], east[:, :4])
    whole = lakes.level(-30, -20, 150, 170, seed=2)
    assert np.abs(whole[18:86, 28:96] - here).max() < 1e-2


def test_land_that_is_worn_in_blocks_is_seamless_too() -> None:
    here, lower = (lakes.worn(-3, top, 20, 12, seed=2, steps=1) for top in (50, 60))
    assert np.abs(here[10:] - lower[:10]).max() < 1e-2
    untouched = lakes.worn(-3, 50, 20, 12, seed=2, steps=0)
    assert np.allclose(untouched, generator.heights(generator.shipped(), 2, -3, 50, 12 + 8, 12), atol=1e-2)
    assert not np.allclose(here, untouched, atol=0.5)
