"""Players that move in turns and players that move at once: what the book's GAN gets to, after how many images and seconds."""

import time
from functools import cache
from typing import Any

from bench.apart import apart
from bench.quality import EVERY, SAMPLES
from imggen_lib.configs import GanConfig
from imggen_lib.data import ImageSet, load
from imggen_lib.metrics.distribution import Statistics, features, frechet_distance, statistics
from imggen_lib.protocol import feature_network
from imggen_lib.runs import Run, start
from imggen_lib.sampling import sample

SEEDS = (0, 1)
TOTAL = 100_000  # images, with a look after each EVERY
_runs: dict[str, Run] = {}  # in a side's own process: its training


def begin(order: str, data: ImageSet, seed: int) -> None:
    config = GanConfig(image_shape=data.image_shape, seed=seed, simultaneous=order == "at once")
    _runs[order] = start(config, data, "cpu")


def go(order: str, images: int) -> float:
    """Train until so many images have been seen; the seconds that this took."""
    began = time.perf_counter()
    for _ in _runs[order].records(images):
        pass
    return time.perf_counter() - began


@cache
def real(name: str) -> Statistics:
    """Of the test images; computed once."""
    return statistics(features(feature_network(name), load(name, "test").floats()))


def look(order: str, name: str) -> float:
    """The Frechet distance of the samples to the test images."""
    made = sample(_runs[order].state.ema, SAMPLES, seed=0)  # type: ignore[union-attr]
    return frechet_distance(real(name), statistics(features(feature_network(name), made)))


def measure(data: ImageSet) -> list[dict[str, Any]]:
    """A row an order and seed, with ``looks`` of ``[images, seconds of training, distance]``; the two orders take turns."""
    rows = []
    for seed in SEEDS:
        with apart() as one, apart() as other:
            sides = {"in turns": one, "at once": other}
            found: dict[str, list[tuple[int, float, float]]] = {order: [] for order in sides}
            for order, call in sides.items():
                call(begin, order, data, seed)
            for images in range(EVERY, TOTAL + 1, EVERY):
                for order, call in sides.items():
                    before = found[order][-1][1] if found[order] else 0.0
                    seconds = before + call(go, order, images)
                    found[order].append((images, round(seconds, 1), round(call(look, order, data.name), 2)))
        rows += [{"order": order, "seed": seed, "looks": looks} for order, looks in found.items()]
    return rows
