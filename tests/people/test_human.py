"""Preferences and sample sizes against scipy and enumeration, opinion scores, Krippendorff's alpha against its package."""

import inspect
import math

import krippendorff
import numpy as np
import pytest
import scipy.stats
import torch

from imggen_lib.metrics.intervals import wilson_interval
from imggen_lib.people.human import (
    Rating,
    judgements_needed,
    krippendorff_alpha,
    mean_opinion_score,
    opinion_difference,
    preference,
    preference_over_images,
    preference_over_raters,
    preference_power,
)
from imggen_lib.people.study import Judgement


def _answer(rater: str, left: str, right: str, choice: str) -> Judgement:
    return Judgement("s", "i", left, right, choice, rater, 900, "2026-01-31T12:00:00Z")


def test_preference_against_scipy() -> None:
    for wins, n in ((0, 3), (5, 10), (17, 20), (260, 500), (240, 500)):
        oracle = scipy.stats.binomtest(wins, n)
        found = preference(wins, n)
        assert found.p_value == pytest.approx(oracle.pvalue, rel=1e-9) and found.share == wins / n
        assert (found.low, found.high) == pytest.approx(tuple(oracle.proportion_ci(0.95, "wilson")), abs=1e-12)
    with pytest.raises(ValueError, match="5 of 4"):
        preference(5, 4)


def test_raters_are_the_unit_and_not_their_answers() -> None:
    answers = [_answer("r1", "a", "b", "left")] * 98 + [_answer("r1", "b", "a", "left")] * 2  # a wins 98 of 100
    answers += [_answer("r2", "b", "a", "right"), _answer("r2", "b", "a", "left")]  # 1/2
    answers += [_answer("r3", "a", "b", "tie"), _answer("r3", "a", "c", "right")]  # 1/2, the other pair does not count
    found = preference_over_raters(answers, "a", "b")
    assert found.value == pytest.approx((0.98 + 0.5 + 0.5) / 3)
    assert found.standard_error == pytest.approx(scipy.stats.sem([0.98, 0.5, 0.5]))
    worth = 3  # raters: 0.66 * 0.34 over the squared half width of the t interval would be less than one answer
    oracle = scipy.stats.binomtest(2, worth).proportion_ci(0.95, "wilson")
    assert 0 < found.low < oracle.low and found.high < 1 and found.high == pytest.approx(oracle.high, abs=0.01)
    assert preference_over_raters(answers, "b", "a").value == pytest.approx(1 - found.value)
    assert found.low < 0.5 < preference(98 + 1, 102).low  # one rater's hundred answers are no evidence, but look like it
    with pytest.raises(ValueError, match="1 raters judged a against c"):
        preference_over_raters(answers, "a", "c")


def test_mean_opinion_score_is_a_t_interval_over_raters() -> None:
    scores = {"r1": (5, 4, 4), "r2": (2, 1, 2), "r3": (4, 4, 3)}
    ratings = [Rating(r, "a", str(i), s) for r, row in scores.items() for i, s in enumerate(row)]
    ratings += [Rating(r, "b", "0", sum(row) / 3 - 0.5 - 0.1 * k) for k, (r, row) in enumerate(scores.items())]
    found = mean_opinion_score(ratings)
    means = [sum(row) / 3 for row in scores.values()]
    assert found["a"].value == pytest.approx(np.mean(means)) and found["a"].standard_error == pytest.approx(scipy.stats.sem(means))
    expected = scipy.stats.t.interval(0.95, 2, np.mean(means), scipy.stats.sem(means))
    assert found["a"][2:] == (1, 5) and expected[0] < 1 and expected[1] > 5  # the interval ends where the scale does
    wide = mean_opinion_score(ratings, points=9)["a"]
    assert wide[2:] == pytest.approx((1, expected[1]))
    gap = opinion_difference(ratings, "a", "b")
    assert gap.value == pytest.approx(0.6) and gap.low > 0 and found["a"].low < found["b"].high  # paired sees what overlap hides
    assert opinion_difference(ratings, "b", "a").value == pytest.approx(-0.6)
    twice = mean_opinion_score([*ratings, *(r for r in ratings if r.rater == "r1")])
    assert twice["a"] == pytest.approx(found["a"])  # more answers of one rater are no more raters
    with pytest.raises(ValueError, match="at least two"):
        mean_opinion_score(ratings[:3])
    for score in (math.nan, 55, -3, 0):
        with pytest.raises(ValueError, match="not between 1 and points = 5"):
            mean_opinion_score([*ratings, Rating("r", "a", "0", score)])
        with pytest.raises(ValueError, match="not between 1 and points = 5"):
            opinion_difference([*ratings, Rating("r", "a", "0", score)], "a", "b")


