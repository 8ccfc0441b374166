"""Pictures of the chapter on creativity: what is drawn is what was given."""

import base64
import inspect
import io

import numpy as np
import pytest
import torch
from PIL import Image

from imggen_lib.viz import creativity as viz
from imggen_lib.viz import tile


def test_plane_puts_numbered_sets_in_both_panels() -> None:
    figure = viz.plane([0.0, 1.0, 3.3], [0.9, 0.8, 0.2], [0.7, 0.6, 0.1], real=2, furthest=2.0)
    above, below = figure.axes
    dots = [line for line in above.get_lines() if line.get_marker() == "."]
    assert [(d.get_xdata()[0], d.get_ydata()[0]) for d in dots] == [(0.0, 0.9), (1.0, 0.8), (2.0, 0.2)]
    assert [d.get_xdata()[0] for d in below.get_lines() if d.get_marker() == "."] == [0.7, 0.6, 0.1]
    assert [t.get_text() for t in below.texts] == ["1", "2", "3"]
    assert dots[0].get_color() == dots[1].get_color() != dots[2].get_color()
    with pytest.raises(ValueError, match="three numbers"):
        viz.plane([0.0], [0.9, 0.8], [0.7], real=1)


def test_numbers_on_one_place_are_drawn_apart() -> None:
    places = viz._apart(np.array([[1.0, 1.0], [1.0, 1.0], [1.05, 1.0], [3.0, 0.0]]), least=0.2)
    lengths = np.sqrt(((places[:, None] - places[None]) ** 2).sum(2)) + np.eye(4)
    assert lengths.min() > 0.19 and np.abs(places[3] - [3.0, 0.0]).max() < 1e-3


def test_trade_marks_where_the_samples_are() -> None:
    figure = viz.trade(torch.zeros(10, 1, 28, 28), [(0.1, 0.9), (0.5, 0.8), (0.9, 0.3)], here=1)
    path, dot = figure.axes[1].get_lines()
    assert list(path.get_xdata()) == [0.1, 0.5, 0.9] and (dot.get_xdata()[0], dot.get_ydata()[0]) == (0.5, 0.8)


def test_distance_panels_hold_all_distances() -> None:
    h, g = torch.linspace(2, 9, 40), torch.linspace(0, 5, 30)
    figure = viz.distance_panels([(h, g), (g, h)], bins=10)
    assert len(figure.axes) == 2
    for ax in figure.axes:
        widths = [p.get_width() for p in ax.patches]
        assert len(ax.patches) == 20 and ax.get_xlim()[1] >= 9
        assert sum(p.get_height() * w for p, w in zip(ax.patches, widths, strict=True)) == pytest.approx(2)
    with pytest.raises(ValueError, match="nothing to show"):
        viz.distance_panels([])


def test_by_weight_draws_every_seed_and_the_mean() -> None:
    runs = {"0": [{"a": 1.0, "b": 0.5}, {"a": 3.0, "b": 0.1}], "1": [{"a": 4.0, "b": 0.2}, {"a": 6.0, "b": 0.4}]}
    figure = viz.by_weight(runs, {"a": "$a$", "b": "$b$"}, {"a": 2.5})
    lines = figure.axes[0].get_lines()
    assert list(lines[0].get_ydata()) == [1.0, 3.0] and list(lines[2].get_ydata()) == [2.0, 5.0]
    assert list(lines[3].get_ydata()) == [2.5, 2.5] and len(figure.axes[1].get_lines()) == 3
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["0", "1"]
    assert len(viz.by_weight(runs, {"a": "$a$"}).axes) == 2  # a row is whole; the empty panel has no axis


def test_a_recorded_sheet_comes_back() -> None:
    sheet = tile(torch.rand(16, 1, 28, 28) * 2 - 1, 8)
    out = io.BytesIO()
    Image.fromarray(sheet).save(out, "PNG")
    png = base64.b64encode(out.getvalue()).decode()
    assert np.array_equal(viz.recorded_sheet(png).sheet, sheet)
    assert np.array_equal(viz.recorded_sheet(png, rows=1).sheet, sheet[:30])


def test_still_fills_the_figure() -> None:
    figure = inspect.unwrap(viz.still)(torch.ones(6, 1, 28, 28), columns=3)
    with Image.open(io.BytesIO(figure._repr_png_())) as picture:
        pixels = np.asarray(picture.convert("L"))
    assert pixels.shape[1] == 400 and (pixels > 200).mean() > 0.8
