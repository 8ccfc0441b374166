"""Nearest training images, the data-copying test against scipy, the Vendi score against its authors' package, class entropy."""

import inspect
import math
from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats
import torch
from vendi_score import vendi

from imggen_lib.metrics.novelty import (
    class_entropy,
    copied_share,
    data_copying,
    kernel_vendi,
    mann_whitney_z,
    nearest_training,
    nearness_ratio,
    vendi_score,
)


def _cloud(n: int, d: int, seed: int) -> torch.Tensor:
    return torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_nearest_training_image_in_pixels_and_in_features(make_images: Callable[..., torch.Tensor]) -> None:
    training, images = make_images(30, 2, 6), make_images(8, 2, 6, seed=1)
    images[2] = training[17]
    found = nearest_training(training, images, block=5)
    table = (images[:, None].double() - training.double()).flatten(2).norm(dim=2)
    torch.testing.assert_close(found.distances, table.min(1).values, rtol=1e-12, atol=0)
    assert torch.equal(found.indices, table.argmin(1)) and found.distances[2] == 0 and found.indices[2] == 17
    flat = nearest_training(training.flatten(1), images.flatten(1))
    torch.testing.assert_close(flat.distances, found.distances, rtol=1e-12, atol=0)
    assert nearest_training(images, training).distances.shape == (30,)  # training set first
    for args, match in (
        ((training, images * 200), "0, 255"),
        ((training * math.nan, images), "NaN"),
        ((training, images[:, :1]), "must agree"),
        ((training[:0], images), "empty"),
    ):
        with pytest.raises(ValueError, match=match):
            inspect.unwrap(nearest_training)(*args)


def test_z_against_scipy_with_and_without_ties() -> None:
    for n, m, digits in ((40, 70, 12), (200, 90, 1), (30, 30, 0)):
        h, g = (
            (_cloud(n, 1, n)[:, 0].abs() * 2).round(decimals=digits),
            (_cloud(m, 1, m + 1)[:, 0].abs() * 1.5).round(decimals=digits),
        )
        oracle = scipy.stats.mannwhitneyu(g, h, method="asymptotic", use_continuity=False, alternative="less")
        assert scipy.stats.norm.cdf(mann_whitney_z(h, g)) == pytest.approx(oracle.pvalue, rel=1e-9)
        assert mann_whitney_z(g, h) == pytest.approx(-mann_whitney_z(h, g), rel=1e-12)


