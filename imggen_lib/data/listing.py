"""Which files of a folder are pictures, of which class and in which split: the same for ``folder:`` and ``files:``."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imggen_lib.data.pictures import opens
from imggen_lib.data.words import plain, user_path
from imggen_lib.errors import DataError, printable, unknown_name

ENDINGS = frozenset(
    ".png .apng .jpg .jpeg .jpe .jfif .mpo .gif .bmp .dib .tif .tiff .webp .ppm .pgm .pbm .pnm .pfm .ico .tga "
    ".jp2 .j2k .jpx .avif .heic .heif".split()
)
#: Pictures of other kinds: named among what is skipped.
OTHERS = frozenset(".psd .xcf .svg .eps .jxl .exr .hdr .qoi .dds .pcx .cr2 .cr3 .nef .arw .dng .raf .orf .rw2 .dcm .fits".split())
_BEGINNINGS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF", b"\0\0\0\x0cjP")
_FEW = 20  # with fewer pictures both splits are the whole folder
SIDES = (8, 4096)


@dataclass(frozen=True)
class Listing:
    """The pictures below a folder in the order of their names, whether they can be read or not."""

    root: Path
    files: tuple[Path, ...]
    names: tuple[str, ...]  # below the root
    classes: tuple[str, ...]
    labels: tuple[int, ...]
    test: tuple[bool, ...]  # whether a picture is held out for the test split
    skipped: tuple[str, ...]  # what was not looked at, with the reason

    def split(self, name: str) -> list[int]:
        """The positions of the pictures in a split."""
        if len(self.files) < _FEW or all(self.test) or not any(self.test):
            return list(range(len(self.files)))
        return [k for k, held_out in enumerate(self.test) if held_out == (name == "test")]


def check_split(split: str) -> None:
    """Raises ``ValueError`` unless `split` is train or test."""
    if split not in ("train", "test"):
        raise ValueError(unknown_name("split", split, ("train", "test")))


def check_shape(size: int, channels: int | None) -> None:
    """Raises ``ValueError`` unless pictures can be brought to this side and number of channels."""
    low, high = SIDES
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or not low <= size <= high or size % 4:
        raise ValueError(f"size must be a multiple of 4 and at least {low}, at most {high}, got {size}")
    if channels not in (None, 1, 3):
        raise ValueError(f"channels must be 1 or 3, got {channels}")


def in_test_split(name: str) -> bool:
    """A tenth of all files, chosen by name alone: adding files moves none of the others."""
    return hashlib.sha256(os.fsencode(name)).digest()[0] < 26


def listing(path: str | Path) -> Listing:
    """The pictures below `path`. The classes are the first-level subfolders, if there are any."""
    if not str(path).strip():
        raise DataError("the folder of pictures has no name: write folder:PATH or files:PATH")
    root = user_path(path)
    if not root.is_dir():
        raise DataError(f"{printable(str(root))} is not a folder")
    files, skipped = pictures(root)
    if not files:
        looked = ", ".join(sorted(ENDINGS))
        raise DataError(
            f"{printable(str(root))} holds no pictures; at least two pictures are needed (looked for {looked}, in subfolders too)"
            + _reasons(skipped)
        )
    if any(file.parent != root for file in files):  # what is no picture makes no class of its own beside the subfolders
        lost = [file for file in files if file.parent == root and not opens(file)]
        skipped += [f"{printable(file.name)}: not a picture that can be read" for file in lost]
        files = [file for file in files if file not in lost]
    names = tuple(file.relative_to(root).as_posix() for file in files)
    tops = [name.split("/")[0] if "/" in name else "." for name in names]
    number = {top: k for k, top in enumerate(sorted(set(tops)))}
    labels, test = tuple(number[top] for top in tops), tuple(map(in_test_split, names))
    return Listing(root, tuple(files), names, tuple(number), labels, test, tuple(skipped))


def too_few(root: Path, readable: int, skipped: list[str]) -> DataError:
    """The error for a folder of which fewer than two pictures can be read."""
    many = f"{readable} readable picture{'s' * (readable != 1)}"
    return DataError(f"{printable(str(root))} holds {many}; a model needs at least two pictures{_reasons(skipped)}")


def _reasons(skipped: list[str]) -> str:
    more = [f"and {len(skipped) - 5} more"] if len(skipped) > 5 else []
    return "".join(f"\n  {line}" for line in skipped[:5] + more)


def pictures(root: Path) -> tuple[list[Path], list[str]]:
    """The picture files below `root`, and what was passed over with the reason.

    A picture has one of :data:`ENDINGS`, or no ending and the first bytes of a picture. Links to folders are followed, hidden
    files and folders left out.
    """
    found: list[Path] = []
    skipped: list[str] = []
    seen: set[str] = set()

    def name(path: str | Path) -> str:
        return printable(os.path.relpath(path, root))

    for folder, subfolders, names in os.walk(
        root, onerror=lambda e: skipped.append(f"{name(e.filename)}: {plain(e)}"), followlinks=True
    ):
        real = os.path.realpath(folder)
        subfolders[:] = [] if real in seen else [s for s in subfolders if not s.startswith(".")]
        for file in [] if real in seen else [Path(folder, n) for n in names if not n.startswith(".")]:
            ending = file.suffix.lower()
            if ending in OTHERS:
                skipped.append(f"{name(file)}: pictures of this kind are not read; convert it, for instance to PNG")
            elif ending in ENDINGS and not _is_file(file):
                skipped.append(f"{name(file)}: no file that can be opened, or a link that leads nowhere")
            elif ending in ENDINGS or (not ending and _begins_as_one(file)):
                found.append(file)
        seen.add(real)
    return sorted(found), sorted(skipped)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # in a folder that may be listed and not entered
        return False


def _begins_as_one(file: Path) -> bool:
    if not _is_file(file):  # a pipe would wait
        return False
    try:
        with open(file, "rb") as opened:
            head = opened.read(12)
    except OSError:
        return False
    return head.startswith(_BEGINNINGS) or head[4:8] == b"ftyp"
