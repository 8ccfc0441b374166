"""Bradley-Terry against direct maximisation and closed forms; what it refuses; intervals over raters."""

import inspect
import math

import numpy as np
import pytest
import scipy.optimize
import torch

from imggen_lib.people.ranking import bradley_terry, rank, win_counts
from imggen_lib.people.study import Judgement


def _answer(rater: str, left: str, right: str, choice: str) -> Judgement:
    return Judgement("s", "i", left, right, choice, rater, 900, "2026-01-31T12:00:00Z")


def _simulated(raters: int, strengths: dict[str, float], each: int, seed: int, taste: float = 0.0) -> list[Judgement]:
    draw = np.random.default_rng(seed)
    names, rows = list(strengths), []
    for r in range(raters):
        own = {n: s + taste * draw.normal() for n, s in strengths.items()}
        for _ in range(each):
            a, b = draw.choice(names, 2, replace=False)
            wins = draw.random() < 1 / (1 + math.exp(own[b] - own[a]))
            rows.append(_answer(f"r{r}", str(a), str(b), "left" if wins else "right"))
    return rows


def _by_scipy(wins: np.ndarray) -> np.ndarray:
    def loss(s: np.ndarray) -> float:
        return float((wins * np.logaddexp(0, s[None, :] - s[:, None])).sum())

    best = scipy.optimize.minimize(loss, np.zeros(len(wins)), method="BFGS", options={"gtol": 1e-9, "xrtol": 1e-14}).x
    return best - best.mean()


def test_strengths_against_direct_maximisation() -> None:
    draw = np.random.default_rng(0)
    for k in (2, 3, 6):
        wins = draw.integers(1, 30, (k, k)).astype(float)
        np.fill_diagonal(wins, 0)
        np.testing.assert_allclose(bradley_terry(torch.tensor(wins)), _by_scipy(wins), atol=1e-6)


def test_two_systems_in_closed_form_and_the_order_of_the_table() -> None:
    for a, b in ((3, 1), (999, 1), (1, 40)):
        found = bradley_terry(torch.tensor([[0.0, a], [b, 0.0]]))
        assert (found[0] - found[1]).item() == pytest.approx(math.log(a / b), rel=1e-9) and found.sum().abs() < 1e-12
    prior = bradley_terry(torch.tensor([[0.0, 5.0], [0.0, 0.0]]), prior=0.5)
    assert (prior[0] - prior[1]).item() == pytest.approx(math.log(5.5 / 0.5))


def test_a_lopsided_chain_is_solved() -> None:
    wins = torch.zeros(5, 5)
    for i in range(4):
        wins[i, i + 1], wins[i + 1, i] = 2000.0, 1.0
    gaps = -bradley_terry(wins).diff()
    torch.testing.assert_close(gaps, torch.full((4,), math.log(2000.0), dtype=torch.float64), rtol=1e-7, atol=0)


def test_what_has_no_answer_is_refused() -> None:
    apart = torch.zeros(4, 4)
    apart[0, 1] = apart[1, 0] = apart[2, 3] = apart[3, 2] = 2.0
    with pytest.raises(ValueError, match="a, b were never compared with c, d"):
        bradley_terry(apart, ["a", "b", "c", "d"])
    beaten = torch.tensor([[0.0, 2.0, 3.0], [1.0, 0.0, 4.0], [0.0, 0.0, 0.0]])
    with pytest.raises(ValueError, match=r"c never won against a, b.*prior"):
        bradley_terry(beaten, ["a", "b", "c"])
    best = torch.tensor([[0.0, 2.0, 3.0], [0.0, 0.0, 4.0], [0.0, 1.0, 0.0]])
    with pytest.raises(ValueError, match=r"system [12] never won against system 0"):
        bradley_terry(best)
    assert torch.isfinite(bradley_terry(beaten, prior=0.5)).all()
    plain = inspect.unwrap(bradley_terry)
    for bad in (torch.eye(2), -beaten, beaten * math.nan, torch.zeros(2, 3), torch.zeros(1, 1)):
        with pytest.raises(ValueError, match="square table"):
            plain(bad)


