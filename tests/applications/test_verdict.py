"""Does it help? A table that cannot be made without a baseline, and an answer that a paired comparison gives."""

import math

import pytest
import torch
from scipy import stats

from imggen_lib.applications.verdict import BASELINE, OURS, REAL, Measured, Row, answer, check_rows, paired_difference
from imggen_lib.viz.verdict import Measure, verdict_table

AUROC = Measured(0.78, 0.75, 0.81, 624)
ROWS = [Row(BASELINE, "sharpness", {"auroc": Measured(0.898, 0.873, 0.922, 624)}), Row(OURS, "VAE", {"auroc": AUROC})]


def test_the_difference_is_scipy_s_paired_t_interval() -> None:
    draw = torch.Generator().manual_seed(0)
    theirs = torch.randn(12, generator=draw, dtype=torch.float64)
    ours = theirs + 0.3 + 0.1 * torch.randn(12, generator=draw, dtype=torch.float64)
    found = paired_difference(ours.tolist(), theirs.tolist(), level=0.9)
    expected = stats.ttest_rel(ours, theirs).confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-8)
    assert found.value == pytest.approx(float((ours - theirs).mean())) and found.n == 12


def test_what_is_common_to_both_drops_out() -> None:
    luck = [10.0, -20.0, 30.0, 0.0]
    assert paired_difference([x + 1 for x in luck], luck) == pytest.approx((1, 1, 1, 4))
    for bad in (([1.0], [2.0]), ([1.0, 2.0], [1.0])):
        with pytest.raises(ValueError, match="two or more items twice"):
            paired_difference(*bad)


def test_the_interval_covers_as_often_as_it_says() -> None:
    draw = torch.Generator().manual_seed(1)
    inside = 0
    for _ in range(2000):
        found = paired_difference(torch.randn(5, generator=draw).tolist(), torch.randn(5, generator=draw).tolist())
        inside += found.low <= 0 <= found.high
    assert abs(inside / 2000 - 0.95) < 3 * math.sqrt(0.95 * 0.05 / 2000)


def test_the_answer_in_plain_words() -> None:
    up, around, down = Measured(0.1, 0.05, 0.15, 8), Measured(0.01, -0.02, 0.04, 1200), Measured(-0.12, -0.14, -0.1, 8)
    assert answer(up, digits=2) == "Yes: better by 0.10 [0.05, 0.15], n = 8."
    assert answer(down, digits=2) == "No: worse by 0.12 [0.10, 0.14], n = 8."
    assert answer(around, digits=2) == "Not shown: the difference is 0.01 [-0.02, 0.04], n = 1,200, and may be 0."
    assert answer(down, "lower", 2) == "Yes: better by 0.12 [0.10, 0.14], n = 8."
    assert answer(up, "lower", 2) == "No: worse by 0.10 [0.05, 0.15], n = 8."
    assert answer(up, words={"yes": "ja, {size}"}, digits=1) == "ja, 0.1"
    with pytest.raises(ValueError, match="'higher' or 'lower'"):
        answer(up, "more")


def test_a_table_without_a_baseline_an_interval_or_an_n_is_refused() -> None:
    with pytest.raises(ValueError, match="trivial baseline"):
        check_rows([Row(OURS, "VAE", {"auroc": AUROC}), Row(REAL, "real", {})])
    for cell in (Measured(0.5, 0.6, 0.7, 9), Measured(0.5, 0.4, 0.6, 0), Measured(float("nan"), 0, 1, 9)):
        with pytest.raises(ValueError, match="interval around its value"):
            check_rows([*ROWS, Row(OURS, "GAN", {"auroc": cell})])
    with pytest.raises(ValueError, match="must be one of"):
        check_rows([*ROWS, Row("miracle", "GAN", {})])


def test_every_cell_of_the_table_has_its_interval_and_its_n() -> None:
    html = verdict_table([*ROWS, Row(REAL, "<real>", {})], [Measure("auroc", "AUROC")])._repr_html_()
    assert "0.78 <small>[0.75, 0.81], n = 624</small>" in html and "\u2013" in html
    assert "&lt;real&gt;" in html and "trivial baseline" in html and 'aria-label="Does it help?"' in html
