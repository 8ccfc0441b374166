"""What clicks can tell: samples, homogeneity, looking every day, evidence, and what choosing costs, against other programs."""

import numpy as np
import pytest
import scipy.stats
import torch

from imggen_lib.data.clicks import shop_clicks
from imggen_lib.metrics import experiments as ex


def test_samples_are_those_of_the_formula_and_fall_with_the_lift() -> None:
    assert [ex.impressions_needed(0.0046, lift) for lift in (0.1, 0.2, 0.5)] == [356_584, 93_367, 16_961]
    assert (
        ex.impressions_needed(0.0046, 0.2, power=0.9)
        > ex.impressions_needed(0.0046, 0.2)
        > ex.impressions_needed(0.0046, 0.2, level=0.9)
    )
    assert ex.smallest_detectable(0.0046, 100_000) == 0.2 and ex.smallest_detectable(0.0046, 100) is None
    for wrong in ((0.0, 0.1), (0.5, 1.5), (0.1, 0.0)):
        with pytest.raises(ValueError, match="between 0 and 1"):
            ex.impressions_needed(*wrong)


def test_homogeneity_is_scipy_s() -> None:
    clicks, shown = shop_clicks()
    found = ex.homogeneity(clicks, shown)
    other = scipy.stats.chi2_contingency(torch.stack([clicks, shown - clicks]).numpy())
    assert found == pytest.approx((other.statistic, other.dof, other.pvalue), rel=1e-9)
    assert found.p_value == pytest.approx(0.42, abs=0.005) and int(clicks.sum()) == 46 and int(shown.sum()) == 10_000
    with pytest.raises(ValueError, match="at least two arms"):
        ex.homogeneity(torch.tensor([1, 3]), torch.tensor([5, 2]))


def test_homogeneity_of_equal_arms_is_called_at_its_level() -> None:
    draws = np.random.default_rng(0).binomial(300, 0.0046, (2000, 34))
    shown = torch.full((34,), 300)
    called = [ex.homogeneity(torch.from_numpy(row), shown).p_value < 0.05 for row in draws if row.sum()]
    assert np.mean(called) == pytest.approx(0.05, abs=0.02)


def test_the_z_score_is_that_of_the_pooled_test() -> None:
    z = ex.difference_z(torch.tensor([30, 0]), torch.tensor([50, 0]), 1000)
    expected = (0.05 - 0.03) / np.sqrt(2 * 0.04 * 0.96 / 1000)
    assert z.tolist() == pytest.approx([expected, 0])


def test_looking_once_holds_the_level_looking_daily_does_not_and_evidence_does() -> None:
    made = ex.looked_at(0.0046, 0.0, 4000, 28, 4000, seed=3)
    assert made.by_z.shape == made.by_evidence.shape == (4000, 28)
    assert made.by_z[:, -1].double().mean() == pytest.approx(0.05, abs=0.015)
    assert 0.2 < made.by_z.any(1).double().mean() < 0.35
    assert made.by_evidence.any(1).double().mean() < 0.05
    better = ex.looked_at(0.0046, 0.5, 4000, 28, 500, seed=4)
    assert better.by_evidence.any(1).double().mean() > 0.95
    with pytest.raises(ValueError, match="at least 1"):
        ex.looked_at(0.01, 0.0, 0, 3, 5)


def test_evidence_is_refused_what_are_no_counts() -> None:
    with pytest.raises(ValueError, match="are counts"):
        ex.evidence(torch.tensor(-1), torch.tensor(2))
    with pytest.raises(ValueError, match="are counts"):
        ex.evidence(torch.tensor(1), torch.tensor(2), width=0.0)


def test_worlds_have_their_mean_and_spread() -> None:
    rates = ex.worlds(0.01, 0.3, 4, 20_000)
    assert rates.mean() == pytest.approx(0.01, rel=0.01) and rates.std() / rates.mean() == pytest.approx(0.3, rel=0.02)
    with pytest.raises(ValueError, match="no beta distribution"):
        ex.worlds(0.5, 2.0, 4, 10)


def test_policies_lose_what_they_should() -> None:
    rates = np.tile([0.2, 0.02], (60, 1))
    lost = {policy: ex.race(rates, 4000, policy) for policy in ex.POLICIES}
    assert lost["uniform"].lost == pytest.approx(np.full(60, 2000 * 0.18)) and lost["uniform"].right.all()
    assert lost["A/B"].lost == pytest.approx(np.full(60, 400 * 0.18))
    assert lost["Thompson"].lost.mean() < 110 and lost["Thompson"].right.all()
    same = ex.race(np.full((20, 3), 0.05), 900, "Thompson", batch=100)
    assert same.lost == pytest.approx(np.zeros(20))
    with pytest.raises(ValueError, match="the policies are"):
        ex.race(rates, 100, "greedy")


def test_the_same_seed_gives_the_same_race() -> None:
    rates = ex.worlds(0.01, 0.3, 3, 5)
    assert (ex.race(rates, 2000, "Thompson").lost == ex.race(rates, 2000, "Thompson").lost).all()
    assert (ex.race(rates, 2000, "Thompson").lost != ex.race(rates, 2000, "Thompson", seed=1).lost).any()


def test_a_campaign_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="campaign"):
        shop_clicks("random_children")
