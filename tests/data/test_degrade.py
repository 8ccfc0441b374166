"""Damage on purpose: strength 0 changes nothing, more is more, nothing leaves [-1, 1], and the seed decides."""

import inspect
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from imggen_lib.data import degrade

PAIRED = {
    degrade.blur: (0.5, 1.5),
    degrade.noise: (0.05, 0.3),
    degrade.salt: (0.01, 0.1),
    degrade.jpeg: (20, 90),
    degrade.shift: (1, 3),
    degrade.cast: (0.1, 0.4),
    degrade.fade: (0.1, 0.5),
    degrade.occlude: (0.05, 0.3),
}
Damage = Callable[..., Tensor]


def _images(n: int = 40, channels: int = 1, seed: int = 0) -> Tensor:
    """Soft blobs, all different."""
    at = torch.linspace(-1, 1, 16)
    centre = torch.rand(n, channels, 2, 1, 1, generator=torch.Generator().manual_seed(seed)) - 0.5
    return 1.8 * torch.exp(-((at.view(-1, 1) - centre[:, :, 0]) ** 2 + (at - centre[:, :, 1]) ** 2) / 0.1) - 0.95


@pytest.mark.parametrize("damage", PAIRED, ids=lambda d: d.__name__)
@pytest.mark.parametrize("channels", [1, 3])
def test_each_image_is_damaged_more_by_more(damage: Damage, channels: int) -> None:
    x = _images(channels=channels)
    before = x.clone()
    low, high = PAIRED[damage]
    weak, strong = damage(x, low, 1), damage(x, high, 1)
    assert torch.equal(damage(x, 0, 1), x)
    assert torch.equal(x, before), "the input is left alone"
    assert weak.shape == strong.shape == x.shape and weak.dtype == x.dtype
    errors = [(y - x).square().mean((1, 2, 3)) for y in (weak, strong)]
    assert 0 < errors[0].mean() < errors[1].mean()
    assert strong.abs().max() <= 1
    assert torch.equal(damage(x, high, 1), strong)


@pytest.mark.parametrize("damage", [degrade.noise, degrade.salt, degrade.shift, degrade.occlude], ids=lambda d: d.__name__)
def test_the_seed_decides(damage: Damage) -> None:
    x, strength = _images(), PAIRED[damage][1]
    assert not torch.equal(damage(x, strength, 1), damage(x, strength, 2))


def test_blur_keeps_the_mean_of_a_spot_and_has_the_width_asked_for() -> None:
    x = torch.full((1, 1, 41, 41), -1.0)
    x[0, 0, 20, 20] = 1.0
    spot = (degrade.blur(x, 2.0)[0, 0].double() + 1) / 2
    at = torch.arange(41, dtype=torch.float64) - 20
    assert spot.sum().item() == pytest.approx(1, abs=1e-4)
    assert (spot.sum(0) * at**2).sum().item() == pytest.approx(4, rel=0.02)


def test_noise_has_the_deviation_and_salt_the_share_asked_for() -> None:
    x = torch.zeros(50, 1, 16, 16)
    assert degrade.noise(x, 0.1).std().item() == pytest.approx(0.1, rel=0.03)
    grains = degrade.salt(x, 0.2)
    assert (grains != 0).double().mean().item() == pytest.approx(0.2, abs=0.02)
    assert set(grains.unique().tolist()) == {-1.0, 0.0, 1.0}


def test_jpeg_is_a_real_codec() -> None:
    x = _images(4)
    assert (degrade.jpeg(x, 1) - x).abs().max() < 0.1
    assert not torch.equal(degrade.jpeg(x, 1), x)
    flat = torch.full((1, 3, 16, 16), 0.2)
    assert (degrade.jpeg(flat, 50) - flat).abs().max() < 0.05


def test_a_shift_moves_by_whole_pixels_in_all_four_directions() -> None:
    x = torch.full((60, 1, 9, 9), -1.0)
    x[:, :, 4, 4] = 1.0
    places = {tuple(p[1:].tolist()) for p in (degrade.shift(x, 2) == 1).squeeze(1).nonzero()}
    assert places == {(2, 4), (6, 4), (4, 2), (4, 6)}


def test_a_cast_is_brightness_in_grey_and_red_in_colour() -> None:
    assert torch.allclose(degrade.cast(torch.zeros(1, 1, 4, 4), 0.3), torch.tensor(0.3))
    red, green, blue = degrade.cast(torch.zeros(1, 3, 4, 4), 0.3)[0].mean((1, 2)).tolist()
    assert (red, green, blue) == pytest.approx((0.3, 0.0, -0.3))
    with pytest.raises(ValueError, match="grey"):
        degrade.cast(torch.zeros(1, 2, 4, 4), 0.3)


