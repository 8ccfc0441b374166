"""Shards as they come: cut off, empty, of no pictures, with a list of classes that is wrong. One line, never a traceback."""

import gzip
import io
import shutil
import tarfile
import warnings
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from PIL import Image

from imggen_lib.data import ImageSet
from imggen_lib.data.shards import addresses, write_shards
from imggen_lib.data.stream import shards
from imggen_lib.errors import DataError


def _png(level: int) -> bytes:
    out = io.BytesIO()
    Image.new("L", (8, 8), level).save(out, "PNG")
    return out.getvalue()


def _tar(path: Path, members: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def _levels(pattern: object, images: int = 8, workers: int = 0) -> set[int]:
    read = shards(str(pattern), size=8, channels=1, workers=workers)
    return {v for x, _ in read.batches(4, images=images) for v in ((x[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()}


@pytest.mark.parametrize("workers", [1, 2])
def test_fewer_shards_than_workers_are_read_by_fewer(tmp_path: Path, workers: int) -> None:
    data = ImageSet(torch.arange(12, dtype=torch.uint8).view(12, 1, 1, 1).expand(12, 1, 8, 8), torch.zeros(12).long(), ("a",), "x")
    for per_shard in (12, 4):
        folder = tmp_path / str(per_shard)
        write_shards(data, folder, per_shard=per_shard)
        assert _levels(folder / "*.tar", 12, workers) == set(range(12))
    with pytest.raises(ValueError, match="at least one image"):
        write_shards(data, tmp_path, per_shard=0)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"a.txt": b"words"}, "no pictures with a file name ending in"),
        ({f"{k}.png": b"junk" for k in range(3)}, "none of the pictures in .* can be read: 0 in .* is left out: not a picture"),
        ({"a.png": _png(1), "a.cls": b"cat"}, r"a in .* is of class b'cat', which is no number"),
        ({"a.png": _png(1), "a.cls": b"-1"}, "is of class -1"),
        ({"a.png": _png(1), "a.cls": b"99999999999999999999"}, "is of class 9999"),
    ],
    ids=["no pictures", "unreadable", "class of letters", "class below 0", "class beyond all"],
)
def test_what_is_wrong_in_a_shard_is_one_line(tmp_path: Path, members: dict[str, bytes], said: str, workers: int) -> None:
    path = _tar(tmp_path / "x.tar", members)
    with pytest.raises(DataError, match=said) as error:
        _levels(path, workers=workers)
    assert "Traceback" not in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("content", [b"", b"no archive at all" * 100, b"\x1f\x8b\x08" + b"junk" * 99])
def test_what_is_no_tar_file_says_so(tmp_path: Path, content: bytes, workers: int) -> None:
    (tmp_path / "x.tar").write_bytes(content)
    with pytest.raises(DataError, match=r"x\.tar is not a tar file|cannot be read") as error:
        _levels(tmp_path / "x.tar", workers=workers)
    assert "Traceback" not in str(error.value) and "\n" not in str(error.value)


