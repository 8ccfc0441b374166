"""What a file's values mean is said by its type; what is no picture is refused with the reason; nobody's program is started."""

import io
import struct
import sys
import types
import warnings
import zlib
from pathlib import Path

import numpy as np
import PIL
import pytest
from PIL import Image, ImageCms

from imggen_lib.data import load, pictures
from imggen_lib.data.pictures import read
from imggen_lib.errors import DataError

PILLOW = tuple(map(int, PIL.__version__.split(".")[:2]))
RAMP = np.tile(np.linspace(0, 1, 64), (64, 1))


def _tiff(values: np.ndarray, *, photometric: int = 1, order: str = "<", bits: int = 0, body: bytes = b"") -> bytes:
    """A grey TIFF file without compression, written down by hand: other programs write types that Pillow does not."""
    kind = {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
    data = body or values.astype(values.dtype.newbyteorder(order)).tobytes()
    h, w = values.shape
    tags = [(256, w), (257, h), (258, bits or values.dtype.itemsize * 8), (259, 1), (262, photometric), (273, 8), (277, 1)]
    tags += [(278, h), (279, len(data)), (339, kind)]
    entries = b"".join(struct.pack(order + "HHII", tag, 4, 1, value) for tag, value in tags)
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8 + len(data))
    return head + data + struct.pack(order + "H", len(tags)) + entries + b"\0\0\0\0"


def _levels(content: bytes, ending: str = ".tif") -> np.ndarray:
    """The middle row of what is read, one channel; all three must agree."""
    pixels, _ = read(content, 64, ending=ending)
    assert (pixels == pixels[..., :1]).all()
    return pixels[32, :, 0].astype(int)


def _saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


EXPECTED = RAMP[0] * 255


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_a_ramp_is_a_ramp_in_every_type(dtype: str, order: str) -> None:
    top = 1 if dtype == "f4" else np.iinfo(dtype).max
    assert np.abs(_levels(_tiff((RAMP * top).astype(dtype), order=order)) - EXPECTED).max() <= 1


def test_32_bits_without_sign_are_not_taken_for_signed_ones() -> None:
    levels = _levels(_tiff((RAMP * (2**32 - 1)).astype("u4")))
    assert np.abs(levels - EXPECTED).max() <= 1 and (np.diff(levels) > 0).all()


def test_12_bits_by_their_own_range() -> None:
    values = (RAMP * 4095).astype(np.uint16).reshape(-1, 2)
    packed = np.stack([values[:, 0] >> 4, (values[:, 0] & 15) << 4 | values[:, 1] >> 8, values[:, 1] & 255], 1).astype(np.uint8)
    assert np.abs(_levels(_tiff(RAMP.astype("u2"), bits=12, body=packed.tobytes())) - EXPECTED).max() <= 1


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_where_white_is_zero_it_is_white(dtype: str) -> None:
    top = 1 if dtype == "f4" else np.iinfo(dtype).max
    assert np.abs(_levels(_tiff((top - RAMP * top).astype(dtype), photometric=0)) - EXPECTED).max() <= 1


@pytest.mark.parametrize(("low", "high"), [(0, 1.02), (0.25, 0.75), (0, 0.1), (-0.05, 1.05), (0.5, 0.5)])
def test_floats_do_not_depend_on_their_own_extremes(low: float, high: float) -> None:
    values = (low + (high - low) * RAMP).astype("f4")
    assert np.abs(_levels(_tiff(values)) - values[0].clip(0, 1) * 255).max() <= 1


@pytest.mark.parametrize("bad", [255, 1000, -1, np.nan, np.inf])
def test_floats_that_are_no_grey_levels_are_refused(bad: float) -> None:
    values = RAMP.astype("f4").copy()
    values[40, 40] = bad
    with pytest.raises(DataError, match="0 is black and 1 is white"):
        read(_tiff(values), 64)
    if np.isnan(bad):
        values[0, 0] = bad
        with pytest.raises(DataError, match="0 is black and 1 is white"):
            read(_tiff(values), 64)


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4"])
def test_signed_integers_are_refused(dtype: str) -> None:
    with pytest.raises(DataError, match="signed"):
        read(_tiff((RAMP * np.iinfo(dtype).max).astype(dtype)), 64)


@pytest.mark.parametrize("dtype", ["f2", "u8"])
def test_types_that_pillow_does_not_know_say_so(dtype: str) -> None:
    with pytest.raises(DataError, match="TIFF file that is damaged or has values"):
        read(_tiff(RAMP.astype(dtype)), 64)


def test_other_formats_of_more_than_8_bits() -> None:
    deep = Image.fromarray((RAMP * 65535).astype(np.uint16))
    assert np.abs(_levels(_saved(deep, "PNG"), ".png") - EXPECTED).max() <= 1
    pgm = b"P5\n64 64\n4095\n" + (RAMP * 4095).astype(">u2").tobytes()
    assert np.abs(_levels(pgm, ".pgm") - EXPECTED).max() <= 1
    if PILLOW < (10, 3):  # did not read PFM yet
        return
    pfm = b"Pf\n64 64\n-1.0\n" + RAMP.astype("<f4").tobytes()
    assert np.abs(_levels(pfm, ".pfm") - EXPECTED).max() <= 1


