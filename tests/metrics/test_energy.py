"""The energy distance against its definition, a closed form, and what its interval is said to do."""

import inspect
import math

import pytest
import torch

from imggen_lib.metrics.energy import energy_distance
from imggen_lib.noise import generator_for


def drawn(seed: int, n: int, d: int = 2, shift: float = 0.0) -> torch.Tensor:
    return torch.randn(n, d, generator=generator_for(seed), dtype=torch.float64) + shift


def test_by_the_definition_pair_by_pair() -> None:
    x, y = drawn(1, 30), drawn(2, 40, shift=0.5)
    xy = torch.stack([(a - b).norm() for a in x for b in y]).mean()
    xx = torch.stack([(x[i] - x[j]).norm() for i in range(30) for j in range(30) if i != j]).mean()
    yy = torch.stack([(y[i] - y[j]).norm() for i in range(40) for j in range(40) if i != j]).mean()
    assert energy_distance(x, y, groups=5).value == pytest.approx((2 * xy - xx - yy).item(), abs=1e-12)


def test_two_normals_on_the_line_have_the_closed_form() -> None:
    """E|N(m, 2)| = 2/sqrt(pi) exp(-m^2/4) + m erf(m/2)."""
    m = 1.5
    exact = 2 * (2 / math.sqrt(math.pi) * math.exp(-(m**2) / 4) + m * math.erf(m / 2)) - 4 / math.sqrt(math.pi)
    found = energy_distance(drawn(3, 2000, 1), drawn(4, 2000, 1, m))
    assert found.low < exact < found.high and found.high - found.low < 0.2


def test_0_on_average_for_equal_distributions_whatever_n() -> None:
    for n in (25, 60):
        values = torch.tensor([energy_distance(drawn(5 + k, n), drawn(900 + k, n)).value for k in range(60)])
        assert values.mean().abs() < 4 * values.std() / 60**0.5
        assert (values < 0).any()


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    truth = energy_distance(drawn(1, 4000, shift=0.4), drawn(2, 4000)).value
    found = [energy_distance(drawn(10 + k, 80, shift=0.4), drawn(500 + k, 80), groups=10) for k in range(60)]
    held = sum(e.low <= truth <= e.high for e in found)
    assert 52 <= held <= 60


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ValueError, match="must agree"):
        inspect.unwrap(energy_distance)(drawn(1, 50, 2), drawn(2, 50, 3))
    with pytest.raises(ValueError, match="20 groups need"):
        energy_distance(drawn(1, 10), drawn(2, 10))
