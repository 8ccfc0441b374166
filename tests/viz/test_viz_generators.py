"""The charts of the chapter on today's generators."""

import pytest

from imggen_lib.viz.generators import distances_table, everything, guidance_curves, interval, steps_curve

ROWS = {
    "euler 1": {"frechet": [50.0, 48.0, 52.0], "right": [0.99, 0.98, 1.0]},
    "euler 2": {"frechet": [16.0, 15.0, 17.0], "right": [0.98, 0.97, 0.99]},
    "heun 1": {"frechet": [11.0, 10.0, 12.0], "right": [0.97, 0.96, 0.98]},
}


def test_a_line_a_solver_at_the_evaluations_that_it_takes() -> None:
    ax = steps_curve(ROWS, {"GAN": 1.4}).axes[0]
    lines = {c.get_label(): c.lines[0].get_xdata().tolist() for c in ax.containers}
    assert lines == {"Euler": [1, 2], "Heun": [2]}
    assert ax.get_xlabel() and ax.get_ylabel() and [t.get_text() for t in ax.texts] == ["GAN"]
    with pytest.raises(ValueError, match="no row"):
        steps_curve({}, {})


def test_guidance_is_a_line_a_share() -> None:
    rows = {"1": {"recall": 0.9, "right": [0.9, 0.8, 1.0]}, "3": {"recall": 0.3, "right": [1.0, 0.9, 1.0]}}
    ax = guidance_curves(rows, {"recall": "recall", "right": "right class"}).axes[0]
    assert [line.get_ydata().tolist() for line in ax.lines] == [[0.9, 0.3], [0.9, 1.0]]
    assert ax.lines[0].get_xdata().tolist() == [1, 3]
    with pytest.raises(ValueError, match="at least one"):
        guidance_curves(rows, {})


def test_tables_have_their_intervals_and_dashes() -> None:
    text = distances_table({"prior": {"frechet": [33.74, 31.8, 35.7]}, **ROWS}, "distances")._repr_markdown_()
    assert "33.74 [31.80, 35.70]" in text and "| \u2013 |" in text and "0.990 [0.980, 1.000]" in text
    assert interval([1.0, 0.5, 2.0], 1) == "1.0 [0.5, 2.0]"
    both = everything({"a": {"x": "1"}, "b": {"y": "2"}}, ["x", "y"], "both")._repr_markdown_()
    assert "| a | 1 | \u2013 |" in both and "| b | \u2013 | 2 |" in both
