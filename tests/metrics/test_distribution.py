"""The Frechet distance against scipy and closed forms, its interval and its bias; the entropy score against torch-fidelity."""

import inspect

import numpy as np
import pytest
import scipy.linalg
import torch
from torch_fidelity.metric_isc import isc_features_to_metric

from imggen_lib.metrics.distribution import (
    Statistics,
    class_shares,
    entropy_score,
    entropy_scores,
    features,
    frechet_at_infinity,
    frechet_distance,
    frechet_interval,
    statistics,
)
from imggen_lib.metrics.intervals import random_groups
from imggen_lib.models.features import FeatureNet


def _cloud(n: int, d: int, seed: int) -> torch.Tensor:
    g = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, dtype=torch.float64, generator=g) @ torch.randn(d, d, dtype=torch.float64, generator=g)


def test_shifted_gaussians_are_apart_by_the_square_of_the_shift() -> None:
    a = _cloud(500, 6, 0)
    assert frechet_distance(statistics(a), statistics(a)) == pytest.approx(0, abs=1e-8)
    assert frechet_distance(statistics(a), statistics(a + 1.0)) == pytest.approx(6.0)


def test_scaled_gaussians_in_closed_form() -> None:
    zero, eye = torch.zeros(4, dtype=torch.float64), torch.eye(4, dtype=torch.float64)
    assert frechet_distance(Statistics(zero, eye, 9), Statistics(zero, 9 * eye, 9)) == pytest.approx(4 * (3 - 1) ** 2)


def test_agrees_with_the_matrix_square_root() -> None:
    a, b = statistics(_cloud(300, 8, 1)), statistics(_cloud(300, 8, 2) + 0.3)
    root = scipy.linalg.sqrtm((a.covariance @ b.covariance).numpy())
    expected = (a.mean - b.mean).square().sum() + np.trace((a.covariance + b.covariance).numpy() - 2 * root.real)
    assert frechet_distance(a, b) == pytest.approx(float(expected), rel=1e-8)
    assert frechet_distance(b, a) == pytest.approx(frechet_distance(a, b), rel=1e-9)


def test_too_few_images_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 8 images"):
        statistics(_cloud(8, 8, 0))


def test_features_do_not_depend_on_the_batch_and_refuse_nonsense() -> None:
    torch.manual_seed(0)
    net = FeatureNet(width=4).eval()
    x = torch.rand(7, 1, 28, 28) * 2 - 1
    torch.testing.assert_close(features(net, x, batch=3), features(net, x, batch=7), rtol=1e-4, atol=1e-6)
    plain = inspect.unwrap(features)
    for bad, match in (
        (x * 200, "0, 255"),
        (x * float("nan"), "NaN"),
        (x[:, :, :8, :8], "takes images of shape"),
        (x[:0], "empty"),
    ):
        with pytest.raises(ValueError, match=match):
            plain(net, bad)


def test_class_shares_count_what_the_network_says() -> None:
    class Says(FeatureNet):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.eye(10)[[3, 3, 3, 7]] * 50.0

    shares, confidence = class_shares(Says(width=1), torch.zeros(4, 1, 28, 28))
    assert shares[3] == 0.75 and shares[7] == 0.25 and shares.sum() == 1 and confidence == pytest.approx(1.0)


def _normal(n: int, d: int, seed: int) -> torch.Tensor:
    return torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_statistics_agree_with_numpy_and_refuse_nonsense() -> None:
    x = _cloud(5000, 5, 3) + 100  # more rows than a block
    np.testing.assert_allclose(statistics(x).covariance, np.cov(x.numpy().T), rtol=1e-12)
    plain = inspect.unwrap(statistics)
    for bad, match in ((x * float("nan"), "NaN"), (x[:0], "empty"), (x[0], "two dimensions"), (x[:5], "kernel distance")):
        with pytest.raises(ValueError, match=match):
            plain(bad)
    with pytest.raises(ValueError, match="must agree"):
        frechet_distance(statistics(x), statistics(_cloud(50, 4, 0)))


def test_the_frechet_distance_is_biased_at_small_n_like_one_over_n() -> None:
    def mean_distance(n: int) -> float:
        return sum(frechet_distance(statistics(_normal(n, 6, 2 * s)), statistics(_normal(n, 6, 2 * s + 1))) for s in range(40)) / 40

    few, many = mean_distance(50), mean_distance(500)
    assert few > 0.4 and many > 0.03  # the distributions are equal: the truth is 0
    assert few / many == pytest.approx(10, rel=0.2)


