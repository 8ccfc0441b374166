"""Players that move in turns and players that move at once: what the book's GAN gets to, after how many images and seconds."""

import time
from typing import Any

from bench.apart import apart
from imggen_lib.configs import GanConfig
from imggen_lib.data import ImageSet, load
from imggen_lib.metrics.distribution import features, frechet_distance, statistics
from imggen_lib.protocol import feature_network
from imggen_lib.runs import Run, start
from imggen_lib.sampling import sample

SEEDS = (0, 1)
EVERY, TOTAL = 20_000, 100_000  # images between two looks, and in all
SAMPLES = 10_000
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


def look(order: str, name: str) -> float:
    """The Frechet distance of the samples to the test images."""
    net, test = feature_network(name), load(name, "test").floats()
    made = sample(_runs[order].state.ema, SAMPLES, seed=0)  # type: ignore[union-attr]
    return frechet_distance(statistics(features(net, test)), statistics(features(net, made)))


def measure(data: ImageSet) -> list[dict[str, Any]]:
    """A row an order and seed, with ``looks`` of ``[images, seconds of training, distance]``; the two orders take turns."""
    rows = []
    for seed in SEEDS:
        with apart(prepared="cpu") as one, apart(prepared="cpu") as other:
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
