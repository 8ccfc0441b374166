"""The background chapter's charts draw what they were given."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from imggen_lib.viz.background import error_of_means, fit_and_held_out, histograms, lengths, planes, pushforward


def test_error_of_means_has_dots_and_a_line() -> None:
    line, dots = error_of_means([1, 10], [0.5, 0.2], [0.4, 0.1]).axes[0].get_lines()
    assert line.get_ydata().tolist() == [0.4, 0.1] and dots.get_ydata().tolist() == [0.5, 0.2]
    with pytest.raises(ValueError, match="as many errors"):
        error_of_means([1], [0.5, 0.2], [0.4])


def test_the_dots_are_named_as_root_mean_squares_and_both_axes_have_names() -> None:
    ax = error_of_means([1, 10], [0.5, 0.2], [0.4, 0.1]).axes[0]
    assert "sqrt" in ax.get_lines()[1].get_label() and "^2" in ax.get_lines()[1].get_label()
    assert ax.get_xlabel() and ax.get_ylabel()


def test_between_two_lines_of_a_pushforward_lies_the_same_probability_on_both_axes() -> None:
    """So a gap on the axis of x times the mean density in it is one number: where lines crowd, the density is high."""
    z = torch.linspace(-4, 4, 801, dtype=torch.float64)
    p_z = torch.exp(-(z**2) / 2) / (2 * torch.pi) ** 0.5
    x, slope = z + 0.8 * torch.sin(z), 1 + 0.8 * torch.cos(z)
    lines = pushforward(z, p_z, x, p_z / slope, shares=10).axes[1].get_lines()[1:]
    at_z, at_x = [float(line.get_xdata()[0]) for line in lines], [float(line.get_ydata()[-1]) for line in lines]
    assert len(at_z) == 10 and at_z[4] == pytest.approx(-at_z[5]) and at_z[0] == pytest.approx(-1.645, abs=2e-3)
    for a, b in pairwise(at_x):
        inside = torch.linspace(a, b, 101, dtype=torch.float64)
        density = np.interp(inside.numpy(), x.numpy(), (p_z / slope).numpy()).mean()
        assert density * (b - a) == pytest.approx(0.1, rel=0.02)


def test_pushforward_draws_the_graph_and_the_marks() -> None:
    z = torch.linspace(-1, 1, 5)
    figure = pushforward(z, torch.ones(5), z**3, 2 * torch.ones(5), shares=2)
    graph = figure.axes[1].get_lines()
    np.testing.assert_allclose(graph[0].get_ydata(), (z**3).numpy())
    np.testing.assert_allclose(graph[1].get_xdata(), [-0.5, -0.5, -1])
    assert all(ax.get_xlabel() and ax.get_ylabel() for ax in (figure.axes[0], figure.axes[3]))
    assert figure.axes[0].xaxis_inverted() and figure.axes[3].yaxis_inverted()
    with pytest.raises(ValueError, match="agree in shape"):
        pushforward(z, torch.ones(4), z, z)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_histograms_have_area_one(count: int) -> None:
    drawn = torch.randn(2000, 1, generator=torch.Generator().manual_seed(0)).clamp(-3, 3)
    line = torch.linspace(-4, 4, 101)
    figure = histograms({f"{k}": drawn for k in range(count)}, lambda x: torch.exp(-(x**2) / 2), line)
    assert [ax.texts[0].get_text() for ax in figure.axes[:count]] == [f"{k}" for k in range(count)]
    values, edges, _ = figure.axes[0].patches[0].get_data()
    assert float((values * np.diff(edges)).sum()) == pytest.approx(1)
    assert figure.axes[0].get_ylabel() == "$p(x)$"
    assert figure.axes[0].get_lines()[0].get_ydata().max() == pytest.approx(1)


def test_nothing_to_show_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to show"):
        histograms({}, lambda x: x, torch.linspace(0, 1, 3))


def test_the_best_size_on_held_out_points_is_marked() -> None:
    ax = fit_and_held_out([1, 2, 4], [0.0, 1.0, 2.0], [-1.0, 0.5, -3.0]).axes[0]
    known, new, best = ax.get_lines()
    assert known.get_ydata().tolist() == [0, 1, 2] and new.get_ydata().tolist() == [-1, 0.5, -3]
    assert best.get_xdata()[0] == 2 and [t.get_text() for t in ax.get_xticklabels()] == ["1", "2", "4"]
    assert ax.get_xlabel() and ax.get_ylabel()
    with pytest.raises(ValueError, match="two numbers for each size"):
        fit_and_held_out([1], [1.0, 2.0], [1.0])


def test_lengths_have_a_line_at_the_root_of_the_dimension() -> None:
    ax = lengths({4: torch.randn(500, 4), 100: torch.randn(500, 100)}).axes[0]
    assert [line.get_xdata()[0] for line in ax.get_lines()] == [2, 10]
    assert [patch.get_label() for patch in ax.patches] == ["$d = 4$", "$d = 100$"] and ax.get_xlim()[0] == 0
    with pytest.raises(ValueError, match="nothing to show"):
        lengths({})


def test_planes_share_axes_and_put_the_second_coordinate_upwards() -> None:
    density = torch.zeros(5, 5)
    density[4, 0] = 1.0  # x_2 high, x_1 low
    figure = planes({"(a)": (torch.zeros(3, 2), density), "(b)": (torch.ones(3, 2), None)}, side=2.0)
    shown = [ax for ax in figure.axes if ax.axison]
    assert len(shown) == 2 and shown[0].images[0].origin == "lower" and shown[0].images[0].get_array()[4, 0] == 1
    assert all(ax.get_xlim() == ax.get_ylim() == (-2, 2) for ax in shown) and not shown[1].images
    assert shown[0].get_xlabel() == "$x_1$" and shown[0].get_ylabel() == "$x_2$"
    with pytest.raises(ValueError, match="nothing to show"):
        planes({})
