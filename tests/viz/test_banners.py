"""Pictures of the chapter on advertising."""

import numpy as np
import pytest

from imggen_lib.applications.campaign import export
from imggen_lib.applications.campaign.palette import palette
from imggen_lib.applications.campaign.sizes import SIZES, size
from imggen_lib.viz import advertising as viz

INK = np.zeros((1, 28, 28))
INK[:, 4:24, 8:20] = 0.8


def test_every_size_has_a_place_of_its_own_on_the_sheet() -> None:
    assert viz.PLACES.keys() == {one.name for one in SIZES}
    boxes = [(x, y, x + size(name).width, y + size(name).height) for name, (x, y) in viz.PLACES.items()]
    for k, a in enumerate(boxes):
        for b in boxes[:k]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (a, b)


def test_a_sheet_shows_the_banners_pixel_by_pixel() -> None:
    pieces = export.campaign("Made of dots", INK, 90, scales=(1,), sizes=[size("320x50"), size("120x60")])
    made = viz.campaign_sheet(pieces, gap=5)
    x, y = viz.PLACES["320x50"]
    assert (made.pixels[5 + y : 55 + y, 5 + x : 325 + x] == pieces[0].banner.pixels).all()
    picture = made._repr_png_()
    assert picture[:4] == b"\x89PNG" and len(picture) < 60_000
    with pytest.raises(ValueError, match="no banner at one pixel"):
        viz.campaign_sheet([])


def test_pictures_stand_side_by_side() -> None:
    made = viz.side_by_side([np.zeros((10, 20, 3), np.uint8), np.ones((5, 8, 3), np.uint8)], gap=2)
    assert made.pixels.shape == (14, 34, 3) and (made.pixels[2:12, 2:22] == 0).all() and (made.pixels[2:7, 24:32] == 1).all()
    with pytest.raises(ValueError, match="no picture"):
        viz.side_by_side([])


def test_dots_and_squares_have_the_same_ink() -> None:
    made = viz.dots_beside_pixels(INK[0], palette(25), sides=(200,)).pixels.astype(float)
    left, right = made[16:216, 16:216, 1], made[16:216, 232:432, 1]
    assert left.shape == right.shape and left.mean() == pytest.approx(right.mean(), rel=0.03)
    assert len(np.unique(left)) < 4 < len(np.unique(right))


def test_curves_and_tables() -> None:
    figure = viz.contrast_by_hue({"a": [4.0, 5.0, 6.0], "b": [4.6, 4.6, 4.6]})
    assert [line.get_label() for line in figure.axes[0].lines[:2]] == ["a", "b"]
    with pytest.raises(ValueError, match="no curve"):
        viz.contrast_by_hue({})
    pieces = export.campaign("Made of dots", INK, 90, scales=(1,), sizes=[size("120x60")])
    said = viz.verdict_rows(pieces[0].verdicts)._repr_markdown_()
    assert said.count("passed") == 8 and "at most 0.6" in said


def test_curves_and_dots_of_experiments() -> None:
    figure = viz.called_by_day({"z": [0.05, 0.1, 0.2], "evidence": [0.0, 0.01, 0.02]})
    assert [len(line.get_xdata()) for line in figure.axes[0].lines[:2]] == [3, 3]
    with pytest.raises(ValueError, match="no curve"):
        viz.called_by_day({})
    races = {"0.1": {"policies": {"uniform": {"lost": [9.0, 8.0, 10.0, 50]}, "Thompson": {"lost": [5.0, 4.0, 6.0, 50]}}}}
    axes = viz.clicks_lost(races).axes
    assert len(axes) == 1 and [text.get_text() for text in axes[0].get_xticklabels()] == ["uniform", "Thompson"]
    assert axes[0].get_title() == "differ by 10%"
