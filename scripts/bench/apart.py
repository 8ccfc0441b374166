"""Each side of a comparison in a process of its own: what one side asks of its process does nothing for the other.

The settings of :mod:`imggen_lib.machine` hold for a whole process. Ours asks for them, as every training with the library does; a
peer runs as its program is. The processes take turns: while one computes, the others wait and use no processor.
"""

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

import torch

from imggen_lib.machine import prepare

Call = Callable[..., Any]


def _begin(threads: int, prepared: str) -> None:
    torch.set_num_threads(threads)
    if prepared:
        prepare(prepared)


@contextmanager
def apart(*, prepared: str = "", threads: int | None = None) -> Iterator[Call]:
    """A function that runs ``f(*args)`` in one new process, always the same one, and gives back what `f` returns.

    `f` is a function of a module, its arguments and results can be pickled; what `f` leaves in its module stays there.
    `prepared` names the device that the process asks the settings for, if any. It has as many `threads` as this one unless told
    otherwise.
    """
    settings = (threads or torch.get_num_threads(), prepared)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, initializer=_begin, initargs=settings) as pool:
        yield lambda f, *args: pool.submit(f, *args).result()
