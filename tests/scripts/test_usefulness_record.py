"""The kinds of images that the record of usefulness compares: as many of each and other ones in every draw."""

import pytest
import torch
import usefulness

from imggen_lib.data import glyphs


def test_every_draw_has_other_images_and_every_kind_its_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usefulness, "MODELS", {"glyphs": ("mnist-vae-classes",)})
    monkeypatch.setattr(usefulness, "FEWER", (10,))
    train = glyphs.make("train", n=120, classes="0123456789")
    draws = [usefulness.kinds("glyphs", k, train, n=40) for k in range(3)]
    assert list(draws[0]) == ["real, 40", "real, 10", "mnist-vae-classes", "a Gaussian for each class"]
    everything = {tuple(image.flatten().tolist()): int(label) for image, label in zip(train.floats(), train.labels, strict=True)}
    for found in draws:
        for name, (images, labels) in found.items():
            assert len(images) == len(labels) == (10 if name.endswith("10") else 40)
            if name.startswith("real"):
                assert [everything[tuple(x.flatten().tolist())] for x in images] == labels.tolist()
            else:
                assert torch.bincount(labels, minlength=10).tolist() == [4] * 10
        assert torch.equal(found["real, 10"][0], found["real, 40"][0][:10])
    for name in ("real, 40", "mnist-vae-classes"):
        assert len(torch.cat([found[name][0] for found in draws]).flatten(1).unique(dim=0)) == 120
