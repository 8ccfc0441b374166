"""Watching a training loop."""

from collections.abc import Iterable, Iterator
from typing import Any


def progress(records: Iterable[dict[str, Any]], images: int, *, start: int = 0, disable: bool = False) -> Iterator[dict[str, Any]]:
    """Pass the records of a training loop through, with a bar that counts images and estimates the time left."""
    from tqdm.auto import tqdm

    with tqdm(total=images, initial=start, unit="img", unit_scale=True, mininterval=0.5, smoothing=0.05, disable=disable) as bar:
        for record in records:
            bar.update(min(record["images"], images) - bar.n)
            yield record


def frames_at(images: int, count: int) -> list[int]:
    """`count` moments between 0 and `images`, close together at first (evenly spaced on a square-root scale)."""
    return sorted({round(images * (k / max(count - 1, 1)) ** 2) for k in range(count)})
