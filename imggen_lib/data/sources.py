"""``load``: from a name to an :class:`ImageSet`."""

import warnings
from typing import TYPE_CHECKING

from imggen_lib.data import glyphs
from imggen_lib.data.folder import read_folder
from imggen_lib.data.idx import FASHION, MNIST, read_split
from imggen_lib.data.imageset import ImageSet
from imggen_lib.data.listing import check_split
from imggen_lib.errors import DataUnavailable, unknown_name

if TYPE_CHECKING:
    from imggen_lib.data.stream import ImageStream

NAMES = ("glyphs", "mnist", "fashion-mnist", "folder:PATH")
_IDX = {"mnist": MNIST, "fashion-mnist": FASHION}


def load(
    name: str, split: str = "train", *, size: int | None = None, channels: int | None = None, background: str | None = None
) -> ImageSet:
    """Images and labels of a data set.

    `name` is ``glyphs`` (made on the spot), ``mnist``, ``fashion-mnist`` (found or downloaded), or ``folder:PATH`` (your own
    pictures, for which `size`, `channels` and the `background` of transparent ones, white by default, may be chosen); `split` is
    ``train`` or ``test``.

    Raises ``ValueError`` for an unknown name or split, :class:`~imggen_lib.errors.DataUnavailable` if the set is neither at hand
    nor to be downloaded, :class:`~imggen_lib.errors.DataError` if it is damaged. See ``NAMES``.
    """
    check_split(split)
    kind, colon, path = name.partition(":")
    if name == "folder:PATH":
        raise ValueError("folder:PATH stands for a folder of yours, for instance folder:photos")
    if kind == "folder" and colon:
        side, over = 32 if size is None else size, "white" if background is None else background
        return read_folder(path, split, size=side, channels=channels, background=over)
    if is_stream(name):
        raise ValueError(f"{name} is read while training goes on: imggen_lib.data.sources.stream, or --data on the command line")
    if name not in NAMES:
        raise ValueError(unknown_name("data set", name, NAMES))
    if size not in (None, 28) or channels not in (None, 1) or background is not None:
        raise ValueError(f"{name} has grey images of 28x28; size, channels and background can be chosen for folder:PATH only")
    return glyphs.make(split) if name == "glyphs" else read_split(_IDX[name], name, split)


def is_stream(name: str) -> bool:
    """Whether a name is one for :func:`stream`."""
    return name.startswith(("files:", "shards:"))


def stream(
    name: str, *, size: int | None = None, channels: int | None = None, workers: int = 2, background: str | None = None
) -> "ImageStream":
    """Images that are read while training goes on: ``files:PATH``, a folder of pictures, or ``shards:PATTERN``, WebDataset files.

    See :mod:`imggen_lib.data.stream`. Their shape cannot be found by looking at all of them: 32x32 RGB unless told otherwise.
    """
    from imggen_lib.data import stream as streams

    kind, _, where = name.partition(":")
    if not is_stream(name) or not where.strip():
        raise ValueError(f"{name!r} is not files:PATH or shards:PATTERN")
    read = streams.files if kind == "files" else streams.shards
    side, depth = 32 if size is None else size, 3 if channels is None else channels
    return read(where, size=side, channels=depth, workers=workers, background="white" if background is None else background)


def load_or_glyphs(name: str, split: str = "train") -> ImageSet:
    """``load(name, split)``, or the ten digits of ``glyphs`` with a warning where the set cannot be had.

    So a chapter runs anywhere; the warning says that its numbers are then those of another data set.
    """
    try:
        return load(name, split)
    except DataUnavailable as error:
        first_line = str(error).splitlines()[0]
        warnings.warn(
            f"{name} is not at hand ({first_line}) Using glyphs instead: pictures and numbers differ from the text.",
            stacklevel=2,
        )
        return glyphs.make(split, classes="0123456789")
