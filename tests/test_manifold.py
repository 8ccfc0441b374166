"""Neighbours in blocks, precision and recall, density and coverage: against `prdc`, and where real and generated must differ."""

import inspect

import numpy as np
import pytest
import torch
from prdc import compute_prdc

from imggen_lib.metrics.manifold import density_coverage, expected_coverage, inside_balls, precision_recall
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
    with pytest.raises(ValueError, match="block = 0"):
        inside_balls(a, a[:, 0].abs(), b, block=0)
    with pytest.raises(ValueError, match="same set"):
        nearest_neighbours(a, b[:4], skip_self=True)
    with pytest.raises(ValueError, match="k = 11"):
        nearest_neighbours(a, b, 11)
    with pytest.raises(ValueError, match="need m"):
        expected_coverage(5, 5, 5)
