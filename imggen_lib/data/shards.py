"""Tar files in the WebDataset format, by the ``webdataset`` library: which they are, what is in them, and how they are made."""

import gzip
import io
import itertools
import json
import math
import random
import re
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from imggen_lib.data.folder import grey
from imggen_lib.data.imageset import ImageSet
from imggen_lib.data.listing import ENDINGS
from imggen_lib.data.pictures import Colour, read
from imggen_lib.data.words import plain, user_path
from imggen_lib.data.workers import Item
from imggen_lib.errors import DataError, DataUnavailable, printable
from imggen_lib.noise import generator_for, mix

_SHARDS = 8  # the stream of random numbers that orders shards and buffers; see noise.generator_for
_SIDECAR = "images.json"
_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # a scheme has two letters or more; one is a Windows drive
_RANGE = re.compile(r"\{(-?\d+)\.\.(-?\d+)(?:\.\.-?(\d+))?\}")
_CHOICE = re.compile(r"\{([^{}]*,[^{}]*)\}")
_MOST = 1_000_000  # shards
MOST_BYTES = 2**28  # of one file in a shard: many times the largest photograph
_ABOUT = re.compile(r"__[^/]*__($|/)")  # what WebDataset itself passes over


def webdataset() -> Any:
    """The library, or an error that says how to get it."""
    try:
        import webdataset
    except ImportError as error:
        raise DataUnavailable("shards are read by the webdataset library: pip install webdataset") from error
    return webdataset


def is_local(pattern: str) -> bool:
    """Whether shards are files of this machine, and no address or command."""
    return not _REMOTE.match(pattern)


def addresses(pattern: str) -> list[str]:
    """The shards that ``{000000..000099}``, ``{a,b}`` and, among local files, ``*`` stand for."""
    import braceexpand

    local = is_local(pattern)
    if local:
        pattern = Path(pattern).as_posix()  # braceexpand takes a backslash for an escape
    counts = [abs(int(b) - int(a)) // max(1, int(step or 1)) + 1 for a, b, step in _RANGE.findall(pattern)]
    counts += [group.count(",") + 1 for group in _CHOICE.findall(pattern)]
    try:
        names = list(itertools.islice(braceexpand.braceexpand(pattern), _MOST + 1)) if math.prod(counts) <= _MOST else []
    except ValueError as error:
        raise DataError(f"the braces in {printable(pattern)} do not fit together: {plain(error)}") from error
    if not 0 < len(names) <= _MOST:
        raise DataError(f"{printable(pattern)} stands for more than {_MOST:,} shards")
    urls = [url for name in names for url in (_glob(name) if local else [name])]
    missing = next((url for url in urls if not Path(url).is_file()), None) if local else None
    if not urls or missing:
        more = f": {printable(missing)} is not there" if missing and missing != pattern else ""
        raise DataError(f"no shards at {printable(pattern)}{more}")
    return urls


def _glob(pattern: str) -> list[str]:
    path = user_path(pattern)
    return (sorted(map(str, path.parent.glob(path.name))) if path.name else []) or [str(path)]


def sidecar(urls: list[str]) -> tuple[tuple[str, ...], int]:
    """The classes and the number of images that an ``images.json`` beside local shards tells; none and 0 without one."""
    path = Path(urls[0]).with_name(_SIDECAR)
    if not is_local(urls[0]) or not path.is_file():
        return (), 0
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} is no JSON file that can be read: {plain(error)}") from error
    classes, images = (about.get("classes", []), about.get("images", 0)) if isinstance(about, dict) else (None, None)
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise DataError(f'{path}: "classes" must be a list of names')
    if isinstance(images, bool) or not isinstance(images, int) or not 0 <= images <= sys.maxsize:
        raise DataError(f'{path}: "images" must be a whole number of at least 0')
    return tuple(classes), images


class _Watched:
    """An open file that remembers the first and the last bytes that were read from it, and whether it is compressed."""

    def __init__(self, file: Any) -> None:
        self.file, self.first, self.last, self.packed = file, b"", b"", False

    def read(self, n: int = -1) -> bytes:
        block: bytes = getattr(self.file, "read1", self.file.read)(n)  # what there is: a cut gzip file would else give nothing
        self.first = (self.first + block[:512])[:512]
        self.packed = self.first.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ"))
        self.last = (self.last + block[-512:])[-512:]
        return block


