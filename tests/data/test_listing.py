"""Which files are pictures: ``folder:`` and ``files:`` agree, and what is passed over is named, once and in one line."""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image

from imggen_lib.configs import GanConfig
from imggen_lib.data import listing as listings
from imggen_lib.data import load
from imggen_lib.data.listing import in_test_split, listing
from imggen_lib.data.sources import stream
from imggen_lib.data.stream import files
from imggen_lib.data.words import plain, user_path
from imggen_lib.errors import DataError, printable
from imggen_lib.runs import start


def _grey(path: Path, level: int = 100, kind: str | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (12, 12), level).save(path, kind)


def _names(count: int, test: bool, ending: str = "png") -> Iterator[str]:
    """Names whose files fall into the split that is asked for."""
    return (name for name in (f"{k:04d}.{ending}" for k in range(count)) if in_test_split(name) == test)


def _said(caught: list[warnings.WarningMessage]) -> list[str]:
    """What was said, but for Python's own words on forks in processes with threads."""
    return [str(w.message) for w in caught if not issubclass(w.category, DeprecationWarning)]


def test_every_usual_ending_and_none(tmp_path: Path) -> None:
    kinds = {
        "jfif": "JPEG",
        "jpe": "JPEG",
        "apng": "PNG",
        "dib": "DIB",
        "pnm": "PPM",
        "pgm": "PPM",
        "j2k": "JPEG2000",
        "tga": "TGA",
    }
    for k, (ending, kind) in enumerate(kinds.items()):
        _grey(tmp_path / f"{k}.{ending.upper() if k % 2 else ending}", kind=kind)
    for k, kind in enumerate(("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")):
        _grey(tmp_path / f"image{k}", kind=kind)
    (tmp_path / "README").write_text("no picture")
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "Makefile").write_bytes(b"")
    (tmp_path / "layers.psd").write_bytes(b"8BPS")
    found = listing(tmp_path)
    assert len(found.files) == len(kinds) + 6
    assert found.skipped == ("layers.psd: pictures of this kind are not read; convert it, for instance to PNG",)
    data = load(f"folder:{tmp_path}", size=8)
    assert len(data) == len(kinds) + 6 and abs(data.images.int() - 100).max() <= 2


def test_phones_files_get_the_hint_that_helps(tmp_path: Path) -> None:
    for k in range(3):
        _grey(tmp_path / f"{k}.png")
        (tmp_path / f"IMG_{k}.HEIC").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 99)
    skipped = load(f"folder:{tmp_path}").skipped
    assert len(skipped) == 3 and all("pip install pillow-heif" in line for line in skipped)


@pytest.mark.skipif(os.name == "nt", reason="such names are not possible there")
def test_names_cannot_write_on_the_terminal(tmp_path: Path) -> None:
    for k in range(2):
        _grey(tmp_path / f"{k}.png")
    for name in ("a\x1b[2Jb.png", "line\nbreak.jpg", "\u202egnp.exe.png", os.fsdecode(b"caf\xe9.gif")):
        (tmp_path / name).write_bytes(b"junk")
    data = load(f"folder:{tmp_path}")
    read = files(tmp_path, size=8, workers=0)
    assert len(data.skipped) == 4 and "".join(data.skipped).isprintable()
    assert "\\x1b[2J" in " ".join(data.skipped) and "line\\nbreak" in " ".join(data.skipped)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        list(read.batches(6, images=12))
    said = [*_said(caught), *read.skipped]  # each once: at the start or when its turn came
    assert len(said) == 4 and "".join(said).isprintable()
    with pytest.raises(DataError) as error:
        load("folder:\x1b[2J")
    assert str(error.value).isprintable()


def test_words() -> None:
    assert printable("grün 図") == "grün 図" and printable("a\x07\r") == "a\\x07\\r"
    assert plain(ValueError("a\n b")) == "a b" and plain(KeyError()) == "KeyError" and len(plain(ValueError("x" * 999))) == 200
    assert plain(OSError(13, "Permission denied", "/a\x1bb")) == "Permission denied"
    with pytest.raises(DataError, match="no home folder is known"):
        user_path("~nobody-of-this-name/x")


