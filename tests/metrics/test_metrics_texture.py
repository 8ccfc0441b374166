"""Co-occurrence, binary patterns, Gram matrices and spectra: closed forms, and scikit-image and numpy as oracles."""

import inspect
import math

import numpy as np
import pytest
import torch
from skimage.color import rgb2gray
from skimage.feature import graycomatrix, graycoprops, local_binary_pattern
from torch import Tensor

from imggen_lib.data import to_float, to_uint8
from imggen_lib.losses.image import gram
from imggen_lib.metrics import texture
from imggen_lib.metrics.colour import chi_square
from imggen_lib.models.texture import RandomFilters

F64 = torch.float64


def _images(n: int = 3, c: int = 1, h: int = 14, w: int = 17, smooth: bool = False, seed: int = 0) -> Tensor:
    x = torch.rand(n, c, h, w, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    if smooth:
        x = torch.nn.functional.avg_pool2d(torch.nn.functional.pad(x, (1, 1, 1, 1), mode="reflect"), 3, 1) * 1.5
    return to_float(to_uint8(x))


def test_grey_agrees_with_scikit_image() -> None:
    x = _images(c=3)
    theirs = rgb2gray(((x.double() + 1) / 2).permute(0, 2, 3, 1).numpy()) * 2 - 1
    np.testing.assert_allclose(texture.grey(x).numpy(), theirs, atol=1e-12)
    byte = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    for channels in (1, 3):  # a grey image in three channels has the same levels
        assert torch.equal(texture.grey_levels(to_float(byte).expand(-1, channels, -1, -1), 256), byte[:, 0].long())


@pytest.mark.parametrize("offset", [(0, 1), (1, 1), (1, 0), (1, -1), (0, 3), (-2, 2), (2, -2)])
def test_cooccurrence_agrees_with_scikit_image(offset: tuple[int, int]) -> None:
    x = _images(smooth=True)
    q = texture.grey_levels(x, 8).numpy().astype(np.uint8)
    ours = texture.cooccurrence(x, 8, offset)
    distance, angle = max(map(abs, offset)), math.atan2(*offset)
    distance = distance * (math.sqrt(2) if all(offset) else 1)
    for i in range(len(x)):
        theirs = graycomatrix(q[i], [distance], [angle], levels=8, symmetric=True, normed=True)[:, :, 0, 0]
        np.testing.assert_allclose(ours[i].numpy(), theirs, atol=1e-15)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_four_statistics_agree_with_scikit_image(channels: int) -> None:
    x = _images(c=channels, smooth=True)
    q = texture.grey_levels(x, 16).numpy().astype(np.uint8)
    ours = texture.cooccurrence_statistics(x)
    for i in range(len(x)):
        p = graycomatrix(q[i], [1], [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4], levels=16, symmetric=True, normed=True)
        for name, values in ours._asdict().items():
            assert values[i].item() == pytest.approx(graycoprops(p, name).mean(), abs=1e-12)


def test_a_chessboard_and_an_even_image_in_closed_form() -> None:
    board = ((torch.arange(8).view(-1, 1) + torch.arange(8)) % 2 * 2.0 - 1).view(1, 1, 8, 8)
    (p,) = texture.cooccurrence(board, 4)
    assert p[0, 3] == p[3, 0] == 0.5 and p.sum() == 1
    along = texture._haralick(p[None])
    assert [v.item() for v in along] == pytest.approx([9, 0.1, 0.5**0.5, -1])
    assert [v.item() for v in texture.cooccurrence_statistics(board, 4)] == pytest.approx([4.5, 0.55, 0.5**0.5, 0], abs=1e-3)
    even = texture.cooccurrence_statistics(torch.zeros(1, 1, 8, 8))
    assert [v.item() for v in even] == [0, 1, 1, 1]


def _patterns_of_scikit_image(x: Tensor) -> np.ndarray:
    """Without the border, where scikit-image puts black around the image."""
    q = texture.grey_levels(x, 256).numpy().astype(np.uint8)
    return np.stack([local_binary_pattern(image, 8, 1, method="uniform")[1:-1, 1:-1] for image in q])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("smooth", [False, True])
def test_binary_patterns_agree_with_scikit_image(channels: int, smooth: bool) -> None:
    x = _images(c=channels, h=40, w=30, smooth=smooth)
    np.testing.assert_array_equal(texture.binary_patterns(x).numpy(), _patterns_of_scikit_image(x))


def test_binary_patterns_of_shapes() -> None:
    spot = torch.full((1, 1, 5, 5), -1.0)
    spot[..., 2, 2] = 1
    codes = texture.binary_patterns(spot)
    assert codes[0, 1, 1] == 0  # the bright spot itself
    assert texture.binary_patterns(-spot)[0, 1, 1] == 8
    assert texture.binary_patterns(torch.zeros(1, 1, 5, 5)).unique().tolist() == [8]
    edge = torch.tensor([0.0, 0, 0, 1, 1, 1]).expand(1, 1, 6, 6) * 0.9
    assert texture.binary_patterns(edge)[0, 0].tolist() == [8, 8, 5, 8]  # on the bright side two neighbours equal it, too
    x = _images(smooth=True)
    turned = texture.binary_patterns(x.rot90(1, (2, 3)))
    assert torch.equal(turned, texture.binary_patterns(x).rot90(1, (1, 2)))


def test_pattern_histograms_tell_noise_from_smooth_images() -> None:
    noise, smooth = _images(4), _images(4, smooth=True, seed=1)
    ours = texture.pattern_histograms(noise)
    counts = np.stack([np.bincount(codes.astype(int).ravel(), minlength=10) for codes in _patterns_of_scikit_image(noise)])
    np.testing.assert_allclose(ours.numpy(), counts / counts.sum(1, keepdims=True), atol=1e-15)
    a, b, c = (texture.pattern_histograms(x).mean(0) for x in (noise, smooth, _images(4, seed=2)))
    assert chi_square(a, b) > 5 * chi_square(a, c)
    assert chi_square(a, b) == chi_square(b, a)


def test_gram_distance_in_closed_form_and_not_symmetric() -> None:
    x, y = _images(3, 2).double(), _images(4, 2, smooth=True, seed=1).double()
    identity = lambda images: [images, images[:, :1]]  # noqa: E731
    r, g = ([gram(f).mean(0) for f in identity(t)] for t in (x, y))
    expected = sum(((b - a) ** 2).sum() / (a**2).sum() for a, b in zip(r, g, strict=True)) / 2
    assert texture.gram_distance(identity, x, y) == pytest.approx(expected.item())
    assert texture.gram_distance(identity, x, 2 * x.clamp(-0.5, 0.5)) != pytest.approx(0)
    assert texture.gram_distance(identity, 0.5 * x, x) == pytest.approx(9)  # |4G - G|² / |G|²
    assert texture.gram_distance(identity, x, 0.5 * x) == pytest.approx((3 / 4) ** 2)
    assert texture.gram_distance(identity, x, 0 * x) == pytest.approx(1)


def test_gram_distance_with_the_librarys_filters() -> None:
    net = RandomFilters(channels=1, filters=8, size=3, levels=2)
    a, b, smooth = _images(4, h=16, w=16), _images(4, h=16, w=16, seed=1), _images(4, h=16, w=16, smooth=True)
    assert texture.gram_distance(net, a, smooth) > 5 * texture.gram_distance(net, a, b)
    assert texture.gram_distance(net, a, a.flip(0)) == pytest.approx(0, abs=1e-10)
    assert texture.gram_distance(net, a, b, batch=3) == pytest.approx(texture.gram_distance(net, a, b), rel=1e-5)


@pytest.mark.parametrize(("h", "w", "channels"), [(16, 16, 1), (15, 20, 3), (28, 28, 1)])
def test_power_spectra_agree_with_numpy(h: int, w: int, channels: int) -> None:
    x = _images(c=channels, h=h, w=w)
    ours = texture.power_spectra(x)
    assert ours.shape == (3, min(h, w) // 2 + 1) and ours.dtype == F64
    y, z = np.meshgrid(np.arange(h) - h // 2, np.arange(w) - w // 2, indexing="ij")
    radius = np.floor(np.hypot(y / h, z / w) * min(h, w) + 0.5 + 1e-9).astype(int)
    for i in range(len(x)):
        power = np.abs(np.fft.fftshift(np.fft.fft2(texture.grey(x)[i].numpy()))) ** 2 / (h * w)
        theirs = [power[radius == k].mean() for k in range(ours.shape[1])]
        np.testing.assert_allclose(ours[i].numpy(), theirs, atol=1e-10)


def test_a_wave_has_its_power_on_its_ring_and_noise_everywhere() -> None:
    side, amplitude = 32, 0.6
    wave = amplitude * torch.cos(2 * math.pi * 5 * torch.arange(side, dtype=F64) / side).expand(1, 1, side, side)
    (s,) = texture.power_spectra(wave)
    assert s.argmax() == 5 and s[torch.arange(17) != 5].abs().max() < 1e-12
    torch.testing.assert_close(texture.power_spectra(wave.transpose(2, 3))[0], s)
    noise = (torch.randn(400, 1, side, side, generator=torch.Generator().manual_seed(0)) * 0.2).clamp(-1, 1)
    s = texture.power_spectra(noise).mean(0)
    torch.testing.assert_close(s[1:], torch.full_like(s[1:], 0.04), rtol=0.1, atol=0)


def test_the_gap_says_which_frequencies_are_missing() -> None:
    noise = 0.5 * _images(8, h=32, w=32)
    blurred = torch.nn.functional.avg_pool2d(torch.nn.functional.pad(noise, (1, 1, 1, 1), mode="circular"), 3, 1)
    gap = texture.spectrum_gap(noise, blurred)
    assert gap.shape == (16,) and (gap < 0).all() and gap[-1] < gap[0] - 6
    torch.testing.assert_close(texture.spectrum_gap(blurred, noise), -gap)
    assert texture.spectrum_distance(noise, blurred) == pytest.approx(gap.square().mean().sqrt().item())
    assert texture.spectrum_distance(blurred, noise) == pytest.approx(texture.spectrum_distance(noise, blurred))
    half = texture.spectrum_gap(noise, noise * 0.5**0.5)
    torch.testing.assert_close(half, torch.full_like(half, -3.0103), rtol=0, atol=2e-3)
    assert texture.spectrum_distance(noise, noise + 0.25) == pytest.approx(0, abs=1e-4)  # the brightness does not count
    even = torch.zeros_like(noise)
    assert texture.spectrum_distance(even, even) == 0 and math.isfinite(texture.spectrum_distance(even, noise))


def test_the_batch_changes_nothing() -> None:
    x, y = _images(5, 3), _images(4, 3, smooth=True)
    assert torch.equal(texture.cooccurrence(x, batch=2), texture.cooccurrence(x))
    assert torch.equal(texture.pattern_histograms(x, batch=2), texture.pattern_histograms(x))
    for a, b in zip(texture.cooccurrence_statistics(x, batch=2), texture.cooccurrence_statistics(x), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-14)
    torch.testing.assert_close(texture.power_spectra(x, batch=2), texture.power_spectra(x), rtol=0, atol=1e-12)
    assert texture.spectrum_distance(x, y, batch=3) == pytest.approx(texture.spectrum_distance(x, y))


def test_bad_input_is_told_so() -> None:
    x = _images()
    for wrong, message in [
        (lambda: texture.grey(_images(c=2)), "2 channels"),
        (lambda: texture.cooccurrence(x, 1), "two levels"),
        (lambda: texture.cooccurrence(x, offset=(0, 0)), "apart"),
        (lambda: texture.cooccurrence(x, offset=(14, 0)), "no two pixels of a 14 by 17 image"),
        (lambda: texture.binary_patterns(x[..., :2]), "3 by 3"),
        (lambda: texture.power_spectra(x[..., :1]), "2 by 2"),
        (lambda: texture.power_spectra(x * math.nan), "NaN"),
        (lambda: texture.gram_distance(lambda images: [], x, x), "empty list"),
        (lambda: texture.gram_distance(lambda images: [images], x * 0, x), "all zero"),
    ]:
        with pytest.raises(ValueError, match=message):
            wrong()
    with pytest.raises(ValueError, match="must agree"):
        inspect.unwrap(texture.gram_distance)(lambda images: [images], x, _images(c=3))
    with pytest.raises(ValueError, match="must agree"):
        inspect.unwrap(texture.spectrum_gap)(x, x[..., 1:])
