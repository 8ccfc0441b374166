"""Images that do not fit into memory: read from files while training goes on, by worker processes, in the same loops.

:func:`files` reads a folder of pictures, :func:`shards` tar files in the WebDataset format (by the ``webdataset``
library). Either gives an :class:`ImageStream`, which takes the place of an :class:`~imggen_lib.data.ImageSet` in a training run.
Memory does not grow with the number of images: what is kept is a list of file names, or of shards, and a few batches a worker.
A picture that cannot be read is told by a warning, once; ten are named, the others counted.
"""

import hashlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import Dataset

from imggen_lib.data.imageset import shares, to_float
from imggen_lib.data.listing import Listing, check_shape, check_split, listing, too_few
from imggen_lib.data.pictures import Colour, colour
from imggen_lib.data.shards import Shards, addresses, is_local, sidecar, tensor, webdataset, write_shards
from imggen_lib.data.workers import Item, Problems, batches, check_workers
from imggen_lib.errors import DataError, printable
from imggen_lib.noise import mix

__all__ = ["ImageStream", "files", "shards", "write_shards"]

Part = tuple[int, int]
Shape = tuple[int, int, int]


@dataclass(frozen=True)
class ImageStream:
    """A set of images that is read as it is used.

    ``loader(size, images, seed, start, part, pin)`` gives uint8 batches on the CPU, in pinned memory if asked.
    """

    name: str
    image_shape: tuple[int, int, int]
    classes: tuple[str, ...]
    checksum: str  # of the names and sizes of the files, not of their contents
    count: int  # images in one pass; 0 if nobody counted them
    loader: Callable[[int, int, int, int, Part, bool], Iterator[tuple[Tensor, Tensor]]]
    device: torch.device | str = "cpu"
    skipped: tuple[str, ...] = ()
    empty_classes: tuple[str, ...] = ()  # those known to be without a picture

    def __len__(self) -> int:
        return self.count

    def __repr__(self) -> str:
        c, h, w = self.image_shape
        what, many = ("grey" if c == 1 else "RGB"), (f"{self.count}" if self.count else "uncounted")
        return f"ImageStream({self.name}: {many} {what} images of {h}x{w}, {len(self.classes)} classes)"

    def to(self, device: torch.device | str) -> "ImageStream":
        """The same stream with its batches on `device`."""
        return replace(self, device=device)

    def batches(
        self, size: int, *, images: int, seed: int = 0, start: int = 0, part: Part = (0, 1)
    ) -> Iterator[tuple[Float[Tensor, "b c h w"], Tensor]]:
        """As :meth:`ImageSet.batches`. A folder has the very same order; shards are read in another order after a restart."""
        pin = torch.device(self.device).type == "cuda"
        for x, y in self.loader(size, images, seed, start, part, pin):
            yield to_float(x.to(self.device, non_blocking=True)), y.to(self.device, non_blocking=True)

    def mean_image(self, images: int = 1000) -> Float[Tensor, "c h w"]:
        """The mean over the first images of the stream, in [-1, 1]."""
        total, seen = torch.zeros(self.image_shape, dtype=torch.float64), 0
        for x, _ in self.batches(50, images=images):
            total += x.double().sum(0).cpu()
            seen += len(x)
        return (total / seen).float()


class _Files(Dataset[Item]):
    """Pictures by position. One that cannot be read is replaced by its neighbour."""

    def __init__(self, found: Listing, chosen: list[int], shape: Shape, over: Colour, bad: dict[int, str]) -> None:
        self.found, self.chosen, self.shape, self.over = found, chosen, shape, over
        self.bad = dict(bad)  # positions, with the reason

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, k: int) -> Item:
        lines: list[str] = []
        for step in range(len(self)):
            here = self.chosen[(k + step) % len(self)]
            if here in self.bad:
                continue
            file, name = self.found.files[here], printable(str(self.found.files[here]))
            try:
                picture, remark = tensor(file, self.shape, self.over, file.suffix)
            except DataError as error:
                self.bad[here] = str(error)
                lines.append(f"{name} cannot be read ({error}); the next picture takes its place")
                continue
            return picture, self.found.labels[here], lines + ([f"{name} is {remark}"] if remark else [])
        first = self.chosen[k % len(self)]
        why = f"{printable(self.found.names[first])}: {self.bad[first]}"
        return DataError(f"none of the {len(self)} pictures in {printable(str(self.found.root))} can be read, such as {why}")


def _two_readable(found: Listing, shape: Shape, over: Colour) -> dict[int, str]:
    """What cannot be read before the second picture that can; an error if there are not two, as for a folder in memory."""
    readable, bad = 0, dict[int, str]()
    for k, file in enumerate(found.files):
        try:
            tensor(file, shape, over, file.suffix)
            readable += 1
        except DataError as error:
            bad[k] = str(error)
        if readable == 2:
            return bad
    raise too_few(found.root, readable, [*found.skipped, *_named(found, bad)])


