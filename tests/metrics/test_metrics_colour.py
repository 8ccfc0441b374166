"""Histograms, moments and CIELAB: closed forms, and scipy and scikit-image as oracles."""

import inspect

import numpy as np
import pytest
import torch
from scipy.stats import skew, wasserstein_distance
from skimage import color
from torch import Tensor

from imggen_lib.data import to_float, to_uint8
from imggen_lib.metrics import colour

F64 = torch.float64


def _sets(c: int = 3, n: int = 5, m: int = 4, side: int = 12) -> tuple[Tensor, Tensor]:
    """Two sets of bytes with different colours."""
    g = torch.Generator().manual_seed(c)
    x = torch.rand(n, c, side, side, generator=g) * 2 - 1
    y = torch.rand(m, c, side, side, generator=g) ** 2 * torch.linspace(1, 2, c).view(-1, 1, 1) - 1
    return to_float(to_uint8(x)), to_float(to_uint8(y))


def _hwc(x: Tensor) -> np.ndarray:
    """What scikit-image wants: (n, h, w, 3) in [0, 1]."""
    return ((x.double() + 1) / 2).expand(-1, 3, -1, -1).permute(0, 2, 3, 1).numpy()


@pytest.mark.parametrize("bins", [2, 10, 256])
def test_histograms_agree_with_numpy(bins: int) -> None:
    x, _ = _sets()
    ours = colour.histograms(x, bins)
    assert ours.shape == (3, bins) and ours.dtype == F64
    for c in range(3):
        theirs = np.histogram((x[:, c].double() + 1).numpy(), bins=bins, range=(0, 2))[0] / x[:, c].numel()
        np.testing.assert_allclose(ours[c].numpy(), theirs, atol=1e-15)


def test_a_histogram_of_256_bins_counts_bytes() -> None:
    every = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    torch.testing.assert_close(colour.histograms(to_float(every), 256), torch.full((1, 256), 1 / 256, dtype=F64))


def test_chi_square_in_closed_form() -> None:
    p, q = torch.tensor([[0.5, 0.5, 0.0, 0.0], [1.0, 0, 0, 0]]), torch.tensor([[0.25, 0.75, 0, 0], [0.0, 0.5, 0.5, 0]])
    expected = [0.5 * (0.25**2 / 0.75 + 0.25**2 / 1.25), 1]
    assert colour.chi_square(p, q).tolist() == pytest.approx(expected)
    assert torch.equal(colour.chi_square(p, q), colour.chi_square(q, p))
    assert colour.chi_square(p, p).tolist() == [0, 0]


def test_chi_square_has_the_bias_of_the_docstring() -> None:
    bins, n, m = 16, 400, 1000
    p = torch.linspace(1, 2, bins, dtype=F64) / torch.linspace(1, 2, bins, dtype=F64).sum()
    g = torch.Generator().manual_seed(0)
    draws = [torch.multinomial(p.expand(3000, -1), k, replacement=True, generator=g) for k in (n, m)]
    a, b = (torch.zeros(3000, bins).scatter_add_(1, d, torch.ones_like(d, dtype=torch.float)) / d.shape[1] for d in draws)
    values = colour.chi_square(a, b)
    expected = (bins - 1) / 4 * (1 / n + 1 / m)
    assert abs(values.mean().item() - expected) < 5 * values.std().item() / 3000**0.5 + 0.02 * expected


@pytest.mark.parametrize("bins", [16, 256])
def test_earth_movers_distance_agrees_with_scipy(bins: int) -> None:
    x, y = _sets()
    p, q = colour.histograms(x, bins), colour.histograms(y, bins)
    ours = colour.earth_movers(p, q)
    middle = (np.arange(bins) + 0.5) * 2 / bins - 1
    for c in range(3):
        assert ours[c].item() == pytest.approx(wasserstein_distance(middle, middle, p[c].numpy(), q[c].numpy()), abs=1e-12)
        pixels = wasserstein_distance(x[:, c].flatten().numpy(), y[:, c].flatten().numpy())
        assert ours[c].item() == pytest.approx(pixels, abs=2 / bins)
    torch.testing.assert_close(colour.earth_movers(q, p), ours)
    assert colour.earth_movers(p, p).tolist() == [0, 0, 0]


def test_earth_movers_distance_sees_how_far_and_chi_square_does_not() -> None:
    a, b, c = (colour.histograms(torch.full((1, 1, 4, 4), v), 8) for v in (-0.9, -0.6, 0.9))
    assert colour.earth_movers(a, b).item() == pytest.approx(0.25)
    assert colour.earth_movers(a, c).item() == pytest.approx(7 * 0.25)
    assert colour.chi_square(a, b).item() == colour.chi_square(a, c).item() == 1


@pytest.mark.parametrize("channels", [1, 3])
def test_moments_agree_with_scipy(channels: int) -> None:
    _, y = _sets(channels)
    ours = colour.colour_moments(y)
    for c in range(channels):
        v = y[:, c].double().flatten().numpy()
        expected = [v.mean(), v.std(), np.cbrt(skew(v)) * v.std()]
        np.testing.assert_allclose(ours[c].numpy(), expected, atol=1e-12)
    torch.testing.assert_close(colour.colour_moments(-y), ours * torch.tensor([-1, 1, -1]))


