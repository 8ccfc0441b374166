"""The kernel test against the double sum and its promised error rate; authenticity and the curve against closed forms."""

import math

import pytest
import torch

from imggen_lib.metrics.judges import authenticity, gaussian_kernel_test, precision_recall_curve


def _cloud(n: int, d: int, seed: int) -> torch.Tensor:
    return torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_the_distance_is_the_double_sum() -> None:
    x, y, s = _cloud(7, 3, 0), _cloud(5, 3, 1) + 0.5, 1.7

    def k(a: torch.Tensor, b: torch.Tensor) -> float:
        return math.exp(-float((a - b).square().sum()) / (2 * s**2))

    xx = sum(k(x[i], x[j]) for i in range(7) for j in range(7) if i != j) / 42
    yy = sum(k(y[i], y[j]) for i in range(5) for j in range(5) if i != j) / 20
    xy = sum(k(a, b) for a in x for b in y) / 35
    assert gaussian_kernel_test(x, y, bandwidth=s, permutations=1).distance == pytest.approx(xx + yy - 2 * xy, abs=1e-12)


def test_equal_distributions_are_rejected_as_rarely_as_promised_and_others_are_found() -> None:
    found = [gaussian_kernel_test(_cloud(12, 2, 2 * s), _cloud(15, 2, 2 * s + 1), permutations=99).p_value for s in range(400)]
    for level in (0.05, 0.2):
        share = sum(p <= level for p in found) / 400
        assert abs(share - level) < 4 * math.sqrt(level * (1 - level) / 400)
    wider = gaussian_kernel_test(_cloud(100, 2, 0), 2 * _cloud(100, 2, 1), permutations=199)  # equal means
    assert wider.p_value == 1 / 200 and wider.distance > 0


@pytest.mark.parametrize(("d", "fresh"), [(1, 1 / 3), (2, 1 - math.pi / (4 * math.pi / 3 + math.sqrt(3) / 2))])
def test_authenticity_of_fresh_points_is_what_mutual_neighbours_leave(d: int, fresh: float) -> None:
    g = torch.Generator().manual_seed(3)
    training, new = (torch.rand(n, d, dtype=torch.float64, generator=g) for n in (20_000, 3000))
    found = authenticity(training, new)
    assert abs(found.value - fresh) < 4 * math.sqrt(fresh * (1 - fresh) / 3000)
    assert found.low < found.value < found.high


def test_authenticity_finds_copies_and_does_not_blame_noise() -> None:
    training = _cloud(300, 4, 0)
    copies = authenticity(training, training[:100])
    assert copies.value == 0 and copies.high > 0
    assert authenticity(training, _cloud(100, 4, 1) * 50).value > 0.95
    mixed = authenticity(training, torch.cat([training[:50], 100 + _cloud(50, 4, 2)]))
    assert mixed.value == 0.5


def test_the_curve_has_its_closed_forms() -> None:
    p = torch.tensor([0.5, 0.5, 0.0], dtype=torch.float64)
    same = precision_recall_curve(p, p, 9)
    slopes = torch.tan(torch.arange(1, 10, dtype=torch.float64) * math.pi / 20)
    torch.testing.assert_close(same.precision, slopes.clamp(max=1))
    torch.testing.assert_close(same.recall, (1 / slopes).clamp(max=1))
    q = torch.tensor([0.6, 0.0, 0.4], dtype=torch.float64)
    other = precision_recall_curve(p, q)
    assert other.precision[100].item() == pytest.approx(0.5)  # 1 less the total variation distance
    assert other.precision[-1].item() == pytest.approx(0.6) and other.recall[0].item() == pytest.approx(0.5)
    assert precision_recall_curve(p[[0, 1, 2]], p[[2, 2, 0]] * 2).recall.max() == 0


def test_what_cannot_be_judged_is_said() -> None:
    with pytest.raises(ValueError, match="2 images of either kind"):
        gaussian_kernel_test(_cloud(1, 2, 0), _cloud(5, 2, 1))
    with pytest.raises(ValueError, match="bandwidth must be above 0"):
        gaussian_kernel_test(torch.zeros(5, 2), torch.zeros(5, 2))
    with pytest.raises(ValueError, match="two training images"):
        authenticity(_cloud(1, 2, 0), _cloud(5, 2, 1))
    with pytest.raises(ValueError, match="same cells"):
        precision_recall_curve(torch.ones(2) / 2, torch.ones(3) / 3)
    with pytest.raises(ValueError, match="a point at least"):
        precision_recall_curve(torch.ones(2) / 2, torch.ones(2) / 2, 0)