def _distances(training: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    return nearest_training(training, images).distances


def test_copies_are_caught_and_fresh_data_and_noise_are_not() -> None:
    training, held_out, fresh = (_cloud(400, 5, s) for s in range(3))
    h = _distances(training, held_out)
    good = data_copying(h, _distances(training, fresh))
    assert abs(good.z) < 3 and good.near_duplicates < 0.04 and good.median_ratio == pytest.approx(1, abs=0.1)
    copied = data_copying(h, _distances(training, training + 0.05 * fresh))
    assert copied.z < -15 and copied.near_duplicates > 0.9 and copied.median_ratio < 0.3
    noise = data_copying(h, _distances(training, fresh * 3))
    assert noise.z > 15 and noise.near_duplicates < 0.01 and noise.median_ratio > 1.5
    assert data_copying(_distances(training, training + 0.05 * fresh), h).z > 15  # the arguments swapped
    assert good.mean_z == good.z and good.cell_z.tolist() == [good.z]


def test_fresh_data_have_a_standard_normal_z_and_one_percent_of_near_duplicates() -> None:
    training = _cloud(300, 4, 0)
    found = [
        data_copying(_distances(training, _cloud(100, 4, 2 * s)), _distances(training, _cloud(80, 4, 2 * s + 1)))
        for s in range(1, 81)
    ]
    z = np.array([f.z for f in found])
    assert abs(z.mean()) < 4 / 80**0.5 and 0.75 < z.std() < 1.25
    assert np.mean([f.near_duplicates for f in found]) == pytest.approx(0.015, abs=0.01)


def test_copying_in_one_class_shows_in_its_cell_only() -> None:
    cells = torch.arange(400) % 2
    training, held_out, fresh = (_cloud(400, 5, s) + 50 * cells[:, None] for s in range(3))
    images = torch.where(cells[:, None] == 0, training + 0.05, 50 * cells[:, None] + (fresh - 50 * cells[:, None]) * 3)
    found = data_copying(_distances(training, held_out), _distances(training, images), cells, cells)
    assert abs(found.z) < 3  # one class copied, the other too far away: together nothing shows
    assert found.cell_z[0] < -10 and found.cell_z[1] > 10 and found.near_duplicates > 0.4
    assert found.mean_z == pytest.approx(found.cell_z.mean().item())
    few = torch.where(torch.arange(400) < 10, 2, cells)  # a third cell with ten of each
    again = data_copying(_distances(training, held_out), _distances(training, images), few, few)
    assert again.cell_z[2].isnan() and math.isfinite(again.mean_z)


def test_copying_refuses_nonsense() -> None:
    h, cells = _cloud(120, 1, 0)[:, 0].abs(), torch.zeros(120, dtype=torch.int64)
    for args, match in (
        ((h[:50], h), "first percentile"),
        ((h, -h), "negative"),
        ((h, h * torch.nan), "NaN"),
        ((h, h[:0]), "empty"),
        ((h, h, cells), "or of neither"),
        ((h, h, cells, cells[:5]), "120 images need 120 cells"),
        ((torch.ones(120), torch.ones(120)), "all distances are equal"),
    ):
        with pytest.raises(ValueError, match=match):
            inspect.unwrap(data_copying)(*args)
    with pytest.raises(ValueError, match="no cell has 200"):
        data_copying(h, h, cells, cells, least=200)


def test_vendi_score_against_its_authors_package() -> None:
    for n, d in ((40, 6), (15, 30)):
        x = _cloud(n, d, n) + 0.4
        assert vendi_score(x) == pytest.approx(vendi.score_dual(x.numpy()), rel=1e-9)
        unit = x / x.norm(dim=1, keepdim=True)
        assert kernel_vendi(unit @ unit.T) == pytest.approx(vendi_score(x), rel=1e-9)


def test_vendi_score_counts_different_things() -> None:
    eye = torch.eye(6, dtype=torch.float64)
    assert vendi_score(eye) == pytest.approx(6) and kernel_vendi(eye) == pytest.approx(6)
    assert vendi_score(eye.repeat(3, 1)) == pytest.approx(6)  # repeated three times each: as many kinds
    assert vendi_score(eye[:1].repeat(5, 1)) == pytest.approx(1)
    assert vendi_score(torch.cat([eye[:2], eye[:1].repeat(8, 1)])) < 1.5  # nine of one kind and one of another
    for bad, match in ((eye * 0, "length 0"), (eye[:0], "empty"), (eye * math.nan, "NaN")):
        with pytest.raises(ValueError, match=match):
            inspect.unwrap(vendi_score)(bad)
    with pytest.raises(ValueError, match="ones on the diagonal"):
        kernel_vendi(eye * 2)
    with pytest.raises(ValueError, match="semidefinite"):
        kernel_vendi(torch.tensor([[1.0, 3.0], [3.0, 1.0]]))


def test_class_entropy_against_scipy() -> None:
    p = (2 * _cloud(50, 4, 0)).softmax(1)
    assert class_entropy(p) == pytest.approx(scipy.stats.entropy(p.mean(0)), rel=1e-12)
    eye = torch.eye(4, dtype=torch.float64)
    assert class_entropy(eye) == pytest.approx(math.log(4)) and class_entropy(eye[:1]) == 0
    with pytest.raises(ValueError, match="softmax"):
        class_entropy(_cloud(5, 4, 0))


@pytest.fixture(scope="module")
def yardstick() -> dict[str, torch.Tensor]:
    """Points near a curved surface in 30 dimensions, some of it dense and some thin: training, held-out and fresh images."""

    def draw(n: int, seed: int) -> torch.Tensor:
        z = _cloud(n, 6, seed)
        z = z * z.norm(dim=1, keepdim=True).pow(0.5)
        return (z @ _cloud(6, 30, 90)).tanh() + 0.5 * (z @ _cloud(6, 30, 91)) + 0.6 * _cloud(n, 30, seed + 50)

    found = {"training": draw(3000, 1), "held-out": draw(1000, 2), "fresh": draw(2000, 3)}
    found["ratios"] = nearness_ratio(found["training"], found["held-out"])
    return found


def _share(yardstick: dict[str, torch.Tensor], images: torch.Tensor) -> tuple[float, float]:
    found = copied_share(yardstick["ratios"], nearness_ratio(yardstick["training"], images))
    return found.value, found.low


def test_fresh_typical_and_soft_images_are_no_copies_though_they_are_near(yardstick: dict[str, torch.Tensor]) -> None:
    fresh, middle = yardstick["fresh"], yardstick["training"].mean(0)
    typical = fresh[(fresh - middle).norm(dim=1).argsort()[:1000]]
    axes = torch.linalg.svd(yardstick["training"] - middle, full_matrices=False).Vh[:6]
    soft = (fresh[:1000] - middle) @ axes.T @ axes + middle
    h = nearest_training(yardstick["training"], yardstick["held-out"]).distances
    for near, images in ((0, fresh[:1000]), (-5, typical), (-5, soft)):
        value, low = _share(yardstick, images)
        assert value < 0.03 and low < 0.02
        z = mann_whitney_z(h, nearest_training(yardstick["training"], images).distances)
        assert z < near if near else abs(z) < 4  # what z alone would call copies


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_copies_are_found_at_their_share(yardstick: dict[str, torch.Tensor], share: float, noise: float) -> None:
    images = yardstick["fresh"][:1000].clone()
    k = round(1000 * share)
    images[:k] = yardstick["training"][:k] + noise * _cloud(k, 30, 9)
    value, low = _share(yardstick, images)
    assert value == pytest.approx(share + 0.01 * (1 - share), abs=0.02) and low > 0.03


def test_the_share_of_fresh_images_is_covered_by_its_interval(yardstick: dict[str, torch.Tensor]) -> None:
    """One percent, in repetitions with other held-out and other fresh ratios of one distribution."""
    ratios = nearness_ratio(yardstick["training"], torch.cat([yardstick["held-out"], yardstick["fresh"]]))
    hits = 0
    for s in range(60):
        order = torch.randperm(3000, generator=torch.Generator().manual_seed(s))
        found = copied_share(ratios[order[:1000]], ratios[order[1000:2000]], seed=s)
        hits += found.low <= 0.01 <= found.high
    assert hits >= 54


def test_ratios_at_their_ends_and_what_is_refused(yardstick: dict[str, torch.Tensor]) -> None:
    training = yardstick["training"][:50].clone()
    training[7] = training[8]
    found = nearness_ratio(training, torch.cat([training[:9], yardstick["fresh"][:20]]))
    assert found[:9].eq(0).all() and ((found[9:] > 0) & (found[9:] <= 1)).all()  # a copy of a doubled image is one, too
    flat = nearness_ratio(training.view(50, 1, 5, 6) / 20, training[:3].view(3, 1, 5, 6) / 20)
    assert flat.eq(0).all()
    with pytest.raises(ValueError, match="two of them"):
        nearness_ratio(training[:1], training)
    with pytest.raises(ValueError, match="are these distances"):
        copied_share(10 * yardstick["ratios"], yardstick["ratios"])
    with pytest.raises(ValueError, match="100 each"):
        copied_share(yardstick["ratios"][:150], yardstick["ratios"])
