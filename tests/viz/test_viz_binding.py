"""Frames say the outcome, pictures as asked come first, and the table has an interval where it matters."""

import pytest
import torch

from imggen_lib.data.two_glyphs import RELATIVES
from imggen_lib.viz.binding import BOUND, COLUMNS, FRAMES, binding_table, drawn_by_outcome
from imggen_lib.viz.sentence import obedience_curves


def test_pictures_are_framed_and_sorted() -> None:
    images = torch.stack([torch.full((3, 28, 28), v) for v in (-1.0, 0.0, 1.0)])
    names = ["something else", "as asked", "colours swapped"]
    figure = drawn_by_outcome({"a red A left of a blue 7": (images, names), "twin": (images.flip(0), names[::-1])})
    shown = [ax.get_images()[0].get_array()[0, 0, 0] for ax in figure.axes]
    assert shown == [0.5, 1.0, 0.0] * 2
    edges = [ax.spines["left"].get_edgecolor()[:3] for ax in figure.axes[:3]]
    assert len(set(edges)) == 3 and len({str(kind["linestyle"]) for kind in FRAMES.values()}) == len(FRAMES)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["as asked", "colours swapped", "something else"]
    assert figure.axes[0].get_ylabel().replace("\n", " ") == "a red A left of a blue 7"
    for wrong in ({"row": (images, names[:2])}, {}, {"a": (images, names), "b": (images[:2], names[:2])}):
        with pytest.raises(ValueError, match="as many pictures as the others"):
            drawn_by_outcome(wrong)


def test_the_table_has_a_row_a_set() -> None:
    cells = {name: [0.25, 0.2, 0.3, 1000] for name in COLUMNS}
    made = binding_table({"seen": cells, "no four": {k: v for k, v in cells.items() if k != BOUND}}, "who got which colour")
    page = made._repr_markdown_()
    assert "0.250 [0.200, 0.300]" in page and "1,000" in page and "who got which colour" in made._repr_html_()
    lines = [line for line in page.splitlines() if "no four" in line]
    assert len(lines) == 1 and lines[0].count("0.250 [0.200, 0.300]") == 1 and " - " in lines[0]
    assert all(name in page for name in RELATIVES)
    with pytest.raises(ValueError, match="as many sentences"):
        binding_table({"seen": cells, "fewer": cells | {RELATIVES[0]: [0.25, 0.2, 0.3, 900]}}, "who got which colour")


def test_a_curve_says_which_share_it_is() -> None:
    curves = {"bound": {"125": [0.5, 0.4, 0.6, 100], "250": [0.9, 0.8, 0.95, 100]}}
    assert obedience_curves(curves, "steps", "share of the pictures").axes[0].get_ylabel() == "share of the pictures"
    assert obedience_curves(curves, "guidance").axes[0].get_ylabel() == "all words obeyed"
