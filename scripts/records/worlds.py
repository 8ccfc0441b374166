"""Train the generator of land, and measure it beside noise, erosion and real land (`make worlds`, an hour of one core).

`train` learns from the western half of Big Tujunga and writes ``land.safetensors``; `measure` compares, on patches of 64 x 64 cells
of 90 m, and writes ``worlds.json``. The eastern half and Colorado were seen by nobody.
"""

import argparse
import json
import platform
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch

import imggen_lib
from imggen_lib.applications.verdict import Measured
from imggen_lib.applications.worlds import generator, lakes, measures, noise, rivals, training
from imggen_lib.applications.worlds.generator import RIM, TILE, Terrain
from imggen_lib.data.elevation import elevation, west_and_east
from imggen_lib.metrics.intervals import t_quantile

ROOT = Path(__file__).parents[2] / "imggen_lib"
OUT, WEIGHTS = ROOT / "measured" / "worlds.json", ROOT / "applications" / "worlds" / "models" / "land.safetensors"
WINDOWS, N, WIDE, SEED = 6_000, 32, 96, 20_000
EROSION = {"steps": 15, "strength": 0.005, "diffusion": 0.0}
BINS = np.linspace(0, 90, 721)
Cells = dict[str, tuple[float, float, float, int]]


def train(windows: int, out: Path) -> None:
    """Train and store, with a line every hundred steps."""
    start, model, record = time.process_time(), Terrain(0), {}
    for step, record in enumerate(training.train(model, windows), 1):
        if step % 100 == 0 or record["images"] >= windows:
            generator.save(record["average"], out)  # type: ignore[arg-type]
            said = {name: round(value, 3) for name, value in record.items() if isinstance(value, (int, float))}
            print(step, f"{time.process_time() - start:.0f} s", said, flush=True)


def mean_with_interval(values: Sequence[float]) -> Measured:
    """Student's interval over patches, cut at 0, which no share is below."""
    n, value = len(values), fmean(values)
    half = t_quantile(0.975, n - 1) * float(np.std(values, ddof=1)) / n**0.5
    return Measured(value, max(value - half, 0.0), value + half, n)


