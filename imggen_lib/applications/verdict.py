"""Does it help? How a chapter on an application ends: our model beside a trivial baseline, a classical tool and real data.

A first number often looks wonderful and is worth nothing until something simple stands beside it. So rows without a trivial
baseline are refused, and so is a cell without its n and its interval. Whether one row beats another is not read off two intervals,
which may overlap and still differ: :func:`paired_difference` compares them item by item.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import NamedTuple

from imggen_lib.metrics.intervals import t_quantile, upper_tail

BASELINE, CLASSICAL, OURS, REAL = ROLES = ("trivial baseline", "classical tool", "our model", "real data")
WORDS = {
    "yes": "Yes: better by {size} [{low}, {high}], n = {n}.",
    "no": "No: worse by {size} [{low}, {high}], n = {n}.",
    "open": "Not shown: the difference is {value} [{low}, {high}], n = {n}, and may be 0.",
}


class Measured(NamedTuple):
    """A number, its confidence interval, and how many items it rests on."""

    value: float
    low: float
    high: float
    n: int


class Row(NamedTuple):
    """One thing that was tried: its role (one of `ROLES`), its name, and what was measured of it, by the measure's name."""

    role: str
    name: str
    cells: Mapping[str, Measured]


def check_rows(rows: Sequence[Row]) -> None:
    """Raises ``ValueError`` unless there is a trivial baseline, and every cell has an n and an interval around its value."""
    for row in rows:
        if row.role not in ROLES:
            raise ValueError(f"the role of {row.name!r} is {row.role!r}; it must be one of {', '.join(ROLES)}")
        for measure, cell in row.cells.items():
            if cell.n < 1 or not cell.low <= cell.value <= cell.high:
                raise ValueError(f"{measure} of {row.name!r} needs an n and an interval around its value, got {tuple(cell)}")
    if not any(row.role == BASELINE for row in rows):
        raise ValueError("without a trivial baseline the other rows say nothing: add one")


def paired_difference(ours: Sequence[float], theirs: Sequence[float], level: float = 0.95) -> Measured:
    r"""How much larger `ours` are on average than `theirs`, item by item, with Student's interval.

    With :math:`d_i = a_i - b_i`: :math:`\bar d \pm t_{n-1}\, s_d / \sqrt n`. Items are what was drawn independently: patients,
    levels, draws of a training set. What varies between items and is common to both rows drops out.

    Raises:
        ValueError: if the lengths differ or there are fewer than two items.
    """
    if len(ours) != len(theirs) or len(ours) < 2:
        raise ValueError(f"a paired difference needs the same two or more items twice, got {len(ours)} and {len(theirs)}")
    differences = [float(a) - float(b) for a, b in zip(ours, theirs, strict=True)]
    n, value = len(differences), fmean(differences)
    half = t_quantile(upper_tail(level), n - 1) * stdev(differences) / math.sqrt(n)
    return Measured(value, value - half, value + half, n)


def answer(difference: Measured, better: str = "higher", digits: int = 3, words: Mapping[str, str] = WORDS) -> str:
    """The answer to *Does it help?* in plain words, from ours minus the baseline's: yes, no, or not shown.

    Args:
        difference: Ours minus theirs, for instance by :func:`paired_difference`.
        better: ``higher`` or ``lower``: which way the measure is good.
    """
    if better not in ("higher", "lower"):
        raise ValueError(f"better must be 'higher' or 'lower', got {better!r}")
    value, low, high, n = difference
    if better == "lower":
        value, low, high = -value, -high, -low  # from here on more is better
    said = "yes" if low > 0 else "no" if high < 0 else "open"
    if said == "no":
        low, high = -high, -low
    numbers = {"size": abs(value), "value": value, "low": low, "high": high}
    return words[said].format(n=f"{n:,}", **{name: f"{number:.{digits}f}" for name, number in numbers.items()})
