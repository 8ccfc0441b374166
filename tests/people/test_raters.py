"""Simulated raters are what the population says, answer the same sheet the same way, and never pass for people."""

import math
from dataclasses import replace

import pytest
import torch

from imggen_lib.people.human import mean_opinion_score
from imggen_lib.people.opinions import OpinionPlan, opinion_plan, unblind_opinions
from imggen_lib.people.study import Judgement, Plan, comparison_plan, unblind
from imggen_lib.theory.raters import Population, choice_probability, simulated_judgements, simulated_opinions

_TWO = Population({"a": 0.7, "b": -0.3})


def _plan(sheet: int, per_pair: int = 40) -> Plan:
    return comparison_plan(["a", "b"], 60, per_pair, seed=1, sheet=sheet)


def _answers(population: Population, raters: int = 30) -> list[Judgement]:
    rows = [j for r in range(raters) for j in simulated_judgements(population, _plan(r), r, seed=5)]
    return unblind(rows, _plan(0))


def _share(rows: list[Judgement], left: str | None = None) -> float:
    """How often a was chosen, over all trials or those with `left` on the left."""
    rows = [j for j in rows if left in (None, j.left)]
    return sum((j.left if j.choice == "left" else j.right) == "a" for j in rows) / len(rows)


def _sigma(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_shares_are_as_the_model_says() -> None:
    error = 5 * 0.5 / math.sqrt(30 * 40)
    assert _share(_answers(_TWO)) == pytest.approx(_sigma(1.0), abs=error)
    pulled = _answers(replace(_TWO, side=0.8))
    assert _share(pulled, "a") == pytest.approx(_sigma(1.8), abs=error)
    assert _share(pulled, "b") == pytest.approx(_sigma(0.2), abs=error)
    assert _share(_answers(replace(_TWO, lapse=0.5))) == pytest.approx(0.25 + 0.5 * _sigma(1.0), abs=error)
    assert _share(_answers(replace(_TWO, careless=1.0))) == pytest.approx(0.5, abs=error)


def test_taste_is_a_raters_and_luck_is_an_images() -> None:
    alike = Population({"a": 0.0, "b": 0.0})

    def scatter(rows: list[Judgement], by: str) -> float:
        groups: dict[str, list[float]] = {}
        for j in rows:
            groups.setdefault(getattr(j, by), []).append(float((j.left if j.choice == "left" else j.right) == "a"))
        return torch.tensor([sum(g) / len(g) for g in groups.values()]).var().item()

    plain, taste, luck = (_answers(replace(alike, taste=t, luck=k)) for t, k in ((0, 0), (1.5, 0), (0, 1.5)))
    assert scatter(taste, "rater") > 4 * scatter(plain, "rater") and scatter(luck, "rater") < 2 * scatter(plain, "rater")
    assert scatter(luck, "item") > 4 * scatter(plain, "item") and scatter(taste, "item") < 2 * scatter(plain, "item")


def test_the_same_rater_answers_the_same_and_says_that_it_is_simulated() -> None:
    one, same, other = (simulated_judgements(_TWO, _plan(0), r, seed=5) for r in (3, 3, 4))
    assert one == same and [j.choice for j in one] != [j.choice for j in other]
    assert {j.rater for j in one} == {"simulated-003"}
    assert all(j.milliseconds > 0 for j in one) and [j.timestamp for j in one] == sorted(j.timestamp for j in one)
    scores = opinion_plan(["a", "b"], 60, 20, seed=1)
    assert {o.rater for o in simulated_opinions(_TWO, scores, 3, seed=5)} == {"simulated-003"}


def test_scores_follow_the_strengths() -> None:
    def plan(sheet: int) -> OpinionPlan:
        return opinion_plan(["a", "b"], 60, 20, seed=1, sheet=sheet)

    rows = [o for r in range(40) for o in simulated_opinions(_TWO, plan(r), r, seed=5)]
    assert {o.score for o in rows} == {1, 2, 3, 4, 5}
    found = mean_opinion_score(unblind_opinions(rows, plan(0)))
    assert found["a"].value == pytest.approx(3.7, abs=0.3) and found["b"].value == pytest.approx(2.7, abs=0.3)


def test_the_probability_and_bad_input() -> None:
    gap = torch.tensor([-1.0, 0.0, 2.0], dtype=torch.float64)
    assert torch.allclose(choice_probability(gap), torch.sigmoid(gap))
    assert torch.equal(choice_probability(gap, 3.0, 1.0), torch.full((3,), 0.5, dtype=torch.float64))
    with pytest.raises(ValueError, match="no strength for b"):
        simulated_judgements(Population({"a": 0.0}), _plan(0), 0, seed=1)
