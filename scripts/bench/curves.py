"""How the cost grows: images a second against batch, width, image size and data size; start-up; memory while a long stream runs."""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from bench.throughput import speed, turns
from imggen_lib.configs import GanConfig, VaeConfig
from imggen_lib.data import ImageSet, glyphs
from imggen_lib.data.stream import write_shards
from imggen_lib.runs import start

MLP = VaeConfig(net="mlp", latent_dim=50)
CONV = GanConfig()
BATCHES = (16, 32, 64, 128, 256, 512)
WIDTHS = (16, 32, 64, 128)
SIZES = (28, 32, 64, 128)
COUNTS = (1_000, 10_000, 60_000, 600_000)


def noise(count: int, size: int) -> ImageSet:
    """Grey noise: as fast to train on as anything else."""
    pixels = torch.randint(0, 256, (count, 1, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return ImageSet(pixels, torch.zeros(count, dtype=torch.int64), ("any",), "noise")


def seen(config: GanConfig | VaeConfig, data: ImageSet) -> Iterator[int]:
    run = start(replace(config, image_shape=data.image_shape), data, "cpu")
    return (record["images"] for record in run.records(2**40))


def measure(seconds: float, rounds: int = 3) -> dict[str, dict[str, list[list[float]]]]:
    """Curves as lists of ``[setting, images a second]``: medians over rounds in which every point has its turn."""
    small = noise(10_000, 28)
    points = [("batch", "VAE, fully connected", b, replace(MLP, batch=b), small) for b in BATCHES]
    points += [("batch", "GAN, convolutional", b, replace(CONV, batch=b), small) for b in BATCHES]
    points += [("width", "GAN, convolutional", w, replace(CONV, width=w), small) for w in WIDTHS]
    points += [("image size", "GAN, convolutional", s, CONV, noise(2_000, s)) for s in SIZES]
    points += [("images in the set", "VAE, fully connected", n, MLP, noise(n, 28)) for n in COUNTS]
    sides = {point[:3]: partial(speed, seen(*point[3:])) for point in points}
    found: dict[str, dict[str, list[list[float]]]] = {}
    for (panel, name, setting), speeds in turns(sides, rounds, seconds).items():
        found.setdefault(panel, {}).setdefault(name, []).append([setting, round(statistics.median(speeds))])
    return found


IMPORTS = """
import time
import torch
began = time.perf_counter()
import imggen_lib.runs, imggen_lib.sampling, imggen_lib.metrics.distribution
print(time.perf_counter() - began)
"""
FIRST_STEP = """
import time
from imggen_lib.configs import GanConfig
from imggen_lib.data import load
from imggen_lib.runs import start
next(start(GanConfig(), load("mnist"), "cpu").records(64))
print(time.time())
"""


def _median_of_programs(program: str, tries: int, clock: Callable[[], float] = lambda: 0.0) -> float:
    """Of what the program prints, less what `clock` says as it is started."""

    def once() -> float:
        began = clock()
        return float(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout) - began

    once()  # the files come from the disk the first time
    return round(statistics.median(once() for _ in range(tries)), 2)


def startup(tries: int = 5) -> dict[str, float]:
    """Seconds, medians over fresh processes: importing our modules where torch is there, and from the start to the first step.

    The second begins when the process is asked for, before the interpreter runs, and ends with the first step of the book's GAN.
    """
    return {
        "imggen_lib_beyond_torch": _median_of_programs(IMPORTS, tries),
        "program_to_first_step": _median_of_programs(FIRST_STEP, tries, time.time),
    }


STREAMED = """
import json, multiprocessing, sys
from pathlib import Path
from imggen_lib.configs import VaeConfig
from imggen_lib.data.stream import shards
from imggen_lib.runs import start

def resident(*programs):
    pages = (Path(f"/proc/{p}/statm").read_text().split()[1] for p in programs)
    return round(sum(map(int, pages)) * 4096 / 2**20, 1)

total, folder = int(sys.argv[1]), sys.argv[2]
data = shards(folder + "/*.tar", size=8, channels=1)
run = start(VaeConfig(net="mlp", hidden=(64,), latent_dim=4, batch=500, image_shape=(1, 8, 8)), data, "cpu")
found, due = [], total // 20
for record in run.records(total):
    if record["images"] >= due:
        readers = [worker.pid for worker in multiprocessing.active_children()]
        found.append([record["images"], resident("self"), resident(*readers)])
        due += total // 20
print(json.dumps(found))
"""


def streamed(total: int = 1_000_000, files: int = 100) -> dict[str, Any]:
    """The memory of a process that trains on a stream of so many images, and of its two reading workers: ``[images, MiB, MiB]``.

    The shards are links to ten different ones, so that a million images need little disk; each is opened and read by itself.
    """
    with tempfile.TemporaryDirectory() as scratch:
        real, many = Path(scratch) / "real", Path(scratch) / "many"
        source = glyphs.make("train", n=total // files)
        small = torch.nn.functional.avg_pool2d(source.images.float()[:, :, 2:26, 2:26], 3).round().to(torch.uint8)
        first = write_shards(replace(source, images=small), real, per_shard=total // files // 10)
        many.mkdir()
        for k in range(files * 10):
            (many / f"{k:06d}.tar").symlink_to(first[k % len(first)])
        began = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", STREAMED, str(total), str(many)], check=True, capture_output=True, text=True)
        memory = json.loads(done.stdout.splitlines()[-1])
        return {"images": total, "shards": files * 10, "seconds": round(time.perf_counter() - began), "memory_mib": memory}
