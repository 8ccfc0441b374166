"""Areas, their errors and thresholds, against scikit-learn, a count of all pairs, and simulation."""

import inspect
import math

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn import metrics
from torch import Tensor

from imggen_lib.metrics import audit
from imggen_lib.noise import generator_for

F64 = torch.float64


def _scores(p: int = 60, q: int = 80, shift: float = 0.8, seed: int = 0, digits: int | None = None) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    x, y = torch.randn(p, generator=draw, dtype=F64) + shift, torch.randn(q, generator=draw, dtype=F64)
    return (x, y) if digits is None else (x.round(decimals=digits), y.round(decimals=digits))


@pytest.mark.parametrize("digits", [None, 0])
def test_the_area_and_the_curve_are_scikit_learn_s(digits: int | None) -> None:
    x, y = _scores(digits=digits)
    truth, scores = np.r_[np.ones(len(x)), np.zeros(len(y))], torch.cat([x, y]).numpy()
    assert audit.auroc(x, y) == pytest.approx(metrics.roc_auc_score(truth, scores), abs=1e-12)
    fpr, tpr, thresholds = metrics.roc_curve(truth, scores, drop_intermediate=False)
    found = audit.roc(x, y)
    for ours, theirs in zip(found, (fpr, tpr, thresholds), strict=True):
        assert np.allclose(ours.numpy(), theirs)
    assert float(torch.trapezoid(found.sensitivity, found.false_alarms)) == pytest.approx(audit.auroc(x, y), abs=1e-12)


def test_turned_round_the_area_is_what_is_left_of_one() -> None:
    x, y = _scores(digits=1)
    assert audit.auroc(-x, -y) == pytest.approx(1 - audit.auroc(x, y), abs=1e-12) == audit.auroc(y, x)
    assert audit.auroc(torch.ones(3), torch.ones(4)) == 0.5 and audit.auroc(torch.tensor([2.0]), torch.tensor([1.0])) == 1


@pytest.mark.parametrize("digits", [None, 0])
def test_delong_s_error_is_that_of_the_double_sum(digits: int | None) -> None:
    x, y = _scores(digits=digits)
    wins = (x[:, None] > y).double() + (x[:, None] == y).double() / 2
    error = math.sqrt(wins.mean(1).var().item() / len(x) + wins.mean(0).var().item() / len(y))
    found = audit.delong(x, y)
    assert found.value == pytest.approx(audit.auroc(x, y)) and found.standard_error == pytest.approx(error, rel=1e-12)
    assert found.high - found.value == pytest.approx(1.959964 * error, rel=1e-6)
    other = audit.delong(-y, -x)  # who is positive and which way is up, both turned round
    assert (other.value, other.standard_error) == pytest.approx((found.value, error), abs=1e-12)


def test_delong_s_interval_holds_the_truth_as_often_as_it_says_and_agrees_with_the_bootstrap() -> None:
    truth, inside = stats.norm.cdf(0.8 / math.sqrt(2)), 0
    for seed in range(400):
        x, y = _scores(seed=seed)
        found = audit.delong(x, y)
        inside += found.low <= truth <= found.high
    assert abs(inside / 400 - 0.95) < 3 * math.sqrt(0.95 * 0.05 / 400) + 0.005
    x, y = _scores(390, 234)
    ours, drawn = audit.delong(x, y), audit.bootstrap(x, y, resamples=2000)
    assert drawn.value == pytest.approx(ours.value, abs=1e-12)
    assert drawn.standard_error == pytest.approx(ours.standard_error, rel=0.08)
    assert abs(drawn.low - ours.low) < 0.005 and abs(drawn.high - ours.high) < 0.005


def test_the_bootstrap_draws_each_group_for_itself() -> None:
    x, y = _scores(12, 9, digits=0)
    draw = [torch.randint(n, (50, n), generator=generator_for(s, 20, -1)) for n, s in ((12, 3), (9, 4))]
    areas = torch.tensor([audit.auroc(x[i], y[j]) for i, j in zip(*draw, strict=True)], dtype=F64)
    found = audit.bootstrap(x, y, resamples=50, seed=3)
    assert found.standard_error == pytest.approx(areas.std().item(), rel=1e-5)
    assert found.low == pytest.approx(areas.quantile(0.025).item(), abs=1e-6)


