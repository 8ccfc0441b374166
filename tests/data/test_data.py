"""Data: glyphs are the same bytes everywhere, batches are an endless shuffled stream, bad files are named."""

import gzip
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from imggen_lib.data import ImageSet, glyphs, idx, load, load_or_glyphs, to_float, to_uint8, to_unit
from imggen_lib.data.idx import IdxSource, read_idx
from imggen_lib.errors import DataError, DataUnavailable

# --- pixels ----------------------------------------------------------------------------------------------------------------------


def test_every_grey_level_survives_the_round_trip() -> None:
    every = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    assert torch.equal(to_uint8(to_float(every)), every)
    assert to_float(every).min() == -1 and to_float(every).max() == 1 and to_unit(to_float(every)).max() == 1


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 255.0])
def test_bad_pixels_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match=r"NaN|\[0, 255\]"):
        to_uint8(torch.tensor([[0.0, bad]]))


def test_slight_overshoot_is_clipped() -> None:
    assert to_uint8(torch.tensor([-1.2, 1.2])).tolist() == [0, 255]


def test_to_float_wants_uint8() -> None:
    with pytest.raises((ValueError, TypeError), match=r"uint8|[Tt]ype-check"):
        to_float(torch.zeros(1, 1, 2, 2))  # type: ignore[arg-type]


# --- image sets ------------------------------------------------------------------------------------------------------------------


def _numbered(n: int) -> ImageSet:
    """n images of one pixel, each with its own number."""
    pixels = torch.arange(n, dtype=torch.uint8).view(n, 1, 1, 1)
    return ImageSet(pixels, torch.arange(n) % 2, ("even", "odd"), "numbered")


def _numbers(x: torch.Tensor) -> list[int]:
    return to_uint8(x).flatten().tolist()


def test_batches_pass_through_the_set_once_before_they_repeat() -> None:
    data = _numbered(10)
    seen = [k for x, y in data.batches(4, images=40, seed=1) for k in _numbers(x)]
    assert len(seen) == 40
    for k in range(4):
        assert sorted(seen[10 * k : 10 * k + 10]) == list(range(10))
    assert seen[:10] != seen[10:20]
    other = [k for x, _ in data.batches(4, images=40, seed=2) for k in _numbers(x)]
    assert other != seen


def test_the_stream_does_not_depend_on_where_it_was_entered_or_how_it_is_cut() -> None:
    data = _numbered(7)
    whole = [k for x, _ in data.batches(5, images=50) for k in _numbers(x)]
    assert [k for x, _ in data.batches(5, images=50, start=25) for k in _numbers(x)] == whole[25:]
    assert [k for x, _ in data.batches(25, images=50) for k in _numbers(x)] == whole


def test_a_batch_may_be_larger_than_the_set() -> None:
    (x, y), *_ = list(_numbered(3).batches(8, images=8))
    assert sorted(set(_numbers(x))) == [0, 1, 2] and len(y) == 8


def test_labels_stay_with_their_images() -> None:
    for x, y in _numbered(9).batches(4, images=30):
        assert [k % 2 for k in _numbers(x)] == y.tolist()


def test_bad_sets_are_refused() -> None:
    x = torch.zeros(3, 1, 2, 2, dtype=torch.uint8)
    for images, labels in ((x[:0], torch.zeros(0)), (x, torch.zeros(2)), (x.float(), torch.zeros(3)), (x[0], torch.zeros(3))):
        with pytest.raises((DataError, TypeError)):
            ImageSet(images, labels.long(), ("a",), "bad")
    with pytest.raises(ValueError, match="batch size"):
        next(_numbered(3).batches(0, images=3))
    with pytest.raises(ValueError, match="NaN"):
        ImageSet.from_float(torch.full((2, 1, 2, 2), float("nan")))


def test_checksum_sees_pixels_labels_and_shape() -> None:
    a = _numbered(4)
    swapped = replace(a, labels=1 - a.labels)
    flat = ImageSet(a.images.view(1, 1, 2, 2), torch.zeros(1, dtype=torch.int64), ("a",), "flat")
    assert len({a.checksum, swapped.checksum, flat.checksum, _numbered(5).checksum}) == 4


# --- glyphs ----------------------------------------------------------------------------------------------------------------------