def _same(raters: int, each: int, choice: str = "left") -> list[Judgement]:
    return [
        Judgement("s", f"i{k}", "a", "b", choice, f"r{r}", 900, "2026-01-31T12:00:00Z") for r in range(raters) for k in range(each)
    ]


def test_raters_who_all_agree_do_not_make_a_point() -> None:
    found = preference_over_raters(_same(8, 5), "a", "b")
    wilson = scipy.stats.binomtest(8, 8).proportion_ci(0.95, "wilson")
    assert found.value == 1 and (found.low, found.high) == pytest.approx((wilson.low, 1)) and found.standard_error > 0.05
    dissent = [*_same(8, 5)[:-1], _answer("r7", "a", "b", "right")]
    once = preference_over_raters(dissent, "a", "b")
    assert once.low < 0.9 and 0.975 < once.high <= 1
    ties = preference_over_raters(_same(6, 2, "tie"), "a", "b")
    assert ties.low < 0.2 and ties.high > 0.8  # six raters who all split their answers are six answers
    images = preference_over_images(_same(8, 5), "a", "b")
    assert images.low == pytest.approx(scipy.stats.binomtest(5, 5).proportion_ci(0.95, "wilson").low)  # five pairs of images
    ratings = [Rating(f"r{r}", system, "0", score) for r in range(10) for system, score in (("a", 5), ("b", 3))]
    top, gap = mean_opinion_score(ratings)["a"], opinion_difference(ratings, "a", "b")
    assert top.value == top.high == 5 and top.low == pytest.approx(5 - 4 * (1 - wilson_interval(10, 10)[0])) and top.low < 4
    assert gap.value == 2 and gap.low < 1 and 2 < gap.high < 4 and gap.standard_error > 0.3


@pytest.mark.parametrize(
    ("raters", "each", "mean", "spread"), [(8, 5, 3.5, 0.0), (20, 1, 3.5, 1.5), (8, 5, 0.0, 1.0), (20, 5, 2.0, 1.0)]
)
def test_the_interval_over_raters_covers_what_raters_say_on_average(raters: int, each: int, mean: float, spread: float) -> None:
    draw = torch.Generator().manual_seed(3)
    truth = torch.sigmoid(mean + spread * torch.randn(200_000, generator=draw)).mean().item()
    hits = 0
    for _ in range(200):
        chance = torch.sigmoid(mean + spread * torch.randn(raters, 1, generator=draw)).expand(-1, each)
        said = torch.bernoulli(chance, generator=draw).tolist()
        rows = [_answer(f"r{r}", "a", "b", "left" if x else "right") for r, own in enumerate(said) for x in own]
        found = preference_over_raters(rows, "a", "b")
        hits += found.low <= truth <= found.high
    assert hits >= 180  # 190 are promised; the t interval has between 45 and 190