def _sparse(size: int) -> bytes:
    """The head of a file of GNU's sparse type: `size` bytes, of which none is there."""
    info = tarfile.TarInfo("b.png")
    info.type = tarfile.GNUTYPE_SPARSE
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    block[386:410] = b"%011o\0%011o\0" % (0, 0)  # the first piece: at 0, nothing
    block[483:495] = b"\x80" + size.to_bytes(11, "big")
    block[148:156] = b"        "
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("kind", ["sparse", "large"])
def test_a_file_in_a_shard_cannot_ask_for_all_memory(
    tmp_path: Path, kind: str, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A head of 512 bytes may say that its file has a terabyte: that is told, and the pictures around it are read."""
    before, after = (_tar(tmp_path / f"{k}.tar", {f"{k}.png": _png(ord(k))}).read_bytes()[:1024] for k in "ac")
    if kind == "sparse":
        middle = _sparse(2**40)
    else:
        monkeypatch.setattr("imggen_lib.data.shards.MOST_BYTES", 2000)
        middle = _tar(tmp_path / "b.tar", {"b.png": bytes(2048)}).read_bytes()[: 512 + 2048]
    path = tmp_path / "x.tar"
    path.write_bytes(before + middle + after + bytes(1024))
    with tarfile.open(path) as archive:
        assert [m.size for m in archive][1] == (2**40 if kind == "sparse" else 2048)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert _levels(path, workers=workers) == {ord("a"), ord("c")}
    said = [str(w.message) for w in caught if "left out" in str(w.message)]
    words = "1,099,511,627,776 bytes, a sparse file" if kind == "sparse" else "2,048 bytes, more than 2,000"
    assert len(said) == 1 and f"b.png in {path} is left out: its head says {words}" in said[0]


def test_a_shard_that_goes_away_and_a_command_that_fails(tmp_path: Path) -> None:
    path = _tar(tmp_path / "x.tar", {"a.png": _png(1)})
    read = shards(str(path), size=8, channels=1, workers=1)
    path.unlink()
    with pytest.raises(DataError, match=r"cannot be read: No such file or directory$"):
        list(read.batches(4, images=8))
    for pattern in ("pipe:exit 3", "nosuchscheme://x/y.tar"):
        with pytest.raises(DataError, match=r"cannot be read|not a tar file") as error:
            _levels(pattern, workers=1)
        assert "Traceback" not in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("cut", ["in a picture", "between two", "before the end", "gzip"])
def test_a_shard_that_is_cut_off_is_told_once(tmp_path: Path, cut: str) -> None:
    path = _tar(tmp_path / "x.tar", {f"{k}.png": _png(k) for k in range(8)})
    content = path.read_bytes()
    assert _levels(path) == set(range(8))  # whole: nothing to say
    if cut == "gzip":
        path = tmp_path / "x.tar.gz"
        path.write_bytes(gzip.compress(content))
        assert _levels(path) == set(range(8))
        path.write_bytes(gzip.compress(content, 0)[:-6000])
    else:
        path.write_bytes(content[: {"in a picture": 7 * 1024 + 540, "between two": 4 * 1024, "before the end": 8 * 1024}[cut]])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        levels = _levels(path, images=64)
    said = [str(w.message) for w in caught if not issubclass(w.category, DeprecationWarning)]
    assert {0, 1, 2} <= levels and sum("is cut off: what is whole in it is read" in line for line in said) == 1
    assert len(said) <= 2  # the picture that was cut may be named, too


def test_a_shard_that_is_cut_off_in_its_first_picture(tmp_path: Path) -> None:
    path = _tar(tmp_path / "x.tar", {"0.png": _png(0), "0.cls": b"0", "1.png": _png(1)})
    content = path.read_bytes()
    for length in (100, 540, 1000, 1500, 2100):
        path.write_bytes(content[:length])
        with (
            warnings.catch_warnings(record=True),
            pytest.raises(DataError, match=r"cut off|is not a tar file") if length < 1024 else nullcontext(),
        ):
            warnings.simplefilter("always")
            assert _levels(path) == {0}


@pytest.mark.parametrize("packed", ["w:gz", "w:bz2", "w:xz"])
def test_compressed_shards_are_not_taken_for_cut_ones(tmp_path: Path, packed: str) -> None:
    path = _tar(tmp_path / "x.tar", {f"{k}.png": _png(k) for k in range(4)}, packed)
    assert _levels(path) == {0, 1, 2, 3}


def test_unreadable_pictures_of_shards_are_told_once_and_ten_at_most(tmp_path: Path) -> None:
    bad = {f"bad{k:02d}.png": b"junk" for k in range(30)}
    path = _tar(tmp_path / "x.tar", {"a.png": _png(1), **bad, "b.left.png": _png(2)})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert _levels(path, images=100, workers=1) == {1, 2}
    said = [str(w.message) for w in caught if not issubclass(w.category, DeprecationWarning)]  # Python's own, of forks
    assert len(said) == 11 and "30 such files" in said[-1] and len("".join(said)) < 4000


@pytest.mark.parametrize(
    "about",
    [
        *("[]", "null", "{", "[" * 100_000, "\xff"),
        *(f'{{"classes": {bad}}}' for bad in ("5", "null", "[1]", '"ab"')),
        *(f'{{"images": {bad}}}' for bad in ("null", "-1", "1.5", "true", "99999999999999999999")),
    ],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_a_list_of_classes_that_is_wrong_is_named(tmp_path: Path, about: str) -> None:
    path = _tar(tmp_path / "x.tar", {"a.png": _png(1)})
    (tmp_path / "images.json").write_bytes(about.encode("latin-1"))
    with pytest.raises(DataError, match=r"images\.json") as error:
        shards(str(path))
    assert "\n" not in str(error.value)


def test_patterns(tmp_path: Path) -> None:
    for name in ("a0.tar", "a1.tar", "b0.tar"):
        _tar(tmp_path / name, {"a.png": _png(1)})
    assert [Path(p).name for p in addresses(f"{tmp_path}/a{{0..1}}.tar")] == ["a0.tar", "a1.tar"]
    assert [Path(p).name for p in addresses(f"{tmp_path}/{{a,b}}0.tar")] == ["a0.tar", "b0.tar"]
    assert len(addresses(f"{tmp_path}/*.tar")) == 3 and addresses("http://host/{1..3}.tar")[2] == "http://host/3.tar"
    many = ("{0..999999999}", "{0..9999}{0..9999}", "{000000000000..999999999999..2}", "{a,b}" * 40)
    for pattern in (f"{kind}{braces}.tar" for kind in (f"{tmp_path}/", "http://host/") for braces in many):
        with pytest.raises(DataError, match="more than 1,000,000 shards"):
            addresses(pattern)
    for pattern, said in (
        ("{0..1", "braces"),
        (f"{tmp_path}/a{{0..5}}.tar", r"a2\.tar is not there"),
        ("/", "no shards"),
        ("nowhere/*.tar", "no shards"),
    ):
        with pytest.raises(DataError, match=said):
            addresses(pattern)


def test_an_empty_shard_among_others_ends_nothing(tmp_path: Path) -> None:
    _tar(tmp_path / "0.tar", {})
    _tar(tmp_path / "1.tar", {"a.png": _png(7)})
    assert _levels(tmp_path / "*.tar", 40, workers=2) == {7}
    shutil.copy(tmp_path / "0.tar", tmp_path / "1.tar")
    with pytest.raises(DataError, match="no pictures"):
        _levels(tmp_path / "*.tar", 40, workers=2)


def test_two_files_of_one_name_are_told_with_the_shard(tmp_path: Path) -> None:
    shard = _tar(tmp_path / "twice.tar", {"a.png": _png(1), "a.PNG": _png(2)})
    with pytest.raises(DataError, match=r"twice\.tar cannot be read: .*duplicate"):
        _levels(shard)
