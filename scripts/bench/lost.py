"""What depends on the machine, and on what runs beside: rows of before and after.

Products by oneDNN, memory that is kept, tiny numbers as 0, bfloat16, compiled networks, two threads, two threads where another
program has a core.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from bench.apart import apart
from bench.curves import CONV, MLP, noise, seen
from bench.throughput import begin, go, speed, turns
from imggen_lib.data import ImageSet
from imggen_lib.machine import fast_products, flush_tiny, keep_memory
from imggen_lib.runs import start

BUSY = "import torch\ntorch.set_num_threads(2)\na = torch.ones(512, 512)\nwhile True: a @ a"
ROUNDS = 3
Side = Callable[[float], float]  # seconds to images a second


@contextmanager
def busy(programs: int) -> Iterator[None]:
    """So many other programs that compute with two threads each."""
    others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(programs)]
    try:
        time.sleep(4 if programs else 0)  # until they are at it
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def row(what: str, before: Side, after: Side, seconds: float, **more: Any) -> dict[str, Any]:
    """Both in turns; medians over the rounds."""
    found = turns({"before": before, "after": after}, ROUNDS, seconds)
    return {"what": what, **{side: round(statistics.median(speeds)) for side, speeds in found.items()}, **more}


def _setting(
    what: str, work: str, setting: Callable[[], bool], data: ImageSet, seconds: float, first: float = 0.0
) -> dict[str, Any]:
    """Our side of a comparison without and with one setting of the process, each in a process of its own.

    Both train for the `first` seconds before anything is measured.
    """
    with apart() as before, apart() as after:
        on = after(setting)
        for call in (before, after):
            call(begin, work, "ours", data)
            call(go, first)
        return row(what if on else f"{what} (not on this machine)", partial(before, go), partial(after, go), seconds)


def _at(threads: int) -> Side:
    training = seen(MLP, noise(10_000, 28))

    def side(seconds: float) -> float:
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            return speed(training, seconds)
        finally:
            torch.set_num_threads(before)

    return side


def _bfloat16(seconds: float) -> dict[str, Any]:
    data = noise(10_000, 28)
    run = start(replace(CONV, image_shape=data.image_shape), data, "cpu").in_bfloat16()
    lower = (record["images"] for record in run.records(2**40))
    return row("GAN: products in bfloat16", partial(speed, seen(CONV, data)), partial(speed, lower), seconds)


def _compiled(seconds: float) -> dict[str, Any]:
    data = noise(10_000, 28)
    run = start(replace(MLP, image_shape=data.image_shape), data, "cpu").compile()
    records = (record["images"] for record in run.records(2**40))
    began = time.perf_counter()
    next(records)
    first = round(time.perf_counter() - began, 1)
    return row("VAE: compiled", partial(speed, seen(MLP, data)), partial(speed, records), seconds, seconds_to_first_step=first)


def measure(data: ImageSet, seconds: float) -> dict[str, Any]:
    rows = [
        _setting("VAE: products by oneDNN", "MLP VAE 784-400-20", fast_products, data, seconds),
        _setting("DCGAN 32x32: freed memory kept", "DCGAN 32x32", keep_memory, data, seconds),
        _setting("VAE: tiny numbers as 0, after the first seconds", "MLP VAE 784-400-20", flush_tiny, data, seconds, first=6.0),
        _bfloat16(seconds),
        _compiled(seconds),
    ]
    one, two = _at(1), _at(2)
    rows.append(row("VAE: two threads, nothing else running", one, two, seconds))
    for programs in (1, 2):
        with busy(programs):
            name = f"VAE: two threads beside {programs} other program{'s' * (programs > 1)} of two"
            rows.append(row(name, one, two, seconds))
    return {"rounds": ROUNDS, "rows": rows}
