"""The background chapter's charts draw what they were given."""

import numpy as np
import pytest
import torch

from imggen_lib.viz.background import error_of_means, histograms, pushforward


def test_error_of_means_has_dots_and_a_line() -> None:
    line, dots = error_of_means([1, 10], [0.5, 0.2], [0.4, 0.1]).axes[0].get_lines()
    assert line.get_ydata().tolist() == [0.4, 0.1] and dots.get_ydata().tolist() == [0.5, 0.2]
    with pytest.raises(ValueError, match="as many errors"):
        error_of_means([1], [0.5, 0.2], [0.4])


def test_pushforward_draws_the_graph_and_the_marks() -> None:
    z = torch.linspace(-1, 1, 5)
    figure = pushforward(z, torch.ones(5), z**3, 2 * torch.ones(5), marks=[1])
    graph = figure.axes[1].get_lines()
    np.testing.assert_allclose(graph[0].get_ydata(), (z**3).numpy())
    np.testing.assert_allclose(graph[1].get_xdata(), [-0.5, -0.5, -1])
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
    assert figure.axes[0].get_lines()[0].get_ydata().max() == pytest.approx(1)


def test_nothing_to_show_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to show"):
        histograms({}, lambda x: x, torch.linspace(0, 1, 3))
