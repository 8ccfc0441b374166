"""The Frechet distance against scipy and closed forms."""

import inspect

import numpy as np
import pytest
import scipy.linalg
import torch

from imggen_lib.metrics.distribution import Statistics, class_shares, features, frechet_distance, statistics
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
    for bad, match in ((x * 200, "0, 255"), (x * float("nan"), "NaN"), (x[:, :, :8, :8], "takes images of shape")):
        with pytest.raises(ValueError, match=match):
            plain(net, bad)


def test_class_shares_count_what_the_network_says() -> None:
    class Says(FeatureNet):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.eye(10)[[3, 3, 3, 7]] * 50.0

    shares, confidence = class_shares(Says(width=1), torch.zeros(4, 1, 28, 28))
    assert shares[3] == 0.75 and shares[7] == 0.25 and shares.sum() == 1 and confidence == pytest.approx(1.0)