def test_lucky_images_widen_the_interval_over_images_and_it_covers() -> None:
    draw, hits, alone = torch.Generator().manual_seed(5), 0, 0
    for _ in range(60):
        worth = 1.5 * torch.randn(1, 12, generator=draw) + 0.4 * torch.randn(15, 1, generator=draw)
        said = torch.bernoulli(torch.sigmoid(worth), generator=draw).tolist()
        rows = [
            Judgement("s", f"i{k}", "a", "b", "left" if x else "right", f"r{r}", 900, "2026-01-31T12:00:00Z")
            for r, own in enumerate(said)
            for k, x in enumerate(own)
        ]
        both, raters = preference_over_images(rows, "a", "b", resamples=200), preference_over_raters(rows, "a", "b")
        assert both.value == pytest.approx(raters.value) and both.standard_error > raters.standard_error
        hits += both.low <= 0.5 <= both.high
        alone += raters.low <= 0.5 <= raters.high
    assert hits >= 54 and alone < 48
    with pytest.raises(ValueError, match="two pairs of images"):
        preference_over_images(_same(3, 1), "a", "b")


@pytest.mark.parametrize("scale", ["nominal", "ordinal", "interval"])
def test_alpha_against_the_package(scale: str) -> None:
    draw = torch.Generator().manual_seed(0)
    for raters, items, values in ((2, 12, 3), (5, 30, 5), (4, 9, 2)):
        truth = torch.randint(values, (items,), generator=draw).double() ** 2  # values not evenly spaced
        table = truth + torch.randint(2, (raters, items), generator=draw)
        table[torch.rand(raters, items, generator=draw) < 0.25] = torch.nan
        oracle = krippendorff.alpha(reliability_data=table.numpy(), level_of_measurement=scale)
        assert krippendorff_alpha(table, scale) == pytest.approx(oracle, abs=1e-12)


def test_alpha_at_its_marks_and_refusals() -> None:
    same = torch.tensor([[1.0, 2.0, 3.0, 1.0], [1.0, 2.0, 3.0, math.nan]])
    assert krippendorff_alpha(same) == 1
    assert krippendorff_alpha(torch.tensor([[0.0, 1.0] * 20, [1.0, 0.0] * 20])) < -0.9
    chance = torch.randint(2, (3, 4000), generator=torch.Generator().manual_seed(1)).double()
    assert abs(krippendorff_alpha(chance)) < 4 / 12000**0.5
    plain = inspect.unwrap(krippendorff_alpha)
    for bad, match in (
        (torch.ones(2, 3), "all answers are the same"),
        (torch.tensor([[1.0, math.nan], [math.nan, 2.0]]), "no item"),
        (torch.ones(3), "table"),
        (torch.tensor([[math.inf], [1.0]]), "finite"),
    ):
        with pytest.raises(ValueError, match=match):
            plain(bad)


def test_power_by_enumeration() -> None:
    for n in (4, 5, 6, 23, 60):
        rejected = [w for w in range(n + 1) if scipy.stats.binomtest(w, n).pvalue <= 0.05]
        for p in (0.5, 0.7, 0.2):
            assert preference_power(p, n) == pytest.approx(scipy.stats.binom.pmf(rejected, n, p).sum(), abs=1e-12)


@pytest.mark.parametrize(("p", "power"), [(0.6, 0.8), (0.75, 0.9), (0.9, 0.8), (0.3, 0.95), (0.99, 0.8)])
def test_judgements_needed_is_the_least_from_which_the_power_stays(p: float, power: float) -> None:
    n = judgements_needed(p, power)
    assert preference_power(p, n - 1) < power
    assert min(preference_power(p, k) for k in range(n, 2 * n + 60)) >= power


def test_judgements_needed_grows_with_likeness_and_with_answers_of_one_rater() -> None:
    assert judgements_needed(0.6) == judgements_needed(0.4) == 210
    assert judgements_needed(0.52) > 20 * judgements_needed(0.6)
    assert judgements_needed(0.6, per_rater=11, correlation=0.1) == 420
    assert judgements_needed(0.6, per_rater=11) == 210
    for args, kwargs, match in (
        ((0.5,), {}, "0.005 from 1/2"),
        ((0.6, 0.01), {}, "significance below power"),
        ((0.6,), {"per_rater": 0}, "one answer a rater"),
        ((0.6,), {"correlation": 2.0}, "from 0 to 1"),
    ):
        with pytest.raises(ValueError, match=match):
            judgements_needed(*args, **kwargs)