def test_almost_black_is_told(tmp_path: Path) -> None:
    twelve = _tiff((RAMP * 4095).astype("u2"))
    eight = _saved(Image.fromarray((RAMP * 255).astype(np.uint16)), "PNG")  # eight bits in sixteen: the upper eight are all 0
    assert not read(eight, 8)[0].any() and "almost black, no value above 0" in read(eight, 8)[1]
    assert not read(_saved(Image.fromarray(np.zeros((9, 9), np.uint16)), "PNG"), 8)[1], "black is black"
    assert "almost black" in read(twelve, 8)[1] and not read(_tiff((RAMP * 65535).astype("u2")), 8)[1]
    assert not read(_saved(Image.new("L", (9, 9), 3), "PNG"), 8)[1]  # eight bits are what they are
    for k in range(12):
        (tmp_path / f"{k}.tif").write_bytes(twelve)
    with pytest.warns(UserWarning, match=r"12 picture\(s\) look wrong: 0\.tif is almost black.*and 2 more"):
        load(f"folder:{tmp_path}", size=8)


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("P", "GIF"),
        ("1", "PNG"),
        ("LA", "PNG"),
        ("CMYK", "JPEG"),
        ("CMYK", "TIFF"),
        ("RGBA", "WEBP"),
        ("RGB", "DIB"),
        ("RGB", "TGA"),
    ],
)
def test_modes(mode: str, kind: str) -> None:
    half = Image.new("RGB", (64, 64), "black")
    half.paste((255, 255, 255), (32, 0, 64, 64))
    pixels, _ = read(_saved(half.convert(mode), kind), 64, ending=".tga" if kind == "TGA" else "")
    assert pixels[:, :30].max() <= 3 and pixels[:, 34:].min() >= 252


def test_the_first_frame_counts_and_exif_turns() -> None:
    first = Image.fromarray((RAMP * 255).astype(np.uint8)).convert("RGB")
    for kind in ("GIF", "WEBP", "PNG", "TIFF"):
        content = _saved(first, kind, save_all=True, append_images=[Image.new("RGB", (64, 64), "red")])
        assert np.abs(_levels(content) - EXPECTED).max() <= 8
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down and mirrored
    for kind in ("JPEG", "PNG", "TIFF"):
        assert np.abs(_levels(_saved(first, kind, exif=exif))[::-1] - EXPECTED).max() <= 8
    broken = _saved(first, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert np.abs(_levels(broken) - EXPECTED).max() <= 8


def test_transparency_shows_the_background(tmp_path: Path) -> None:
    for picture in (Image.new("RGBA", (20, 20), (255, 0, 0, 0)), Image.new("LA", (20, 20), (9, 0))):
        content = _saved(picture, "PNG")
        assert (read(content, 8)[0] == 255).all() and (read(content, 8, (10, 20, 30))[0] == (10, 20, 30)).all()
    half = _saved(Image.new("RGBA", (20, 20), (255, 0, 0, 128)), "PNG")
    assert np.abs(read(half, 8, (0, 0, 255))[0].astype(int) - (128, 0, 127)).max() <= 1
    if PILLOW >= (12, 0):  # writes it
        sixteen = _saved(Image.fromarray(np.full((20, 20), 1000, np.uint16)), "PNG", transparency=1000)
        assert (read(sixteen, 8)[0] == 255).all()
    for k in range(2):
        (tmp_path / f"{k}.png").write_bytes(half)
    assert load(f"folder:{tmp_path}", background="#0000ff", size=8).images[0, :, 0, 0].tolist() == [128, 0, 127]
    for bad in ("no colour", "#12", "#11223344", 7):
        with pytest.raises((ValueError, TypeError), match=r"background|type"):
            load(f"folder:{tmp_path}", background=bad)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="background can be chosen for folder:PATH only"):
        load("glyphs", background="white")


