"""Images that do not fit into memory: read from files while training goes on, by worker processes, in the same loops.

:func:`files` reads a folder of pictures, :func:`shards` tar files in the WebDataset format (by the ``webdataset``
library). Either gives an :class:`ImageStream`, which takes the place of an :class:`~imggen_lib.data.ImageSet` in a training run.
Memory does not grow with the number of images: what is kept is a list of file names, or of shards, and a few batches a worker.
"""

import atexit
import hashlib
import io
import itertools
import json
import os
import random
import re
import signal
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info

from imggen_lib.data.folder import SUFFIXES, fitted, grey, in_test_split, pictures
from imggen_lib.data.imageset import ImageSet, shares, to_float
from imggen_lib.errors import DataError, DataUnavailable, unknown_name
from imggen_lib.noise import generator_for, mix

_SHARDS = 8  # the stream of random numbers that orders shards and buffers; see noise.generator_for
_SIDECAR = "images.json"
_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # a scheme has two letters or more; one is a Windows drive
Part = tuple[int, int]


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


def _check(size: int, channels: int, workers: int) -> None:
    if size < 8 or size % 4:
        raise ValueError(f"size must be a multiple of 4 and at least 8, got {size}")
    if channels not in (1, 3) or workers < 0:
        raise ValueError(f"channels must be 1 or 3 and workers at least 0, got {channels} and {workers}")


def _tensor(file: Any, size: int, channels: int) -> Tensor:
    pixels = fitted(file, size)
    return torch.from_numpy(np.ascontiguousarray((grey(pixels) if channels == 1 else pixels).transpose(2, 0, 1)))


@cache
def _leaving() -> Any:
    """An event that is set when this process is about to end, before it ends the workers that are left with SIGTERM."""
    event = torch.multiprocessing.Event()
    atexit.register(event.set)
    return event


def _leave_stopping_to_the_training(leaving: Any, _: int) -> None:
    """In a worker: Ctrl-C and SIGTERM go to all processes of a group, and the training still wants its next batch to stop after.

    A worker ends when the training has no more use for it, is about to end, or is gone.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0) if leaving.is_set() else None)


def _loader(dataset: Any, workers: int, pin: bool, **batches: Any) -> Iterator[tuple[Tensor, Tensor]]:
    start = partial(_leave_stopping_to_the_training, _leaving()) if workers else None
    return iter(DataLoader(dataset, num_workers=workers, pin_memory=pin, worker_init_fn=start, **batches))


class _Files(Dataset[tuple[Tensor, int]]):
    """Pictures by position. One that cannot be read is replaced by its neighbour, with a warning."""

    def __init__(self, paths: list[Path], labels: list[int], size: int, channels: int) -> None:
        self.paths, self.labels, self.size, self.channels = paths, labels, size, channels

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, k: int) -> tuple[Tensor, int]:
        for step in range(20):
            here = (k + step) % len(self.paths)
            try:
                return _tensor(self.paths[here], self.size, self.channels), self.labels[here]
            except MemoryError:
                raise
            except Exception as error:  # decoders raise what they like for damaged files
                warnings.warn(f"{self.paths[here]} cannot be read ({error}); the next picture takes its place", stacklevel=2)
        raise DataError(f"twenty pictures in a row cannot be read, from {self.paths[k]} on")


def _top(relative: Path) -> str:
    return relative.parts[0] if len(relative.parts) > 1 else "."


def files(path: str | Path, split: str = "train", *, size: int = 32, channels: int = 3, workers: int = 2) -> ImageStream:
    """The pictures below a folder, each read anew whenever its turn comes; classes are the first-level subfolders.

    The same files in the same splits, and the same batches in the same order, as
    :func:`imggen_lib.data.folder.read_folder` has in memory.
    """
    if split not in ("train", "test"):
        raise ValueError(unknown_name("split", split, ("train", "test")))
    _check(size, channels, workers)
    root = Path(path).expanduser()
    found = pictures(root) if root.is_dir() else []
    if len(found) < 2:
        raise DataError(f"{root} is no folder with at least two pictures")
    test = [in_test_split(p.relative_to(root).as_posix()) for p in found]
    tops = sorted({_top(p.relative_to(root)) for p in found})
    if len(found) >= 20 and any(test) and not all(test):
        found = [p for p, held_out in zip(found, test, strict=True) if held_out == (split == "test")]
    relative = [p.relative_to(root) for p in found]
    dataset = _Files(found, [tops.index(_top(r)) for r in relative], size, channels)

    def loader(batch: int, images: int, seed: int, start: int, part: Part, pin: bool) -> Iterator[tuple[Tensor, Tensor]]:
        order = shares(len(dataset), batch, images=images, seed=seed, start=start, part=part)
        sampler: Any = (index.tolist() for index in order)
        return _loader(dataset, workers, pin, batch_sampler=sampler)

    digest = _digest(f"{r.as_posix()} {p.stat().st_size}" for r, p in zip(relative, found, strict=True))
    return ImageStream(f"files:{path}", (channels, size, size), tuple(tops), digest, len(found), loader)


def _digest(lines: Iterator[str]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode("utf-8", "surrogateescape") + b"\n")
    return digest.hexdigest()


def _webdataset() -> Any:
    try:
        import webdataset
    except ImportError as error:
        raise DataUnavailable("shards are read by the webdataset library: pip install webdataset") from error
    return webdataset


class _Shards(IterableDataset[tuple[Tensor, int]]):
    """Every shard is read once a pass by one worker of one process; images are shuffled in a buffer."""

    def __init__(self, urls: list[str], shape: tuple[int, int, int], classes: int, seed: int, part: Part, buffer: int) -> None:
        self.urls, self.shape, self.classes, self.seed, self.part, self.buffer = urls, shape, classes, seed, part, buffer

    def __iter__(self) -> Iterator[tuple[Tensor, int]]:
        info = get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        mine, of = self.part[0] * workers + worker, self.part[1] * workers
        if len(self.urls) < of:
            raise DataError(f"{len(self.urls)} shard(s) for {of} readers: make smaller shards, or use fewer workers")
        for epoch in itertools.count():
            order = torch.randperm(len(self.urls), generator=generator_for(self.seed, _SHARDS, epoch)).tolist()
            rng = random.Random(mix(self.seed, _SHARDS, epoch, mine))
            found = False
            for image in self._pass([self.urls[k] for k in order[mine::of]], rng):
                found = True
                yield image
            if not found:
                raise DataError(f"no pictures with a file name ending in {', '.join(sorted(SUFFIXES))} in {self.urls[order[mine]]}")

    def _samples(self, urls: list[str]) -> Iterator[dict[str, Any]]:
        """WebDataset's own steps from an open tar file to samples; the files are closed as soon as they are read."""
        wds = _webdataset()
        for url in urls:
            with wds.gopen(url) if _REMOTE.match(url) else open(url, "rb") as opened:
                yield from wds.tariterators.group_by_keys(wds.tariterators.tar_file_expander([{"url": url, "stream": opened}]))

    def _pass(self, urls: list[str], rng: random.Random) -> Iterator[tuple[Tensor, int]]:
        for sample in _webdataset().shuffle(self.buffer, rng=rng)(self._samples(urls)):
            kind = next((key for key in sample if f".{key.lower()}" in SUFFIXES), None)
            if kind is None:
                continue
            try:
                picture, label = _tensor(io.BytesIO(sample[kind]), self.shape[1], self.shape[0]), int(sample.get("cls", b"0"))
            except MemoryError:
                raise
            except Exception as error:
                warnings.warn(f"{sample.get('__key__')} in {sample.get('__url__')} is left out: {error}", stacklevel=2)
                continue
            if self.classes and not 0 <= label < self.classes:
                raise DataError(f"{sample['__key__']} in {sample['__url__']} is of class {label}; {_SIDECAR} has {self.classes}")
            yield picture, label


