"""Every public metric against everything that can be handed to it by mistake: a plain sentence each time, never a number."""

import math
import types
from collections.abc import Callable, Iterator
from typing import Any

import jaxtyping
import numpy as np
import pytest
import torch
from torch import Tensor

from imggen_lib.metrics import colour, distribution, likelihood, manifold, modes, neighbours, novelty, pixel, texture, twosample
from imggen_lib.models.vae import MLPVAE

MODULES = (colour, distribution, likelihood, manifold, modes, neighbours, novelty, pixel, texture, twosample)

PAIR = [pixel.mse, pixel.psnr, pixel.ssim, pixel.ms_ssim, colour.delta_e_76, colour.delta_e_2000]  # image i with reference i
SETS = [colour.moment_distance, texture.spectrum_gap, texture.spectrum_distance, texture.gram_distance]
ONE = [
    colour.histograms, colour.colour_moments, colour.to_lab, texture.cooccurrence, texture.cooccurrence_statistics,
    texture.pattern_histograms, texture.power_spectra, texture.mean_grams, distribution.features, distribution.class_shares,
    likelihood.log_likelihoods, likelihood.importance_log_likelihood,
]  # fmt: skip
FEATURES = [
    distribution.frechet_interval, distribution.frechet_at_infinity, manifold.precision_recall, manifold.density_coverage,
    manifold.precision_recall_interval, manifold.density_coverage_interval, twosample.kernel_distance,
    twosample.subset_kernel_distance, twosample.classifier_test, novelty.nearest_training, neighbours.nearest_neighbours,
    distribution.frechet_at_infinity_interval,
]  # fmt: skip
SINGLE = [distribution.statistics, novelty.vendi_score]
PROBABILITIES = [distribution.entropy_score, distribution.entropy_scores, novelty.class_entropy]
HISTOGRAMS = [colour.chi_square, colour.earth_movers]
DISTANCES = [novelty.mann_whitney_z, novelty.data_copying, novelty.copying_interval]

