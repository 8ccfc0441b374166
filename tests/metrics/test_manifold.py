"""Neighbours in blocks, precision and recall, density and coverage: against `prdc`, and where real and generated must differ."""

import inspect

import numpy as np
import pytest
import torch
from prdc import compute_prdc

from imggen_lib.metrics.intervals import Estimate, group_jackknife, random_groups, share_estimate, split_estimates, wilson_interval
from imggen_lib.metrics.manifold import (
    density_coverage,
    density_coverage_interval,
    expected_coverage,
    inside_balls,
    precision_recall,
    precision_recall_interval,
)
from imggen_lib.metrics.neighbours import nearest_neighbours


def _cloud(n: int, d: int, seed: int) -> torch.Tensor:
    return torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("k", [1, 3, 5])
def test_agrees_with_prdc(k: int, capsys: pytest.CaptureFixture[str]) -> None:
    for n, m, d, shift, scale in ((150, 150, 8, 0.3, 0.9), (120, 200, 3, 1.0, 1.5), (200, 90, 30, 0.0, 0.7)):
        real, generated = _cloud(n, d, n), _cloud(m, d, m + 1) * scale + shift
        oracle = compute_prdc(real.numpy(), generated.numpy(), k)
        assert precision_recall(real, generated, k) == (
            pytest.approx(oracle["precision"], abs=1e-12),
            pytest.approx(oracle["recall"], abs=1e-12),
        )
        assert density_coverage(real, generated, k) == (
            pytest.approx(oracle["density"], abs=1e-12),
            pytest.approx(oracle["coverage"], abs=1e-12),
        )


def test_swapped_sets_swap_precision_and_recall_and_nothing_is_symmetric() -> None:
    wide, narrow = _cloud(300, 4, 0), 0.2 * _cloud(300, 4, 1)  # generated images in the middle of the data only
    precision, recall = precision_recall(wide, narrow)
    assert precision > 0.9 and recall < 0.2
    assert precision_recall(narrow, wide) == (recall, precision)
    density, coverage = density_coverage(wide, narrow)
    swapped = density_coverage(narrow, wide)
    assert density > 1.1 and swapped.density < 0.2 and coverage < 0.3 and swapped.coverage < 0.3


def test_a_dropped_mode_costs_recall_and_coverage_an_invented_one_precision_and_density() -> None:
    left, right = _cloud(200, 3, 0), _cloud(200, 3, 1) + 20
    data, fresh = torch.cat([left, right]), torch.cat([_cloud(200, 3, 2), _cloud(200, 3, 3) + 20])
    dropped, invented = _cloud(400, 3, 4), torch.cat([_cloud(200, 3, 5) - 20, _cloud(200, 3, 6)])
    good, good_density = precision_recall(data, fresh), density_coverage(data, fresh)
    bad, bad_density = precision_recall(data, dropped), density_coverage(data, dropped)
    assert bad.recall < 0.6 * good.recall and bad.precision > 0.9 * good.precision
    assert bad_density.coverage < 0.6 * good_density.coverage and bad_density.density > 0.8
    bad, bad_density = precision_recall(data, invented), density_coverage(data, invented)
    assert bad.precision < 0.6 * good.precision and bad_density.density < 0.6


def test_equal_distributions_have_density_one_and_the_coverage_of_the_formula() -> None:
    found = [density_coverage(_cloud(40, 3, 2 * s), _cloud(60, 3, 2 * s + 1), 4) for s in range(150)]
    mean = np.mean(found, 0)
    error = np.std(found, 0) / 150**0.5
    assert abs(mean[0] - 1) < 4 * error[0]
    assert abs(mean[1] - expected_coverage(40, 60, 4)) < 4 * error[1]
    assert expected_coverage(40, 40, 4) < expected_coverage(40, 60, 4) < 1


def test_one_outlier_fools_precision_but_not_density() -> None:
    real = torch.cat([_cloud(200, 3, 0), torch.full((1, 3), 30.0, dtype=torch.float64)])
    between = _cloud(200, 3, 1) * 2 + 15  # nothing real is there, but the outlier's ball reaches back to the data
    assert precision_recall(real, between).precision > 0.9
    assert density_coverage(real, between).density < 0.5


