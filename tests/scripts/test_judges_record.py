"""How two judges' orders are compared: Kendall's tau against scipy, and an interval that covers and is never a point."""

import judges
import pytest
import scipy.stats
import torch

from imggen_lib.configs import GanConfig
from imggen_lib.data import ImageSet, glyphs, to_uint8
from imggen_lib.metrics.intervals import wilson_interval
from imggen_lib.runs import start


def test_tau_is_scipy_s() -> None:
    g = torch.Generator().manual_seed(0)
    for n in (3, 8, 11):
        a, b = torch.rand(n, generator=g).tolist(), torch.rand(n, generator=g).tolist()
        assert judges.tau(a, b) == pytest.approx(scipy.stats.kendalltau(a, b).statistic)


def test_judges_that_agree_wholly_have_an_interval_of_some_width() -> None:
    low, high = judges.tau_interval(list(range(10)), list(range(10)))
    assert low == pytest.approx(2 * wilson_interval(5, 5)[0] - 1) and high == pytest.approx(1)
    assert low < 0.5


def test_the_interval_covers_at_least_as_often_as_it_says() -> None:
    """Two judges see ten models' worth with normal noise of correlation 1/2: tau is 2/pi arcsin(1/2) = 1/3."""
    g, inside = torch.Generator().manual_seed(1), 0
    for _ in range(500):
        x, y = torch.randn(2, 10, generator=g)
        low, high = judges.tau_interval(x.tolist(), (0.5 * x + 0.75**0.5 * y).tolist())
        inside += low <= 1 / 3 <= high
    assert inside / 500 > 0.95 - 3 * (0.95 * 0.05 / 500) ** 0.5


def _numbered(n: int) -> ImageSet:
    """Images in the order of their class, as in a file that nobody shuffled; image k is k bytes above black in its first pixels."""
    pixels = torch.zeros(n, 1, 8, 8, dtype=torch.uint8)
    pixels[:, 0, 0, 0], pixels[:, 0, 0, 1] = torch.arange(n) % 256, torch.arange(n) // 256
    return ImageSet(pixels, torch.arange(n) * 10 // n, tuple("0123456789"), "numbered")


def _positions(images: torch.Tensor) -> list[int]:
    bytes_ = to_uint8(images)
    return [int(a) + 256 * int(b) for a, b in bytes_[:, 0, 0, :2].tolist()]


def test_the_reference_is_drawn_from_the_whole_file_and_shares_no_image_with_the_other_real_sets() -> None:
    data, unseen = _numbered(1200), _numbered(1000)
    reference, known, sets = judges.image_sets(data, unseen, {}, n=200, training=600, draws=3)
    drawn = [_positions(x) for x in (reference, *sets["real"])]
    assert len({k for one in drawn for k in one}) == 800  # four times 200, no image twice
    for one in (*drawn, _positions(known)):
        counts = torch.bincount(torch.tensor(one) * 10 // (1200 if len(one) == 600 else 1000), minlength=10)
        assert counts.min() > 0.4 * counts.double().mean()  # of every class, which the first images of the file are not
    assert [k for copies in sets["copies"] for k in _positions(copies)] == _positions(known)


def test_no_two_draws_of_a_model_share_an_image() -> None:
    digits, models = glyphs.make("train", n=60, classes="0123456789"), {}
    for name in ("conv", "classes"):
        config = GanConfig(net="mlp", hidden=(8,), latent_dim=4, classes=10 * (name == "classes"))
        models[f"gan-{name}"] = start(config, digits, "cpu").state.generator
    _, _, sets = judges.image_sets(_numbered(40), _numbered(60), models, n=15, training=30, draws=2)
    for name in models:
        images = torch.cat(sets[name]).flatten(1)
        assert len(images) == 30 == len(images.unique(dim=0)), name


def test_the_judges_have_features_for_every_image_and_what_is_random_has_a_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    data = glyphs.make("train", n=40, classes="0123456789")
    monkeypatch.setattr(judges, "rotation_judge", lambda d, train=judges.rotation_judge: train(d, 256))
    found, again = judges.judges(data), judges.judges(data)
    assert list(found) == ["classifier", "rotation", "vae", "random"]
    images = data.floats(2)
    with torch.no_grad():
        for name in ("rotation", "random"):
            assert torch.equal(found[name].features(images), again[name].features(images))
        assert found["vae"](images).shape == (2, 16)
        assert not torch.equal(judges.random_judge(2).features(images), found["random"].features(images))


def test_turned_images_have_their_quarters_as_labels() -> None:
    data = glyphs.make("train", n=20, classes="0123456789")
    (x, quarters), *_ = judges.turned(data, 20, 20)
    originals = {tuple(image.flatten().tolist()) for image in data.floats()}
    assert set(quarters.tolist()) == {0, 1, 2, 3}
    for image, q in zip(x, quarters.tolist(), strict=True):
        assert tuple(torch.rot90(image, -q, (1, 2)).flatten().tolist()) in originals
