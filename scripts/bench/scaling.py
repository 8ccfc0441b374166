"""Two processes that share a batch, beside one: how much faster are they? Each has one thread; and one process with two threads.

``python -m bench.scaling KIND STEPS``, under ``torchrun`` or alone, is one of these processes; :func:`measure` starts them.
"""

import os
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

import torch

from bench.curves import CONV, MLP, noise
from bench.throughput import turns
from imggen_lib.configs import GanConfig, VaeConfig
from imggen_lib.runs import start

WORKS: dict[str, tuple[GanConfig | VaeConfig, int]] = {
    "VAE, fully connected": (MLP, 300),
    "GAN, convolutional": (CONV, 60),
    "GAN, convolutional, batch 512": (replace(CONV, batch=512), 12),
}
SIDES = {"one": (1, 1), "two": (2, 1), "two threads": (1, 2)}  # processes, and threads of each
WARM_UP = 8


def run(name: str, steps: int) -> float | None:
    """Images a second of the whole batch, over so many steps; None in all processes but the first."""
    from accelerate import Accelerator

    processes = Accelerator(cpu=True) if int(os.environ.get("WORLD_SIZE", "1")) > 1 else None
    config, data = WORKS[name][0], noise(10_000, 28)
    records = start(replace(config, image_shape=data.image_shape), data, "cpu").records(2**40, processes)
    list(islice(records, WARM_UP))
    began = time.perf_counter()
    list(islice(records, steps))
    rate = steps * config.batch / (time.perf_counter() - began)
    if processes is not None:
        processes.end_training()
    return rate if processes is None or processes.is_main_process else None


def once(name: str, processes: int, threads: int, part: float) -> float:
    """Start the processes and wait for their answer; `part` of the usual steps."""
    steps = max(1, round(part * WORKS[name][1]))
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)] if processes > 1 else []
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "ACCELERATE_USE_CPU": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, *launcher, "-m", "bench.scaling", name, str(steps)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return float(done.stdout)


def measure(rounds: int = 3, part: float = 1.0) -> list[dict[str, Any]]:
    """Medians of all sides in turns, and the efficiency: two processes over twice the speed of one."""
    rows = []
    for name, (config, _) in WORKS.items():
        sides = {side: partial(once, name, *how) for side, how in SIDES.items()}
        found = {side: statistics.median(speeds) for side, speeds in turns(sides, rounds, part).items()}
        row = {"what": name, "batch": config.batch, **{side: round(speed) for side, speed in found.items()}}
        rows.append(row | {"efficiency": round(found["two"] / (2 * found["one"]), 3)})
    return rows


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    found = run(sys.argv[1], int(sys.argv[2]))
    if found is not None:
        print(found, flush=True)
