"""The charts of the chapter on medicine show what they are given, and refuse what they cannot tell apart."""

import inspect

import pytest
import torch

from imggen_lib.metrics import audit, calibration
from imggen_lib.viz import medicine

DRAW = torch.Generator().manual_seed(0)
ILL, WELL = torch.randn(60, generator=DRAW).double() + 1, torch.randn(80, generator=DRAW).double()
P, Y = torch.rand(100, generator=DRAW).double(), (torch.rand(100, generator=DRAW) < 0.6).long()


def test_roc_curves_are_the_points_and_have_a_diagonal() -> None:
    curve = audit.roc(ILL, WELL)
    ax = medicine.roc_curves({"one": curve}).axes[0]
    assert ax.lines[0].get_xydata().tolist() == [[0, 0], [1, 1]]
    assert torch.equal(torch.as_tensor(ax.lines[1].get_ydata()), curve.sensitivity)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["one"] and ax.get_xlabel() == "false alarms"
    with pytest.raises(ValueError, match="no curve"):
        medicine.roc_curves({})


def test_histograms_are_shares_of_each_group() -> None:
    ax = medicine.score_histograms({"ill": ILL, "well": WELL}, label="s", threshold=0.5).axes[0]
    for patch in ax.patches:
        values, edges, _ = patch.get_data()
        assert 0.9 < values.sum() <= 1 and len(edges) == 31
    assert ax.lines[0].get_xdata()[0] == 0.5
    with pytest.raises(ValueError, match="between one and 3"):
        inspect.unwrap(medicine.score_histograms)({str(k): ILL for k in range(4)}, label="s")


def test_points_and_their_line() -> None:
    ax = medicine.against({"ill": (ILL, 2 * ILL)}, labels=("c", "s"), line=(2.0, 0.5)).axes[0]
    assert torch.equal(torch.as_tensor(ax.lines[0].get_ydata()), 2 * ILL)
    x, y = ax.lines[1].get_data()
    assert y.tolist() == pytest.approx((2 * x + 0.5).tolist())


def test_a_reliability_diagram_has_every_bin_with_its_interval() -> None:
    bins = calibration.reliability(P, Y, 5)
    ax = medicine.reliability_diagram({"p": bins}).axes[0]
    assert ax.containers[0].lines[0].get_ydata().tolist() == pytest.approx([b.true.value for b in bins])
    low = [segment[0][1] for segment in ax.collections[0].get_segments()]
    assert low == pytest.approx([b.true.low for b in bins])


def test_decision_curves_stand_beside_acting_on_all_and_on_none() -> None:
    found = calibration.net_benefit(P, Y, torch.linspace(0.1, 0.9, 9, dtype=torch.float64))
    ax = medicine.decision_curves({"p": found}).axes[0]
    assert ax.lines[0].get_ydata().tolist() == pytest.approx(found.all.tolist())
    assert set(ax.lines[1].get_ydata()) == {0} and ax.lines[2].get_ydata().tolist() == pytest.approx(found.model.tolist())


def test_what_helps_is_shown_with_its_interval() -> None:
    record = {"summary": {n: {"a": {"value": v, "low": v - 0.1, "high": v + 0.2}} for n, v in (("25", 0.1), ("100", -0.3))}}
    ax = medicine.help_chart(record, ["a"]).axes[0]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a, 25", "a, 100"]
    ends = [segment[:, 0].tolist() for c in ax.collections for segment in c.get_segments()]
    assert ends == [pytest.approx([0.0, 0.3]), pytest.approx([-0.4, -0.1])]


def test_shares_and_areas_in_words() -> None:
    assert medicine.percent(audit.share(15, 100), 1) == "≈ 15.0 % [≈ 9.3, ≈ 23.3], n = 100"
    found = medicine.areas_table({"s": [(ILL, WELL)]}, ["test"], "areas")
    a = audit.delong(ILL, WELL)
    assert f"| s | ≈ {a.value:.3f} ± {a.value - a.low:.3f} |" in found._repr_markdown_()
