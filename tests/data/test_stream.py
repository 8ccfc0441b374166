"""Images that are read while training goes on: nothing is lost, nothing comes twice, memory stays flat."""

import json
import shutil
import tarfile
import warnings
from itertools import islice
from pathlib import Path

import psutil
import pytest
import torch
from PIL import Image

from imggen_lib.configs import VaeConfig
from imggen_lib.data import ImageSet, load
from imggen_lib.data.sources import stream
from imggen_lib.data.stream import files, shards, write_shards
from imggen_lib.errors import DataError, DataUnavailable
from imggen_lib.runs import start


def _numbered(n: int, size: int = 8) -> ImageSet:
    """Image k is of one grey level in each of its two halves, which together spell k."""
    k = torch.arange(n)
    images = torch.empty(n, 1, size, size, dtype=torch.uint8)
    images[:, :, : size // 2] = (k // 16).to(torch.uint8).view(-1, 1, 1, 1)
    images[:, :, size // 2 :] = (k % 16).to(torch.uint8).view(-1, 1, 1, 1)
    return ImageSet(images, k % 3, ("a", "b", "c"), "numbered")


def _numbers(x: torch.Tensor) -> list[int]:
    levels = ((x[:, 0, [0, -1], 0] + 1) * 127.5).round().long()
    return (levels[:, 0] * 16 + levels[:, 1]).tolist()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty numbered PNG files in three subfolders."""
    root, data = tmp_path_factory.mktemp("pictures"), _numbered(60)
    for k in range(60):
        (root / data.classes[k % 3]).mkdir(exist_ok=True)
        Image.fromarray(data.images[k, 0].numpy()).save(root / data.classes[k % 3] / f"{k:03d}.png")
    return root


@pytest.fixture(scope="module")
def tars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty numbered images in six shards."""
    root = tmp_path_factory.mktemp("tars")
    assert len(write_shards(_numbered(60), root, per_shard=10)) == 6
    return root


@pytest.mark.parametrize("workers", [0, 2])
def test_a_folder_gives_the_batches_that_it_gives_in_memory(folder: Path, workers: int) -> None:
    """Same split, same order, same pixels, also from the middle on, also in shares."""
    memory, read = load(f"folder:{folder}", size=8), files(folder, size=8, channels=1, workers=workers)
    assert len(read) == len(memory) < 60 and read.classes == memory.classes and read.image_shape == memory.image_shape
    for options in ({}, {"start": 24, "seed": 3}, {"part": (1, 2)}):
        for (x, y), (a, b) in zip(read.batches(6, images=72, **options), memory.batches(6, images=72, **options), strict=True):  # type: ignore[arg-type]
            assert torch.equal(x, a) and torch.equal(y, b)


def test_a_run_does_not_know_the_difference(folder: Path) -> None:
    config = VaeConfig(image_shape=(1, 8, 8), net="mlp", hidden=(8,), latent_dim=2, batch=6, classes=3)
    memory = load(f"folder:{folder}", size=8)
    runs = start(config, memory, "cpu"), start(config, files(folder, size=8, channels=1, workers=0), "cpu")
    runs[1].state.model.start_at(memory.mean_image())  # type: ignore[union-attr]
    losses = [[r["loss"].item() for r in run.records(60)] for run in runs]
    assert losses[0] == losses[1]


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_every_image_of_the_shards_once_a_pass_with_its_label(tars: Path, workers: int) -> None:
    read = shards(str(tars / "*.tar"), size=8, channels=1, workers=workers, buffer=7)
    assert len(read) == 60 and read.classes == ("a", "b", "c")
    seen, labels = [], []
    for x, y in read.batches(5, images=60):
        seen += _numbers(x)
        labels += y.tolist()
    assert sorted(seen) == list(range(60)) and seen != sorted(seen)
    assert [k % 3 for k in seen] == labels


def test_processes_share_the_shards_and_the_order_depends_on_the_seed(tars: Path) -> None:
    read = shards(str(tars / "{000000..000005}.tar"), size=8, channels=1, workers=0)

    def numbers(**options: object) -> list[int]:
        return [k for x, _ in read.batches(10, images=60, **options) for k in _numbers(x)]  # type: ignore[arg-type]

    halves = [numbers(part=(k, 2)) for k in range(2)]
    assert [len(h) for h in halves] == [30, 30] and sorted(halves[0] + halves[1]) == list(range(60))
    assert numbers(seed=1) == numbers(seed=1) != numbers(seed=2)
    second = [k for x, _ in islice(read.batches(10, images=120), 6, None) for k in _numbers(x)]
    assert sorted(second) == list(range(60)) and second != numbers()
    assert len(list(read.batches(10, images=95))) == 10 and len(list(read.batches(10, images=95, start=90))) == 1


def test_what_cannot_be_read_is_named_and_left_out(folder: Path, tmp_path: Path) -> None:
    write_shards(_numbered(9), tmp_path)
    (tar,) = tmp_path.glob("*.tar")
    broken, note = tmp_path / "broken.png", tmp_path / "note.txt"
    broken.write_bytes(b"not a picture")
    note.write_text("no picture at all")
    with tarfile.open(tar, "a") as archive:
        archive.add(broken, "x.png")
        archive.add(note, "y.txt")
    with pytest.warns(UserWarning, match=r"x in .* is left out"):
        seen = [k for x, _ in shards(str(tar), size=8, channels=1, workers=0).batches(3, images=18) for k in _numbers(x)]
    assert sorted(seen) == sorted([*range(9)] * 2)
    (folder / "zz").mkdir(exist_ok=True)
    bad = folder / "zz" / "000.png"
    bad.write_bytes(b"not a picture")
    try:
        read = files(folder, size=8, channels=1, workers=0)
        with pytest.warns(UserWarning, match="takes its place"):
            assert sum(len(x) for x, _ in read.batches(len(read), images=len(read))) == len(read)
    finally:
        bad.unlink()
        bad.parent.rmdir()


def test_a_label_that_the_list_of_classes_does_not_have_is_an_error(tars: Path, tmp_path: Path) -> None:
    about = json.loads((tars / "images.json").read_text())
    for tar in tars.glob("*.tar"):
        shutil.copy(tar, tmp_path)
    (tmp_path / "images.json").write_text(json.dumps({**about, "classes": ["a", "b"]}))
    with pytest.raises(DataError, match=r"is of class 2; images\.json has 2"):
        list(shards(str(tmp_path / "*.tar"), size=8, channels=1, workers=0).batches(10, images=60))


def test_bad_requests(tars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="no shards"):
        shards(str(tmp_path / "*.tar"))
    with pytest.raises(DataError, match="at least two pictures"):
        files(tmp_path)
    with pytest.raises(ValueError, match="multiple of 4"):
        shards(str(tars / "*.tar"), size=10)
    with pytest.raises(ValueError, match="channels"):
        files(tars, channels=2)
    with pytest.raises(ValueError, match=r"files:PATH or shards:PATTERN"):
        stream("tars:x")
    read = shards(str(tars / "*.tar"), size=8, channels=1, workers=0)
    with pytest.raises(ValueError, match="multiple of the 4"):
        list(read.batches(6, images=6, part=(0, 4)))
    with pytest.raises(DataError, match="smaller shards"):
        list(read.batches(70, images=70, part=(0, 7)))
    with tarfile.open(tmp_path / "empty.tar", "w"):
        pass
    with pytest.raises(DataError, match="no pictures"):
        list(shards(str(tmp_path / "empty.tar"), workers=0).batches(2, images=2))
    monkeypatch.setitem(__import__("sys").modules, "webdataset", None)
    with pytest.raises(DataUnavailable, match="pip install webdataset"):
        shards(str(tars / "*.tar"))


def test_memory_stays_flat(tars: Path) -> None:
    """Twenty thousand images from sixty; a list of them, even of 8x8 floats, would be 5 MB, with their PNG bytes and tensors 40."""
    process, read = psutil.Process(), shards(str(tars / "*.tar"), size=8, channels=1, workers=0, buffer=30)
    batches = read.batches(50, images=24_000)
    for _ in islice(batches, 80):
        pass
    before = process.memory_info().rss
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sum(len(x) for x, _ in batches) == 20_000
    assert process.memory_info().rss - before < 8e6
