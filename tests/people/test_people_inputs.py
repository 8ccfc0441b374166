"""Numbers and tables of people's answers: of any library, and each impossible one is a plain sentence."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import jaxtyping
import numpy as np
import pytest
import torch

from imggen_lib.people import human, opinions, ranking, study

WINS = torch.tensor([[0.0, 5, 3], [4, 0, 6], [5, 2, 0]])


@pytest.fixture(autouse=True)
def _as_readers_have_it() -> Iterator[None]:
    """Outside the tests nothing checks the types in the signatures."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


CALLS: list[tuple[Callable[..., Any], dict[str, Any]]] = [
    (human.preference, {"wins": 15, "n": 24}),
    (lambda n: human.preference_power(0.7, n), {"n": 40}),
    (lambda per_rater: human.judgements_needed(0.7, per_rater=per_rater, correlation=0.2), {"per_rater": 10}),
    (lambda **numbers: opinions.opinion_plan(["a", "b"], seed=1, **numbers), {"images": 20, "per_system": 4, "points": 5}),
    (lambda **numbers: study.comparison_plan(["a", "b"], seed=1, **numbers), {"images": 20, "per_pair": 4}),
]


@pytest.mark.parametrize(("call", "numbers"), CALLS)
def test_numbers_of_any_library(call: Callable[..., Any], numbers: dict[str, Any]) -> None:
    expected = str(call(**numbers))
    for kind in (np.uint8, np.int64, float):
        assert str(call(**{k: kind(v) for k, v in numbers.items()})) == expected
    for name in numbers:
        for bad in (2.5, "3", None, math.nan, True, -1):
            with pytest.raises(ValueError):
                call(**numbers | {name: bad})


def test_tables_and_priors() -> None:
    assert torch.equal(ranking.bradley_terry(WINS, prior=np.float32(0.5)), ranking.bradley_terry(WINS, prior=0.5))
    for table in (WINS.numpy(), WINS.tolist()):
        with pytest.raises(ValueError, match="must be a tensor"):
            ranking.bradley_terry(table)
    for prior in ("1", None, math.nan, True):
        with pytest.raises(ValueError, match="prior"):
            ranking.bradley_terry(WINS, prior=prior)
