"""Statements of the ideas chapters that are no displayed equation."""

import math

import pytest
import torch

from imggen_lib.losses import gan as losses
from imggen_lib.losses import image
from imggen_lib.theory import dirac
from imggen_lib.theory import divergences as div

F64 = torch.float64
POINTS = torch.tensor([[0.8, -1.1], [-0.4, 0.3], [2.0, 1.5], [-0.02, 0.05]], dtype=F64)


@pytest.mark.parametrize("loss", [losses.minimax, losses.wasserstein], ids=lambda loss: loss.name)
def test_without_a_penalty_minimax_and_wasserstein_circle_for_ever(loss: losses.GanLoss) -> None:
    """Everywhere the field is at a right angle to the line to the equilibrium, so the distance from it never changes."""
    moves = dirac.field(dirac.Method(loss), POINTS)
    assert (POINTS * moves).sum(1).abs().max() < 1e-15 and moves.norm(dim=1).min() > 0.01


def test_what_leaving_a_point_out_costs() -> None:
    """The limit of f(u)/u: infinite for KL, nothing for reverse KL, log 2 for twice JS; and 0 points are refused, not made NaN."""
    u = torch.tensor([1e6, 1e12], dtype=F64)
    kl, reverse, twice_js = (f.f(u) / u for f in (div.kl_forward, div.kl_reverse, div.gan))
    assert kl.tolist() == pytest.approx([math.log(1e6), math.log(1e12)]) and reverse.abs().max() < 2e-5
    assert twice_js.tolist() == pytest.approx([math.log(2)] * 2, abs=2e-5)
    p, q = torch.tensor([0.5, 0.5], dtype=F64), torch.tensor([1.0, 0.0], dtype=F64)
    for f in div.F_DIVERGENCES:
        for pair in ((p, q), (q, p)):
            with pytest.raises(ValueError, match="positive at every point"):
                f(*pair)


def test_only_strict_convexity_at_1_tells_p_from_q() -> None:
    p, q = torch.tensor([0.5, 0.3, 0.2], dtype=F64), torch.tensor([0.2, 0.3, 0.5], dtype=F64)
    assert abs((q * (p / q - 1)).sum().item()) < 1e-12  # f(u) = u - 1 is convex, and blind
    for f in div.F_DIVERGENCES:
        assert f(p, q) > 0.01 and f.f(torch.tensor([0.9, 1.1], dtype=F64)).mean() > 1e-4


def test_a_guess_that_fits_one_of_two_equal_hills_has_a_gap_of_log_2() -> None:
    grid = torch.linspace(-6, 6, 1201, dtype=F64)
    left, right = div.normal_on(grid, -3, 0.4), div.normal_on(grid, 3, 0.4)
    assert div.kl(left, (left + right) / 2).item() == pytest.approx(math.log(2), abs=1e-6)


def test_lap1_sees_how_far_a_stroke_was_moved_and_the_absolute_error_does_not() -> None:
    def stroke(column: int) -> torch.Tensor:
        drawn = torch.full((1, 1, 28, 28), -1.0)
        drawn[:, :, 6:22, column] = 1
        return drawn

    moves = (1, 2, 3, 4, 6, 8, 10)
    assert {image.absolute_error(stroke(8), stroke(8 + by)).item() for by in moves} == {64.0}
    costs = [image.lap1(stroke(8), stroke(8 + by)).item() for by in moves]
    assert costs == sorted(costs) and costs[-1] > 2 * costs[0]