def test_glyphs_are_the_same_bytes_on_every_machine() -> None:
    data = glyphs.make("train", n=3000)
    assert data.checksum == "d9792c0533a27b0d414acd9725afe1d0f521e62c390de2d865a3e8c94932069b"
    assert torch.equal(glyphs.make("train", n=10).images, data.images[:10])


def test_glyphs_truth_is_true() -> None:
    data = glyphs.make("test", n=1500, seed=3)
    x = data.images[:, 0].double() / 255
    assert data.classes == tuple(glyphs.CLASSES) and torch.equal(data.labels, data.factors["class"])
    moved = data.to("meta")
    assert {x.device.type for x in (moved.images, moved.labels, *moved.factors.values())} == {"meta"}
    mass = x.sum((1, 2))
    axis = torch.arange(28) - 13.5
    centre_x, centre_y = (x.sum(1) * axis).sum(1) / mass, (x.sum(2) * axis).sum(1) / mass

    def correlation(a: torch.Tensor, b: torch.Tensor) -> float:
        return torch.corrcoef(torch.stack([a.double(), b.double()]))[0, 1].item()

    assert correlation(centre_x, data.factors["x"]) > 0.9
    assert correlation(centre_y, data.factors["y"]) > 0.85
    assert correlation(mass, data.factors["scale"]) > 0.5
    assert correlation(mass, data.factors["weight"]) > 0.3
    lean = (x * axis.view(1, 1, 28) * -axis.view(1, 28, 1)).sum((1, 2)) / mass + centre_x * centre_y
    upright = data.labels == data.classes.index("I")
    assert correlation(lean[upright], data.factors["slant"][upright]) > 0.8
    for name, (low, high) in glyphs.RANGES.items():
        values = data.factors[name]
        assert low <= values.min() < low + 0.1 * (high - low) and high - 0.1 * (high - low) < values.max() <= high


def test_one_factor_changes_one_thing() -> None:
    factors = glyphs.draw_factors(4, seed=1)
    moved = {**factors, "x": factors["x"] + 2.0}
    assert np.abs(np.roll(glyphs.render(factors), 2, 2).astype(int) - glyphs.render(moved)).max() <= 2


def test_glyphs_can_be_told_apart_and_fit_into_the_picture() -> None:
    data = glyphs.make("train", n=2000)
    border = torch.cat([data.images[:, 0, 0], data.images[:, 0, -1], data.images[:, 0, :, 0], data.images[:, 0, :, -1]], 1)
    assert (border > 128).any(1).float().mean() < 0.01
    assert data.images.amax((1, 2, 3)).min() > 100


def test_glyphs_choose_their_classes() -> None:
    digits = glyphs.make("train", n=200, classes="0123456789")
    assert digits.classes == tuple("0123456789") and digits.labels.unique().numel() == 10
    for bad in ("", "00", "a"):
        with pytest.raises(ValueError, match="different characters"):
            glyphs.make(classes=bad)
    with pytest.raises(ValueError, match="at least 1"):
        glyphs.make(n=0)


# --- names -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "split", "hint"),
    [
        ("mnits", "train", "Did you mean 'mnist'"),
        ("MNIST", "train", "Did you mean 'mnist'"),
        ("fashion", "train", "Did you mean 'fashion-mnist'"),
        ("glyphs", "tests", "Did you mean 'test'"),
        ("qqq", "train", "Known: fashion-mnist"),
        ("folder:PATH", "train", "a folder of yours"),
        ("folder", "train", "unknown data set"),
    ],
)
def test_unknown_names_get_the_nearest_one(name: str, split: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        load(name, split)


def test_size_is_for_folders_only() -> None:
    with pytest.raises(ValueError, match="folder:PATH only"):
        load("glyphs", size=32)


# --- MNIST's files ---------------------------------------------------------------------------------------------------------------


def _idx_bytes(array: np.ndarray) -> bytes:
    return (0x0800 + array.ndim).to_bytes(4, "big") + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, IdxSource]:
    """A data folder with a set of five training images in the distributed form, and its source."""
    import hashlib

    raw = tmp_path / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    files = {}
    for name, array in {
        "train-images-idx3-ubyte.gz": np.arange(5 * 16, dtype=np.uint8).reshape(5, 4, 4),
        "train-labels-idx1-ubyte.gz": np.array([3, 1, 4, 1, 5], dtype=np.uint8),
    }.items():
        content = gzip.compress(_idx_bytes(array), mtime=0)
        (raw / name).write_bytes(content)
        files[name] = (len(content), hashlib.sha256(content).hexdigest())
    monkeypatch.setenv("IMGGEN_DATA", str(tmp_path / "data"))
    source = IdxSource("MNIST", tuple("0123456789"), ("http://127.0.0.1:9/",), files)
    monkeypatch.setitem(__import__("imggen_lib.data.sources", fromlist=["_IDX"])._IDX, "mnist", source)
    return raw, source


