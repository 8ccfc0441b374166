"""The one place that turns a file into pixels: ``read(file, size)``.

What a file's values mean is said by its type, never by the picture's own extremes:

=================================  =============================================================================================
values                             meaning
=================================  =============================================================================================
8 bits and fewer, palettes, CMYK   as they are; colours are brought to sRGB if the file has an ICC profile; gAMA is passed over
unsigned, n > 8 bits               0 is black, ``2**n - 1`` white (the upper eight bits are kept); n is 12, 16 or 32
float                              0 is black, 1 white; up to a quarter outside is clipped; beyond that, or NaN: not read
signed integers                    not read: nothing says which value is black
=================================  =============================================================================================

Of several frames or pages the first one counts. A picture is turned upright by its EXIF entry, shrunk and cropped to a square, and
then laid over a background where it is transparent. :data:`FORMATS` are read and no others, whatever a file's name says: Pillow
starts other programs for some of the others.
"""

import contextlib
import importlib
import logging
import os
import threading
import warnings
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageColor, ImageOps, UnidentifiedImageError

from imggen_lib.data.words import plain
from imggen_lib.errors import DataError

FORMATS = ("PNG", "JPEG", "MPO", "GIF", "BMP", "DIB", "TIFF", "WEBP", "PPM", "ICO", "JPEG2000", "AVIF", "HEIF")  # and TGA by name
Colour = tuple[int, int, int]
WHITE: Colour = (255, 255, 255)
_SLACK = 0.25  # of floats outside [0, 1]: what resampling and sharpening add
_DARK = 16  # the largest of 256 levels in 12-bit values that were stored as 16 bits
_BITS, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339  # tags of TIFF
_SILENCE = threading.Lock()
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


logging.getLogger("PIL").addHandler(logging.NullHandler())  # else what Pillow logs goes to the terminal


def colour(name: str) -> Colour:
    """A colour from its name or hexadecimal digits, such as ``"white"`` or ``"#808080"``."""
    try:
        found = ImageColor.getrgb(name)
        if len(found) == 3:
            return found
    except (ValueError, AttributeError, TypeError):
        pass
    raise ValueError(f'the background is a colour such as "white" or "#808080", got {name!r}')