def test_an_occlusion_covers_the_share_asked_for() -> None:
    hidden = degrade.occlude(torch.full((30, 1, 20, 20), -1.0), 0.25) == 0
    assert hidden.double().mean((1, 2, 3)).tolist() == pytest.approx([0.25] * 30)


def test_dropped_classes_are_gone_and_the_others_whole() -> None:
    x, labels = _images(60), torch.arange(60) % 6
    kept = [degrade.drop_classes(x, k, 3, labels=labels) for k in (0, 1, 4)]
    assert [len(k) for k in kept] == [60, 50, 20]
    where = [[int((x == y).all((1, 2, 3)).nonzero()[0]) for y in k] for k in kept]
    left = set(labels[where[2]].tolist())
    assert where[2] == [w for w in where[1] if int(labels[w]) in left] and len(left) == 2, "the same class first"
    assert len({int(labels[w]) for w in where[1]}) == 5
    with pytest.raises(ValueError, match="labels"):
        inspect.unwrap(degrade.drop_classes)(x, 1, labels=labels[:3])
    with pytest.raises(ValueError, match="leaves one"):
        degrade.drop_classes(x, 6, labels=labels)


def _different(x: Tensor) -> int:
    return len(x.flatten(1).unique(dim=0))


def test_repeats() -> None:
    x = _images(100)
    assert _different(x) == 100
    one = degrade.repeat_one(x, 0.3, 1)
    counts = one.flatten(1).unique(dim=0, return_counts=True)[1]
    assert counts.max() == 30 and len(counts) == 71
    few = degrade.recycle(x, 4, 1)
    assert _different(few) == 20 and few.flatten(1).unique(dim=0, return_counts=True)[1].eq(5).all()
    assert torch.equal(degrade.repeat_one(x, 0.0), x) and torch.equal(degrade.recycle(x, 0), x)


def test_copies_come_from_the_training_set() -> None:
    x, training = _images(50), _images(80, seed=9)
    copied = degrade.copy_training(x, 0.4, 2, training=training)
    same = (copied[:, None] == training).all((2, 3, 4)).any(1)
    assert same.sum() == 20 and _different(copied) == 50
    assert torch.equal(copied[~same], x[~same])
    with pytest.raises(ValueError, match="as many"):
        degrade.copy_training(x, 1.0, training=training[:10])


def test_bad_strengths_and_images_say_so() -> None:
    x = _images(4)
    alike: list[Damage] = [*PAIRED, degrade.repeat_one, degrade.recycle, partial(degrade.copy_training, training=x)]
    for damage in alike:
        with pytest.raises(ValueError, match="the strength is"):
            damage(x, -1)
        with pytest.raises(ValueError, match="from 0 to"):
            damage(x, 1000)
    with pytest.raises(ValueError, match="0, 255"):
        degrade.blur(x * 100, 1.0)


def test_the_damage_is_the_same_in_every_type_of_float_and_under_autocast() -> None:
    x = _images(6).half().float()
    for damage, strength in ((degrade.noise, 0.3), (degrade.salt, 0.3)):
        for kind in (torch.float64, torch.float16):
            found = damage(x.to(kind), strength, 1)
            assert found.dtype == kind and (found.float() - damage(x, strength, 1)).abs().max() < 2e-3
    with torch.autocast("cpu", torch.bfloat16):
        blurred = degrade.blur(x, 1.0)
    assert torch.equal(blurred, degrade.blur(x, 1.0))


def test_strengths_and_labels_of_any_library() -> None:
    x, labels = _images(6), torch.tensor([0, 1, 2, 0, 1, 2])
    calls = [(d, 1) for d in (*PAIRED, degrade.repeat_one, degrade.recycle)]
    calls += [(partial(degrade.drop_classes, labels=labels), 1)]
    for damage, strength in calls:
        whole = inspect.unwrap(damage.func) if isinstance(damage, partial) else inspect.unwrap(damage)
        more = damage.keywords if isinstance(damage, partial) else {}
        for kind in (np.int64, np.float32, np.array, torch.tensor):
            assert torch.equal(whole(x, kind(strength), **more), damage(x, strength))
        with pytest.raises(ValueError, match="strength"):
            whole(x, "1", **more)
    drop = inspect.unwrap(degrade.drop_classes)
    for found in (labels.tolist(), labels.numpy(), labels.int()):
        assert torch.equal(drop(x, 1, labels=found), degrade.drop_classes(x, 1, labels=labels))
    for call in (lambda: degrade.shift(x, 1.5), lambda: drop(x, 1, labels=labels.float()), lambda: drop(x, 0.5, labels=labels)):
        with pytest.raises(ValueError, match="whole number"):
            call()
    with pytest.raises(ValueError, match="must be a tensor"):
        inspect.unwrap(degrade.blur)(x.numpy(), 1.0)