def test_distributed_files_are_read_as_they_are(tiny: tuple[Path, IdxSource]) -> None:
    before = sorted(tiny[0].iterdir())
    data = load("mnist", "train")
    assert data.labels.tolist() == [3, 1, 4, 1, 5] and data.images.flatten().tolist() == list(range(80))
    assert data.images.shape == (5, 1, 4, 4) and sorted(tiny[0].iterdir()) == before


@pytest.mark.parametrize("damage", ["truncated", "corrupted", "another"])
def test_damaged_files_are_named(tiny: tuple[Path, IdxSource], damage: str) -> None:
    path = tiny[0] / "train-images-idx3-ubyte.gz"
    content = bytearray(path.read_bytes())
    if damage == "truncated":
        content = content[:-9]
    elif damage == "corrupted":
        content[len(content) // 2] ^= 255
    else:
        content = bytearray(b"<html>not found</html>")
    path.write_bytes(content)
    with pytest.raises(DataError) as error:
        load("mnist", "train")
    assert str(path) in str(error.value) and "expected" in str(error.value) and "delete it" in str(error.value)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"nothing", "not a whole gzip"),
        (gzip.compress(b"", mtime=0), "not an IDX file"),
        (gzip.compress(b"PK\x03\x04 something else", mtime=0), "not an IDX file"),
        (gzip.compress(_idx_bytes(np.zeros((2, 3, 3), np.uint8))[:-1], mtime=0), "promises"),
        (gzip.compress(_idx_bytes(np.zeros((2, 3, 3), np.uint8)), mtime=0)[:-8], "not a whole gzip"),
    ],
    ids=["no gzip", "empty", "something else", "too short", "cut off"],
)
def test_files_that_are_no_idx_are_refused(tmp_path: Path, content: bytes, match: str) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=match) as error:
        read_idx(path)
    assert str(path) in str(error.value)


def test_offline_and_not_at_hand_names_three_ways_out() -> None:
    with pytest.raises(DataUnavailable) as error:
        load("mnist")
    message = str(error.value)
    assert "IMGGEN_DATA" in message and "put the file yourself" in message and "load('glyphs')" in message


def test_the_fallback_says_so() -> None:
    with pytest.warns(UserWarning, match="Using glyphs instead"):
        data = load_or_glyphs("mnist", "test")
    assert data.name == "glyphs" and len(data.classes) == 10 and data.image_shape == (1, 28, 28)
    with pytest.raises(ValueError, match="Did you mean"):
        load_or_glyphs("mnsit")


