"""The X-rays and blood cells that ship: counts, checksums, repeats, and what happens to a damaged file."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch

from imggen_lib.data import ImageSet, blood, chest, items, kanji, kanjivg, pneumonia
from imggen_lib.data.blood import blood_cells
from imggen_lib.data.chest import repeats, without
from imggen_lib.data.shifted import shifted, shifted_batches
from imggen_lib.errors import DataError
from imggen_lib.noise import generator_for

SHIPPED = Path(str(files("imggen_lib.data"))) / "shipped"


def test_the_x_rays_are_those_of_the_source_by_count() -> None:
    for split, counts in (("train", (1214, 3494)), ("validation", (135, 389)), ("test", (234, 390))):
        data = pneumonia(split)
        assert tuple(torch.bincount(data.labels).tolist()) == counts and data.image_shape == (1, 28, 28)
        assert data.classes == ("normal", "pneumonia")
    assert torch.equal(pneumonia("train").labels, pneumonia("train").labels.sort().values)  # normals first: shuffle
    with pytest.raises(ValueError, match="Known: test, train, validation"):
        pneumonia("val")


def test_repeats_are_found_inside_and_across() -> None:
    images = torch.tensor([1, 2, 1, 3, 2, 1], dtype=torch.uint8).view(6, 1, 1, 1).expand(6, 1, 2, 2).contiguous()
    data = ImageSet(images, torch.zeros(6, dtype=torch.int64), ("a",), "six")
    assert repeats(data).tolist() == [2, 4, 5]
    assert repeats(data, data.subset(torch.tensor([3]))).tolist() == [2, 3, 4, 5]
    assert without(data, repeats(data)).images[:, 0, 0, 0].tolist() == [1, 2, 3] and len(repeats(without(data, repeats(data)))) == 0
    other = images.clone()
    other[2, 0, 0, 0] += 1
    assert repeats(ImageSet(other, data.labels, ("a",), "six")).tolist() == [4, 5]  # one grey level makes another image


def test_the_known_repeats_of_the_x_rays() -> None:
    train, validation, test = map(pneumonia, ("train", "validation", "test"))
    assert [len(repeats(x)) for x in (train, validation, test)] == [18, 0, 3]
    assert len(repeats(validation, train)) == 8 and len(repeats(without(test, repeats(test)), train, validation)) == 0


def test_the_blood_cells_say_how_large_they_were() -> None:
    data = blood_cells()
    assert torch.bincount(data.labels).tolist() == [400, 150] and data.image_shape == (1, 28, 28)
    area = (data.factors["width"] * data.factors["height"]).double()
    assert area[data.labels == 1].median() > 1.5 * area[data.labels == 0].median()
    assert len(data.factors["photograph"].unique()) > 200


def test_the_items_are_one_palette_of_32_and_split_without_repeats() -> None:
    known = items.items()
    assert known.indices.shape == (418, 32, 32) and known.palette.shape == (32, 4) and known.indices.max() == 31
    assert known.palette[0, 3] == 0 and (known.palette[1:, 3] == 255).all() and len(set(known.names)) == 418
    assert all(name.split("/")[0] == items.CLASSES[label] for name, label in zip(known.names, known.labels, strict=True))
    learn, held_out = items.split()
    assert (len(learn.names), len(held_out.names)) == (334, 84) and not set(learn.names) & set(held_out.names)
    assert not {one.tobytes() for one in learn.indices} & {one.tobytes() for one in held_out.indices}


@pytest.mark.parametrize("folder", ["pneumonia", "blood", "items", "kanji"])
def test_every_shipped_set_has_its_licence_and_its_changes_told(folder: str) -> None:
    text = (SHIPPED / folder / "README.md").read_text(encoding="utf-8")
    module = {"pneumonia": chest, "blood": blood, "items": items, "kanji": kanjivg}[folder]
    data = SHIPPED / folder / f"{folder}.npz"
    assert "**Licence:**" in text and "**Changes:**" in text and module.SHA256 in text
    assert f"{data.stat().st_size:,} bytes" in text and data.stat().st_size < 5_000_000


def test_a_damaged_file_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, read in ((chest, pneumonia), (blood, blood_cells)):
        monkeypatch.setattr(module, "SHA256", "0" * 64)
        if module is chest:
            chest._file.cache_clear()
        with pytest.raises(DataError, match="damaged"):
            read()


def test_shifted_copies_are_the_same_image_moved() -> None:
    images = torch.arange(2 * 36.0).view(2, 1, 6, 6)
    moved = shifted(images.repeat(50, 1, 1, 1), 1, generator_for(3))
    wide = torch.nn.functional.pad(images, (1,) * 4, mode="replicate")
    possible = [wide[:, :, a : a + 6, b : b + 6] for a in range(3) for b in range(3)]
    seen = set()
    for k, image in enumerate(moved):
        found = [i for i, p in enumerate(possible) if torch.equal(p[k % 2], image)]
        assert len(found) == 1
        seen.add(found[0])
    assert seen == set(range(9))
    assert torch.equal(shifted(images, 0, generator_for(0)), images)
    batches = [(images, torch.tensor([0, 1]))] * 2
    first, second = (list(shifted_batches(batches, 1, seed)) for seed in (0, 0))
    assert all(torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]) for a, b in zip(first, second, strict=True))
    assert not torch.equal(first[0][0], first[1][0])
    with pytest.raises(ValueError, match="four dimensions"):
        shifted.__wrapped__(images[0], 1, generator_for(0)) if hasattr(shifted, "__wrapped__") else shifted(images[0], 1, None)


def test_kanji_are_split_by_character_and_their_pixels_are_distances() -> None:
    parts = {split: kanji(split) for split in kanjivg.SPLITS}
    assert [len(part) for part in parts.values()] == [1291, 200, 200]
    codes = [set(part.factors["code"].tolist()) for part in parts.values()]
    assert len(set.union(*codes)) == 1691 and all(0x4E00 <= code <= 0x9FFF for code in set.union(*codes))
    train = parts["train"]
    assert train.image_shape == (1, 32, 32) and train.classes[0] == "4 strokes" and set(train.labels.tolist()) == set(range(6))
    distances = kanjivg.to_distance(train.floats())
    assert abs(float(distances.min()) + 8) < 1e-5 and 3 < float(distances.max()) <= 3.2 + 1e-5
    assert np.array_equal(kanjivg.to_pixels(distances.numpy()), train.images.numpy())
    assert 0.15 < float((distances > 0).double().mean()) < 0.25  # strokes on a page: a fifth is ink
    assert chr(int(train.factors["code"][0])) == "不" and train.labels[0] == 0  # four strokes, the first of its block
    with pytest.raises(ValueError, match="Known: test, train, validation"):
        kanji("val")


def test_a_damaged_file_of_kanji_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kanjivg, "SHA256", "0" * 64)
    kanjivg._stored.cache_clear()
    with pytest.raises(DataError, match="install the library anew"):
        kanji("test")
    kanjivg._stored.cache_clear()
