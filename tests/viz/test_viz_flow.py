"""The charts of the chapter on flow matching: they draw, small enough for a phone, and refuse what makes no sense."""

import pytest
import torch

from imggen_lib.viz import Picture
from imggen_lib.viz import flow as charts


def _size(picture: Picture) -> tuple[int, int]:
    png = picture._repr_png_()
    assert png.startswith(b"\x89PNG") and len(png) < 80_000
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])


def test_charts_draw_and_fit_the_column() -> None:
    g = torch.Generator().manual_seed(0)
    lines, path = torch.randn(5, 8, generator=g), torch.randn(5, 8, 2, generator=g)
    x, crowd = torch.linspace(-1, 1, 9), torch.randn(20, 2, generator=g)
    curve = [(1.0, 50.0, 45.0, 60.0), (4.0, 5.0, 4.0, 6.0), (2.0, 11.0, 9.0, 12.0)]
    pictures = [
        charts.lines_and_paths(lines, lines + 1),
        charts.fields({"$t = 0$": (crowd, crowd, crowd), "$t = 1$": (crowd, -crowd, crowd)}),
        charts.errors([8, 16, 32], {"euler": [0.4, 0.2, 0.1]}, {"euler": 1}),
        charts.guided_densities(x, {"w = 1": (x.exp(), x.square())}, x.square()),
        charts.ways({"(a)": path, "(b)": path + 1}),
        charts.quality({"Euler": curve, "Heun": curve[1:]}, "evaluations", "distance"),
        charts.quality({"w": curve}, "$w$", "recall", log=False),
    ]
    assert all(width <= 480 and height <= 500 for width, height in map(_size, pictures))


def test_a_dashed_line_has_the_slope_of_the_order_and_passes_through_the_last_error() -> None:
    lines = charts.errors([8, 16, 32], {"heun": [0.4, 0.2, 0.1]}, {"heun": 2}).axes[0].get_lines()
    assert lines[1].get_ydata() == pytest.approx([1.6, 0.4, 0.1])


def test_curves_are_sorted_and_their_bars_reach_the_intervals_ends() -> None:
    figure = charts.quality({"a": [(4.0, 5.0, 4.0, 7.0), (1.0, 9.0, 8.0, 9.5)]}, "n", "distance")
    line, _, (bars,) = figure.axes[0].containers[0]
    assert line.get_xdata().tolist() == [1, 4]
    ends = [segment[:, 1].tolist() for segment in bars.get_segments()]
    assert ends == [[8.0, 9.5], [4.0, 7.0]]
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["1", "4"]


def test_nothing_to_show_and_wrong_tables_are_refused() -> None:
    for empty in (lambda: charts.fields({}), lambda: charts.ways({}), lambda: charts.quality({}, "n", "d")):
        with pytest.raises(ValueError, match="nothing to show"):
            empty()
    with pytest.raises(ValueError, match="of one shape"):
        charts.lines_and_paths(torch.zeros(3, 4), torch.zeros(4, 3))
    with pytest.raises(ValueError, match="an error for each"):
        charts.errors([1, 2], {"euler": [1.0]}, {"euler": 1})
