"""The classical rivals: a field of a given spectrum, erosion, breaching."""

import numpy as np
import pytest

from imggen_lib.applications.worlds import measures, rivals
from imggen_lib.data.elevation import west_and_east


def test_a_matched_field_has_the_spectrum_and_nothing_else() -> None:
    real = measures.patches(west_and_east()[0], 64, 30)
    made = rivals.matched_field(real, 60, np.random.default_rng(0))
    assert measures.spectrum_error(made, real) < 0.25 and abs(measures.curvature_skew(made)) < 0.06
    assert np.mean(measures.hollow_share(made)) > 10 * np.mean(measures.hollow_share(real))


def test_a_field_with_planes_is_as_steep_as_the_land() -> None:
    real = measures.patches(west_and_east()[0], 64, 30)
    made = rivals.matched_field(real, 60, np.random.default_rng(0), tilted=True)
    tilt = [(p - measures.without_plane(p[None])[0]).std() for p in real]
    found = [(p - measures.without_plane(p[None])[0]).std() for p in made]
    assert np.mean(found) == pytest.approx(np.mean(tilt), rel=0.35)


def test_receivers_and_areas_of_a_plane() -> None:
    i, _ = np.mgrid[0:8, 0:6]
    plane = 10.0 * i
    to = rivals.receivers(plane)
    assert to[3, 2] == 2 * 6 + 2 and to[0, 2] == 2 and to[3, 0] == 3 * 6
    area = rivals.drained_area(plane, to)
    assert area[0, 2] == 7 and area[6, 2] == 1 and area.sum() == 6 * 8 + 4 * (1 + 2 + 3 + 4 + 5 + 6)


def test_one_step_of_erosion_is_the_implicit_law() -> None:
    i, _ = np.mgrid[0:8, 0:6]
    plane = 10.0 * i
    after = rivals.eroded(plane, 1, strength=0.1, diffusion=0.0)
    height = 0.0
    for row in range(1, 7):
        f = 0.1 * np.sqrt(7 - row)
        height = (plane[row, 2] + f * height) / (1 + f)
        assert after[row, 2] == pytest.approx(height)
    assert np.array_equal(after[:, 0], plane[:, 0]) and np.array_equal(rivals.eroded(plane, 0), plane)
    with pytest.raises(ValueError, match="at least 0"):
        rivals.eroded(plane, -1)


def test_eroded_and_breached_land_drains() -> None:
    noise = rivals.matched_field(measures.patches(west_and_east()[0], 64, 30), 1, np.random.default_rng(1))[0]
    for land in (rivals.eroded(noise, 5), rivals.breached(noise)):
        assert measures.hollows(land).mean() == 0
    cut = rivals.breached(noise)
    assert (cut <= noise + 1e-9).all() and (cut < noise - 1e-6).mean() < 0.5