def test_two_scores_of_the_same_cases() -> None:
    draw = torch.Generator().manual_seed(2)
    common = torch.randn(140, 1, generator=draw, dtype=F64)
    both = common + 0.3 * torch.randn(140, 2, generator=draw, dtype=F64)
    both[:60] += torch.tensor([1.0, 0.5], dtype=F64)
    x, y = both[:60], both[60:]
    found = audit.delong_paired(x, y)
    assert found.value == pytest.approx(audit.auroc(x[:, 0], y[:, 0]) - audit.auroc(x[:, 1], y[:, 1]))
    wins = (x[:, None] > y).double()
    v, w = wins.mean(1), wins.mean(0)
    variance = torch.cov(v.T) / len(x) + torch.cov(w.T) / len(y)  # DeLong's matrix
    contrast = torch.tensor([1.0, -1.0], dtype=F64)
    assert found.standard_error**2 == pytest.approx(float(contrast @ variance @ contrast), rel=1e-10)
    assert found.p == pytest.approx(2 * stats.norm.sf(found.value / found.standard_error), rel=1e-9) and found.p < 0.05
    alone = math.hypot(*(audit.delong(x[:, k], y[:, k]).standard_error for k in range(2)))
    assert found.standard_error < 0.6 * alone  # what is common drops out
    back = audit.delong_paired(x.flip(1), y.flip(1))
    assert (back.value, back.p) == pytest.approx((-found.value, found.p))
    same = audit.delong_paired(x[:, :1].expand(-1, 2), y[:, :1].expand(-1, 2))
    assert same == pytest.approx((0, 0, 0, 0, 1))


def test_without_a_difference_p_is_uniform() -> None:
    draw = torch.Generator().manual_seed(4)
    ps = []
    for _ in range(300):
        both = torch.randn(120, 1, generator=draw, dtype=F64) + torch.randn(120, 2, generator=draw, dtype=F64)
        both[:50] += 1
        ps.append(audit.delong_paired(both[:50], both[50:]).p)
    assert stats.kstest(ps, "uniform").pvalue > 0.01


def test_a_threshold_is_chosen_and_carried_over() -> None:
    known = torch.arange(100.0)
    for rate, count in ((0.05, 5), (0.1, 10), (0.0, 0), (0.056, 5), (1.0, 100)):
        threshold = audit.threshold_at(known, rate)
        assert int((known > threshold).sum()) == count
    tied = torch.tensor([1.0, 2.0, 2.0, 2.0])
    assert audit.threshold_at(tied, 0.5) == 2 and float((tied > 2).float().mean()) <= 0.5
    found = audit.transfer(known, known + 50, known + 10, 0.05)
    assert found.threshold == 94 and found.wanted == 0.05
    assert (found.validation.value, found.false_alarms.value, found.sensitivity.value) == (0.05, 0.15, 0.55)
    low, high = stats.binomtest(15, 100).proportion_ci(method="wilson")
    assert (found.false_alarms.low, found.false_alarms.high, found.false_alarms.n) == pytest.approx((low, high, 100))


def test_scores_by_their_truth() -> None:
    positive, negative = audit.by_truth(torch.tensor([3.0, 1.0, 2.0]), [1, 0, 1])
    assert positive.tolist() == [3, 2] and negative.tolist() == [1]
    for truth, words in (([1, 0], "one for each"), ([1, 2, 0], "1 .or True"), ([1, 1, 1], "some negatives")):
        with pytest.raises(ValueError, match=words):
            inspect.unwrap(audit.by_truth)(torch.zeros(3), truth)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: audit.auroc(torch.tensor([]), torch.zeros(2)), "positives are empty"),
        (lambda: audit.auroc(torch.zeros(2), torch.tensor([math.nan])), "negatives have NaN"),
        (lambda: audit.delong(torch.zeros(1), torch.zeros(2)), "at least 2 positives"),
        (lambda: inspect.unwrap(audit.delong_paired)(torch.zeros(3), torch.zeros(3)), "columns of a table"),
        (lambda: audit.threshold_at(torch.zeros(3), 1.5), "at most 1"),
        (lambda: audit.share(3, 2), "between 0 and n"),
    ],
)
def test_what_cannot_be_judged_is_refused(call: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()  # type: ignore[operator]
