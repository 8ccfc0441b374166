"""The record of clicks: its bars are met, and its numbers are those of the functions."""

import bandit as script
import pytest

from imggen_lib.measured import measured
from imggen_lib.metrics.experiments import impressions_needed

RECORD = measured("bandit")


def test_one_look_holds_its_level_daily_looks_do_not_and_evidence_does() -> None:
    equal = RECORD["looks"]["0.0"]
    assert equal["z at the end"][0] == pytest.approx(0.05, abs=0.015) and equal["z at any look"][1] > 0.2
    assert equal["evidence at any look"][2] < 0.05 and equal["z by day"] == sorted(equal["z by day"])
    assert len(equal["evidence by day"]) == script.DAYS


def test_the_real_counts_and_the_samples() -> None:
    again = script.counts()
    for name, row in RECORD["counts"].items():
        assert row["rate"] == list(again[name]["rate"]) and row["homogeneity"] == again[name]["homogeneity"]
    assert RECORD["counts"]["random_men"]["homogeneity"]["p"] == pytest.approx(0.42, abs=0.005)
    assert RECORD["needed"] == {str(lift): impressions_needed(script.RATE, lift) for lift in script.LIFTS}


def test_differences_between_policies_are_those_of_their_means() -> None:
    for found in RECORD["races"].values():
        rows = found["policies"]
        for other, (value, low, high, n) in found["Thompson less"].items():
            assert value == pytest.approx(rows["Thompson"]["lost"][0] - rows[other]["lost"][0], abs=0.03)
            assert low < value < high and n == script.WORLDS
        assert rows["Thompson"]["lost"][0] < rows["uniform"]["lost"][0]
