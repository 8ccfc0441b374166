"""Pictures of the chapter on art: ink is black and stands where it belongs, the curve is where a field is 0, pens travel."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from imggen_lib.applications.characters.measures import ink_of
from imggen_lib.data.kanjivg import BOX, CELLS
from imggen_lib.viz import style
from imggen_lib.viz.characters import field_and_ink, ink_images, ink_rows, ink_sheet, pen_way

CENTRES = (np.arange(CELLS) + 0.5) * BOX / CELLS


def disc(radius: float, x: float, y: float) -> np.ndarray:
    """The field of a disc, as distances to its edge are clipped in training."""
    return np.clip(radius - np.hypot(CENTRES - x, (CENTRES - y)[:, None]), -8, 3.2)


FIELDS = np.stack([disc(30, 54, 54), disc(20, 30, 30), disc(12, 80, 40)])
BLACK, PAPER = (np.round(255 * np.array(to_rgb(colour))) for colour in (style.MARK, style.PAPER))


def test_images_for_people_are_black_ink_on_white() -> None:
    images = ink_images(FIELDS, 32)
    assert images.shape == (3, 1, 32, 32) and set(images.unique().tolist()) == {-1.0, 1.0}
    np.testing.assert_array_equal(images[:, 0].numpy() == -1, ink_of(FIELDS, 32))
    x, y = (np.nonzero(images[2, 0].numpy() == -1)[k].mean() for k in (1, 0))
    assert (x + 0.5, y + 0.5) == pytest.approx((80 * 32 / 109, 40 * 32 / 109), abs=0.5), "the right disc is right of the middle"


def test_a_sheet_has_each_character_in_its_place_and_paper_behind_the_last() -> None:
    sheet = ink_sheet(FIELDS, columns=2, size=24).sheet
    assert sheet.shape == (48, 48, 3)
    for k, ink in enumerate([*ink_of(FIELDS, 24), np.zeros((24, 24), bool)]):
        cell = sheet[24 * (k // 2) :, 24 * (k % 2) :][:24, :24]
        np.testing.assert_array_equal(cell, np.where(ink[..., None], BLACK, PAPER))
    for fields, columns in ((FIELDS[:0], 2), (FIELDS, 0)):
        with pytest.raises(ValueError, match="one or more characters"):
            ink_sheet(fields, columns)


def test_rows_are_named_and_hold_their_characters_side_by_side() -> None:
    axes = ink_rows({"real": FIELDS, "made": FIELDS[1:]}, size=20).axes
    assert [ax.get_ylabel() for ax in axes] == ["real", "made"]
    shown = [ax.images[0].get_array() for ax in axes]
    assert [a.shape for a in shown if a is not None] == [(20, 60, 3), (20, 40, 3)]
    np.testing.assert_array_equal(shown[1], shown[0][:, 20:])  # type: ignore[index]


def test_the_curve_lies_where_the_field_is_0_and_a_field_without_one_has_none() -> None:
    figure = field_and_ink([FIELDS[2], np.full((32, 32), -3.0)], ["a disc", "nothing"])
    with_curve, without, bar = figure.axes
    assert [ax.get_title() for ax in (with_curve, without)] == ["a disc", "nothing"]
    assert bar.get_ylabel() == "distance to the edge"
    (curve,) = with_curve.collections
    points = np.concatenate([path.vertices for path in curve.get_paths()])
    away = np.hypot(*(points - np.array([80, 40]) * 32 / 109).T)
    assert np.abs(away - 12 * 32 / 109).max() < 0.1, "in cells, as the axes are"
    assert with_curve.get_ylim() == (32, 0) and not without.collections


def test_the_pen_starts_at_the_corner_and_travels_from_end_to_start() -> None:
    paths = [np.array([[10.0, 20.0], [30.0, 20.0]]), np.array([[40.0, 50.0], [40.0, 60.0], [45.0, 60.0]])]
    (ax,) = pen_way({"sorted": paths}, 100, 80).axes
    travels, strokes = ax.lines[::2], ax.lines[1::2]
    assert [line.get_xydata().tolist() for line in strokes] == [path.tolist() for path in paths]
    assert [line.get_xydata().tolist() for line in travels] == [[[0, 0], [10, 20]], [[30, 20], [40, 50]]]
    assert {line.get_color() for line in travels} == {style.MODEL} != {line.get_color() for line in strokes}
    assert ax.get_xlim() == (0, 100) and ax.get_ylim() == (80, 0) and ax.get_title() == "sorted"
