"""The charts on asking people draw what they were given."""

import numpy as np
import pytest
import torch

from imggen_lib.metrics.intervals import Estimate
from imggen_lib.people.ranking import Ranking
from imggen_lib.viz.people import intervals, power, raters, raters_needed

_RANKING = Ranking(["a", "b"], torch.tensor([0.5, -0.5]), torch.tensor([0.2, -0.8]), torch.tensor([0.9, -0.1]))


def test_intervals_have_a_row_for_each_name_and_a_ring_where_the_truth_is() -> None:
    figure = intervals(_RANKING, _RANKING, truth={"b": -0.4, "a": 0.6}, titles=("x", "y"))
    for ax, title in zip(figure.axes, "xy", strict=True):
        dots, *_, rings = ax.get_lines()
        assert ax.get_title() == title and dots.get_xdata() == pytest.approx([0.5, -0.5])
        assert rings.get_xdata() == pytest.approx([0.6, -0.4]) and np.array_equal(rings.get_ydata(), dots.get_ydata())
        ((first, second),) = [c.get_segments() for c in ax.collections]
        assert first[:, 0] == pytest.approx([0.2, 0.9]) and second[:, 0] == pytest.approx([-0.8, -0.1])
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["a", "b"]
    assert figure.axes[0].get_yticks()[0] > figure.axes[0].get_yticks()[1]  # the first name is above


def test_intervals_of_estimates() -> None:
    found = {"x": Estimate(3.0, 0.1, 2.8, 3.2), "y": Estimate(4.0, 0.2, 3.5, 4.5)}
    (ax,) = intervals(found, label="MOS").axes
    assert ax.get_lines()[0].get_xdata() == pytest.approx([3.0, 4.0]) and ax.get_xlabel() == "MOS"
    with pytest.raises(ValueError, match="same names"):
        intervals(found, _RANKING)
    with pytest.raises(ValueError, match="nothing"):
        intervals()


def test_each_rater_is_a_dot() -> None:
    (ax,) = raters(torch.tensor([0.7, 0.2, 0.5]), (0.3, 0.6), (0.1, 0.9)).axes
    dots, first, second, half = ax.get_lines()
    assert dots.get_xdata() == pytest.approx([0.2, 0.5, 0.7])
    assert list(first.get_xdata()) == [0.3, 0.6] and list(second.get_xdata()) == [0.1, 0.9] and list(half.get_xdata()) == [0.5, 0.5]
    assert [t.get_text() for t in ax.texts] == ["1", "2"]
    with pytest.raises(ValueError, match="one share"):
        raters(torch.zeros(2, 2))


def test_power_and_raters_needed() -> None:
    (ax,) = power([10, 20], {"p": [0.1, 0.4], "q": [0.2, 0.9]}, dots=[0.15, 0.35]).axes
    assert [list(line.get_ydata()) for line in ax.get_lines()[:3]] == [[0.1, 0.4], [0.2, 0.9], [0.15, 0.35]]
    (ax,) = raters_needed([1, 10], [200, 38], 20.0).axes
    assert list(ax.get_lines()[0].get_ydata()) == [200, 38] and list(ax.get_lines()[1].get_ydata()) == [20.0, 20.0]
    (ax,) = raters_needed([1, 10], [200, 20], 0.0).axes
    assert len(ax.get_lines()) == 1
