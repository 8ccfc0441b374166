"""MNIST and Fashion-MNIST: the distributed ``.gz`` files, found, verified and read as they are."""

import gzip
import math
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from imggen_lib.data.download import cache_folder, fetch, verify
from imggen_lib.data.imageset import ImageSet
from imggen_lib.data.words import user_path
from imggen_lib.errors import DataError, DataUnavailable

_MOST = 2**28  # bytes of an unpacked file


@dataclass(frozen=True)
class IdxSource:
    """Where a set lives: the folder's name, mirrors in the order they are tried, and each file's size and SHA-256."""

    folder: str
    classes: tuple[str, ...]
    mirrors: tuple[str, ...]
    files: dict[str, tuple[int, str]]


MNIST = IdxSource(
    folder="MNIST",
    classes=tuple("0123456789"),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ),
    files={
        "train-images-idx3-ubyte.gz": (9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        "train-labels-idx1-ubyte.gz": (28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        "t10k-images-idx3-ubyte.gz": (1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        "t10k-labels-idx1-ubyte.gz": (4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    },
)
FASHION = IdxSource(
    folder="FashionMNIST",
    classes=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    files={
        "train-images-idx3-ubyte.gz": (26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
        "train-labels-idx1-ubyte.gz": (29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        "t10k-images-idx3-ubyte.gz": (4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        "t10k-labels-idx1-ubyte.gz": (5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    },
)


def locate(source: IdxSource, file: str) -> Path:
    """The verified path of a distributed file: in ``$IMGGEN_DATA``, else in the cache, else downloaded into the cache."""
    size, digest = source.files[file]
    data = os.environ.get("IMGGEN_DATA")
    roots = ([user_path(data)] if data else []) + [cache_folder()]
    for root in roots:
        path = root / source.folder / "raw" / file
        try:
            if path.is_file():
                verify(path, digest, size)
                return path
        except OSError as error:
            raise DataUnavailable(f"{path} cannot be read: {error.strerror}") from error
    target = cache_folder() / source.folder / "raw" / file
    try:
        return fetch([mirror + file for mirror in source.mirrors], target, digest, size)
    except DataUnavailable as error:
        raise DataUnavailable(
            f"{error}\nThree ways out: (1) set IMGGEN_DATA to a folder that holds {source.folder}/raw/{file}; "
            f"(2) put the file yourself at {target}; "
            "(3) use load('glyphs'), which is made on the spot and needs no network."
        ) from error


def read_idx(path: Path) -> np.ndarray:
    """The array in a gzipped IDX file of unsigned bytes (big-endian header: magic 0x0800 + rank, then the sizes)."""
    try:
        with gzip.open(path, "rb") as file:
            content = file.read(_MOST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} is not a whole gzip file ({error}); delete it, so that it is fetched anew") from error
    if len(content) > _MOST:
        raise DataError(f"{path} unpacks to more than {_MOST:,} bytes, the largest file of these sets has 47,040,016")
    rank = int.from_bytes(content[:4], "big") - 0x0800
    if rank not in (1, 3) or len(content) < 4 + 4 * rank:
        raise DataError(f"{path} is not an IDX file of unsigned bytes: its first four bytes are {content[:4].hex() or 'missing'}")
    shape = tuple(int.from_bytes(content[4 + 4 * k : 8 + 4 * k], "big") for k in range(rank))
    body = np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * rank)
    if body.size != math.prod(shape):
        raise DataError(f"{path}: the header promises {shape} bytes, the file holds {body.size:,}")
    return body.reshape(shape)


def read_split(source: IdxSource, name: str, split: str) -> ImageSet:
    """The images and labels of a split as an :class:`ImageSet`."""
    stem = {"train": "train", "test": "t10k"}[split]
    images = read_idx(locate(source, f"{stem}-images-idx3-ubyte.gz"))
    labels = read_idx(locate(source, f"{stem}-labels-idx1-ubyte.gz"))
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels):
        raise DataError(f"{name}: images {images.shape} and labels {labels.shape} do not belong together")
    return ImageSet(
        torch.from_numpy(images.copy()).unsqueeze(1),
        torch.from_numpy(labels.astype(np.int64)),
        source.classes,
        name,
    )