def bootstrapped(patches: np.ndarray, measure: Callable[[np.ndarray], float], draws: int = 200) -> Measured:
    """A number of a set of patches with its percentile interval over patches drawn anew."""
    random, n, value = np.random.default_rng(0), len(patches), measure(np.arange(len(patches)))
    drawn = [measure(random.integers(n, size=n)) for _ in range(draws)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Measured(value, min(float(low), value), max(float(high), value), n)


def cells(patches: np.ndarray, reference: np.ndarray, places: Sequence[np.ndarray]) -> Cells:
    """All measures of one set of patches, against the reference (west): value, low, high, n."""
    counts = np.stack([np.histogram(measures.slopes(p), BINS)[0] for p in patches])
    real = np.cumsum(np.histogram(measures.slopes(reference), BINS)[0] / measures.slopes(reference).size)
    power = np.stack([np.exp(measures.log_spectrum(p[None])) for p in patches])
    wanted = measures.log_spectrum(reference)

    def gap(which: np.ndarray) -> float:
        share = counts[which].sum(0)
        return float(np.abs(np.cumsum(share / share.sum()) - real).max())

    def off(which: np.ndarray) -> float:
        return float(np.sqrt(((np.log(power[which].mean(0)) - wanted) ** 2).mean()))

    found = {
        "hollows": mean_with_interval(measures.hollow_share(patches)),
        "turned over": mean_with_interval(measures.hollow_share(-patches)),
        "depth": mean_with_interval(measures.fill_depth(patches)),
        "pits": mean_with_interval([measures.pit_share(p[None]) for p in patches]),
        "slopes": bootstrapped(patches, gap),
        "spectrum": bootstrapped(patches, off),
        "skew": bootstrapped(patches, lambda which: measures.curvature_skew(patches[which])),
        "direction": bootstrapped(patches, lambda which: measures.preferred_direction(patches[which])),
        "slope": mean_with_interval([float(measures.slopes(p).mean()) for p in patches]),
        "likeness": mean_with_interval([measures.likeness(p[16:48, 16:48], places) for p in patches]),
    }
    return {name: (*(round(float(v), 5) for v in cell[:3]), cell.n) for name, cell in found.items()}


def inner(land: np.ndarray) -> np.ndarray:
    """The middle 64 cells of windows of 96, so that no border of a method is seen."""
    cut = (WIDE - TILE) // 2
    return land[..., cut : cut + TILE, cut : cut + TILE]


def as_steep(land: np.ndarray, wanted: float) -> np.ndarray:
    """The land, stretched upwards until its mean slope is the wanted one."""
    for _ in range(20):
        land = land * (wanted / float(measures.slopes(land).mean()))
    return land


def sets(reference: np.ndarray) -> dict[str, np.ndarray]:
    """What is compared, each as patches of 64 x 64 cells in metres."""
    west, east = west_and_east()
    random, steep = np.random.default_rng(0), float(measures.slopes(reference).mean())
    fractal = np.stack([noise.fbm(SEED + k, 0, 0, TILE, TILE) for k in range(N)])
    wide = rivals.matched_field(measures.patches(west, WIDE, 17), N, random, tilted=True)
    worn = np.stack([rivals.eroded(land, **EROSION) for land in wide])  # type: ignore[arg-type]
    model = generator.shipped()
    ours = np.stack([generator.heights(model, SEED + k, 0, 0, TILE, TILE) for k in range(N)]).astype(float)
    water = np.stack([lakes.level(0, 0, TILE, TILE, SEED + k) for k in range(N)])
    return {
        "fBm": as_steep(fractal, steep),
        "noise of the real spectrum": inner(wide),
        "noise, breached": np.stack([rivals.breached(land) for land in inner(wide)]),
        "noise, eroded": as_steep(inner(worn), steep),
        "generator": ours,
        "generator with its lakes": water,
        "generator, worn in blocks": np.stack([lakes.worn(0, 0, TILE, TILE, SEED + k) for k in range(N // 2)]),
        "real, west": measures.patches(west).astype(float),
        "real, east": measures.patches(east).astype(float),
        "real, Colorado": measures.patches(elevation("colorado")).astype(float),
    }


def by_size(sizes: Sequence[int] = (64, 96, 192)) -> dict[str, dict[str, Measured]]:
    """The share of hollows in larger windows: a hollow that a border cuts open is counted only where the window holds it."""
    west, east = west_and_east()
    model, found = generator.shipped(), {}
    steep = float(measures.slopes(measures.patches(west)).mean())
    for size in sizes:
        fractal = as_steep(np.stack([noise.fbm(SEED + k, 0, 0, size, size) for k in range(8)]), steep)
        ours = [generator.heights(model, SEED + k, 0, 0, size, size).astype(float) for k in range(8)]
        water = [lakes.level(0, 0, size, size, SEED + k) for k in range(4)]
        land = np.concatenate([measures.patches(half, size) for half in (west, east)]).astype(float)
        many = {"real": land, "fractal noise": fractal, "generator": np.stack(ours), "generator with its lakes": np.stack(water)}
        found[str(size)] = {name: mean_with_interval(measures.hollow_share(each)) for name, each in many.items()}
    return found


def bend(strip: np.ndarray) -> float:
    """The mean size of the second difference of strips ``(rows, 4)`` of cells, two on each side of a border."""
    return float(np.abs(np.diff(strip.astype(float), 2, axis=1)).mean())


def seams(count: int = 50) -> dict[str, Any]:
    """The largest difference where neighbours overlap; and how the land bends across a border, beside how it bends inside."""
    random, worst = np.random.default_rng(1), 0.0
    bends: dict[str, list[float]] = {
        f"{way}, {where}": [] for way in ("no padding", "zero padding") for where in ("border", "inside")
    }
    for _ in range(count):
        x, y, seed = (int(v) for v in random.integers(-(10**6), 10**6, 3))
        here, east, south = (generator.tile(x + a, y + b, seed) for a, b in ((0, 0), (1, 0), (0, 1)))
        worst = max(worst, float(np.abs(here[:, TILE:] - east[:, : 2 * RIM]).max()))
        worst = max(worst, float(np.abs(here[TILE:] - south[: 2 * RIM]).max()))
        left, right = (generator.walled_tile(x + a, y, seed) for a in (0, 1))
        bends["no padding, border"].append(bend(here[:, TILE : TILE + 2 * RIM]))
        bends["no padding, inside"].append(bend(here))
        bends["zero padding, border"].append(bend(np.hstack((left[:, -2:], right[:, :2]))))
        bends["zero padding, inside"].append(bend(left))
    return {"pairs": 2 * count, "largest_difference_metres": worst, "bends": {k: mean_with_interval(v) for k, v in bends.items()}}


def ablation(windows: int = 800) -> dict[str, Any]:
    """Short trainings that differ in one part of the loss, measured alike."""
    reference, west = measures.patches(west_and_east()[0], TILE, 27).astype(float), [west_and_east()[0]]
    arms = {"as shipped": training.Weights(), "without water": training.Weights(water=0.0)}
    arms["two critics as well"] = training.Weights(critics=0.1)
    found: dict[str, Any] = {"windows": windows}
    for name, weights in arms.items():
        record = deque(training.train(Terrain(0), windows, weights=weights), maxlen=1)[0]
        model: Any = record["average"]
        land = np.stack([generator.heights(model.eval(), SEED + k, 0, 0, TILE, TILE) for k in range(N)]).astype(float)
        found[name] = {**cells(land, reference, west), "critics": round(float(record.get("critics", 0.0)), 3)}  # type: ignore[arg-type]
        print(name, found[name], flush=True)
    return found


def measure() -> dict[str, Any]:
    """The record's numbers."""
    reference = measures.patches(west_and_east()[0], TILE, 27).astype(float)
    places, compared = [west_and_east()[0]], {}
    for name, patches in sets(reference).items():
        compared[name] = cells(patches, reference, places)
        print(name, {k: round(v[0], 4) for k, v in compared[name].items()}, flush=True)
    return {"sets": compared, "hollows_by_size": by_size(), "seams": seams()}


def main() -> None:
    """Train, or measure and write the record; `ablate` adds short trainings to it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("train", "measure", "ablate"))
    parser.add_argument("--windows", type=int, default=WINDOWS)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if arguments.what == "train":
        train(arguments.windows, arguments.out or WEIGHTS)
        return
    out = arguments.out or OUT
    stored = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}
    if arguments.what == "ablate":
        out.write_text(json.dumps({**stored, "ablation": ablation()}, indent=1) + "\n", encoding="utf-8")
        return
    about = {
        "command": "python scripts/records/worlds.py measure",
        "protocol": {
            "patches": N,
            "cells": TILE,
            "metres_per_cell": generator.CELL,
            "erosion": EROSION,
            "windows_trained": WINDOWS,
        },
        "versions": {"torch": torch.__version__, "python": platform.python_version(), "imggen_lib": imggen_lib.__version__},
        "machine": "CPU, one thread",
    }
    out.write_text(json.dumps({**stored, **about, **measure()}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