def read(file: Path | bytes, size: int, background: Colour = WHITE, ending: str = "") -> tuple[np.ndarray, str]:
    """A picture as ``(size, size, 3)`` uint8, and a remark if it looks wrong: the shorter side becomes `size`, the centre is kept.

    `ending` is that of the file's name. Raises :class:`DataError` with the reason alone, for the caller to say which file it was.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            formats = _formats() + (("TGA",) if ending.lower() == ".tga" else ())  # any bytes may be TGA
            with Image.open(BytesIO(file) if isinstance(file, bytes) else file, formats=formats) as picture, _quiet(picture):
                return _fitted(picture, size, background)
    except MemoryError:
        raise
    except UnidentifiedImageError:
        raise DataError(_what_it_is(file)) from None
    except Exception as error:  # decoders raise what they like for damaged files
        raise DataError(plain(error)) from error


def opens(file: Path) -> bool:
    """Whether the head of a file is that of a picture that can be read here."""
    try:
        with warnings.catch_warnings(), Image.open(file, formats=_formats() + (("TGA",) if file.suffix.lower() == ".tga" else ())):
            return True
    except Exception:  # decoders raise what they like for damaged files
        return False


@cache
def _formats() -> tuple[str, ...]:
    """Those of :data:`FORMATS` that can be read here; HEIF (HEIC) needs the package pillow-heif."""
    Image.init()
    with contextlib.suppress(ImportError):  # a plug-in of Pillow, for those who have it
        importlib.import_module("pillow_heif").register_heif_opener()
    return tuple(name for name in FORMATS if name in Image.OPEN)


@contextlib.contextmanager
def _quiet(picture: Image.Image) -> Iterator[None]:
    """libtiff writes what it thinks of a damaged file straight to file descriptor 2, past everything that Python could ask."""
    if picture.format != "TIFF":
        yield
        return
    with _SILENCE:  # two threads would exchange their descriptors for good
        try:
            kept = os.dup(2)
        except OSError:  # nobody listens
            yield
            return
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
            try:
                yield
            finally:
                os.dup2(kept, 2)
                os.close(kept)


def _fitted(picture: Image.Image, size: int, background: Colour) -> tuple[np.ndarray, str]:
    deep = picture.mode.startswith("I") or ";16" in str(picture.tile)  # type: ignore[attr-defined]
    tags = _tags(picture)
    picture.draft(picture.mode, (4 * size, 4 * size))  # a JPEG file need not be decoded at its full size
    picture.load()
    key = picture.info.get("transparency")
    if deep and picture.mode == "RGB" and isinstance(key, tuple):  # of 16 bits, where Pillow keeps the upper eight of the pixels
        picture.info["transparency"] = tuple(value >> 8 for value in key)
    faint = picture.mode.startswith("I") and bool(np.asarray(picture).any())  # not black, even where the upper eight bits are
    with contextlib.suppress(Exception):  # a damaged EXIF entry turns nothing
        ImageOps.exif_transpose(picture, in_place=True)
    picture = _with_colours(_eight_bits(picture, tags, size))
    picture = _in_srgb(ImageOps.fit(picture, (size, size), Image.Resampling.LANCZOS))
    if picture.mode in ("LA", "RGBA"):
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, (*background, 255)), picture.convert("RGBA"))
    pixels = np.asarray(picture.convert("RGB"))
    dark = deep and pixels.max() <= _DARK and (faint or pixels.max() > 0)
    return pixels, f"almost black, no value above {pixels.max()} of 255: fewer bits than its file has room for?" if dark else ""


def _tags(picture: Image.Image) -> dict[int, int]:
    """What a TIFF file says of its values."""
    tags = getattr(picture, "tag_v2", {})
    first = {tag: tags[tag] for tag in (_BITS, _PHOTOMETRIC, _SAMPLE_FORMAT) if tag in tags}
    return {tag: int(value[0] if isinstance(value, tuple) else value) for tag, value in first.items()}


def _eight_bits(picture: Image.Image, tags: dict[int, int], size: int) -> Image.Image:
    """Values of more than eight bits as eight, by the table above; other pictures as they are."""
    bits = tags.get(_BITS, 16)
    if tags.get(_SAMPLE_FORMAT) == 2:
        raise DataError("signed integers, of which nothing says which value is black: convert it to 8 bits")
    if picture.mode == "F":
        low, high = picture.getextrema()
        picture = ImageOps.fit(picture, (size, size), Image.Resampling.LANCZOS)
        values = np.array(picture)
        if not (low >= -_SLACK and high <= 1 + _SLACK and np.isfinite(values).all()):  # type: ignore[operator]
            raise DataError(f"floats from {low:.4g} to {high:.4g}, or NaN, where 0 is black and 1 is white: convert it to 8 bits")
        pixels = np.round(values.clip(0, 1) * 255).astype(np.uint8)
        alpha = None
    elif picture.mode.startswith("I"):
        values = np.asarray(picture)
        clear = picture.info.get("transparency")
        alpha = Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)) if isinstance(clear, int) else None
        values = values.view(np.uint32) if bits == 32 else values
        pixels = (values >> (bits - 8)).astype(np.uint8)
    else:
        return picture
    out = Image.fromarray(255 - pixels if tags.get(_PHOTOMETRIC) == 0 else pixels)  # 0: white is zero
    if alpha is not None:
        out.putalpha(alpha)
    out.info["icc_profile"] = picture.info.get("icc_profile")
    return out


def _with_colours(picture: Image.Image) -> Image.Image:
    """Without palette, so that it can be resized; with an alpha channel if anything is transparent."""
    if picture.mode in ("La", "RGBa"):
        picture = picture.convert(picture.mode.upper())
    if picture.has_transparency_data and picture.mode not in ("LA", "RGBA"):
        return picture.convert("RGBA")
    if picture.mode == "1":
        return picture.convert("L")
    return picture if picture.mode in ("L", "LA", "RGB", "RGBA", "CMYK") else picture.convert("RGB")


def _in_srgb(picture: Image.Image) -> Image.Image:
    """Colours by the file's ICC profile, as sRGB; a profile that is damaged or of another kind of colours is passed over."""
    profile = picture.info.get("icc_profile")
    if not profile or picture.mode == "LA":
        return picture
    out = "RGBA" if picture.mode == "RGBA" else "RGB"
    try:
        own = ImageCms.ImageCmsProfile(BytesIO(profile))
        found = ImageCms.profileToProfile(picture, own, ImageCms.createProfile("sRGB"), outputMode=out)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return picture
    return picture if found is None else found.convert("L") if picture.mode == "L" else found


def _what_it_is(file: Path | bytes) -> str:
    """Why a file is no picture for us, from its first bytes."""
    if isinstance(file, bytes):
        head = file[:64]
    else:
        with open(file, "rb") as opened:
            head = opened.read(64)
    if not head:
        return "the file is empty"
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC and "HEIF" not in _formats():
        return "HEIC, as phones write it, is read with one more package: pip install pillow-heif"
    if head[4:8] == b"ftyp" and head[8:11] == b"avi" and "AVIF" not in _formats():
        return "AVIF needs a newer Pillow: pip install --upgrade pillow"
    for start, what in ((b"%!PS", "PostScript"), (b"\xc5\xd0\xd3\xc6", "PostScript"), (b"%PDF", "PDF"), (b"<", "HTML, XML or SVG")):
        if head.lstrip().startswith(start):
            return f"not a picture that can be read: its content is {what}; convert it, for instance to PNG"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "not a picture that can be read: a TIFF file that is damaged or has values of a kind that Pillow does not know"
    return "not a picture that can be read"