def test_copies_are_inside_even_of_repeated_images() -> None:
    real = torch.ones(10, 3, dtype=torch.float64) * 0.1  # all alike: each radius is 0
    assert precision_recall(real, real.clone(), 3) == (1.0, 1.0)
    assert density_coverage(real, real.clone(), 3).coverage == 1.0
    assert precision_recall(real, real + 0.01, 3) == (0.0, 0.0)


@pytest.mark.parametrize("block", [3, 7, 64])
def test_the_block_changes_no_number(block: int) -> None:
    real, generated = _cloud(70, 5, 0) + 1000, _cloud(50, 5, 1) * 0.8 + 1000
    real[30:35] = real[0]  # ties
    generated[:5] = real[0]
    assert precision_recall(real, generated, block=block) == precision_recall(real, generated)
    assert density_coverage(real, generated, block=block) == density_coverage(real, generated)
    found, whole = (nearest_neighbours(generated, real, 4, block=b) for b in (block, 999))
    torch.testing.assert_close(found.distances, whole.distances, rtol=1e-12, atol=0)


def test_neighbours_against_the_whole_table_of_distances() -> None:
    points, refs = _cloud(60, 6, 0).float(), _cloud(45, 6, 1).float()
    points[3] = refs[7]
    table = (points.double()[:, None] - refs.double()).norm(dim=2)
    found = nearest_neighbours(points, refs, 5, block=16)
    torch.testing.assert_close(found.distances, table.sort(1).values[:, :5], rtol=1e-12, atol=0)
    torch.testing.assert_close(table.gather(1, found.indices), found.distances, rtol=1e-12, atol=0)
    assert found.distances[3, 0] == 0 and found.indices[3, 0] == 7
    own = nearest_neighbours(refs, refs, 2, block=16, skip_self=True)
    inside = (refs.double()[:, None] - refs.double()).norm(dim=2).fill_diagonal_(torch.inf).sort(1).values[:, :2]
    torch.testing.assert_close(own.distances, inside, rtol=1e-12, atol=0)


def test_the_largest_tensor_is_a_block_and_not_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    largest = 0

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            nonlocal largest
            out = func(*args, **(kwargs or {}))
            for t in out if isinstance(out, (tuple, list)) else (out,):
                if isinstance(t, torch.Tensor):
                    largest = max(largest, t.numel() * t.element_size())
            return out

    real, generated = _cloud(2000, 4, 0).float(), _cloud(2000, 4, 1).float()
    with Watch():
        precision_recall(real, generated, block=200)
        density_coverage(real, generated, block=200)
    assert largest <= 8 * 200**2  # so 8 MB with the default, whatever n; the table of 60,000 is 29 GB


def test_bad_input_is_refused() -> None:
    a, b = _cloud(10, 3, 0), _cloud(10, 3, 1)
    nan = torch.where(b > 1, torch.nan, b)
    for metric in (inspect.unwrap(precision_recall), inspect.unwrap(density_coverage)):
        for args, match in (
            ((a, nan), "generated features have NaN"),
            ((nan, a), "real features have NaN"),
            ((a[:0], b), "real features are empty"),
            ((a, b[:, :2]), "must agree"),
            ((a, b, 10), "more than 10 real images"),
            ((a, b, 0), "k = 0"),
            ((a.long(), b), "not floats"),
            ((a[0], b), "two dimensions"),
        ):
            with pytest.raises(ValueError, match=match):
                metric(*args)
    with pytest.raises(ValueError, match="block must be at least 1, got 0"):
        inside_balls(a, a[:, 0].abs(), b, block=0)
    with pytest.raises(ValueError, match="same set"):
        nearest_neighbours(a, b[:4], skip_self=True)
    with pytest.raises(ValueError, match="k = 11"):
        nearest_neighbours(a, b, 11)
    with pytest.raises(ValueError, match="need m"):
        expected_coverage(5, 5, 5)


def _both(real: torch.Tensor, generated: torch.Tensor, **options: int) -> list[Estimate]:
    return [*precision_recall_interval(real, generated, **options), *density_coverage_interval(real, generated, **options)]


