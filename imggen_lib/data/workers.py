"""The processes that read pictures for a training: how they end, and how what they cannot read reaches the reader in one line.

A dataset here never raises what a user has to read: it gives a :class:`DataError` as its item, and lines of text beside each
picture. PyTorch would pass an exception on as a traceback, and a warning with the line of its own code, once in every process.
"""

import atexit
import os
import signal
import warnings
from collections.abc import Iterator
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, default_collate

from imggen_lib.errors import DataError

Item = tuple[Tensor, int, list[str]] | DataError  # a picture, its label, and what could not be read on the way to it
MOST = 256  # processes
_NAMED = 10


class Problems:
    """What could not be read: each told once, ten at most, and how many in all when the reading ends."""

    def __init__(self, where: str) -> None:
        self.where, self.told = where, set[str]()

    def tell(self, lines: list[str]) -> None:
        """Warn of those that are new, as long as they are few."""
        for line in lines:
            if line not in self.told:
                self.told.add(line)
                if len(self.told) <= _NAMED:
                    warnings.warn(line, stacklevel=2)

    def end(self, before: int) -> None:
        """Say how many there are, if there are new ones that were not named; `before` is how many there were at the start."""
        if len(self.told) > max(before, _NAMED):
            warnings.warn(f"{self.where}: {len(self.told)} such files so far, of which the first {_NAMED} were named", stacklevel=2)


def check_workers(workers: int) -> None:
    """Raises ``ValueError`` for a number of processes that cannot be meant."""
    if isinstance(workers, bool) or not 0 <= workers <= MOST:
        raise ValueError(f"workers must be at least 0 and at most {MOST}, got {workers}")


@cache
def _leaving() -> Any:
    """An event that is set when this process is about to end, before it ends the workers that are left with SIGTERM."""
    event = torch.multiprocessing.Event()
    atexit.register(event.set)
    return event


def _leave_stopping_to_the_training(leaving: Any, _: int) -> None:
    """In a worker: signals that stop a training go to all processes of a group, and it still wants its next batch to stop after.

    A worker ends when the training has no more use for it, is about to end, or is gone.
    """
    for name in ("SIGINT", "SIGHUP", "SIGBREAK", "SIGQUIT"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0) if leaving.is_set() else None)


def _together(items: list[Item]) -> tuple[Tensor, Tensor, list[str]] | DataError:
    """Items as one batch, or the first error among them."""
    pairs, lines = [], []
    for item in items:
        if isinstance(item, DataError):
            return item
        pairs.append(item[:2])
        lines += item[2]
    x, y = default_collate(pairs)
    return x, y, lines


def batches(dataset: Any, workers: int, pin: bool, problems: Problems, **options: Any) -> Iterator[tuple[Tensor, Tensor]]:
    """The batches of a dataset of :data:`Item`, read by `workers` processes, or by this one if there are none."""
    start = partial(_leave_stopping_to_the_training, _leaving()) if workers else None
    loader = DataLoader(dataset, num_workers=workers, pin_memory=pin, worker_init_fn=start, collate_fn=_together, **options)
    before = len(problems.told)
    try:
        for batch in loader:
            if isinstance(batch, DataError):
                raise batch
            problems.tell(batch[2])
            yield batch[0], batch[1]
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):  # PyTorch has no type of its own for this
            raise
        raise DataError(
            "a process that reads pictures was ended from outside, often for want of memory: use fewer workers or a smaller size"
        ) from error
    finally:
        problems.end(before)
