"""Pictures and tables of volatility surfaces: they show what they are given, and refuse what they cannot."""

import pytest
import torch

from imggen_lib.applications.volatility.completion import Gaussian
from imggen_lib.applications.volatility.surfaces import draw, quotes
from imggen_lib.measured import measured
from imggen_lib.viz import volatility

WAYS = {"Gaussian": "Gaussian", "VAE of parameters-0": "VAE"}


def test_images_have_a_dot_a_quote_and_a_cross_an_arbitrage() -> None:
    x = draw(2, 0)
    asked = quotes(x, 7, 0)
    shaken = x + 0.05 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    figure = volatility.surface_images({"exact": x, "shaken": shaken}, asked, marks=True)
    left, right = figure.axes[:2]
    assert [len(ax.collections[0].get_offsets()) for ax in (left, right)] == [7, 7]
    crosses = [sum(len(c.get_offsets()) for c in ax.collections[1:]) for ax in (left, right)]
    assert crosses[0] == 0 and crosses[1] > 10
    with pytest.raises(ValueError, match="one surface or more"):
        volatility.surface_images({})


def test_smiles_show_truth_completions_and_quotes() -> None:
    x = draw(1, 0)
    asked = quotes(x, 20, 0)
    found = {"Gaussian": Gaussian.full(draw(300, 1)).complete(asked)}
    figure = volatility.smiles(x, found, asked, maturities=(0, 15))
    assert len(figure.axes) == 2 and len(figure.axes[0].lines) == 3
    at = figure.axes[0].lines[1].get_ydata()
    assert at == pytest.approx(100 * x[0, :16].exp().numpy())
    with pytest.raises(ValueError, match="one or two completions"):
        volatility.smiles(x, {}, asked)


def test_the_record_as_chart_and_tables() -> None:
    record = measured("volatility")
    figure = volatility.errors_by_quotes(record, WAYS, "exact")
    assert len(figure.axes) == 3 and len(figure.legends[0].get_texts()) == 2
    label = "Heston, 10 quotes, exact"
    shown = volatility.coverage_table(record, WAYS, [label])._repr_markdown_()
    assert f"{100 * record['cells'][label]['Gaussian']['coverage'][0]:.1f} %" in shown
    drawn = volatility.arbitrage_table(record, {"VAE of parameters-0": "VAE"})._repr_markdown_()
    assert "0.0 %" in drawn and "1,000" in drawn
