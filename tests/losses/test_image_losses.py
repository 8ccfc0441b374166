"""Pyramids, the Lap1 distance, Gram matrices and the other losses on images: properties, in float64 where it matters."""

import inspect

import pytest
import torch
from torch import Tensor

from imggen_lib import pyramid
from imggen_lib.losses import image as losses

F64 = torch.float64


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=F64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize("side", [28, 25, 32])
def test_the_pyramid_gives_the_image_back(side: int, wrap: bool) -> None:
    x = _random(2, 3, side, side - 4)
    levels = pyramid.laplacian_pyramid(x, 3, wrap)
    assert [level.shape[2] for level in levels] == [side, (side + 1) // 2, (side + 3) // 4]
    torch.testing.assert_close(pyramid.collapse(levels, wrap), x)


def test_a_constant_image_has_no_detail_and_a_smooth_one_little() -> None:
    flat = torch.full((1, 1, 28, 28), 0.3, dtype=F64)
    *detail, last = pyramid.laplacian_pyramid(flat, 4)
    assert all(level.abs().max() < 1e-12 for level in detail)
    torch.testing.assert_close(last, torch.full_like(last, 0.3))
    ramp = torch.linspace(-1, 1, 28, dtype=F64).view(1, 1, 1, 28).expand(1, 1, 28, 28)
    assert pyramid.laplacian_pyramid(ramp, 2)[0][..., 4:-4].abs().max() < 1e-12


def test_blur_keeps_the_mean_when_it_wraps_and_commutes_with_shifts() -> None:
    x = _random(1, 2, 16, 12)
    torch.testing.assert_close(pyramid.blur(x, wrap=True).mean(), x.mean())
    torch.testing.assert_close(pyramid.blur(x.roll(5, 2), wrap=True), pyramid.blur(x, wrap=True).roll(5, 2))


def test_pyramids_are_linear() -> None:
    x, y = _random(1, 1, 20, 20, seed=1), _random(1, 1, 20, 20, seed=2)
    for a, b, c in zip(*(pyramid.laplacian_pyramid(v, 3) for v in (x, y, 2 * x - y)), strict=True):
        torch.testing.assert_close(c, 2 * a - b)


def test_lap1_is_a_distance_an_image() -> None:
    x, y, z = (_random(4, 1, 28, 28, seed=s) for s in (1, 2, 3))
    xy, yx = losses.lap1(x, y), losses.lap1(y, x)
    assert xy.shape == (4,) and (xy > 0).all() and losses.lap1(x, x).tolist() == [0, 0, 0, 0]
    torch.testing.assert_close(xy, yx)
    assert (losses.lap1(x, z) <= xy + losses.lap1(y, z) + 1e-9).all()
    torch.testing.assert_close(losses.lap1(3 * x, 3 * y), 3 * xy)
    torch.testing.assert_close(losses.lap1(x[2:3], y[2:3]), xy[2:3])


def test_lap1_with_one_level_is_the_l1_distance() -> None:
    x, y = _random(3, 2, 9, 9, seed=1), _random(3, 2, 9, 9, seed=2)
    torch.testing.assert_close(losses.lap1(x, y, levels=1), losses.absolute_error(x, y))


def test_lap1_sees_a_shift_in_brightness_at_its_full_size() -> None:
    x = _random(1, 1, 32, 32)
    assert losses.lap1(x, x + 0.5, levels=3).item() == pytest.approx(16 * 64 * 0.5)  # 4^2 times 8 x 8 pixels
    assert losses.squared_error(x, x + 0.5).item() == pytest.approx(1024 * 0.25)


def test_gram_matrices_do_not_know_positions() -> None:
    maps = _random(2, 5, 6, 7)
    order = torch.randperm(42, generator=torch.Generator().manual_seed(0))
    shuffled = maps.flatten(2)[:, :, order].view_as(maps)
    torch.testing.assert_close(losses.gram(shuffled), losses.gram(maps))
    assert (losses.gram(maps) - losses.gram(maps[:, order[:5].argsort()])).abs().max() > 0.1  # but they do know channels


def test_a_gram_matrix_is_symmetric_without_negative_eigenvalues() -> None:
    g = losses.gram(_random(3, 6, 4, 4))
    torch.testing.assert_close(g, g.transpose(1, 2))
    assert torch.linalg.eigvalsh(g).min() > -1e-12


def test_gram_loss_is_relative() -> None:
    t = [losses.gram(_random(1, 4, 5, 5, seed=s)) for s in (1, 2)]
    assert losses.gram_loss(t, t).item() == 0
    assert losses.gram_loss([0 * g for g in t], t).item() == pytest.approx(1)
    other = [losses.gram(_random(1, 4, 5, 5, seed=s)) for s in (3, 4)]
    bigger = losses.gram_loss([100 * g for g in other], [100 * g for g in t])
    torch.testing.assert_close(bigger, losses.gram_loss(other, t))


def test_out_of_range_is_zero_for_what_can_be_shown() -> None:
    assert losses.out_of_range(torch.tensor([[[[-1.0, 0.3, 1.0]]]])).item() == 0
    assert losses.out_of_range(torch.tensor([[[[-1.5, 0.3, 3.0]]]])).item() == pytest.approx((0.25 + 4) / 3)


def test_content_error_is_relative_and_knows_places() -> None:
    c = [_random(1, 3, 6, 6, seed=1), _random(1, 3, 3, 3, seed=2)]
    assert losses.content_error(c, c).item() == 0
    assert losses.content_error([0 * m for m in c], c).item() == pytest.approx(1)
    assert losses.content_error([m.roll(1, 3) for m in c], c).item() > 1


@pytest.mark.parametrize("which", ["lap1", "gram", "content"])
def test_gradients(which: str) -> None:
    x, y = _random(1, 2, 6, 5, seed=1).requires_grad_(True), _random(1, 2, 6, 5, seed=2)
    functions = {
        "lap1": lambda t: losses.lap1(t, y, levels=2),
        "gram": lambda t: losses.gram_loss([losses.gram(t)], [losses.gram(y)]),
        "content": lambda t: losses.content_error([t], [y]),
    }
    assert torch.autograd.gradcheck(functions[which], (x,))


def test_mistakes_are_refused() -> None:
    x = torch.zeros(1, 1, 8, 8)
    for distance in (losses.squared_error, losses.absolute_error, losses.lap1):
        with pytest.raises(ValueError, match="must agree"):
            inspect.unwrap(distance)(x, torch.zeros(1, 1, 8, 1))
    with pytest.raises(ValueError, match="at least 3 pixels"):
        losses.lap1(x, x, levels=5)
    with pytest.raises(ValueError, match="at least one level"):
        pyramid.gaussian_pyramid(x, 0)
    with pytest.raises(ValueError, match="does not grow"):
        pyramid.grow(x, (8, 8))
    with pytest.raises(ValueError, match="empty"):
        pyramid.collapse([])
    g = torch.ones(1, 2, 2)
    with pytest.raises(ValueError, match="at least one"):
        losses.gram_loss([], [])
    with pytest.raises(ValueError, match="as many"):
        losses.content_error([x], [])
    with pytest.raises(ValueError, match="cannot be compared"):
        inspect.unwrap(losses.gram_loss)([g], [torch.ones(1, 3, 3)])
