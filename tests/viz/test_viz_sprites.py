"""Rows of items: what is transparent shows the board, what is opaque its colour."""

import numpy as np

from imggen_lib.data import items
from imggen_lib.viz.sprites import BOARD, item_rows, on_board

KNOWN = items.items()


def test_items_stand_on_a_board() -> None:
    strip = on_board(KNOWN.indices[:3], KNOWN.palette, scale=2)
    assert strip.shape == (64, 192, 3)
    for k in range(3):
        there = KNOWN.indices[k] > 0
        shown = strip[::2, 64 * k : 64 * k + 64 : 2]
        assert (shown[there] == KNOWN.palette[KNOWN.indices[k]][there][:, :3]).all()
        assert set(np.unique(shown[~there])) == set(BOARD)


def test_a_row_a_name() -> None:
    figure = item_rows({"some": KNOWN.indices[:8], "others": KNOWN.indices[8:16]}, KNOWN.palette)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["some", "others"]