class Shards(IterableDataset[Item]):
    """Every shard is read once a pass by one worker of one process; images are shuffled in a buffer."""

    def __init__(
        self,
        urls: list[str],
        shape: tuple[int, int, int],
        over: Colour,
        classes: int,
        seed: int,
        part: tuple[int, int],
        buffer: int,
    ) -> None:
        self.urls, self.shape, self.over, self.classes = urls, shape, over, classes
        self.seed, self.part, self.buffer = seed, part, buffer
        self.lines: list[str] = []  # what could not be read since the last picture
        self.pictures = 0  # that were found, whether they could be read or not

    def __iter__(self) -> Iterator[Item]:
        try:
            yield from self._passes()
        except MemoryError:
            raise
        except DataError as error:
            yield error
        except Exception as error:  # files, networks, commands and tar files fail in ways of their own
            yield DataError(f"the shards cannot be read: {plain(error)}")

    def _passes(self) -> Iterator[Item]:
        info = get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        mine, of = self.part[0] * workers + worker, self.part[1] * workers
        barren: set[str] = set()  # shards of passes without a picture
        for epoch in itertools.count():
            order = torch.randperm(len(self.urls), generator=generator_for(self.seed, _SHARDS, epoch)).tolist()
            rng = random.Random(mix(self.seed, _SHARDS, epoch, mine))
            turn, found = [self.urls[k] for k in order[mine::of]], False
            for image in self._pass(turn, rng):
                found = True
                yield image
            barren.update([] if found else turn)
            if len(barren) == len(set(self.urls)):
                raise self._nothing(turn[0])

    def _nothing(self, url: str) -> DataError:
        if self.pictures:
            return DataError(f"none of the pictures in {printable(url)} can be read: {self.lines[0] if self.lines else ''}")
        why = f" ({self.lines[0]})" if self.lines else ""
        return DataError(f"no pictures with a file name ending in {', '.join(sorted(ENDINGS))} in {printable(url)}{why}")

    def _samples(self, urls: list[str]) -> Iterator[dict[str, Any]]:
        """From an open tar file to samples, grouped by WebDataset's own rule; the files are closed as soon as they are read."""
        wds = webdataset()
        for url in urls:
            with wds.gopen(url) if not is_local(url) else open(url, "rb") as opened:
                watched = _Watched(gzip.GzipFile(fileobj=opened) if url.lower().endswith((".gz", ".tgz")) else opened)
                cut = False
                try:
                    yield from wds.tariterators.group_by_keys(self._members(watched, url))
                except (tarfile.TarError, EOFError, gzip.BadGzipFile) as error:
                    cut = b"ustar" in watched.first or isinstance(error, EOFError)
                    if not cut:
                        raise DataError(f"{printable(url)} is not a tar file: {plain(error)}") from error
                except ValueError as error:  # such as two files of one name
                    raise DataError(f"{printable(url)} cannot be read: {plain(error)}") from error
                if cut or (watched.last.strip(b"\0") and not watched.packed):  # a tar file ends in zeros
                    self.lines.append(f"{printable(url)} is cut off: what is whole in it is read")

    def _members(self, file: _Watched, url: str) -> Iterator[dict[str, Any]]:
        """The files in a shard as WebDataset has them; not those whose head asks for more memory than a picture needs.

        A sparse file of a few bytes can ask for any amount; WebDataset's reader would give it.
        """
        with tarfile.open(fileobj=file, mode="r|*") as archive:  # type: ignore[call-overload]
            for member in archive:
                archive.members = []  # tarfile would keep all of them
                if not member.isreg() or _ABOUT.match(member.name):
                    continue
                if member.issparse() or member.size > MOST_BYTES:
                    why = "a sparse file" if member.issparse() else f"more than {MOST_BYTES:,}"
                    where = printable(f"{member.name} in {url}")
                    self.lines.append(f"{where} is left out: its head says {member.size:,} bytes, {why}")
                    continue
                opened = archive.extractfile(member)
                assert opened is not None  # a regular file
                yield {"fname": member.name, "data": opened.read(), "__url__": url}

    def _pass(self, urls: list[str], rng: random.Random) -> Iterator[Item]:
        for sample in webdataset().shuffle(self.buffer, rng=rng)(self._samples(urls)):
            kind = next((key for key in sample if f".{key.lower().rpartition('.')[2]}" in ENDINGS), None)
            if kind is None:
                continue
            self.pictures += 1
            where = printable(f"{sample['__key__']} in {sample['__url__']}")
            label = self._label(sample.get("cls", b"0"), where)
            try:
                picture, remark = tensor(sample[kind], self.shape, self.over, f".{kind}")
            except DataError as error:
                self.lines.append(f"{where} is left out: {error}")
                continue
            lines, self.lines = self.lines + ([f"{where} is {remark}"] if remark else []), []
            yield picture, label, lines

    def _label(self, text: bytes, where: str) -> int:
        try:
            label = int(text)
        except ValueError:
            raise DataError(f"{where} is of class {printable(repr(text)[:50])}, which is no number") from None
        if not 0 <= label < (self.classes or 2**31):
            raise DataError(f"{where} is of class {label}; {_SIDECAR} has {self.classes or 'none, so that it counts from 0'}")
        return label


def tensor(file: Path | bytes, shape: tuple[int, int, int], over: Colour, ending: str) -> tuple[Tensor, str]:
    """A picture as a uint8 tensor of this shape, and a remark if it looks wrong."""
    pixels, remark = read(file, shape[1], over, ending)
    return torch.from_numpy((grey(pixels) if shape[0] == 1 else pixels).transpose(2, 0, 1).copy()), remark


def write_shards(data: ImageSet, folder: str | Path, *, per_shard: int = 1000) -> list[Path]:
    """Write a set as WebDataset shards of PNG files, with an ``images.json``; the shards' paths."""
    from PIL import Image

    if per_shard < 1:
        raise ValueError(f"a shard holds at least one image, got per_shard = {per_shard}")
    wds = webdataset()
    folder = user_path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    labels = data.labels.tolist()
    for shard, first in enumerate(range(0, len(data), per_shard)):
        with open(folder / f"{shard:06d}.tar", "wb") as file, wds.TarWriter(file) as writer:
            for k in range(first, min(first + per_shard, len(data))):
                out = io.BytesIO()
                Image.fromarray(data.images[k].permute(1, 2, 0).squeeze(-1).numpy()).save(out, "PNG")
                writer.write({"__key__": f"{k:09d}", "png": out.getvalue(), "cls": str(labels[k]).encode()})
    about = {"images": len(data), "classes": list(data.classes), "name": data.name, "image_shape": list(data.image_shape)}
    (folder / _SIDECAR).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    return sorted(folder.glob("*.tar"))