def test_the_jackknife_error_of_the_frechet_distance_is_its_spread() -> None:
    found = [frechet_interval(_normal(200, 4, 2 * s), _normal(200, 4, 2 * s + 1) * 1.3, groups=10) for s in range(60)]
    spread = torch.tensor([f.value for f in found]).std().item()
    error = torch.tensor([f.standard_error for f in found]).square().mean().sqrt().item()
    assert error == pytest.approx(spread, rel=0.3)
    assert all(0 <= f.low <= f.value <= f.high for f in found)


def test_leaving_a_group_out_equals_computing_without_it() -> None:
    a, b = _cloud(60, 3, 4) + 7, _cloud(45, 3, 5)
    found = frechet_interval(a, b, groups=3, seed=9)
    kept = []
    for i in range(3):
        rest = [torch.cat([x[g] for j, g in enumerate(random_groups(len(x), 3, 9, s)) if j != i]) for s, x in enumerate((a, b))]
        kept.append(frechet_distance(statistics(rest[0]), statistics(rest[1])))
    assert found.standard_error == pytest.approx(np.std(kept) * 2**0.5, rel=1e-8)
    assert found == frechet_interval(a, b, groups=3, seed=9) != frechet_interval(a, b, groups=3, seed=8)
    with pytest.raises(ValueError, match="singular"):
        frechet_interval(a[:6], b, groups=2)
    with pytest.raises(ValueError, match="at least 2 groups"):
        frechet_interval(a, b, groups=1)


def test_extrapolation_takes_the_bias_away() -> None:
    both, plain, one = 0.0, 0.0, 0.0
    for s in range(12):
        a, b = _normal(400, 6, 2 * s), _normal(400, 6, 2 * s + 1)
        plain += frechet_distance(statistics(a), statistics(b)) / 12
        both += frechet_at_infinity(a, b, seed=s, both=True).value / 12
        one += frechet_at_infinity(a, b, seed=s).value / 12
    assert plain > 0.08 and abs(both) < plain / 4  # the truth is 0
    assert both < one < plain  # the bias of the real images' number stays
    line = frechet_at_infinity(a, b, smallest=40, points=5)
    assert line.sizes == [40, 130, 220, 310, 400] and line.slope > 0
    np.testing.assert_allclose(np.polyfit(1 / np.array(line.sizes), line.distances, 1), [line.slope, line.value], rtol=1e-8)
    assert line.distances[-1] == pytest.approx(frechet_distance(statistics(a), statistics(b)), rel=1e-9)
    with pytest.raises(ValueError, match="a line needs"):
        frechet_at_infinity(a, b, smallest=400)
    with pytest.raises(ValueError, match="singular"):
        frechet_at_infinity(a, b, smallest=6)


def test_extrapolation_cuts_the_generated_images_only() -> None:
    a, b = _normal(40, 3, 0), _normal(400, 3, 1)
    assert frechet_at_infinity(a, b).sizes[-1] == 400 and frechet_at_infinity(b, a).sizes[-1] == 40
    assert frechet_at_infinity(a, b, both=True).sizes[-1] == 40


def test_entropy_score_against_torch_fidelity() -> None:
    logits = 3 * _normal(205, 7, 0)
    for splits in (1, 10):
        oracle = isc_features_to_metric(logits, splits=splits, shuffle=False)
        found = entropy_scores(logits.softmax(1), splits)
        assert found.mean().item() == pytest.approx(oracle["inception_score_mean"], rel=1e-12)
        assert found.std(correction=0).item() == pytest.approx(oracle["inception_score_std"], rel=1e-9, abs=1e-12)


def test_entropy_score_runs_from_one_to_the_number_of_classes() -> None:
    sure = torch.eye(4, dtype=torch.float64).repeat(3, 1)
    assert entropy_score(sure) == pytest.approx(4)
    assert entropy_score(sure[:1].repeat(9, 1)) == pytest.approx(1)  # one class only
    assert entropy_score(torch.full((9, 4), 0.25)) == pytest.approx(1)  # all unsure
    with pytest.raises(ValueError, match="logits"):
        entropy_score(sure * 3)
    with pytest.raises(ValueError, match="parts"):
        entropy_scores(sure, 13)