def shards(pattern: str, *, size: int = 32, channels: int = 3, workers: int = 2, buffer: int = 2000) -> ImageStream:
    """WebDataset shards: ``photos/{000000..000099}.tar``, a glob, or anything that WebDataset opens, such as ``pipe:`` commands.

    A sample is a picture (``png``, ``jpg``, ...) and, if there are classes, its number in ``cls``. An ``images.json`` beside the
    shards, as :func:`write_shards` makes it, says how many images and which classes there are.
    """
    _check(size, channels, workers)
    _webdataset()
    import braceexpand

    if local := not _REMOTE.match(pattern):
        pattern = Path(pattern).as_posix()  # braceexpand takes a backslash for an escape
    urls = [u for p in braceexpand.braceexpand(pattern) for u in (_glob(p) if local else [p])]
    if not urls or (local and not all(Path(u).is_file() for u in urls)):
        raise DataError(f"no shards at {pattern}")
    sidecar = Path(urls[0]).with_name(_SIDECAR)
    about = json.loads(sidecar.read_text(encoding="utf-8")) if local and sidecar.is_file() else {}
    shape, classes = (channels, size, size), tuple(about.get("classes", ()))

    def loader(batch: int, images: int, seed: int, start: int, part: Part, pin: bool) -> Iterator[tuple[Tensor, Tensor]]:
        dataset = _Shards(urls, shape, len(classes), mix(seed, start), part, buffer)
        own = batch // part[1]
        if batch < 1 or batch % part[1]:
            raise ValueError(f"the batch size must be at least 1 and a multiple of the {part[1]} process(es), got {batch}")
        return itertools.islice(_loader(dataset, workers, pin, batch_size=own), -(-(images - start) // batch))

    digest = _digest(f"{Path(u).name} {Path(u).stat().st_size}" if local else u for u in urls)
    return ImageStream(f"shards:{pattern}", shape, classes, digest, int(about.get("images", 0)), loader)


def _glob(pattern: str) -> list[str]:
    path = Path(pattern).expanduser()
    return sorted(map(str, path.parent.glob(path.name))) or [str(path)]


def write_shards(data: ImageSet, folder: str | Path, *, per_shard: int = 1000) -> list[Path]:
    """Write a set as WebDataset shards of PNG files, with an ``images.json``; the shards' paths."""
    from PIL import Image

    wds = _webdataset()
    folder = Path(folder)
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