def test_win_counts_whoever_was_on_the_left() -> None:
    rows = [_answer("x", "a", "b", "left"), _answer("x", "b", "a", "right"), _answer("y", "b", "a", "left")]
    raters, wins = win_counts(rows, ["a", "b"])
    assert raters == ["x", "y"] and wins.tolist() == [[[0, 2], [0, 0]], [[0, 0], [1, 0]]]
    tie = _answer("y", "a", "b", "tie")
    with pytest.raises(ValueError, match="ties"):
        win_counts([tie], ["a", "b"])
    assert win_counts([tie], ["a", "b"], split_ties=True)[1].tolist() == [[[0, 0.5], [0.5, 0]]]
    with pytest.raises(ValueError, match="unblind"):
        win_counts(rows, ["a", "c"])


def test_ranking_finds_the_order_and_is_seeded() -> None:
    truth = {"a": 0.8, "b": 0.0, "c": -0.8}
    rows = _simulated(20, truth, 40, seed=0)
    found = rank(rows, list(truth), resamples=300)
    np.testing.assert_allclose(found.strengths, list(truth.values()), atol=0.3)
    assert (found.low < found.strengths).all() and (found.strengths < found.high).all() and found.low[0] > found.high[2]
    again = rank(rows, list(truth), resamples=300)
    assert torch.equal(found.low, again.low) and not torch.equal(found.low, rank(rows, list(truth), resamples=300, seed=2).low)
    other = rank(rows, ["c", "a", "b"], resamples=300)
    torch.testing.assert_close(other.strengths, found.strengths[[2, 0, 1]], rtol=1e-8, atol=1e-10)
    torch.testing.assert_close(other.high, found.high[[2, 0, 1]], rtol=1e-8, atol=1e-10)


def test_raters_of_unlike_taste_widen_the_interval() -> None:
    truth = {"a": 0.3, "b": -0.3}
    alike = rank(_simulated(20, truth, 60, seed=1), ["a", "b"], resamples=300)
    unlike = rank(_simulated(20, truth, 60, seed=1, taste=1.0), ["a", "b"], resamples=300)
    assert (unlike.high - unlike.low)[0] > 1.5 * (alike.high - alike.low)[0]


def test_the_interval_covers_the_truth() -> None:
    truth = {"a": 0.4, "b": 0.0, "c": -0.4}
    hits = 0.0
    for s in range(40):
        found = rank(_simulated(25, truth, 12, seed=s), list(truth), resamples=200, seed=s)
        hits += float(
            ((found.low < torch.tensor([0.4, 0.0, -0.4])) & (torch.tensor([0.4, 0.0, -0.4]) < found.high)).double().mean()
        )
    assert hits / 40 > 0.85


def test_too_few_raters_or_judgements_are_refused() -> None:
    rows = [_answer("x", "a", "b", "left"), _answer("y", "a", "b", "right")]
    with pytest.raises(ValueError, match=r"in \d+ of 100 resamples.*prior"):
        rank(rows, ["a", "b"], resamples=100)
    assert torch.isfinite(rank(rows, ["a", "b"], resamples=100, prior=0.5).high).all()
    with pytest.raises(ValueError, match="at least two raters"):
        rank([rows[0], _answer("x", "a", "b", "right")], ["a", "b"])


def test_pairs_have_p_values_corrected_for_their_number() -> None:
    truth = {"a": 1.0, "b": 0.9, "c": -0.8}
    found = rank(_simulated(20, truth, 40, seed=0), list(truth), resamples=300)
    assert torch.equal(found.p_values, found.p_values.T) and found.p_values.diagonal().eq(1).all()
    assert found.p_values[0, 2] < 0.001 and found.p_values[1, 2] < 0.001 and found.p_values[0, 1] > 0.05


def test_three_equal_systems_are_told_apart_in_one_study_of_twenty_at_most() -> None:
    equal, alarms = dict.fromkeys("abc", 0.0), 0
    for s in range(60):
        alarms += int(
            (rank(_simulated(15, equal, 24, seed=100 + s, taste=0.5), "abc", resamples=200, seed=s).p_values < 0.05).any()
        )
    assert alarms <= 8
