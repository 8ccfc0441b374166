"""Pictures of land."""

import numpy as np
import pytest

from imggen_lib.applications.verdict import Measured
from imggen_lib.viz.worlds import hollows_by_window, relief, reliefs


def test_the_sun_is_in_the_north_west() -> None:
    i, j = np.mgrid[0:20, 0:20] * 90.0
    towards, away = relief(i + j), relief(-i - j)  # rises to the south-east: the slope looks to the north-west
    assert towards[5:-5, 5:-5].min() > away[5:-5, 5:-5].max()
    assert np.allclose(relief(0 * i), np.sin(np.pi / 4), atol=0.35)


def test_water_is_shown_where_it_stands() -> None:
    land = np.ones((12, 12))
    land[4:6, 4:7] = 0.0
    figure = reliefs({"a": land, "b": land, "c": land}, water=True, columns=2)
    shown = [ax.images for ax in figure.axes]
    assert [len(images) for images in shown] == [2, 2, 2, 0]
    blue = np.asarray(shown[0][1].get_array())
    assert (blue[..., 3] > 0).sum() == 6 and figure.axes[1].get_title(loc="left") == "b"
    with pytest.raises(ValueError, match="one piece of land or more"):
        reliefs({})


def test_a_line_for_each_kind_of_land() -> None:
    cells = [Measured(0.01, 0.0, 0.02, 5), Measured(0.03, 0.02, 0.05, 5)]
    ax = hollows_by_window([64, 96], {"real": cells, "made": cells}).axes[0]
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["real", "made"]
    assert ax.containers[0].lines[0].get_ydata().tolist() == [1.0, 3.0]
