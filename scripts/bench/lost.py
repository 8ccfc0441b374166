"""What depends on the machine: bfloat16, compiled networks, two threads, and two threads where another program has a core."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch

from bench.curves import CONV, MLP, noise, seen
from bench.throughput import speed
from imggen_lib.runs import start

BUSY = "import torch\ntorch.set_num_threads(2)\na = torch.ones(512, 512)\nwhile True: a @ a"


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


def _at(threads: int, seconds: float) -> int:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return round(speed(seen(MLP, noise(10_000, 28)), seconds))
    finally:
        torch.set_num_threads(before)


def _bfloat16(seconds: float) -> dict[str, Any]:
    data = noise(10_000, 28)
    lower = start(replace(CONV, image_shape=data.image_shape), data, "cpu").in_bfloat16()
    after = speed((record["images"] for record in lower.records(2**40)), seconds)
    return {"what": "GAN: products in bfloat16", "before": round(speed(seen(CONV, data), seconds)), "after": round(after)}


def _compiled(seconds: float) -> dict[str, Any]:
    data = noise(10_000, 28)
    run = start(replace(MLP, image_shape=data.image_shape), data, "cpu").compile()
    records = (record["images"] for record in run.records(2**40))
    began = time.perf_counter()
    next(records)
    first = time.perf_counter() - began
    after = speed(records, seconds)
    row = {"what": "VAE: compiled", "before": round(speed(seen(MLP, data), seconds)), "after": round(after)}
    return {**row, "seconds_to_first_step": round(first, 1)}


def measure(seconds: float) -> dict[str, Any]:
    rows = [_bfloat16(seconds), _compiled(seconds)]
    one, two = _at(1, seconds), _at(2, seconds)
    rows.append({"what": "VAE: two threads, nothing else running", "before": one, "after": two})
    for programs in (1, 2):
        with busy(programs):
            one, two = _at(1, seconds), _at(2, seconds)
        name = f"VAE: two threads beside {programs} other program{'s' * (programs > 1)} of two"
        rows.append({"what": name, "before": one, "after": two})
    return {"rows": rows}
