"""How two judges' orders are compared: Kendall's tau against scipy, and an interval that covers and is never a point."""

import judges
import pytest
import scipy.stats
import torch

from imggen_lib.metrics.intervals import wilson_interval


def test_tau_is_scipy_s() -> None:
    g = torch.Generator().manual_seed(0)
    for n in (3, 8, 11):
        a, b = torch.rand(n, generator=g).tolist(), torch.rand(n, generator=g).tolist()
        assert judges.tau(a, b) == pytest.approx(scipy.stats.kendalltau(a, b).statistic)


def test_judges_that_agree_wholly_have_an_interval_of_some_width() -> None:
    low, high = judges.tau_interval(list(range(10)), list(range(10)))
    assert low == pytest.approx(2 * wilson_interval(5, 5)[0] - 1) and high == pytest.approx(1)
    assert low < 0.5


def test_the_interval_covers_at_least_as_often_as_it_says() -> None:
    """Two judges see ten models' worth with normal noise of correlation 1/2: tau is 2/pi arcsin(1/2) = 1/3."""
    g, inside = torch.Generator().manual_seed(1), 0
    for _ in range(500):
        x, y = torch.randn(2, 10, generator=g)
        low, high = judges.tau_interval(x.tolist(), (0.5 * x + 0.75**0.5 * y).tolist())
        inside += low <= 1 / 3 <= high
    assert inside / 500 > 0.95 - 3 * (0.95 * 0.05 / 500) ** 0.5


def test_the_judges_are_three_networks_with_features_for_every_image() -> None:
    found = judges.judges()
    assert list(found) == ["classifier", "random", "vae"]
    again = judges.judges()["random"]
    images = torch.zeros(2, 1, 28, 28)
    with torch.no_grad():
        assert torch.equal(found["random"].features(images), again.features(images))  # the weights have a seed
        assert found["vae"](images).shape == (2, 16)