@pytest.mark.parametrize("name", ["folder:", "folder: ", "files:", "shards:", "files: "])
def test_a_name_without_a_path_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for k in range(3):
        _grey(tmp_path / f"{k}.png")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="PATH"):
        stream(name) if name.startswith(("files", "shards")) else load(name)


@pytest.mark.parametrize(
    "name", ["folder:~nobody-of-this-name/x", "files:~nobody-of-this-name/x", "shards:~nobody-of-this-name/*.tar"]
)
def test_a_home_that_is_not_there_is_an_error_of_the_data(name: str) -> None:
    with pytest.raises(DataError, match="no home folder is known"):
        stream(name) if not name.startswith("folder") else load(name)
    with pytest.raises(ValueError, match="read while training goes on"):
        load("files:photos")


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_that_lead_nowhere_pipes_and_loops(tmp_path: Path) -> None:
    for k in range(2):
        _grey(tmp_path / f"{k}.png")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "round.jpg").symlink_to(tmp_path / "round.jpg")
    (tmp_path / "round").symlink_to(tmp_path / "round")
    (tmp_path / "again").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.png")
    os.mkfifo(tmp_path / "pipe")
    data = load(f"folder:{tmp_path}")
    assert len(data) == 2 and [line.split(":")[0] for line in data.skipped] == ["gone.png", "pipe.png", "round.jpg"]


def test_a_folder_that_may_not_be_entered_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a/0.png", "a/1.png", "locked/0.png"):
        _grey(tmp_path / name)
    real = os.scandir

    def scandir(path: str) -> object:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    data = load(f"folder:{tmp_path}")
    assert data.skipped == ("locked: Permission denied",) and data.classes == ("a",)
    assert files(tmp_path, workers=0).skipped == data.skipped
    with pytest.raises(DataError, match=r"holds no pictures(.|\n)*Permission denied"):
        load(f"folder:{tmp_path / 'locked'}")


def test_a_folder_that_may_be_listed_and_not_entered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a/0.png", "a/1.png", "half/0.png", "half/1"):
        _grey(tmp_path / name, kind="PNG")
    real = Path.is_file

    def is_file(path: Path, **options: bool) -> bool:
        if path.parent.name == "half":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, **options)

    monkeypatch.setattr(Path, "is_file", is_file)
    assert load(f"folder:{tmp_path}").skipped == ("half/0.png: no file that can be opened, or a link that leads nowhere",)


@pytest.mark.parametrize("workers", [0, 2])
def test_both_readers_agree_on_classes_splits_and_what_is_too_little(tmp_path: Path, workers: int) -> None:
    """A class whose pictures cannot be read is a class in both; twenty unreadable neighbours end nothing."""
    for k, name in enumerate(_names(40, test=False)):
        _grey(tmp_path / "good" / name, k)
    for name in _names(40, test=True):
        _grey(tmp_path / "good" / name, 200)
    for k in range(60):
        (tmp_path / "good" / f"IMG_{k:04d}.heic").write_bytes(b"\0\0\0\x18ftypheic" + b"\0" * 99)
    (tmp_path / "bad").mkdir()
    for k in range(30):
        (tmp_path / "bad" / f"{k}.jpg").write_bytes(b"junk")
    memory = load(f"folder:{tmp_path}", size=8)
    read = files(tmp_path, size=8, channels=1, workers=workers)
    assert memory.empty_classes == ("bad",)  # what a run with classes warns of
    assert memory.classes == read.classes == ("bad", "good") and len(memory.skipped) == 90
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        seen = {int(v) for x, _ in read.batches(10, images=600) for v in ((x[:, 0, 0, 0] + 1) * 127.5).round().tolist()}
    assert seen == set(memory.images[:, 0, 0, 0].tolist())  # the same pictures, in the same split
    said = _said(caught)
    assert len(said) == len(set(said)) == 11 and all("\n" not in line for line in said)
    assert all("takes its place" in line for line in said[:10]) and "the first 10 were named" in said[10]
    with warnings.catch_warnings(record=True) as caught:  # and never again
        warnings.simplefilter("always")
        list(read.batches(10, images=600))
    assert len(_said(caught)) <= 1


