"""What is measured of worksheets, against drawings whose answer is known."""

import math

import pytest
import torch

from imggen_lib.applications.worksheets.measures import after_filter, hand_seen, intraclass, key_holds, style_of


def bar(width: float, slant: float, height: int = 18) -> torch.Tensor:
    """An upright or slanted bar, antialiased, as an image of 28 pixels."""
    fine = 8
    at = (torch.arange(28 * fine).double() + 0.5) / fine - 14
    y, x = torch.meshgrid(at, at, indexing="ij")
    ink = ((x + slant * y).abs() <= width / 2) & (y.abs() <= height / 2)
    return ink.double().view(28, fine, 28, fine).mean((1, 3)).float()[None] * 2 - 1


def test_a_bar_has_its_slant_its_thickness_and_its_height() -> None:
    for width, slant in ((2.0, 0.0), (3.0, 0.4), (4.0, -0.3)):
        found = style_of(bar(width, slant)[None])
        across = width / math.sqrt(1 + slant**2)  # of the stroke, at right angles to it
        assert float(found.slant) == pytest.approx(slant, abs=0.02)
        ends = 1 + width / (18 * math.sqrt(1 + slant**2))  # the outline goes round both ends
        assert float(found.thickness) == pytest.approx(across / ends, rel=0.12)
        assert float(found.height) == pytest.approx(4 * 18 / math.sqrt(12), rel=0.03)


def test_intraclass_is_scipys_mean_squares() -> None:
    """The F statistic of a one-way analysis of variance gives the same share."""
    from scipy import stats

    drawn = torch.Generator().manual_seed(3)
    x = torch.randn(30, 1, generator=drawn) + torch.randn(30, 10, generator=drawn)
    x = (x - x.mean(0)) / x.std(0)
    f = float(stats.f_oneway(*x.numpy()).statistic)
    assert intraclass(x) == pytest.approx((f - 1) / (f + 9), rel=1e-5)
    found = hand_seen(x, 10)
    assert found.low < found.value < found.high and found.value == pytest.approx(intraclass(x))
    assert intraclass(x * 3 + torch.arange(10)) == pytest.approx(intraclass(x), rel=1e-4), "a digit's own scale is taken out"
    with pytest.raises(ValueError, match="two hands"):
        intraclass(x[:1])


def test_what_cannot_be_a_probability_is_refused() -> None:
    for wrong in (lambda: key_holds(1.2, 3), lambda: after_filter(0.5, -0.1, 0.2)):
        with pytest.raises(ValueError):
            wrong()
    assert key_holds(0, 80) == 1 and key_holds(1, 0) == 1 and math.isnan(after_filter(1, 0, 0)[0])