def test_colours_by_the_profile() -> None:
    """A profile whose red and blue are exchanged shows blue for red; one that is damaged or of other colours is passed over."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red = Image.new("RGB", (16, 16), (200, 100, 50))
    assert read(_saved(red, "PNG", icc_profile=bytes(profile)), 8)[0][0, 0].tolist() == [200, 100, 50]
    r, b = profile.find(b"rXYZ"), profile.find(b"bXYZ")
    profile[r : r + 4], profile[b : b + 4] = b"bXYZ", b"rXYZ"
    for picture in (red, red.convert("RGBA"), red.quantize(4)):
        assert np.abs(read(_saved(picture, "PNG", icc_profile=bytes(profile)), 8)[0][0, 0].astype(int) - [50, 100, 200]).max() <= 2
    assert read(_saved(red, "PNG", icc_profile=b"junk" * 50), 8)[0][0, 0].tolist() == [200, 100, 50]
    assert read(_saved(red.convert("L"), "PNG", icc_profile=bytes(profile)), 8)[0][0, 0].tolist() == [124] * 3


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n%%EOF\n", "PostScript"),
        (b"\xc5\xd0\xd3\xc6" + b"\0" * 60, "PostScript"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 99, "pip install pillow-heif"),
        (b"\n<!DOCTYPE html><html></html>", "HTML"),
        (b"junk" * 99, "not a picture"),
        (b"II*\0" + b"\xff" * 50, "TIFF"),
    ],
    ids=["empty", "PostScript", "EPS with a preview", "HEIC", "HTML", "junk", "TIFF"],
)
def test_the_reason_is_told_whatever_the_name(content: bytes, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("a program was started"))
    monkeypatch.setattr("os.system", lambda *_: pytest.fail("a program was started"))
    for name in ("holiday.jpg", "holiday.tga"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=reason if name.endswith("jpg") else "."):
            read(tmp_path / name, 8, ending=name[-4:])
    with pytest.raises(DataError, match=reason):
        read(content, 8)


@pytest.mark.parametrize("kind", ["PCX", "SGI", "EPS", "ICNS", "PDF", "MSP", "SPIDER"])
def test_formats_outside_the_list_are_not_read(kind: str) -> None:
    mode = {"MSP": "1", "SPIDER": "F"}.get(kind, "RGB")
    try:
        content = _saved(Image.new(mode, (64, 64)), kind)
    except (OSError, KeyError, ValueError):
        pytest.skip(f"this Pillow does not write {kind}")
    with pytest.raises(DataError, match="not a picture that can be read"):
        read(content, 8)


def test_damaged_files_are_refused_without_a_word_on_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    for kind in ("TIFF", "PNG", "JPEG", "GIF", "WEBP", "BMP"):
        whole = _saved(Image.fromarray(noise), kind, **({"compression": "tiff_lzw"} if kind == "TIFF" else {}))
        for seed in range(40):
            rng, content = np.random.default_rng(seed), bytearray(whole)
            for at in rng.integers(0, len(content), 8) if seed % 2 else len(content) - 1 - rng.integers(0, 250, 8):
                content[at] = rng.integers(256)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                try:
                    assert read(bytes(content), 8)[0].shape == (8, 8, 3)
                except DataError as error:
                    assert "\n" not in str(error) and 0 < len(str(error)) < 300
    assert capfd.readouterr() == ("", "")


def test_a_large_picture_is_shrunk_before_anything_else_is_done_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blending, profiles and float64 see no more pixels than are asked for."""
    seen: list[int] = []
    real = Image.alpha_composite
    monkeypatch.setattr(Image, "alpha_composite", lambda a, b: seen.append(b.width) or real(a, b))
    read(_saved(Image.new("RGBA", (900, 700), (1, 2, 3, 99)), "PNG"), 16)
    assert seen == [16]
    sizes: list[tuple[int, int]] = []
    fit = pictures.ImageOps.fit
    monkeypatch.setattr(pictures.ImageOps, "fit", lambda p, *a: sizes.append(p.size) or fit(p, *a))
    read(_saved(Image.new("RGB", (1600, 1200)), "JPEG"), 16)
    assert sizes == [(200, 150)]


def test_a_bomb_is_refused_in_memory_too(monkeypatch: pytest.MonkeyPatch) -> None:
    content = _saved(Image.new("L", (60, 60)), "PNG")
    for limit in (2000, 1000):  # Pillow warns of the one and refuses the other
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        with pytest.raises(DataError, match="decompression bomb"):
            read(content, 8)


def test_with_the_plug_in_for_phones_files_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for pillow-heif: it registers the format that the list has a place for."""

    def register() -> None:
        monkeypatch.setitem(Image.OPEN, "HEIF", (lambda *_: Image.new("RGB", (16, 16), "red"), lambda head: head[8:12] == b"heic"))

    monkeypatch.setitem(sys.modules, "pillow_heif", types.SimpleNamespace(register_heif_opener=register))
    pictures._formats.cache_clear()
    try:
        assert "HEIF" in pictures._formats()
    finally:
        monkeypatch.undo()
        pictures._formats.cache_clear()
    assert "HEIF" not in pictures._formats() or "pillow_heif" in sys.modules


@pytest.mark.parametrize(("key", "level"), [((0x80FF, 0x4000, 0x2000), 255), ((128, 64, 32), 128)])
def test_a_transparent_colour_of_16_bits(key: tuple[int, int, int], level: int) -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    row = b"\0" + bytes.fromhex("80ff40002000") * 8
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 16, 2, 0, 0, 0))
    content += chunk(b"tRNS", struct.pack(">HHH", *key)) + chunk(b"IDAT", zlib.compress(row * 8)) + chunk(b"IEND", b"")
    assert (read(content, 8)[0][..., 0] == level).all()