def test_moment_distance_sums_what_moved() -> None:
    x, y = _sets()
    assert colour.moment_distance(x * 0.5, x * 0.5 + 0.25) == pytest.approx(3 * 0.25)
    assert colour.moment_distance(x, y) == pytest.approx(colour.moment_distance(y, x))
    assert colour.moment_distance(x, x.flip(0, 3)) == pytest.approx(0)
    assert colour.moment_distance(x, y) > 0.5


def test_lab_agrees_with_scikit_image() -> None:
    x, _ = _sets()
    theirs = torch.from_numpy(np.moveaxis(color.rgb2lab(_hwc(x)), -1, 1))
    torch.testing.assert_close(colour.to_lab(x), theirs, rtol=0, atol=1e-10)


def test_lab_of_grey_is_lightness_only() -> None:
    x, _ = _sets(1)
    lab = colour.to_lab(x)
    assert lab[:, 1:].abs().max() == 0
    theirs = color.rgb2lab(_hwc(x))
    np.testing.assert_allclose(lab[:, 0].numpy(), theirs[..., 0], atol=1e-10)
    assert np.abs(theirs[..., 1:]).max() < 0.01  # scikit-image's matrix and white differ in the fourth digit
    assert colour.to_lab(torch.tensor([-1.0, 1.0]).view(2, 1, 1, 1))[:, 0].flatten().tolist() == pytest.approx([0, 100])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(colour.delta_e_76, color.deltaE_cie76), (colour.delta_e_2000, color.deltaE_ciede2000)],
)
def test_delta_e_agrees_with_scikit_image(ours, theirs) -> None:
    x, y = _sets(n=4)
    expected = theirs(color.rgb2lab(_hwc(x)), color.rgb2lab(_hwc(y))).mean((1, 2))
    np.testing.assert_allclose(ours(x, y).numpy(), expected, atol=1e-10)
    x, y = _sets(1, n=4)
    expected = theirs(color.rgb2lab(_hwc(x)), color.rgb2lab(_hwc(y))).mean((1, 2))
    np.testing.assert_allclose(ours(x, y).numpy(), expected, atol=1e-6)  # not quite grey there, see above


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [  # published pairs: hues on both sides of 0 and of 180 degrees, a pair near grey, a large difference, the rotated blues
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
        ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0009), 7.1792),
        ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0011), 7.2195),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_ciede2000_gives_the_published_differences(first, second, expected: float) -> None:
    a, b = (torch.tensor(v, dtype=F64).view(1, 3, 1, 1) for v in (first, second))
    assert colour.lab_difference_2000(a, b).item() == pytest.approx(expected, abs=6e-5)
    assert colour.lab_difference_2000(b, a).item() == pytest.approx(expected, abs=6e-5)


@pytest.mark.parametrize("measure", [colour.delta_e_76, colour.delta_e_2000])
def test_delta_e_ends_and_symmetry(measure) -> None:
    black, white = torch.full((2, 3, 4, 4), -1.0), torch.ones(2, 3, 4, 4)
    assert measure(black, white).tolist() == pytest.approx([100, 100], abs=1e-3)
    assert measure(black[:, :1], white[:, :1]).tolist() == pytest.approx([100, 100])
    x, y = _sets(n=4)
    torch.testing.assert_close(measure(x, y), measure(y, x))
    assert measure(x, x).tolist() == [0] * 4
    grey = measure(x[:, :1], y[:, :1])
    torch.testing.assert_close(grey, measure(x[:, :1].expand_as(x), y[:, :1].expand_as(y)), rtol=0, atol=1e-6)


def test_the_batch_changes_nothing() -> None:
    x, y = _sets(n=4)
    assert torch.equal(colour.histograms(x, batch=1), colour.histograms(x))
    torch.testing.assert_close(colour.colour_moments(x, batch=3), colour.colour_moments(x), rtol=0, atol=1e-14)
    assert colour.moment_distance(x, y, batch=3) == pytest.approx(colour.moment_distance(x, y), abs=1e-13)
    for measure in (colour.delta_e_76, colour.delta_e_2000):
        torch.testing.assert_close(measure(x, y, batch=3), measure(x, y), rtol=0, atol=1e-13)


def test_bad_input_is_told_so() -> None:
    x, y = _sets()
    with pytest.raises(ValueError, match="16 and 32 bins"):
        inspect.unwrap(colour.chi_square)(colour.histograms(x, 16), colour.histograms(x))
    with pytest.raises(ValueError, match="16 and 32 bins"):
        inspect.unwrap(colour.earth_movers)(colour.histograms(x, 16), colour.histograms(x))
    with pytest.raises(ValueError, match="two bins"):
        colour.histograms(x, 1)
    with pytest.raises(ValueError, match="got 2 channels"):
        colour.to_lab(x[:, :2])
    with pytest.raises(ValueError, match="must agree"):
        inspect.unwrap(colour.moment_distance)(x, y[:, :1])
    with pytest.raises(ValueError, match=r"\[0, 255\]"):
        colour.histograms(x * 127)
