"""Fields between their cells, their outlines, and what is counted of them."""

import numpy as np
import pytest
from drawn_shapes import disc, held_out, ring
from scipy.ndimage import distance_transform_edt

from imggen_lib.applications.characters import fields, measures
from imggen_lib.data.kanjivg import BOX, CELLS


def test_the_kernel_is_cubic_convolution_as_pytorch_and_keys_have_it() -> None:
    assert fields.cubic(np.array([0.0, 1.0, -1.0, 2.0, 2.5])).tolist() == [1, 0, 0, 0, 0]
    for t in np.linspace(0, 1, 9):
        four = fields.cubic(np.array([t + 1, t, 1 - t, 2 - t]))
        assert abs(four.sum() - 1) < 1e-12
        for power in (1, 2):  # third order: a parabola is met exactly
            assert abs((four * np.array([-1.0, 0, 1, 2]) ** power).sum() - t**power) < 1e-12
    from PIL import Image

    field = held_out()[0]
    theirs = np.asarray(Image.fromarray(field.astype(np.float32)).resize((256, 256), Image.Resampling.BICUBIC))
    inside = slice(24, -24)  # Pillow leaves out what lies outside; we take it for empty paper
    assert np.abs(fields.enlarged(field, 256) - theirs)[inside, inside].max() < 1e-4


def test_outside_nothing_is_ink_and_every_outline_is_closed() -> None:
    full = np.full((CELLS, CELLS), 1.0)
    assert fields.between(full, np.array([-3.0, 16.0]), np.array([16.0])).ravel().tolist() == pytest.approx([-8, 1])
    for field in [full, *held_out()]:
        for outline in fields.outlines(field):
            assert np.array_equal(outline.points[0], outline.points[-1]) and len(outline.points) > 3
    (square,) = fields.outlines(full)
    assert (CELLS - 1) ** 2 < square.area < (CELLS + 1) ** 2


def test_a_ring_has_two_outlines_a_hole_and_the_right_sizes() -> None:
    around, hole = sorted(fields.outlines(ring()), key=lambda outline: -outline.area)
    assert around.area > 0 > hole.area
    for outline, radius in ((around, 33.2), (hole, 26.8)):
        away = np.hypot(*(outline.points * fields.UNIT - 54.5).T)
        assert np.abs(away - radius).max() < 0.2  # of 109: the ridge in the middle of a stroke is rounded off
    bold = [abs(outline.area) for outline in fields.outlines(ring(), level=-1.0)]
    assert max(bold) > around.area and min(bold) < -hole.area  # bolder: wider outside, a smaller hole
    with pytest.raises(ValueError, match="must be above -8"):
        fields.outlines(ring(), level=-8.0)
    with pytest.raises(ValueError, match="finite"):
        fields.outlines(np.full((32, 32), np.nan))


def test_counts_of_shapes_that_are_known() -> None:
    two = np.maximum(ring(), disc(3.0, 54.5, 54.5))
    got = measures.counted(np.stack([ring(), two, np.full((CELLS, CELLS), -8.0)]))
    share = np.pi * (33.2**2 - 26.8**2) / BOX**2
    assert got.ink[0] == pytest.approx(share, rel=0.04)
    assert got.pieces.tolist() == [1, 2, 0] and got.specks.tolist() == [0, 1, 0]
    assert got.slope[0] == pytest.approx(1, abs=0.06) and np.isnan(got.slope[2])
    assert measures.counted(0.6 * ring()[None]).slope[0] == pytest.approx(0.63, abs=0.03)


def test_slope_of_a_field_agrees_with_an_exact_distance_transform() -> None:
    """Of real characters: the field of their enlarged ink, by SciPy, has the same slope."""
    real = held_out()[:8]
    ink = measures.ink_of(real, 512)
    exact = [distance_transform_edt(a) - distance_transform_edt(~a) for a in ink]
    small = np.stack([a.reshape(CELLS, 16, CELLS, 16).mean((1, 3)) * BOX / 512 for a in exact]).clip(-8, None)
    assert measures.counted(real).slope.mean() == pytest.approx(measures.counted(small).slope.mean(), abs=0.05)


def test_the_nearest_reference_is_found_and_a_copy_has_an_overlap_of_one() -> None:
    references = held_out()
    found = measures.nearest(references[[3, 7]], references)
    assert found.iou.tolist() == [1, 1] and found.index.tolist() == [3, 7]
    one = measures.nearest(references[:1], references[1:])
    a, b = measures.ink_of(references[:1], 64)[0], measures.ink_of(references[1:], 64)
    by_hand = [(a & other).sum() / (a | other).sum() for other in b]
    assert one.iou[0] == pytest.approx(max(by_hand)) and one.index[0] == int(np.argmax(by_hand))
