"""Was the sentence obeyed? Words beside what a reader of factors found in the images."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from imggen_lib.applications.verdict import Measured
from imggen_lib.data.captions import FACTORS, obeyed, parse
from imggen_lib.metrics.intervals import wilson_interval


@runtime_checkable
class ReadsFactors(Protocol):
    """What can say which factors an image has: a trained reader, or :mod:`imggen_lib.applications.sentence.nearest`."""

    def read(self, images: Float[Tensor, "n 1 28 28"]) -> dict[str, Tensor]:
        """The factors of each image, by the names of :data:`imggen_lib.data.captions.FACTORS`."""


def share(right: np.ndarray) -> Measured:
    """The share of true values, with Wilson's interval and n. Raises `ValueError` for none."""
    n, k = len(right), int(right.sum())
    if n < 1:
        raise ValueError("a share of nothing is no number")
    low, high = wilson_interval(k, n)
    return Measured(k / n, min(low, k / n), max(high, k / n), n)


def obedience(
    meanings: Int[np.ndarray, "n seven"], images: Float[Tensor, "n 1 28 28"], reader: ReadsFactors
) -> dict[str, Measured]:
    """How often each word was obeyed, of the images whose sentence says it; under ``all``, how often all words of a sentence were.

    `meanings` as in :mod:`imggen_lib.data.captions`, pixels in [-1, 1]; a factor that no sentence speaks of has no entry.
    """
    if len(meanings) != len(images) or not len(images):
        raise ValueError(f"each image needs a meaning, got {len(images)} images and {len(meanings)} meanings")
    right = obeyed(meanings, {name: value.numpy() for name, value in reader.read(images).items()})
    found = {factor: share(right[said, k]) for k, factor in enumerate(FACTORS) if (said := meanings[:, k] >= 0).any()}
    return {**found, "all": share(np.asarray(right.all(1)))}


def told(texts: list[str]) -> Int[np.ndarray, "n seven"]:
    """The meanings of sentences."""
    return np.stack([parse(text) for text in texts])


def relative(drawn: Measured, real: Measured) -> Measured:
    """A share of drawn images as a part of the same share of real ones, with an interval that is safe rather than short.

    From the lowest share of the drawn over the highest of the real to the highest over the lowest: if both intervals of 95 % hold,
    so does this one. Raises `ValueError` if no real image was read as its sentence says.
    """
    if real.low <= 0:
        raise ValueError("no real image was read right: there is nothing to compare with")
    return Measured(drawn.value / real.value, drawn.low / real.high, drawn.high / real.low, min(drawn.n, real.n))


def as_json(table: Mapping[str, Measured]) -> dict[str, Any]:
    """Values to four digits, for a record."""
    return {name: [round(cell.value, 4), round(cell.low, 4), round(cell.high, 4), cell.n] for name, cell in table.items()}