def test_the_real_mnist(mnist_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMGGEN_DATA", str(mnist_folder))
    for name, n_train in (("mnist", 60_000), ("fashion-mnist", 60_000)):
        if not (mnist_folder / {"mnist": "MNIST", "fashion-mnist": "FashionMNIST"}[name]).is_dir():
            continue
        train, test = load(name, "train"), load(name, "test")
        assert (len(train), len(test)) == (n_train, 10_000) and train.image_shape == (1, 28, 28)
        assert train.labels.unique().tolist() == list(range(10))
    assert load("mnist", "train").labels[:5].tolist() == [5, 0, 4, 1, 9]


# --- a folder of one's own -------------------------------------------------------------------------------------------------------


def _picture(path: Path, mode: str, size: tuple[int, int], value: int = 100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if mode == "I;16":
        Image.fromarray(np.full(size[::-1], value * 257, dtype=np.uint16)).save(path)
    elif mode == "F":
        Image.fromarray(np.full(size[::-1], value / 255, dtype=np.float32)).save(path)
    else:
        bands = len(Image.new(mode, (1, 1)).getbands())
        Image.new(mode, size, value if bands == 1 else (value, *[value // 2] * (bands - 1))).save(path)


def test_any_size_and_mode(tmp_path: Path) -> None:
    modes = {"L": "png", "RGB": "jpg", "RGBA": "png", "LA": "png", "P": "gif", "1": "png", "I;16": "png", "CMYK": "jpg", "F": "tif"}
    for k, (mode, suffix) in enumerate(modes.items()):
        _picture(tmp_path / f"{k}.{suffix.upper() if k % 2 else suffix}", mode, (40 + 7 * k, 90 - 5 * k), 1 if mode == "1" else 100)
    data = load(f"folder:{tmp_path}", size=16)
    assert data.images.shape == (len(modes), 3, 16, 16) and not data.skipped
    assert load(f"folder:{tmp_path}", size=16, channels=1).image_shape == (1, 16, 16)


def test_values_transparency_and_upright(tmp_path: Path) -> None:
    _picture(tmp_path / "a.png", "L", (30, 20), 200)
    _picture(tmp_path / "b.png", "I;16", (30, 20), 200)
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(tmp_path / "c.png")  # wholly transparent: white
    turned = Image.new("L", (40, 40), 0)
    turned.paste(255, (0, 0, 40, 20))  # white above
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    turned.save(tmp_path / "d.jpg", exif=exif, quality=95)
    data = load(f"folder:{tmp_path}", size=16)
    assert data.image_shape == (1, 16, 16)  # all are grey
    a, b, c, d = data.images[:, 0].int()
    assert (a == 200).all() and (b == 200).all() and (c == 255).all()
    assert d[:6].max() < 40 and d[-6:].min() > 215


def test_centre_is_cropped_not_squeezed(tmp_path: Path) -> None:
    wide = np.zeros((32, 96), dtype=np.uint8)
    wide[:, 32:64] = 255
    for name in ("a.png", "b.png"):
        Image.fromarray(wide).save(tmp_path / name)
    assert load(f"folder:{tmp_path}", size=32).images.float().mean() > 250


def test_unreadable_files_are_listed_and_skipped(tmp_path: Path) -> None:
    for k in range(3):
        _picture(tmp_path / f"{k}.png", "RGB", (20, 20), 40 * k)
    (tmp_path / "broken.png").write_bytes(b"this is not a picture")
    (tmp_path / "half.png").write_bytes((tmp_path / "1.png").read_bytes()[:40])
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("not looked at")
    data = load(f"folder:{tmp_path}", size=8)
    assert len(data) == 3 and len(data.skipped) == 3 and "3 files skipped" in repr(data)
    assert sorted(line.split(":")[0] for line in data.skipped) == ["broken.png", "empty.jpg", "half.png"]


def test_a_decoder_that_fails_in_its_own_way_skips_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for k in range(3):
        _picture(tmp_path / f"{k}.png", "L", (20, 20), 40 * k)
    from imggen_lib.data import pictures

    real = pictures._fitted

    def fitted(picture: Image.Image, *args: object) -> tuple[np.ndarray, str]:
        if picture.filename.endswith("1.png"):  # type: ignore[attr-defined]
            raise RuntimeError("Failed to decode image")
        return real(picture, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(pictures, "_fitted", fitted)
    assert load(f"folder:{tmp_path}").skipped == ("1.png: Failed to decode image",)


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_are_followed_and_hidden_files_are_not_pictures(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for k in range(4):
        _picture(root / "a" / f"{k}.png", "L", (16, 16), k)
        _picture(tmp_path / "elsewhere" / f"{k}.png", "L", (16, 16), 50 + k)
    _picture(root / ".ipynb_checkpoints" / "0-checkpoint.png", "L", (16, 16), 99)
    _picture(root / "a" / "._0.png", "L", (16, 16), 99)
    (root / "b").symlink_to(tmp_path / "elsewhere")
    (root / "a" / "loop").symlink_to(root)
    data = load(f"folder:{root}")
    assert data.classes == ("a", "b") and len(data) == 8 and data.images.max() == 53


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text need Linux")
def test_names_that_are_no_text(tmp_path: Path) -> None:
    for k in range(3):
        _picture(tmp_path / f"{k}.png", "L", (16, 16), k)
    (tmp_path / "0.png").rename(tmp_path / os.fsdecode(b"caf\xe9.png"))
    assert len(load(f"folder:{tmp_path}")) == 3


def test_a_picture_that_may_be_a_bomb_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for k in range(2):
        _picture(tmp_path / f"{k}.png", "L", (20, 20))
    _picture(tmp_path / "large.png", "L", (60, 60))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2000)
    assert "decompression bomb" in load(f"folder:{tmp_path}", size=8).skipped[0]


@pytest.mark.parametrize(("count", "match"), [(0, "holds no pictures"), (1, "1 readable picture;")])
def test_too_few_pictures(tmp_path: Path, count: int, match: str) -> None:
    for k in range(count):
        _picture(tmp_path / f"{k}.png", "L", (20, 20))
    with pytest.raises(DataError, match=match):
        load(f"folder:{tmp_path}")


def test_only_unreadable_pictures(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"no")
    with pytest.raises(DataError, match=r"0 readable pictures(.|\n)*x\.png"):
        load(f"folder:{tmp_path}")


def test_bad_folders_and_sizes(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a folder"):
        load(f"folder:{tmp_path / 'missing'}")
    _picture(tmp_path / "a.png", "L", (9, 9))
    for size in (0, 7, 30):
        with pytest.raises(ValueError, match="multiple of 4"):
            load(f"folder:{tmp_path}", size=size)
    with pytest.raises(ValueError, match="channels"):
        load(f"folder:{tmp_path}", channels=2)


def test_subfolders_are_classes_and_splits_are_disjoint(tmp_path: Path) -> None:
    for k in range(60):
        _picture(tmp_path / ("cats" if k % 3 else "dogs") / f"{k}.png", "RGB", (16, 16), 4 * k)
    train, test = load(f"folder:{tmp_path}", "train", size=8), load(f"folder:{tmp_path}", "test", size=8)
    assert train.classes == test.classes == ("cats", "dogs") and len(train) + len(test) == 60 and 0 < len(test) < 20
    shades = lambda s: set(s.images[:, 0, 0, 0].tolist())  # noqa: E731
    assert not shades(train) & shades(test)
    _picture(tmp_path / "cats" / "new.png", "RGB", (16, 16), 7)
    again = load(f"folder:{tmp_path}", "test", size=8)
    assert shades(test) <= shades(again)


def test_few_pictures_are_not_split(tmp_path: Path) -> None:
    for k in range(5):
        _picture(tmp_path / f"{k}.png", "L", (16, 16), k)
    assert len(load(f"folder:{tmp_path}", "train")) == len(load(f"folder:{tmp_path}", "test")) == 5


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a user who can be denied reading")
def test_a_file_that_may_not_be_read_is_skipped(tmp_path: Path) -> None:
    for k in range(3):
        _picture(tmp_path / f"{k}.png", "L", (16, 16), k)
    (tmp_path / "0.png").chmod(0)
    assert "0.png" in load(f"folder:{tmp_path}").skipped[0]


def test_names_are_complete(make_images: Callable[..., torch.Tensor]) -> None:
    assert set(idx.MNIST.files) == set(idx.FASHION.files) and len(idx.MNIST.mirrors) > 1 and len(idx.FASHION.mirrors) > 1
    data = ImageSet.from_float(make_images(4), torch.tensor([0, 1, 2, 1]))
    assert data.classes == ("0", "1", "2")


def test_the_mean_image_is_that_of_all_images_and_costs_no_second_set(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (2300, 1, 8, 8), generator=noise, dtype=torch.uint8)
    data = ImageSet(pixels, torch.zeros(2300).long(), ("a",), "noise")
    expected = data.images.double().mean(0).div(127.5).sub(1).float()
    monkeypatch.setattr(torch.Tensor, "double", lambda x: x.to(torch.float64) if len(x) < 2300 else pytest.fail("all as floats"))
    assert torch.equal(data.mean_image(), expected)


def test_an_idx_header_whose_product_overflows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(bytes.fromhex("00000803 80000000 80000000 00000004")))  # 2**64 bytes, which is 0 in int64
    with pytest.raises(DataError, match="promises"):
        read_idx(path)


def test_an_idx_file_is_not_unpacked_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(bytes(5000)))
    monkeypatch.setattr(idx, "_MOST", 4999)
    with pytest.raises(DataError, match="unpacks to more than 4,999 bytes"):
        read_idx(path)
