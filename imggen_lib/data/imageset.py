"""One uint8 tensor of images with their labels, and the only two functions that convert pixels."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from imggen_lib.checks import check_images, check_labels, tensor, whole
from imggen_lib.errors import DataError, unknown_name
from imggen_lib.noise import generator_for

_ORDER = 1  # the stream of random numbers that shuffles; see noise.generator_for


def to_float(images: UInt8[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
    """uint8 0..255 to float32 in [-1, 1]: ``x / 127.5 - 1``. The one way into the library."""
    if tensor(images, "images").dtype != torch.uint8:
        raise ValueError(f"expected uint8 pixels 0..255, got {images.dtype}")
    return images.to(torch.float32).div_(127.5).sub_(1.0)


def to_uint8(images: Float[Tensor, "*n"]) -> UInt8[Tensor, "*n"]:
    """float in [-1, 1] to uint8, rounded to nearest, values outside clipped. The one way out of the library.

    Raises ``ValueError`` for NaN or infinite pixels, and for values so far outside that the range must be another one.
    """
    x = tensor(images, "images").detach().float()
    if not torch.isfinite(x).all():
        raise ValueError(f"{int((~torch.isfinite(x)).sum())} pixels are NaN or infinite")
    if x.numel() and x.abs().max() > 2:
        raise ValueError(f"pixels up to {x.abs().max():.3g}: expected the range [-1, 1], is this [0, 255]?")
    return ((x + 1) * 127.5).round_().clamp_(0, 255).to(torch.uint8)


def to_unit(images: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """[-1, 1] to [0, 1], for Bernoulli likelihoods only."""
    return (images + 1) / 2


def shares(
    n: int,
    size: int,
    *,
    images: int,
    seed: int = 0,
    start: int = 0,
    part: tuple[int, int] = (0, 1),
    device: torch.device | str = "cpu",
) -> Iterator[Int[Tensor, " b"]]:
    """The positions that each batch takes from `n` images, see :meth:`ImageSet.batches`; drawn on the CPU, moved once a pass."""
    mine, of = part
    size, images = whole(size, "the batch size"), whole(images, "the number of images")
    if size < 1 or size % of or not 0 <= mine < of:
        raise ValueError(f"the batch size must be at least 1 and a multiple of the {of} process(es), got {size}")
    epoch, order = -1, torch.empty(0)
    for first in range(start, images, size):
        parts = []
        position = first
        while position < first + size:
            if position // n != epoch:
                epoch = position // n
                order = _moved(torch.randperm(n, generator=generator_for(seed, _ORDER, epoch)), device)
            take = min(first + size - position, n - position % n)
            parts.append(order[position % n : position % n + take])
            position += take
        index = parts[0] if len(parts) == 1 else torch.cat(parts)
        yield index[mine * size // of : (mine + 1) * size // of]


def _moved(index: Tensor, device: torch.device | str) -> Tensor:
    """To a GPU from pinned memory, which the program need not wait for."""
    on_gpu = torch.device(device).type == "cuda"
    return index.pin_memory().to(device, non_blocking=True) if on_gpu else index.to(device)


@dataclass(frozen=True)
class ImageSet:
    """Images ``(n, c, h, w)`` uint8, labels ``(n,)`` int64 in ``range(len(classes))``, and where they came from."""

    images: UInt8[Tensor, "n c h w"]
    labels: Int[Tensor, " n"]
    classes: tuple[str, ...]
    name: str
    factors: Mapping[str, Tensor] = field(default_factory=dict)  # ground truth, where it is known: one value an image
    skipped: tuple[str, ...] = ()  # files of a folder that could not be read, with the reason

    def __post_init__(self) -> None:
        for name in ("images", "labels"):
            object.__setattr__(self, name, torch.as_tensor(getattr(self, name)))
        if self.images.ndim != 4 or self.images.dtype != torch.uint8:
            raise DataError(f"{self.name}: images must be uint8 (n, c, h, w), got {self.images.dtype} {tuple(self.images.shape)}")
        if len(self.images) == 0:
            raise DataError(f"{self.name}: there are no images in it")
        if self.labels.shape != self.images.shape[:1]:
            raise DataError(f"{self.name}: {len(self.images)} images but labels of shape {tuple(self.labels.shape)}")
        look = self.labels.device.type != "meta"
        try:
            object.__setattr__(self, "labels", check_labels(self.labels, len(self), len(self.classes), look=look))
        except ValueError as error:
            raise DataError(f"{self.name}: {error}") from None

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        n, c, h, w = self.images.shape
        what = "grey" if c == 1 else "RGB"
        skipped = f", {len(self.skipped)} files skipped" if self.skipped else ""
        return f"ImageSet({self.name}: {n} {what} images of {h}x{w}, {len(self.classes)} classes{skipped})"

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        _, c, h, w = self.images.shape
        return c, h, w

    @property
    def empty_classes(self) -> tuple[str, ...]:
        """The classes that no image is of."""
        present = set(self.labels.unique().tolist())
        return tuple(name for k, name in enumerate(self.classes) if k not in present)

    @cached_property
    def checksum(self) -> str:
        """SHA-256 of the pixels and labels, as a hexadecimal string; goes into every checkpoint, computed once."""
        digest = hashlib.sha256(str(tuple(self.images.shape)).encode())
        digest.update(self.images.cpu().contiguous().numpy().tobytes())
        digest.update(self.labels.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    @classmethod
    def from_float(
        cls, images: Tensor, labels: Tensor | None = None, name: str = "images", classes: Sequence[str] | None = None
    ) -> "ImageSet":
        """A set of one's own tensors ``(n, c, h, w)`` in [-1, 1]; without labels all are of one class.

        `classes` names them; without names they are ``"0", "1", ...``, and each must have an image.

        Raises:
            ValueError: for images of another range or kind, and for labels that are not whole numbers from 0 on, one for each.
        """
        check_images(images)
        numbers = torch.zeros(len(images), dtype=torch.int64) if labels is None else check_labels(labels, len(images), None)
        count = int(numbers.max()) + 1
        if classes is None and len(present := numbers.unique()) < count:
            empty = sorted(set(range(min(count, 1000))) - set(present.tolist()))
            raise DataError(
                f"{name}: there is no image with the label {empty[0]}, but there are some up to {count - 1}; number the classes "
                "from 0 on without gaps, or name all of them with `classes`"
            )
        return cls(to_uint8(images), numbers, tuple(map(str, range(count) if classes is None else classes)), name)

    def to(self, device: torch.device | str) -> "ImageSet":
        """The same set with its tensors on `device`."""
        factors = {k: v.to(device) for k, v in self.factors.items()}
        return replace(self, images=self.images.to(device), labels=self.labels.to(device), factors=factors)

    def subset(self, index: Tensor) -> "ImageSet":
        """The images at `index` (positions, or a mask), with labels and factors."""
        factors = {k: v[index] for k, v in self.factors.items()}
        return replace(self, images=self.images[index], labels=self.labels[index], factors=factors)

    def batch(self, index: Int[Tensor, " b"]) -> tuple[Float[Tensor, "b c h w"], Int[Tensor, " b"]]:
        """Images in [-1, 1] and labels at `index`; copied image by image, not pixel by pixel as ``images[index]`` would."""
        return to_float(self.images.index_select(0, index)), self.labels.index_select(0, index)

    def floats(self, n: int | None = None) -> Float[Tensor, "n c h w"]:
        """The first `n` images (all by default) in [-1, 1]."""
        return to_float(self.images[:n])

    def batches(
        self, size: int, *, images: int, seed: int = 0, start: int = 0, part: tuple[int, int] = (0, 1)
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches of `size`, from image number `start` to image number `images` of an endless shuffled stream.

        The stream is one fresh permutation of the set after another; the permutation of pass ``e`` depends on ``(seed, e)``
        alone. So a run that stopped after `start` images goes on where it was. The last batch is always whole. With
        ``part = (k, m)`` these are the k-th of m equal shares of the same batches, for m processes.
        """
        device = self.images.device
        for index in shares(len(self), size, images=images, seed=seed, start=start, part=part, device=device):
            yield self.batch(index)

    def mean_image(self) -> Float[Tensor, "c h w"]:
        """The mean over the set, in [-1, 1]; added up in parts, since a set of floats is several times as large as one of bytes."""
        total = torch.stack([part.sum(0, dtype=torch.int64) for part in self.images.split(1000)]).sum(0)
        return total.double().div(len(self)).div(127.5).sub(1).float()


def sides(train: ImageSet, test: ImageSet, reference: str, least: int) -> tuple[ImageSet, ImageSet | None]:
    """The images to compare with, and the real ones that are left. ``auto`` is ``test`` from `least` images on, else ``all``."""
    if reference not in ("auto", "test", "train", "all"):
        raise ValueError(unknown_name("reference", reference, ("auto", "test", "train", "all")))
    if reference == "auto":
        reference = "test" if len(test) >= least else "all"
    if reference != "all":
        return (test, train) if reference == "test" else (train, test)
    if train.checksum == test.checksum:  # few pictures: each split is all of them
        return train, None
    both = (torch.cat([train.images, test.images]), torch.cat([train.labels, test.labels]))
    return ImageSet(*both, train.classes, train.name), None
