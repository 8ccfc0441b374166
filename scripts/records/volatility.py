"""Train the VAEs of volatility surfaces, and measure how they complete surfaces beside a Gaussian, a fit and simpler things.

``python scripts/records/volatility.py train`` makes the models, of which those of seed 0 ship; ``volatility.py measure`` writes the
record. Neither needs data: the surfaces are simulated. Both count processor seconds.
"""

import argparse
import json
import platform
import time
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

import imggen_lib
from imggen_lib.applications.volatility import measures, models
from imggen_lib.applications.volatility.completion import Completer, Decoded, Flat, Gaussian, Nearest
from imggen_lib.applications.volatility.fits import least_squares, true_model
from imggen_lib.applications.volatility.surfaces import TRUTHS, draw, quotes
from imggen_lib.data.download import sha256
from imggen_lib.noise import generator_for

OUT = Path(__file__).parents[2] / "imggen_lib" / "measured" / "volatility.json"
SURFACES, IMAGES, SHORT = 20_000, 3_000_000, 286_720
N, COUNTS, NOISE, SAMPLES = 100, (5, 10, 20), (0.0, 0.02), 1000
TRAINED = [
    ("volatilities", 0, IMAGES), ("parameters", 0, IMAGES), ("volatilities", 0, SHORT), ("volatilities", 1, IMAGES),
]  # fmt: skip


def stem(kind: str, seed: int, images: int) -> str:
    """The name of a training's files."""
    return f"{kind}-{seed}" + ("-short" if images == SHORT else "")


def train(runs: Path) -> None:
    """Train what is not trained yet, and put seed 0 where the library has it."""
    surfaces = draw(SURFACES, 0)
    runs.mkdir(parents=True, exist_ok=True)
    for kind, seed, images in TRAINED:
        path, start = runs / f"{stem(kind, seed, images)}.safetensors", time.process_time()
        if path.exists():
            continue
        model, records = models.training(kind, seed, surfaces, images)
        for step, record in enumerate(records, 1):
            if step % 2000 == 0:
                said = {name: round(float(record[name]), 1) for name in ("elbo", "kl")}
                print(path.stem, record["images"], f"{time.process_time() - start:.0f} s", said, flush=True)
        save_file(models.halved(model), path, {"seconds": f"{time.process_time() - start:.0f}"})
        if seed == 0 and images == IMAGES:
            release(kind, path, time.process_time() - start)


def release(kind: str, path: Path, seconds: float) -> None:
    """Copy the weights to the library, with their card."""
    weights = models.WEIGHTS / f"volatility-{kind}.safetensors"
    weights.write_bytes(path.read_bytes())
    said = {
        "command": "python scripts/records/volatility.py train",
        "warning": "Not for trading: trained on simulated surfaces, and no number here is about a market",
        "licence": "MIT, trained by this book on surfaces that it simulates",
        "kind": kind,
        "latent_dim": models.LATENT,
        "hidden": list(models.HIDDEN),
        "seed": 0,
        "surfaces": SURFACES,
        "images": IMAGES,
        "processor_seconds": round(seconds),
        "versions": versions(),
        "weights": {"file": weights.name, "sha256": sha256(weights)},
    }
    (models.WEIGHTS / f"volatility-{kind}.json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


def versions() -> dict[str, str]:
    """Of what computes."""
    return {"torch": torch.__version__, "python": platform.python_version(), "imggen_lib": imggen_lib.__version__}


def ways(runs: Path) -> dict[str, Completer]:
    """All that completes surfaces, by the name of its row."""
    surfaces = draw(SURFACES, 0)
    known: dict[str, Completer] = {
        "flat": Flat(),
        "nearest": Nearest(surfaces),
        "PPCA": Gaussian.ppca(surfaces, models.LATENT),
        "Gaussian": Gaussian.full(surfaces),
        "SSVI fit": least_squares(),
        "true model": true_model(),
    }
    for kind, seed, images in TRAINED:
        name = stem(kind, seed, images)
        known[f"VAE of {name}"] = models.completer(models.filled(kind, load_file(runs / f"{name}.safetensors")))
    return known


def without_noise(way: Gaussian) -> Gaussian:
    """The same less what all places have of their own, as a decoder's means are: for PPCA, covariance W W'."""
    least = float(torch.linalg.eigvalsh(way.covariance)[0])
    return Gaussian(way.mean, way.covariance - max(least, 0.0) * torch.eye(len(way.mean), dtype=way.mean.dtype))


def samples(known: dict[str, Completer]) -> dict[str, Any]:
    """The share of surfaces drawn from each model that have arbitrage."""
    found = {}
    for name, way in known.items():
        generator = generator_for(5, 0)
        if isinstance(way, Gaussian):
            drawn = without_noise(way).sample(SAMPLES, generator)
        elif isinstance(way, Decoded) and name.startswith("VAE"):
            drawn = way.decode(torch.randn(SAMPLES, way.dim, generator=generator, dtype=torch.float64))
        else:
            continue
        found[name] = measures.arbitrage_share(drawn)
    for truth in TRUTHS:
        found[truth] = measures.arbitrage_share(draw(SAMPLES if truth != "Heston" else N, 1, truth))
    return found


def measure(runs: Path) -> dict[str, Any]:
    """Every way on every truth, number of quotes and noise, beside the full Gaussian surface by surface."""
    known, cells = ways(runs), {}
    for truth in TRUTHS:
        surfaces = draw(N, 1, truth)
        for noise in NOISE:
            for m in COUNTS:
                asked = quotes(surfaces, m, 3, noise)
                found = {name: way.complete(asked) for name, way in known.items()}
                label = f"{truth}, {m} quotes, " + (f"{noise:.0%} noise" if noise else "exact")
                cells[label] = measures.compared(found, surfaces, asked, "Gaussian")
                print(label, {k: v["rmse"][0] for k, v in cells[label].items()}, flush=True)
    return {"cells": cells, "samples with arbitrage": samples(known)}


def main() -> None:
    """Train, or measure and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("train", "measure"))
    parser.add_argument("--runs", type=Path, default=Path("runs") / "volatility")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.what == "train":
        train(arguments.runs)
        return
    seconds = {}
    for kind, seed, images in TRAINED:
        path = arguments.runs / f"{stem(kind, seed, images)}.safetensors"
        seconds[stem(kind, seed, images)] = int(_metadata(path)["seconds"])
    found = {
        "command": "python scripts/records/volatility.py measure",
        "protocol": {
            "training_surfaces": SURFACES, "test_surfaces": N, "quotes": list(COUNTS), "noise": list(NOISE), "band": 0.9,
            "images": IMAGES, "short_images": SHORT, "latents": models.LATENT, "samples": SAMPLES,
            "rmse": "root mean square over 256 places in volatility points, mean over surfaces, with Student's 95 % interval",
        },
        "versions": versions(),
        "machine": "CPU, one thread",
        "processor_seconds": seconds,
        **measure(arguments.runs),
    }  # fmt: skip
    arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _metadata(path: Path) -> dict[str, str]:
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        return dict(file.metadata())


if __name__ == "__main__":
    main()