@pytest.mark.parametrize("readable", [0, 1])
def test_both_readers_need_two_pictures(tmp_path: Path, readable: int) -> None:
    for k in range(readable):
        _grey(tmp_path / f"{k}.png")
    for k in range(30):
        (tmp_path / f"x{k:02d}.png").write_bytes(b"")
    for read in (lambda: load(f"folder:{tmp_path}"), lambda: files(tmp_path)):
        with pytest.raises(
            DataError, match=rf"holds {readable} readable picture(.|\n)*x00\.png: the file is empty(.|\n)*and 25 more"
        ):
            read()


def test_a_class_that_is_in_the_test_split_alone_is_told(tmp_path: Path) -> None:
    for k, name in enumerate(_names(60, test=False)):
        _grey(tmp_path / "a" / name, k)
    rare = next(f"{k}.png" for k in range(99) if in_test_split(f"rare/{k}.png"))
    _grey(tmp_path / "rare" / rare)
    while all(listing(tmp_path).test[:-1]) or not any(listing(tmp_path).test):
        pytest.fail("the names do not make two splits")
    config = GanConfig(image_shape=(1, 8, 8), net="mlp", hidden=(4,), classes=2)
    for data in (load(f"folder:{tmp_path}", size=8, channels=1), files(tmp_path, size=8, channels=1, workers=0)):
        assert data.classes == ("a", "rare") and data.empty_classes == ("rare",)
        with pytest.warns(UserWarning, match="no training image of the class 'rare'"):
            start(config, data, "cpu")


@pytest.mark.parametrize("workers", [0, 1])
def test_files_that_go_away_end_in_one_line(tmp_path: Path, workers: int) -> None:
    for k in range(6):
        _grey(tmp_path / f"{k}.png", k)
    read = files(tmp_path, size=8, workers=workers)
    for k in range(6):
        (tmp_path / f"{k}.png").unlink()
    with pytest.raises(DataError, match=r"none of the 6 pictures in .* can be read, such as .*No such file") as error:
        list(read.batches(3, images=9))
    assert "Traceback" not in str(error.value) and "\n" not in str(error.value)


def test_sizes_that_cannot_be_meant(tmp_path: Path) -> None:
    for k in range(2):
        _grey(tmp_path / f"{k}.png")
    for size in (10**9, 4100, True, 12.5):
        with pytest.raises((ValueError, TypeError), match=r"multiple of 4|type"):
            load(f"folder:{tmp_path}", size=size)  # type: ignore[arg-type]
    for workers in (-1, 10**6):
        with pytest.raises(ValueError, match="workers"):
            files(tmp_path, workers=workers)
    with pytest.raises(ValueError, match="size must be"):
        stream(f"files:{tmp_path}", size=0)


def test_the_order_is_that_of_the_names(tmp_path: Path) -> None:
    for name in ("b.png", "a/z.png", "a.png", "B.png"):
        _grey(tmp_path / name)
    assert listing(tmp_path).names == tuple(p.relative_to(tmp_path).as_posix() for p in sorted(tmp_path.rglob("*.png")))
    assert listings.ENDINGS.isdisjoint(listings.OTHERS)
    assert torch.equal(load(f"folder:{tmp_path}").labels, torch.tensor(listing(tmp_path).labels))


def test_what_is_no_picture_beside_the_classes_makes_none(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for k in range(2):
            Image.new("RGB", (9, 9), (k, 0, 0)).save(tmp_path / name / f"{k}.png")
    (tmp_path / "broken.jpg").write_text("this is no picture")
    data = load(f"folder:{tmp_path}", size=8)
    assert data.classes == files(tmp_path, size=8, workers=0).classes == ("a", "b")
    assert [line for line in data.skipped if line.startswith("broken.jpg: ")]
    Image.new("RGB", (9, 9)).save(tmp_path / "whole.png")
    assert load(f"folder:{tmp_path}", size=8).classes == files(tmp_path, size=8, workers=0).classes == (".", "a", "b")
