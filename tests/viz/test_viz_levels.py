"""Pictures of levels."""

import numpy as np
import pytest

from imggen_lib.applications.levels import tiles
from imggen_lib.applications.levels.tileset import SIZE, draw
from imggen_lib.viz.levels import GAP, asked_and_found, level_images, level_rows, level_sheet, search_pairs


def _levels(n: int = 3) -> np.ndarray:
    levels = np.zeros((n, 4, 6), np.uint8)
    levels[:, -1] = tiles.GROUND
    levels[1, 2, 3] = tiles.LEFT
    return levels


def test_a_sheet_holds_every_level_in_its_place() -> None:
    levels = _levels()
    sheet = level_sheet(levels).sheet
    assert sheet.shape == (8 * SIZE + GAP, 12 * SIZE + GAP, 3)
    np.testing.assert_array_equal(sheet[: 4 * SIZE, 6 * SIZE + GAP :], draw(levels[1]))
    np.testing.assert_array_equal(sheet[4 * SIZE + GAP :, : 6 * SIZE], draw(levels[2]))
    for wrong in ([], [levels[0], levels[1][:2]]):
        with pytest.raises(ValueError, match="one or more levels of one size"):
            level_sheet(wrong)


def test_broken_tiles_are_framed_and_whole_levels_are_not() -> None:
    figure = level_rows({"a": _levels()[:1], "b": _levels()[1:]}, marked=True)
    assert [len(ax.patches) for ax in figure.axes] == [0, 1]
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["a", "b"]
    assert not any(ax.patches for ax in level_rows({"b": _levels()}).axes)


def test_levels_are_images_for_people() -> None:
    images = level_images(_levels())
    assert images.shape == (3, 3, 4 * SIZE, 6 * SIZE) and images.min() >= -1 and images.max() <= 1
    assert not images[0].equal(images[1])


def test_charts_of_searches_show_what_was_found() -> None:
    rows = {"best of N": [{"off": 0.5}, {"off": 0.25}], "CMA-ES": [{"off": 0.0}, {"off": 0.25}]}
    lines = search_pairs({"rare": {"rows": rows}}).axes[0].lines
    assert [list(line.get_ydata()) for line in lines[:2]] == [[0.5, 0.0], [0.25, 0.25]]
    discs = asked_and_found([(2, 2), (2, 2), (4, 3)]).axes[0].lines[1:]
    assert [(int(d.get_xdata()[0]), int(d.get_ydata()[0])) for d in discs] == [(2, 2), (4, 3)]
    assert discs[0].get_markersize() == pytest.approx(2**0.5 * discs[1].get_markersize())
