"""Numbers that go into intervals: of any library, and each impossible one is a plain sentence."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import jaxtyping
import numpy as np
import pytest
import torch

from imggen_lib.metrics import intervals

VALUES = torch.linspace(0, 1, 40)


@pytest.fixture(autouse=True)
def _as_readers_have_it() -> Iterator[None]:
    """Outside the tests nothing checks the types in the signatures."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (intervals.t_quantile, (0.5, 5)),
        (intervals.t_tail, (1, 5)),
        (intervals.wilson_interval, (100, 200)),
        (intervals.binomial_tail, (100, 200)),
        (intervals.log_binomial, (200, 1)),
        (intervals.random_groups, (40, 3, 1, 0)),
        (intervals.resampled, (5, 3, 1)),
    ],
)
def test_numbers_of_any_library(function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    expected = str(function(*arguments))
    for kind in (np.uint8, np.int64, np.array, float):
        assert str(function(*(kind(x) if isinstance(x, int) else x for x in arguments))) == expected


@pytest.mark.parametrize(
    "call",
    [
        lambda: intervals.log_binomial(10, 2.5),
        lambda: intervals.binomial_tail(5, 10, -1.0),
        lambda: intervals.binomial_tail(5, 10, math.nan),
        lambda: intervals.binomial_tail(2.5, 10),
        lambda: intervals.wilson_interval(math.nan, 10),
        lambda: intervals.random_groups(10, 0, 1, 0),
        lambda: intervals.resampled(0, 10, 1),
        lambda: intervals.t_quantile(0.9, 2.5),
        lambda: intervals.holm([0.1, "0.2"]),
        lambda: intervals.mean_estimate(VALUES.numpy()),
        lambda: intervals.mean_estimate(VALUES.tolist()),
        lambda: intervals.mean_estimate(VALUES * math.nan),
        lambda: intervals.bounded_mean(VALUES, 0, math.inf),
        lambda: intervals.jackknife(math.nan, VALUES),
        lambda: intervals.jackknife(0.5, VALUES * math.inf),
        *(lambda level=level: intervals.mean_estimate(VALUES, level) for level in (0, 1, 95, -0.5, True, "0.95", None)),
        *(lambda level=level: intervals.wilson_interval(5, 10, level) for level in (0, 1, 95, math.nan)),
    ],
)
def test_what_no_interval_has_is_refused(call: Callable[[], Any]) -> None:
    with pytest.raises(ValueError) as error:
        call()
    assert "\n" not in str(error.value)