@pytest.mark.parametrize(("d", "scale", "shift"), [(2, 1.0, 0.0), (4, 0.7, 0.5), (8, 1.3, 0.0)])
def test_the_standard_errors_are_the_spread_and_the_intervals_cover(d: int, scale: float, shift: float) -> None:
    """Both sets drawn anew each time: what the intervals claim to cover. A binomial error would be too small."""
    sets = [(_cloud(200, d, 2 * s), _cloud(200, d, 2 * s + 1) * scale + shift) for s in range(80)]
    values = np.array([[*precision_recall(x, y), *density_coverage(x, y)] for x, y in sets])
    spread, truth = values.std(0), values.mean(0)
    found = [_both(x, y) for x, y in sets[:20]]
    errors = np.array([[e.standard_error for e in four] for four in found])
    ratio = np.sqrt((errors**2).mean(0)) / spread
    assert (ratio > 0.6).all() and (ratio < 1.6).all(), ratio
    assert (spread[:2] > 1.05 * np.sqrt(truth[:2] * (1 - truth[:2]) / 200)).all()
    covered = np.mean([[e.low <= t <= e.high for e, t in zip(four, truth, strict=True)] for four in found], 0)
    assert (covered >= 0.8).all() and covered.mean() > 0.9, covered


def test_intervals_hold_the_value_and_stay_where_shares_live() -> None:
    real = _cloud(60, 3, 0)
    for generated in (real + 40, real.clone(), _cloud(50, 3, 1)):
        four = _both(real, generated, parts=2, repeats=3)
        assert [e.value for e in four] == [*precision_recall(real, generated), *density_coverage(real, generated)]
        for e, highest in zip(four, (1, 1, np.inf, 1), strict=True):
            assert 0 <= e.low <= e.value <= e.high <= highest and e.standard_error >= 0
    far = precision_recall_interval(real, real + 40)
    assert far.precision.standard_error == 0 and far.precision[2:] == wilson_interval(0, 60)  # no image inside: as if independent
    narrow = _both(real, _cloud(50, 3, 1), level=0.5)[0]
    wide = _both(real, _cloud(50, 3, 1), level=0.99)[0]
    assert wide.low < narrow.low < narrow.high < wide.high
    assert _both(real, _cloud(50, 3, 1)) == _both(real, _cloud(50, 3, 1)) != _both(real, _cloud(50, 3, 1), seed=2)


def test_split_estimates_of_a_mean_are_its_standard_error() -> None:
    x, y = _cloud(300, 1, 0)[:, 0], 2 * _cloud(200, 1, 1)[:, 0] + 5
    (found,) = split_estimates(lambda a, b: (float(b.mean() - a.mean()),), x, y, parts=4, repeats=60)
    exact = (x.var() / 300 + y.var() / 200).sqrt().item()
    assert found.value == pytest.approx((y.mean() - x.mean()).item()) and found.standard_error == pytest.approx(exact, rel=0.15)
    halves = [random_groups(300, 2, 1, 100), random_groups(200, 2, 1, 101)]
    apart = [float(y[b].mean() - x[a].mean()) for a, b in zip(*halves, strict=True)]
    (one,) = split_estimates(lambda a, b: (float(b.mean() - a.mean()),), x, y, parts=2, repeats=1)
    assert one.standard_error == pytest.approx(abs(apart[0] - apart[1]) / 2)
    mean = group_jackknife(lambda a: float(a.mean()), x, groups=100)
    assert mean.value == pytest.approx(x.mean().item())
    assert mean.standard_error == pytest.approx((x.var() / 300).sqrt().item(), rel=0.25)
    for call, match in (
        (lambda: split_estimates(lambda a: (0.0,), x[:3]), "2 parts of 2 images"),
        (lambda: split_estimates(lambda a: (0.0,), x, parts=1), "2 parts of 2 images"),
        (lambda: group_jackknife(lambda a: 0.0, x[:30]), "2 groups of 2 images"),
        (lambda: precision_recall_interval(_cloud(7, 2, 0), _cloud(9, 2, 0)), "need more than 3 images a part"),
        (lambda: density_coverage_interval(_cloud(30, 2, 0), _cloud(9, 2, 0)), "need more than 5 images a part"),
    ):
        with pytest.raises(ValueError, match=match):
            call()


def test_a_share_is_worth_as_many_images_as_its_spread_says() -> None:
    binomial = Estimate(0.3, (0.21 / 100) ** 0.5, 0.3 - 1.959964 * (0.21 / 100) ** 0.5, 0.3 + 1.959964 * (0.21 / 100) ** 0.5)
    assert share_estimate(binomial, 1000)[2:] == pytest.approx(wilson_interval(30, 100), abs=1e-6)
    assert share_estimate(binomial, 50)[2:] == pytest.approx(wilson_interval(15, 50), abs=1e-6)  # never worth more than there are
