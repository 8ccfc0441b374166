"""Squared error, PSNR and structural similarity: closed forms, and scikit-image and torchmetrics as oracles."""

import warnings

import numpy as np
import pytest
import torch
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity
from torch import Tensor
from torch.nn.functional import avg_pool2d
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure as torch_ms_ssim
from torchmetrics.functional.image import peak_signal_noise_ratio as torch_psnr

from imggen_lib import checks
from imggen_lib.data import to_float, to_uint8
from imggen_lib.metrics import pixel

MEASURES = [pixel.mse, pixel.psnr, pixel.ssim, lambda x, y, batch=64: pixel.ms_ssim(x, y, scales=2, batch=batch)]


def _pair(n: int = 3, c: int = 1, h: int = 28, w: int = 32, strength: float = 0.3, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Smooth images with some contrast, as bytes would hold them, and a noisy, darker copy of each."""
    g = torch.Generator().manual_seed(seed)
    coarse = torch.rand(n, c, h // 4 + 1, w // 4 + 1, generator=g)
    x = torch.nn.functional.interpolate(coarse, size=(h, w), mode="bilinear") * 2 - 1
    y = 0.8 * x - 0.1 + strength * torch.randn(x.shape, generator=g)
    return to_float(to_uint8(x)), to_float(to_uint8(y.clamp(-1, 1)))


def _skimage_ssim(x: Tensor, y: Tensor) -> float:
    """On pixels in [0, 2]: the brightness factor knows where zero is."""
    a, b = ((t.double() + 1).numpy() for t in (x, y))
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 2}
    return float(structural_similarity(a, b, channel_axis=0, **settings))


def test_closed_forms() -> None:
    black, white = torch.full((2, 1, 28, 28), -1.0), torch.ones(2, 1, 28, 28)
    assert pixel.mse(black, white).tolist() == [4, 4]
    assert pixel.psnr(black, white).tolist() == [0, 0]
    assert pixel.psnr(black, black).tolist() == [torch.inf, torch.inf]
    c1 = 0.02**2  # flat images: only the brightness counts, (2 * 0 * 2 + C1) / (0 + 4 + C1)
    assert pixel.ssim(black, white).tolist() == pytest.approx([c1 / (4 + c1)] * 2)
    half = pixel.mse(torch.zeros(1, 1, 4, 4), torch.tensor([0.5, 0.0]).repeat(8).view(1, 1, 4, 4))
    assert half.item() == 0.125


def test_structure_upside_down_is_negative() -> None:
    x, _ = _pair()
    assert pixel.ssim(x, -x).max() < 0
    assert pixel.ms_ssim(x, -x, scales=2).tolist() == [0, 0, 0]  # no roots of negative numbers


@pytest.mark.parametrize("channels", [1, 3])
def test_error_and_psnr_agree_with_the_oracles(channels: int) -> None:
    x, y = _pair(c=channels)
    error, ratio = pixel.mse(x, y), pixel.psnr(x, y)
    for i in range(len(x)):
        a, b = x[i].double().numpy(), y[i].double().numpy()
        assert error[i].item() == pytest.approx(mean_squared_error(a, b), abs=1e-12)
        assert ratio[i].item() == pytest.approx(peak_signal_noise_ratio(a, b, data_range=2), abs=1e-10)
    theirs = torch_psnr(y.double(), x.double(), data_range=2.0, reduction="none", dim=(1, 2, 3))
    torch.testing.assert_close(ratio, theirs, rtol=0, atol=1e-5)  # theirs has a float32 in it


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("strength", [0.02, 0.3])
def test_ssim_agrees_with_scikit_image(channels: int, strength: float) -> None:
    x, y = _pair(c=channels, strength=strength)
    theirs = [_skimage_ssim(x[i], y[i]) for i in range(len(x))]
    assert pixel.ssim(x, y).tolist() == pytest.approx(theirs, abs=1e-10)


def test_ssim_is_that_of_bytes() -> None:
    """The window is measured in [0, 2], so the number is the paper's for [0, 255]; in [-1, 1] it would be another."""
    x, y = _pair(n=1)
    a, b = to_uint8(x)[0, 0].double().numpy(), to_uint8(y)[0, 0].double().numpy()
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    assert pixel.ssim(x, y).item() == pytest.approx(structural_similarity(a, b, data_range=255, **settings), abs=1e-6)
    signed = structural_similarity(x[0, 0].double().numpy(), y[0, 0].double().numpy(), data_range=2, **settings)
    assert abs(pixel.ssim(x, y).item() - signed) > 0.01


@pytest.mark.parametrize("channels", [1, 3])
def test_the_scales_of_ms_ssim_agree_with_torchmetrics(channels: int) -> None:
    """With no weight on the coarsest scale, where torchmetrics keeps the mirrored border (next test)."""
    x, y = (t.double() + 1 for t in _pair(n=2, c=channels, h=48, w=52))
    theirs = torch_ms_ssim(y, x, data_range=2.0, betas=(0.3, 0.2, 0.0), reduction="none", normalize="relu")
    ours = torch.ones(2, dtype=torch.float64)
    for weight in (0.3, 0.2):
        ours = ours * pixel._similarities(x, y)[1] ** weight
        x, y = avg_pool2d(x, 2), avg_pool2d(y, 2)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)  # their weights are float32


