"""The picture and tables of the chapter on tools."""

import numpy as np
import pytest

from imggen_lib.measured import measured
from imggen_lib.tools.record import TOOLS, Exhibit, exhibit
from imggen_lib.viz.tools import costs_table, differences_table, same_digits, sources_table


def _read(names: list[str]) -> list[Exhibit]:
    return [exhibit(name, live=False) for name in names]


def test_each_panel_has_digits_above_and_differences_beneath() -> None:
    names = ["torch", "numpy", "caffe", "jax", "theano"]
    truth = np.random.default_rng(0).uniform(-1, 1, (100, 784))
    figure = same_digits(_read(names), truth)
    shown = [ax for ax in figure.axes if ax.images]
    assert [ax.get_title() for ax in shown][::2] == ["PyTorch", "Caffe in OpenCV", "Theano"] and len(shown) == 5
    image = np.asarray(shown[0].images[0].get_array())
    assert image.shape == (56 + 3 + 56, 112)
    assert np.allclose(image[:28, 28:56], truth[1].reshape(28, 28), atol=1e-5)
    assert 0.01 < np.abs(image[59:]).max() < 1  # times 100,000, and below the bound


def test_tables_say_what_the_record_says() -> None:
    rows = measured("tools")["tools"]
    differences = differences_table(_read(list(TOOLS))).markdown.splitlines()[2:]
    assert len(differences) == len(rows) and differences[2].count(" - ") == 4  # ONNX derives nothing
    costs = {line.split(" | ")[0].strip("| "): line for line in costs_table(measured("tools")).markdown.splitlines()[2:]}
    assert "1.0.5 | 3.7" in costs["Theano"] and f"{rows['torch']['install_mb']:,.0f}" in costs["PyTorch"]


@pytest.mark.parametrize("why", ["", "x" * 500])
def test_sources_are_told_in_short(why: str) -> None:
    one = Exhibit("torch", measured("tools")["tools"]["torch"], "record", why)
    line = sources_table([one]).markdown.splitlines()[-1]
    assert "record" in line and len(line) < 150 and line.endswith(f"{why[:80] or '-'} |")
