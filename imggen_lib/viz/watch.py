"""Watching a training loop."""

import contextlib
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from imggen_lib import bars

_UNWRITABLE = (OSError, ValueError, AttributeError)  # what tqdm meets on a broken, a closed and a missing stream


def progress(records: Iterable[dict[str, Any]], images: int, *, start: int = 0, disable: bool = False) -> Iterator[dict[str, Any]]:
    """Pass the records of a training loop through, with a bar that counts images and estimates the time left.

    Where the bar cannot be written (standard error is closed, full, or read by nobody any more), it ends and the training goes on.
    """
    bar, disable = None, disable or sys.stderr is None
    with contextlib.suppress(*_UNWRITABLE):
        bar = bars.bar(total=images, initial=start, unit="img", unit_scale=True, mininterval=0.5, smoothing=0.05, disable=disable)
    try:
        for record in records:
            if bar is not None:
                try:
                    bar.update(min(record["images"], images) - bar.n)
                except _UNWRITABLE:
                    bar.disable = True
            yield record
    finally:
        if bar is not None:
            with contextlib.suppress(*_UNWRITABLE):
                bar.close()


def frames_at(images: int, count: int) -> list[int]:
    """`count` moments between 0 and `images`, close together at first (evenly spaced on a square-root scale)."""
    return sorted({round(images * (k / max(count - 1, 1)) ** 2) for k in range(count)})