def test_ms_ssim_agrees_with_torchmetrics_up_to_the_border() -> None:
    x, y = _pair(n=2, h=176, w=192)
    theirs = torch_ms_ssim(y.double() + 1, x.double() + 1, data_range=2.0, reduction="none", normalize="relu")
    torch.testing.assert_close(pixel.ms_ssim(x, y), theirs, rtol=0, atol=0.005)


@pytest.mark.parametrize("scales", [1, 2, 3])
def test_the_coarsest_scale_of_ms_ssim_is_scikit_images_ssim(scales: int) -> None:
    x, y = _pair(c=3, h=52, w=48)
    weights = torch.tensor((0.0448, 0.2856, 0.3001)[:scales], dtype=torch.float64)
    weights = weights / weights.sum()
    a, b, expected = x.double(), y.double(), torch.ones(len(x), dtype=torch.float64)
    for weight in weights[:-1]:
        expected = expected * pixel._similarities(a + 1, b + 1)[1] ** weight
        a, b = avg_pool2d(a, 2), avg_pool2d(b, 2)
    last = torch.tensor([_skimage_ssim(p, q) for p, q in zip(a, b, strict=True)], dtype=torch.float64)
    torch.testing.assert_close(pixel.ms_ssim(x, y, scales=scales), expected * last ** weights[-1], rtol=0, atol=1e-10)


@pytest.mark.parametrize("measure", MEASURES)
def test_symmetric_float64_and_independent_of_the_batch(measure) -> None:
    x, y = _pair(n=5, c=3)
    whole = measure(x, y)
    assert whole.dtype == torch.float64 and whole.shape == (5,)
    torch.testing.assert_close(measure(y, x), whole, rtol=0, atol=1e-12)
    torch.testing.assert_close(measure(x, y, batch=2), whole, rtol=0, atol=1e-14)
    torch.testing.assert_close(measure(x[3:4], y[3:4]), whole[3:4], rtol=0, atol=1e-14)
    best = measure(x, x)
    assert torch.equal(best, torch.full_like(best, best[0].item())) and best[0].item() in (0, 1, np.inf)


@pytest.mark.parametrize("measure", MEASURES)
def test_more_damage_is_worse(measure) -> None:
    values = torch.stack([measure(*_pair(strength=s)) for s in (0.02, 0.1, 0.3)])
    steps = values.diff(dim=0)
    assert (steps > 0).all() if measure is pixel.mse else (steps < 0).all()


def test_small_images_are_told_what_fits() -> None:
    x = torch.zeros(1, 1, 28, 40)
    with pytest.raises(ValueError, match=r"5 scales need images of at least 176 pixels a side, got 28: .*scales=2"):
        pixel.ms_ssim(x, x)
    with pytest.raises(ValueError, match=r"1 scale needs .* 11 pixels a side, got 10: enlarge"):
        pixel.ssim(x[..., :10], x[..., :10])
    with pytest.raises(ValueError, match="scales = 6"):
        pixel.ms_ssim(x, x, scales=6)
    assert pixel.ms_ssim(x, x, scales=2).item() == 1
    assert torch.equal(pixel.ms_ssim(*_pair(), scales=1), pixel.ssim(*_pair()))
    assert pixel.ssim(x[..., :11], x[..., :11]).item() == pytest.approx(1)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (torch.zeros(1, 28, 28), "four dimensions"),
        (torch.zeros(1, 1, 28, 28, dtype=torch.uint8), "to_float"),
        (torch.zeros(0, 1, 28, 28), "empty"),
        (torch.full((1, 1, 28, 28), torch.nan), "NaN"),
        (torch.full((1, 1, 28, 28), torch.inf), "NaN or infinite"),
        (torch.full((1, 1, 28, 28), 200.0), r"\[0, 255\]"),
        (torch.full((1, 1, 28, 28), -1.2), "clamp"),
        (torch.zeros(1, 1, 28, 27), "must agree"),
        (torch.zeros(1, 3, 28, 28), "must agree"),
        (torch.zeros(2, 1, 28, 28), "1 reference images for 2 images"),
    ],
)
def test_bad_images_raise_one_clear_sentence(image: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        checks.check_pair(torch.zeros(1, 1, 28, 28), image)


def test_what_may_be_right_is_not_refused() -> None:
    x = torch.zeros(1, 1, 28, 28)
    x[..., 3] = 1
    with pytest.warns(UserWarning, match=r"is this \[0, 1\]"):
        pixel.mse(x, x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pixel.mse(x * 0.9, x * 0 + 1)
    with pytest.raises(ValueError, match="batch must be at least 1, got 0"):
        pixel.mse(x * 0.9, x * 0.9, batch=0)