def _named(found: Listing, bad: dict[int, str]) -> list[str]:
    return [f"{printable(found.names[k])}: {why}" for k, why in bad.items()]


def files(
    path: str | Path, split: str = "train", *, size: int = 32, channels: int = 3, workers: int = 2, background: str = "white"
) -> ImageStream:
    """The pictures below a folder, each read anew whenever its turn comes; classes are the first-level subfolders.

    The same files in the same splits, and if all can be read the same batches in the same order, as
    :func:`imggen_lib.data.folder.read_folder` has in memory. In place of a picture that cannot be read comes the next one.
    """
    check_split(split)
    _check(size, channels, workers)
    shape, over = (channels, size, size), colour(background)
    found = listing(path)
    bad = _two_readable(found, shape, over)
    chosen = found.split(split)
    present = {found.labels[k] for k in chosen}
    empty = tuple(name for k, name in enumerate(found.classes) if k not in present)
    loader = _FileLoader(_Files(found, chosen, shape, over, bad), workers, Problems(f"files:{printable(str(path))}"))
    digest = _digest(f"{found.names[k]} {_bytes(found.files[k])}" for k in chosen)
    skipped = (*found.skipped, *_named(found, bad))
    return ImageStream(f"files:{path}", shape, found.classes, digest, len(chosen), loader, skipped=skipped, empty_classes=empty)


@dataclass(frozen=True)
class _FileLoader:
    """What :attr:`ImageStream.loader` does for files: no function inside another, so that a stream can be copied and pickled."""

    pictures: _Files
    workers: int
    problems: Problems

    def __call__(self, batch: int, images: int, seed: int, start: int, part: Part, pin: bool) -> Iterator[tuple[Tensor, Tensor]]:
        order = shares(len(self.pictures), batch, images=images, seed=seed, start=start, part=part)
        sampler: Any = (index.tolist() for index in order)
        return batches(self.pictures, self.workers, pin, self.problems, batch_sampler=sampler)


def _check(size: int, channels: int, workers: int) -> None:
    check_shape(size, channels)
    if channels is None:
        raise ValueError("channels must be 1 or 3: nobody has looked at all the pictures")
    check_workers(workers)


def _bytes(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:  # gone since it was listed
        return 0


def _digest(lines: Iterator[str]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode("utf-8", "surrogateescape") + b"\n")
    return digest.hexdigest()


def shards(
    pattern: str, *, size: int = 32, channels: int = 3, workers: int = 2, buffer: int = 2000, background: str = "white"
) -> ImageStream:
    """WebDataset shards: ``photos/{000000..000099}.tar``, a glob, or anything that WebDataset opens, such as ``pipe:`` commands.

    A sample is a picture (``png``, ``jpg``, ...) and, if there are classes, its number in ``cls``. An ``images.json`` beside the
    shards, as :func:`write_shards` makes it, says how many images and which classes there are. With fewer shards than workers
    there are as many workers as shards.
    """
    _check(size, channels, workers)
    webdataset()
    shape, over, urls = (channels, size, size), colour(background), addresses(pattern)
    classes, count = sidecar(urls)
    loader = _ShardLoader(urls, shape, over, len(classes), workers, buffer, Problems(f"shards:{printable(pattern)}"))
    digest = _digest(f"{Path(u).name} {Path(u).stat().st_size}" if is_local(u) else u for u in urls)
    return ImageStream(f"shards:{pattern}", shape, classes, digest, count, loader)


@dataclass(frozen=True)
class _ShardLoader:
    """What :attr:`ImageStream.loader` does for shards."""

    urls: list[str]
    shape: Shape
    over: Colour
    classes: int
    workers: int
    buffer: int
    problems: Problems

    def __call__(self, batch: int, images: int, seed: int, start: int, part: Part, pin: bool) -> Iterator[tuple[Tensor, Tensor]]:
        processes = part[1]
        if batch < 1 or batch % processes:
            raise ValueError(f"the batch size must be at least 1 and a multiple of the {processes} process(es), got {batch}")
        if len(self.urls) < processes:
            raise DataError(f"{len(self.urls)} shard(s) for {processes} processes: make smaller shards, or use fewer processes")
        dataset = Shards(self.urls, self.shape, self.over, self.classes, mix(seed, start), part, self.buffer)
        readers = min(self.workers, len(self.urls) // processes)
        read = batches(dataset, readers, pin, self.problems, batch_size=batch // processes)
        return itertools.islice(read, -(-(images - start) // batch))
