"""Calibration against scikit-learn and closed forms; the decision curve against counting."""

import inspect
import math

import numpy as np
import pytest
import torch
from sklearn.calibration import _sigmoid_calibration, calibration_curve
from sklearn.metrics import brier_score_loss
from torch import Tensor

from imggen_lib.metrics import calibration

F64 = torch.float64


def _case(n: int = 400, seed: int = 0, power: float = 1.0) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    p = torch.rand(n, generator=draw, dtype=F64)
    return p**power, (torch.rand(n, generator=draw, dtype=F64) < p).long()


def test_the_brier_score_is_scikit_learn_s_and_its_interval_holds_the_truth() -> None:
    p, y = _case()
    assert calibration.brier(p, y).value == pytest.approx(brier_score_loss(y.numpy(), p.numpy()), abs=1e-12)
    inside = 0
    for seed in range(300):  # E (p - y)^2 = E p (1 - p) = 1/6 for calibrated uniform p
        found = calibration.brier(*_case(200, seed))
        inside += found.low <= 1 / 6 <= found.high
    assert inside / 300 > 0.91


def test_the_reliability_diagram_is_scikit_learn_s() -> None:
    p, y = _case()
    true, said = calibration_curve(y.numpy(), p.numpy(), n_bins=10, strategy="quantile")
    found = calibration.reliability(p, y, 10)
    assert np.allclose([b.said for b in found], said) and np.allclose([b.true.value for b in found], true)
    assert [b.true.n for b in found] == [40] * 10 and all(b.true.low < b.true.value < b.true.high for b in found[1:-1])


def test_the_calibration_error_by_hand_and_its_bias() -> None:
    p, y = torch.tensor([0.1, 0.3, 0.6, 0.8], dtype=F64), torch.tensor([0, 1, 1, 1])
    found = calibration.calibration_error(p, y, 2)
    assert found.value == pytest.approx(0.5 * abs(0.5 - 0.2) + 0.5 * abs(1 - 0.7))
    right, wrong = calibration.calibration_error(*_case()), calibration.calibration_error(*_case(power=2.5))
    assert right.value < 0.08 and right.low <= right.value <= right.high and wrong.low > 0.08
    few = np.mean([calibration.calibration_error(*_case(100, s), resamples=10).value for s in range(30)])
    many = np.mean([calibration.calibration_error(*_case(1600, s), resamples=10).value for s in range(30)])
    assert few > 2.5 * many > 0  # the bias of a calibrated forecast falls like the root of n


def test_cases_of_one_probability_are_not_parted() -> None:
    """Else the order of the file would decide who is in which group."""
    y = torch.tensor([1] * 62 + [0] * 38)
    constant = torch.full((100,), 0.74, dtype=F64)
    assert calibration.calibration_error(constant, y, 10).value == pytest.approx(0.12)
    assert [b.true.n for b in calibration.reliability(constant, y, 10)] == [100]
    few = torch.tensor([0.1] * 3 + [0.5] * 4 + [0.9] * 3, dtype=F64)
    assert [b.true.n for b in calibration.reliability(few, torch.arange(10) % 2, 5)] == [3, 4, 3]


def test_platt_s_curve_is_scikit_learn_s() -> None:
    draw = torch.Generator().manual_seed(1)
    y = (torch.arange(300) % 3 > 0).long()
    s = 500 * (torch.randn(300, generator=draw, dtype=F64) + y) + 3000
    a, b = _sigmoid_calibration(s.numpy(), y.numpy())  # 1 / (1 + exp(a s + b))
    found = calibration.platt(s, y)
    assert (found.slope, found.offset) == pytest.approx((-a, -b), rel=1e-3)
    target = torch.where(y == 1, 201 / 202, 1 / 102).double()
    gap = found(s) - target
    assert abs(float(gap.sum())) < 1e-8 and abs(float((gap * (s - s.mean())).sum())) < 1e-5  # where the slope of the loss is 0
    apart = calibration.platt(torch.tensor([0.0, 1.0, 10.0, 11.0]), [0, 0, 1, 1])
    assert math.isfinite(apart.slope) and apart.slope > 0
    assert torch.equal(apart(torch.tensor([3.0, 1.0, 2.0])).argsort(), torch.tensor([1, 2, 0]))


def test_a_decision_curve_by_counting() -> None:
    p, y = torch.tensor([0.1, 0.4, 0.4, 0.9], dtype=F64), torch.tensor([0, 1, 0, 1])
    found = calibration.net_benefit(p, y, torch.tensor([0.2, 0.4, 0.5], dtype=F64))
    assert found.model.tolist() == pytest.approx([2 / 4 - 0.25 * 1 / 4, 2 / 4 - (2 / 3) * 1 / 4, 1 / 4])
    assert found.all.tolist() == pytest.approx([0.5 - 0.25 * 0.5, 0.5 - 2 / 3 * 0.5, 0])
    best = calibration.net_benefit(y.double().clamp(1e-9, 1 - 1e-9), y, torch.tensor([0.3]))
    assert best.model.item() == pytest.approx(0.5)  # the share of positives, at best


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: calibration.brier(torch.tensor([0.5, 2.0]), [0, 1]), "is this a score"),
        (lambda: calibration.brier(torch.tensor([0.5, 0.2]), [0, 3]), "1 for a positive"),
        (lambda: calibration.reliability(torch.rand(4), [0, 1, 0, 1], 5), "at most 4"),
        (lambda: calibration.platt(torch.rand(3), [1, 1, 1]), "some negatives"),
        (lambda: inspect.unwrap(calibration.platt)(torch.rand(3), [1, 1]), "as many truths"),
        (lambda: calibration.net_benefit(torch.rand(2), [0, 1], torch.tensor([1.0])), "strictly between"),
    ],
)
def test_what_cannot_be_judged_is_refused(call: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()  # type: ignore[operator]