#: What takes none of these: parts of the metrics above, functions of their results, or of numbers alone.
OTHERS = {
    "lab_difference_76", "lab_difference_2000", "grey", "grey_levels", "binary_patterns",  # called with images that were checked
    "nearness_ratio", "copied_share",  # tested in test_novelty
    "kernel_difference",  # its values are tested in test_progress
    "frechet_distance",  # of statistics; sizes below
    "check_probabilities", "check_features", "check_features_pair", "blocks", "mean_of", "squared_distances",
    "inside_balls", "expected_coverage", "bits_per_dimension", "active_units", "kernel_vendi", "modes_found",
    "linear_classifier", "neighbour_classifier",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _as_readers_have_it() -> Iterator[None]:
    """Outside the tests nothing checks the shapes in the signatures."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def test_every_public_function_is_tried_or_named() -> None:
    tried = {f.__name__ for f in (*PAIR, *SETS, *ONE, *FEATURES, *SINGLE, *PROBABILITIES, *HISTOGRAMS, *DISTANCES)}
    public = {
        name
        for module in MODULES
        for name, value in vars(module).items()
        if isinstance(value, types.FunctionType) and value.__module__ == module.__name__ and not name.startswith("_")
    }
    assert public == tried | OTHERS and not tried & OTHERS


def _images(n: int = 24, c: int = 3, side: int = 24, seed: int = 0) -> Tensor:
    return torch.rand(n, c, side, side, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def _cloud(n: int = 60, d: int = 4, seed: int = 0) -> Tensor:
    return torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def _call(metric: Callable[..., Any], *args: Any, **numbers: Any) -> Any:
    """The metric, with the network or sizes that it wants besides."""
    name = metric.__name__
    if name in ("gram_distance", "mean_grams"):
        args = (lambda x: [x], *args)
    if name in ("features", "class_shares"):
        args = (lambda x: x.flatten(1)[:, :5], *args)
    more: dict[str, Any] = {"ms_ssim": {"scales": 2}, "subset_kernel_distance": {"subsets": 2, "size": 20}}.get(name, {})
    if name in ("log_likelihoods", "importance_log_likelihood"):
        args, more = (MLPVAE((3, 24, 24), 2, (4,)), *args), {"k": 2}
    return metric(*args, **more | numbers)


def _spoilt(x: Tensor, value: float) -> Tensor:
    """`x` with one bad number somewhere near the end."""
    x = x.clone()
    x.view(-1)[-2] = value
    return x


BAD_IMAGES = {
    "NaN": (_spoilt(_images(), math.nan), "NaN or infinite"),
    "infinite": (_spoilt(_images(), -math.inf), "NaN or infinite"),
    "bytes as floats": ((_images() + 1) * 127.5, r"\[0, 255\]"),
    "bytes": (((_images() + 1) * 127.5).to(torch.uint8), "uint8, not floats"),
    "empty": (_images()[:0], "empty|got 0"),
    "one image without its first dimension": (_images()[0], "dimensions"),
}


@pytest.mark.parametrize("kind", BAD_IMAGES)
@pytest.mark.parametrize("metric", [*PAIR, *SETS, *ONE], ids=lambda m: m.__name__)
def test_images(metric: Callable[..., Any], kind: str) -> None:
    bad, match = BAD_IMAGES[kind]
    good = (_images(),) if metric in ONE else (_images(), _images(seed=1))
    _call(metric, *good)  # what is bad is the image alone
    for position in range(len(good)):
        with pytest.raises(ValueError, match=match):
            _call(metric, *(bad if k == position else x for k, x in enumerate(good)))


@pytest.mark.parametrize("metric", [*PAIR, *SETS], ids=lambda m: m.__name__)
def test_image_sizes(metric: Callable[..., Any]) -> None:
    for other in (_images(side=20), _images(c=1)):
        with pytest.raises(ValueError, match="must agree"):
            _call(metric, _images(), other)
    if metric in PAIR:
        with pytest.raises(ValueError, match="24 reference images for 20 images"):
            _call(metric, _images(), _images(20))
    else:
        _call(metric, _images(), _images(20))  # sets may be of two sizes


@pytest.mark.parametrize("metric", [*PAIR, *SETS, *ONE[:8]], ids=lambda m: m.__name__)
def test_zero_to_one_warns(metric: Callable[..., Any]) -> None:
    """Pixels in [0, 1] cannot be told for sure from bright ones; they are not taken silently."""
    x = (_images() + 1) / 2
    x[0, 0, 0, 0], x[0, 0, 0, 1] = 0, 1
    with pytest.warns(UserWarning, match=r"\[0, 1\]"):
        _call(metric, *([x] if metric in ONE else [x, _images()]))


BAD_FEATURES = {
    "NaN": (_spoilt(_cloud(), math.nan), "NaN"),
    "infinite": (_spoilt(_cloud(), math.inf), "infinite"),
    "empty": (_cloud()[:0], "empty"),
    "no features": (_cloud()[:, :0], "empty"),
    "whole numbers": (_cloud().long(), "not floats"),
}


@pytest.mark.parametrize("kind", BAD_FEATURES)
@pytest.mark.parametrize("metric", [*FEATURES, *SINGLE], ids=lambda m: m.__name__)
def test_features(metric: Callable[..., Any], kind: str) -> None:
    bad, match = BAD_FEATURES[kind]
    good = (_cloud(),) if metric in SINGLE else (_cloud(), _cloud(seed=1))
    _call(metric, *good)
    for position in range(len(good)):
        with pytest.raises(ValueError, match=match if kind != "no features" or len(good) == 1 else "empty|must agree"):
            _call(metric, *(bad if k == position else x for k, x in enumerate(good)))
    if len(good) == 2:
        with pytest.raises(ValueError, match="must agree"):
            _call(metric, _cloud(), _cloud(d=3))


def test_fewer_images_than_dimensions_is_said_where_it_matters_and_allowed_where_it_does_not() -> None:
    few, many = _cloud(50, 64), _cloud(200, 64, 1)
    for metric, args in (
        (distribution.statistics, (few,)),
        (distribution.frechet_interval, (few, many)),
        (distribution.frechet_interval, (many, few)),
        (distribution.frechet_at_infinity, (many, few)),
    ):
        with pytest.raises(ValueError, match=r"50 images for 64|47 images for 64|a line needs"):
            _call(metric, *args)
    with pytest.raises(ValueError, match="or the kernel distance"):  # the honest alternative is named
        distribution.statistics(few)
    assert math.isfinite(twosample.kernel_distance(few, many).value)
    for metric in (manifold.precision_recall, manifold.density_coverage, twosample.classifier_test):
        assert math.isfinite(_call(metric, few, many)[0])
    assert novelty.vendi_score(few) <= 50
    with pytest.raises(ValueError, match="must agree"):
        distribution.frechet_distance(distribution.statistics(_cloud(d=3)), distribution.statistics(_cloud()))


@pytest.mark.parametrize("metric", [*PROBABILITIES, *HISTOGRAMS], ids=lambda m: m.__name__)
def test_shares(metric: Callable[..., Any]) -> None:
    p = _cloud().softmax(1)
    pair = metric in HISTOGRAMS
    _call(metric, *([p] * (1 + pair)))
    for bad, match in (
        (_spoilt(p, math.nan), "NaN"),
        (_spoilt(p, -0.5), "negative"),
        (p[:0], "empty|0 images"),
        (p * 100, "sum 1|add up to 1"),
        (_cloud().abs() * 3, "sum 1|add up to 1"),
    ):
        for args in ([bad, p], [p, bad]) if pair else ([bad],):
            with pytest.raises(ValueError, match=match):
                _call(metric, *args)
    if pair:
        with pytest.raises(ValueError, match="4 and 3 bins"):
            _call(metric, p, _cloud(d=3).softmax(1))


@pytest.mark.parametrize("metric", DISTANCES, ids=lambda m: m.__name__)
def test_distances(metric: Callable[..., Any]) -> None:
    d = _cloud(400, 1)[:, 0].abs()
    _call(metric, d, d + 0.1)
    for bad, match in ((_spoilt(d, math.nan), "NaN"), (_spoilt(d, -1.0), "negative"), (d[:0], "empty|held-out images|least")):
        for args in ((bad, d), (d, bad)):
            with pytest.raises(ValueError, match=match):
                _call(metric, *args)


def test_the_rest() -> None:
    eye, points = torch.eye(3, dtype=torch.float64), _cloud(60, 2)
    for call, match in (
        (lambda: novelty.kernel_vendi(eye[:0, :0]), "not empty"),
        (lambda: novelty.kernel_vendi(eye[:2]), "square table"),
        (lambda: novelty.kernel_vendi(eye * math.nan), "finite"),
        (lambda: modes.modes_found(_cloud(), points[:3], 0.1), "must be"),
        (lambda: modes.modes_found(_spoilt(points, math.nan), points[:3], 0.1), "NaN"),
        (lambda: modes.modes_found(points[:0], points[:3], 0.1), "too few"),
        (lambda: modes.modes_found(points, points[:0], 0.1), "must be"),
        (lambda: likelihood.active_units(_spoilt(points, math.nan)), "finite"),
        (lambda: manifold.expected_coverage(5, 0), "need m"),
    ):
        with pytest.raises(ValueError, match=match):
            call()


def test_numbers_are_those_of_any_library() -> None:
    """NumPy's small integers overflowed silently inside of formulas, and its others failed deep inside."""
    x, y, d = _cloud(60, 4), _cloud(50, 4, 1), _cloud(400, 1)[:, 0].abs()
    calls: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = [
        (twosample.subset_kernel_distance, (x, y), {"subsets": 3, "size": 20}),
        (twosample.kernel_distance, (x, y), {"groups": 5, "block": 16}),
        (neighbours.nearest_neighbours, (x, y), {"k": 2, "block": 16}),
        (manifold.precision_recall, (x, y), {"k": 3, "block": 16}),
        (manifold.density_coverage, (x, y), {"k": 3, "block": 16}),
        (manifold.precision_recall_interval, (x, y), {"k": 3, "parts": 2, "repeats": 3}),
        (manifold.expected_coverage, (50, 60), {"k": 5}),
        (novelty.copying_interval, (d, d + 0.1), {"parts": 2, "repeats": 3}),
        (colour.histograms, (_images(),), {"bins": 16, "batch": 2}),
        (texture.cooccurrence_statistics, (_images(),), {"levels": 8, "distance": 1, "batch": 2}),
    ]
    for metric, arguments, numbers in calls:
        expected = _call(metric, *arguments, **numbers)
        for kind in (np.uint8, np.int64, float):
            assert str(_call(metric, *arguments, **{k: kind(v) for k, v in numbers.items()})) == str(expected)
        for name in numbers:
            for bad in (0, 2.5, "3", None, math.nan):
                with pytest.raises(ValueError):
                    _call(metric, *arguments, **numbers | {name: bad})


def test_cells_are_labels_and_arrays_are_refused_by_name() -> None:
    d, cells = _cloud(400, 1)[:, 0].abs(), torch.arange(400) % 3
    expected = novelty.data_copying(d, d + 0.1, cells, cells)
    assert str(_call(novelty.data_copying, d, d + 0.1, cells.tolist(), cells.to(torch.uint8))) == str(expected)
    for bad in (cells.float(), cells - 1, cells[:5], cells > 0):
        with pytest.raises(ValueError, match="cells"):
            _call(novelty.data_copying, d, d + 0.1, bad, cells)
    x, said = _cloud(60, 2), torch.arange(60) % 2 == 0
    for call in (
        lambda: novelty.mann_whitney_z(d.numpy(), d),
        lambda: novelty.copied_share(d.numpy(), d),
        lambda: novelty.nearest_training(x.tolist(), x),
        lambda: novelty.kernel_vendi(np.eye(3)),
        lambda: manifold.inside_balls(x.numpy(), d[:60], x),
        lambda: twosample.linear_classifier(x.numpy(), said, x),
        lambda: colour.lab_difference_2000(np.zeros((1, 3, 2, 2)), torch.zeros(1, 3, 2, 2)),
    ):
        with pytest.raises(ValueError, match="must be a tensor"):
            call()
    for sigma in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="sigma"):
            modes.modes_found(x, x[:3], sigma)
    with pytest.raises(ValueError, match="one radius"):
        manifold.inside_balls(x, d[:3], x)
